//! `GET /tenants/{tenant_key}/apps/{app_id}/account_form`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::AccountForm;
use contract::field::AccountScope;

use super::is_installed;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;

/// Shows what a vendor's app asks when an account is bound to it: its account custom fields.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/apps/{app_id}/account_form",
    tag = "accounts",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("app_id" = String, Path, description = "cli_ and 16 lower-case hex digits"),
    ),
    responses((status = 200, description = "The form", body = AccountForm))
)]
pub(crate) async fn get_account_form(call: Call) -> Result<Response, Failure> {
    let tenant = call.tenant().await?;
    let app_id = call.path_param("app_id")?;
    if !is_installed(&call.app.hub.store, tenant.tenant_id, app_id).await? {
        return Err(Failure::not_found());
    }
    let form = call.app.hub.store.get_account_form(app_id, AccountScope::BackgroundCheck).await?;
    Ok(json(StatusCode::OK, &AccountForm { fields: form.fields }))
}
