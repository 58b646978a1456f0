//! `GET /tenants/{tenant_key}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control;

use super::view;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;

/// Reads one tenant's settings.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}",
    tag = "tenants",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    responses((status = 200, description = "The tenant", body = control::Tenant))
)]
pub(crate) async fn get_tenant(call: Call) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &view(&*call.tenant().await?)))
}
