//! `GET /tenants/{tenant_key}/accounts/{account_id}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control;

use super::view;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;

/// Reads one account with the packages and additional items that can be ordered there.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/accounts/{account_id}",
    tag = "accounts",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("account_id" = String, Path, description = "19 decimal digits"),
    ),
    responses((status = 200, description = "The account", body = control::Account))
)]
pub(crate) async fn get_account(call: Call) -> Result<Response, Failure> {
    let tenant = call.tenant().await?;
    let account = call.app.hub.store.find_account(&tenant, call.path_param("account_id")?).await?;
    let account = account.ok_or_else(Failure::not_found)?;
    Ok(json(StatusCode::OK, &view(&call.app.hub.store, tenant.tenant_id, &account).await?))
}
