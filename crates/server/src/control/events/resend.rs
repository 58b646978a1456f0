//! `POST /tenants/{tenant_key}/events/{event_id}/resend`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::Resent;

use super::find;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::idempotency;
use crate::control::request::{Command, Nothing};

/// Sends one event again, whatever became of it, to whatever endpoint its app has now.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/events/{event_id}/resend",
    tag = "events",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("event_id" = String, Path, description = "32 lower-case hex digits"),
    ),
    responses((status = 200, description = "How many deliveries are due again", body = Resent))
)]
pub(crate) async fn resend_event(
    call: Call,
    command: Command<Nothing>,
) -> Result<Response, Failure> {
    let event = find(&call).await?;
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let tenant_id = call.tenant().await?.tenant_id;
    let (store, now) = (&call.app.hub.store, call.app.hub.clock.now());
    let is_due = store.resend_event(tenant_id, event.event_id.event_no, now).await?;
    let body = Resent { delivery_count: u64::from(is_due) };
    idempotency::keep(&call, command.key, StatusCode::OK, &body).await
}
