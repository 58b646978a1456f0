//! `DELETE /tenants/{tenant_key}/accounts/{account_id}`.

use axum::http::StatusCode;

use crate::control::auth::Call;
use crate::control::failure::Failure;

/// Unbinds an account, with its packages. Its orders stay, and go on.
#[utoipa::path(
    delete,
    path = "/tenants/{tenant_key}/accounts/{account_id}",
    tag = "accounts",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("account_id" = String, Path, description = "19 decimal digits"),
    ),
    responses((status = 204, description = "Unbound"))
)]
pub(crate) async fn delete_account(call: Call) -> Result<StatusCode, Failure> {
    let tenant_id = call.tenant().await?.tenant_id;
    match call
        .app
        .hub
        .store
        .unbind_account(call.by(), tenant_id, call.path_param("account_id")?)
        .await?
    {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Failure::not_found()),
    }
}
