//! `POST /tenants/{tenant_key}/accounts`.

use axum::response::Response;
use contract::control::{self, CreateAccount, FieldFault};
use contract::field::AccountScope;
use domain::fields::FieldError;
use domain::{AppId, TenantId, form};
use hub::accounts::stored_values;
use store::accounts::Account;

use super::{is_installed, with_form};
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::idempotency::{self, Answer, Creation};
use crate::control::request::Command;

/// Binds a tenant to a vendor's app (账号绑定); the vendor is notified.
///
/// When the app published a form for accounts, the values must have its keys, and the required ones must be there.
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
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let body = command.body;
    let mut faults = body.faults();
    let app_id = installed_app(&call, tenant.tenant_id, &body, &mut faults).await?;
    if let Some(app_id) = app_id {
        validate_values(&call, app_id, &body, &mut faults).await?;
    }
    validate(faults)?;
    // Without an app there was a fault.
    let app_id = app_id.ok_or_else(Failure::not_found)?;
    let at = call.app.hub.clock.now();
    let account = Account {
        account_id: call.app.hub.store.make_id(at),
        app_id,
        name: body.account_name,
        usage_list: body.usage_list.iter().filter_map(|usage| u8::try_from(*usage).ok()).collect(),
        custom_fields: stored_values(body.custom_field_list),
        created_at: at,
    };
    let body = with_form(&account, Vec::new(), Vec::new());
    idempotency::create(
        &call,
        command.key,
        Creation::Account(&tenant, &account),
        Answer::same(&body),
    )
    .await
}

/// The app that is named; none, with a fault, when it is not installed in the tenant.
async fn installed_app(
    call: &Call,
    tenant_id: TenantId,
    body: &CreateAccount,
    faults: &mut Vec<FieldFault>,
) -> Result<Option<AppId>, Failure> {
    // A text of the wrong shape has its fault.
    let Ok(app_id) = body.app_id.parse() else { return Ok(None) };
    if is_installed(&call.app.hub.store, tenant_id, app_id).await? {
        return Ok(Some(app_id));
    }
    faults.push(FieldFault {
        field: "app_id".to_owned(),
        message: "expected an app that is installed in the tenant".to_owned(),
    });
    Ok(None)
}

/// The values must fit the app's form for accounts, when it has one: known keys, and all required ones.
async fn validate_values(
    call: &Call,
    app_id: AppId,
    body: &CreateAccount,
    faults: &mut Vec<FieldFault>,
) -> Result<(), Failure> {
    let form = call.app.hub.store.get_account_form(app_id, AccountScope::BackgroundCheck).await?;
    if form.fields.is_empty() {
        return Ok(());
    }
    let values = stored_values(body.custom_field_list.clone());
    let errors = form::validate_account(&form.fields, &values).err().unwrap_or_default();
    for FieldError { field, expected } in errors {
        if !faults.iter().any(|fault| fault.field == field) {
            faults.push(FieldFault { field, message: expected });
        }
    }
    Ok(())
}
