//! `GET /apps/{app_id}/installations/{tenant_key}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control;

use super::view;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;

/// Reads one installation.
#[utoipa::path(
    get,
    path = "/apps/{app_id}/installations/{tenant_key}",
    tag = "installations",
    params(
        ("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits"),
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
    ),
    responses((status = 200, description = "The installation", body = control::Installation))
)]
pub(crate) async fn get_installation(call: Call) -> Result<Response, Failure> {
    let app_id = call.vendor_app().await?.app_id;
    let tenant_id = call.tenant().await?.tenant_id;
    let found = call.app.hub.store.find_installation(app_id, tenant_id).await?;
    Ok(json(StatusCode::OK, &view(&*found.ok_or_else(Failure::not_found)?)))
}
