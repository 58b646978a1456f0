//! `POST /tenants/{tenant_key}/apps/{app_id}/grant`. A repeat changes nothing.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, GrantApp, ProblemCode};
use store::Saved;

use super::Offer;
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::idempotency;
use crate::control::request::Command;

/// Grants an app what was prepared for it: scopes, endpoint, addresses and secrets, as `revision` names them.
///
/// Until then none of it takes effect in the tenant, whoever prepared it. What was held for the app becomes due.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/apps/{app_id}/grant",
    tag = "grants",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits"),
    ),
    request_body = GrantApp,
    responses(
        (status = 200, description = "The grant as it is now", body = control::Grant),
        (status = 409, description = "Something else is prepared by now"),
    )
)]
pub(crate) async fn grant_app(call: Call, command: Command<GrantApp>) -> Result<Response, Failure> {
    validate(command.body.faults())?;
    // Two, for who was overtaken by a change that changed nothing of this.
    for _ in 0..2 {
        let offer = Offer::find(&call).await?;
        if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
            return Ok(first);
        }
        if offer.revision() != command.body.revision {
            return Err(other());
        }
        let is_granted = offer.granted() == Some(&offer.prepared);
        let (app, tenant_id, terms) = (&offer.app, offer.tenant_id, &offer.prepared);
        let store = &call.app.hub.store;
        if is_granted || store.grant(call.by(), app, tenant_id, terms).await? == Saved::Done {
            let granted = Offer::find(&call).await?.view();
            return idempotency::keep(&call, command.key, StatusCode::OK, &granted).await;
        }
    }
    Err(other())
}

fn other() -> Failure {
    let detail = "expected the revision of what is prepared now: look at it again";
    Failure::refused(ProblemCode::Conflict, detail)
}
