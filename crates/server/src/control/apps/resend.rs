//! `POST /apps/{app_id}/resend`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{ResendSince, Resent};
use domain::TenantId;
use store::Store;
use store::apps::App;
use store::resend::ResendFilter;

use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::idempotency;
use crate::control::request::Command;
use hub::instant;

const TENANTS_AT_ONCE: u32 = 200;

/// Sends the events of an app again that happened at `since` or later and before `until`, to whatever endpoint the app
/// has now; each has the whole schedule of tries before it.
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
    validate(body.faults())?;
    let since = instant::parse(&body.since)
        .ok_or_else(|| Failure::field("since", "expected an instant with its offset (RFC 3339)"))?;
    let until = match &body.until {
        Some(until) => Some(instant::parse(until).ok_or_else(|| {
            Failure::field("until", "expected an instant with its offset (RFC 3339)")
        })?),
        None => None,
    };
    let app = call.vendor_app().await?;
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let (store, now) = (&call.app.hub.store, call.app.hub.clock.now());
    let filter =
        ResendFilter { since, until, states: body.states.into_iter().map(Into::into).collect() };
    let mut count = 0;
    // Nothing has happened in the future.
    if since <= now {
        for tenant_id in tenants(store, &app).await? {
            count += store.resend_span(tenant_id, app.app_id, &filter, now).await?;
        }
    }
    let delivery_count = u64::try_from(count).unwrap_or(u64::MAX);
    idempotency::keep(&call, command.key, StatusCode::OK, &Resent { delivery_count }).await
}

/// The tenants whose events an app may have: its own, or every one for a store app.
async fn tenants(store: &Store, app: &App) -> Result<Vec<TenantId>, Failure> {
    if let Some(tenant_id) = app.tenant_id {
        return Ok(vec![tenant_id]);
    }
    let (mut tenants, mut before) = (Vec::new(), None);
    loop {
        let page = store.list_tenants(before, TENANTS_AT_ONCE).await?;
        let Some(last) = page.last() else { return Ok(tenants) };
        before = Some((last.created_at, last.tenant_id));
        tenants.extend(page.iter().map(|tenant| tenant.tenant_id));
    }
}
