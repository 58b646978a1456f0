//! `POST /apps/{app_id}/resend`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{ResendSince, Resent};

use crate::control::failure::{Failure, judge};
use crate::control::gate::Call;
use crate::control::instant;
use crate::control::repeat;
use crate::control::request::{Command, json};

/// Sends every event of an app again that happened at `since` or later, to whatever sink the app has now.
///
/// Receivers know repeats by their `event_id`.
#[utoipa::path(
    post,
    path = "/apps/{app_id}/resend",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    request_body = ResendSince,
    responses((status = 200, description = "How many deliveries are due again", body = Resent))
)]
pub(crate) async fn resend_app_events(
    call: Call,
    command: Command<ResendSince>,
) -> Result<Response, Failure> {
    let body = command.body;
    judge(body.faults())?;
    let since = instant::parse(&body.since)
        .ok_or_else(|| Failure::field("since", "expected an instant with its offset (RFC 3339)"))?;
    let app_id = call.vendor_app().await?.app_id;
    repeat::find_used_key(&call, command.key.as_ref()).await?;
    let now = call.app.clock.now();
    // Nothing has happened in the future.
    let count = match since > now {
        true => 0,
        false => call.app.store.resend_since(app_id, since, now).await?,
    };
    let delivery_count = u64::try_from(count).unwrap_or(u64::MAX);
    Ok(json(StatusCode::OK, &Resent { delivery_count }))
}
