//! `POST /tenants/{tenant_key}/accounts`.

use axum::response::Response;
use contract::control::{self, AppKind, CreateAccount, FieldFault};
use domain::{AppId, TenantId};
use store::accounts::Account;

use super::{kept_values, with_packages};
use crate::control::failure::{Failure, judge};
use crate::control::gate::Call;
use crate::control::repeat::{self, Creation};
use crate::control::request::Command;

/// Binds a tenant to a vendor's app (账号绑定); the vendor is told.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/accounts",
    tag = "accounts",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    request_body = CreateAccount,
    responses((status = 201, description = "The account, without packages yet", body = control::Account))
)]
pub(crate) async fn create_account(
    call: Call,
    command: Command<CreateAccount>,
) -> Result<Response, Failure> {
    let tenant = call.tenant().await?;
    if let Some(first) = repeat::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let body = command.body;
    let mut faults = body.faults();
    let app_id = installed_app(&call, tenant.tenant_id, &body, &mut faults).await?;
    judge(faults)?;
    let at = call.app.clock.now();
    let account = Account {
        account_id: call.app.store.make_id(at),
        app_id,
        name: body.account_name,
        usage_list: body.usage_list.iter().filter_map(|usage| u8::try_from(*usage).ok()).collect(),
        custom_fields: kept_values(body.custom_field_list),
        created_at: at,
    };
    let body = with_packages(&account, Vec::new());
    repeat::create(&call, command.key, Creation::Account(&tenant, &account), &body).await
}

/// The app that is named; a fault when it is not installed in the tenant.
async fn installed_app(
    call: &Call,
    tenant_id: TenantId,
    body: &CreateAccount,
    faults: &mut Vec<FieldFault>,
) -> Result<AppId, Failure> {
    // A text of the wrong shape has its fault.
    let Ok(app_id) = body.app_id.parse() else { return Ok(AppId(0)) };
    let is_installed = match call.app.store.find_app(app_id).await? {
        Some(app) if app.kind == AppKind::Store => {
            call.app.store.find_installation(app_id, tenant_id).await?.is_some()
        }
        app => app.is_some_and(|app| app.tenant_id == Some(tenant_id)),
    };
    if !is_installed {
        faults.push(FieldFault {
            field: "app_id".to_owned(),
            message: "expected an app that is installed in the tenant".to_owned(),
        });
    }
    Ok(app_id)
}
