//! How many calls of the control API a key may make in a minute, and the headers that tell what is left.
//!
//! The headers are `ratelimit-policy` and `ratelimit` of the IETF's draft draft-ietf-httpapi-ratelimit-headers, and
//! `retry-after` (RFC 9110, section 10.2.3) of a refusal. Each replica counts for itself.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use contract::route::Window;

use super::auth::Caller;
use super::failure::Failure;
use crate::app::App;
use crate::http::limit::{Budget, LimitKey};

const MINUTE_MS: u32 = 60_000;
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// The window of a minute; none when keys may call as often as they like.
fn window(app: &App) -> Option<Window> {
    let calls = app.config.key_calls_per_minute;
    (calls > 0).then_some(Window { length_ms: MINUTE_MS, calls })
}

fn budget(app: &App, caller: &Caller) -> Option<Budget> {
    let now_ms = app.hub.installation_clock.mono_ms();
    Some(app.limits.budget(LimitKey::ApiKey(caller.actor.id.id), window(app)?, now_ms))
}

/// Counts a call of the key, or refuses it.
pub(super) fn check(app: &App, caller: &Caller) -> Result<(), Failure> {
    let Some(window) = window(app) else { return Ok(()) };
    let now_ms = app.hub.installation_clock.mono_ms();
    let checked = app.limits.check(LimitKey::ApiKey(caller.actor.id.id), &[window], now_ms);
    checked.map_err(|error| {
        let budget = Budget { window, remaining: 0, reset_s: error.reset_s };
        Failure::RateLimited(budget)
    })
}

/// Adds what the key has left.
pub(super) fn tell(app: &App, caller: &Caller, headers: &mut HeaderMap) {
    if let Some(budget) = budget(app, caller) {
        insert(&budget, headers);
    }
}

/// Adds the two headers.
pub(super) fn insert(budget: &Budget, headers: &mut HeaderMap) {
    let Budget { window, remaining, reset_s } = budget;
    let length_s = window.length_ms / 1_000;
    let policy = format!("\"key\";q={};w={length_s}", window.calls);
    for (name, text) in [(POLICY, policy), (LEFT, format!("\"key\";r={remaining};t={reset_s}"))] {
        headers.insert(name, HeaderValue::try_from(text).expect("numbers and ASCII letters"));
    }
}
