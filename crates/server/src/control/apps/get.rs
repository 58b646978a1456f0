//! `GET /apps/{app_id}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control;

use super::view;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;

/// Reads one app.
#[utoipa::path(
    get,
    path = "/apps/{app_id}",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    responses((status = 200, description = "The app", body = control::App))
)]
pub(crate) async fn get_app(call: Call) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &view(&*call.vendor_app().await?)))
}
