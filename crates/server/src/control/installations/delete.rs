//! `DELETE /apps/{app_id}/installations/{tenant_key}`.

use axum::http::StatusCode;

use crate::control::auth::Call;
use crate::control::failure::Failure;

/// Takes a store app out of a tenant. Its tokens there end at once; accounts and orders stay, and what happens to
/// them is held until the app is installed again.
#[utoipa::path(
    delete,
    path = "/apps/{app_id}/installations/{tenant_key}",
    tag = "installations",
    params(
        ("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits"),
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
    ),
    responses((status = 204, description = "No longer installed"))
)]
pub(crate) async fn delete_installation(call: Call) -> Result<StatusCode, Failure> {
    let app_id = call.vendor_app().await?.app_id;
    let tenant_id = call.tenant().await?.tenant_id;
    match call.app.hub.store.delete_installation(call.by(), app_id, tenant_id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Failure::not_found()),
    }
}
