//! `DELETE /tenants/{tenant_key}/apps/{app_id}/grant`.

use axum::http::StatusCode;

use super::Offer;
use crate::control::auth::Call;
use crate::control::failure::Failure;

/// Takes back what a tenant granted to an app. Its tokens there end for good; what happens is held for it until it is
/// granted again.
#[utoipa::path(
    delete,
    path = "/tenants/{tenant_key}/apps/{app_id}/grant",
    tag = "grants",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits"),
    ),
    responses((status = 204, description = "Nothing is granted any more"))
)]
pub(crate) async fn take_grant_back(call: Call) -> Result<StatusCode, Failure> {
    let Offer { app, tenant_id, .. } = Offer::find(&call).await?;
    match call.app.hub.store.take_grant_back(call.by(), app.app_id, tenant_id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Failure::not_found()),
    }
}
