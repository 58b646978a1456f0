//! `GET /tenants/{tenant_key}/apps/{app_id}/grant`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control;

use super::Offer;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;

/// Shows what a tenant granted to an app, and what was prepared for it and waits.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/apps/{app_id}/grant",
    tag = "grants",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits"),
    ),
    responses((status = 200, description = "The grant", body = control::Grant))
)]
pub(crate) async fn get_grant(call: Call) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &Offer::find(&call).await?.view()))
}
