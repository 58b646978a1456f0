//! The forms that a vendor publishes: its app's for accounts, an account's for orders.
//! Source: contract, sections 3.1, 3.2 and 7 (Q11, Q13, Q15 to Q19); decision 010.
//!
//! A change is checked against the form that was read, and saved only if that one is still in force; when another
//! call was quicker, the change is checked again.

use contract::code::{self, Code};
use contract::envelope::FieldViolation;
use contract::field::{
    AccountFields, AccountScope, CheckFields, DeleteAccountFields, DeleteCheckFields,
};
use domain::Id;
use domain::fields::{self, FieldError};
use store::forms::{AccountForm, CheckForm};
use store::{Fault, FaultKind, Saved};

use super::CallError;
use super::Vendor;
use super::packages::{own_account, unknown_account};
use crate::Hub;

/// How often a change is checked again because another one was quicker.
const TRIES_MAX: usize = 16;

/// Replaces the app's form for accounts of one scope.
///
/// Refuses with 500/1002001: a key was deleted earlier, or stands twice. Source: contract, section 3.1.1.
pub async fn create_account_fields(
    hub: &Hub,
    vendor: &Vendor,
    body: &[u8],
) -> Result<(), CallError> {
    let body = AccountFields::decode(body)?;
    let codes = Codes { refused: &code::SYSTEM_ERROR_BARE, fault: &code::SYSTEM_ERROR_BARE };
    change_account_form(hub, vendor, body.scope, &codes, |form| {
        fields::check_account_fields(&body.custom_field_list, &form.retired_keys)?;
        form.fields.clone_from(&body.custom_field_list);
        Ok(())
    })
    .await
}

/// Gives fields of the app's form for accounts other names and descriptions; accounts keep their values.
///
/// Refuses with `background check account custom field is not exist` (500/1002001): a key is not there or stands
/// twice. Source: contract, section 3.1.2.
pub async fn update_account_fields(
    hub: &Hub,
    vendor: &Vendor,
    body: &[u8],
) -> Result<(), CallError> {
    let body = AccountFields::decode(body)?;
    let codes = Codes { refused: &code::ACCOUNT_FIELD_NOT_EXIST, fault: &code::SYSTEM_ERROR };
    change_account_form(hub, vendor, body.scope, &codes, |form| {
        form.fields = fields::rename_account_fields(&form.fields, &body.custom_field_list)?;
        Ok(())
    })
    .await
}

/// Deletes fields of the app's form for accounts, for good; accounts keep their values. Without any key nothing
/// happens.
///
/// Refuses with `Exam provider cannot be deleted` (500/1002001): no field would remain, or a key is not there or
/// stands twice. Source: contract, section 3.1.3, questions 16 and 17.
pub async fn delete_account_fields(
    hub: &Hub,
    vendor: &Vendor,
    body: &[u8],
) -> Result<(), CallError> {
    let body = DeleteAccountFields::decode(body)?;
    let codes = Codes { refused: &code::LAST_ACCOUNT_FIELD, fault: &code::SYSTEM_ERROR };
    if body.custom_field_key_list.is_empty() {
        return Ok(());
    }
    change_account_form(hub, vendor, body.scope, &codes, |form| {
        form.fields = fields::delete_account_fields(&form.fields, &body.custom_field_key_list)?;
        form.retired_keys.extend(body.custom_field_key_list.iter().cloned());
        Ok(())
    })
    .await
}

async fn change_account_form(
    hub: &Hub,
    vendor: &Vendor,
    scope: AccountScope,
    codes: &Codes,
    change: impl Fn(&mut AccountForm) -> Result<(), Vec<FieldError>>,
) -> Result<(), CallError> {
    let app_id = vendor.app.app_id;
    for _ in 0..TRIES_MAX {
        let form = hub.store.get_account_form(app_id, scope).await;
        let mut form = form.map_err(codes.fault())?;
        change(&mut form).map_err(codes.refused())?;
        let saved =
            hub.store.save_account_form(app_id, scope, &form, hub.installation_clock.now()).await;
        if saved.map_err(codes.fault())? == Saved::Done {
            return Ok(());
        }
    }
    Err(codes.overtaken())
}

/// Replaces an account's form for orders; orders keep the form that they were placed with. The form that is in
/// force already stays as it is.
///
/// Refuses with `background check custom field is exist not allow to create` (400/1002855): the account is unknown
/// or another app's, a key was deleted earlier, or a key of a field or option stands twice.
/// Source: contract, section 3.2.1, questions 11 and 13.
pub async fn create_check_fields(hub: &Hub, vendor: &Vendor, body: &[u8]) -> Result<(), CallError> {
    let CheckFields { account_id, custom_field_list } = CheckFields::decode(body)?;
    let codes = Codes { refused: &code::CHECK_FIELD_EXISTS, fault: &code::SYSTEM_INTERNAL_ERROR };
    for _ in 0..TRIES_MAX {
        let (account_id, form) = find_check_form(hub, vendor, &account_id, &codes).await?;
        let tenant_id = vendor.tenant.tenant_id;
        // Read after the form: when a deletion comes between, the form is no longer in force, and is not replaced.
        let retired = hub.store.list_retired_keys(tenant_id, account_id).await;
        let retired = retired.map_err(codes.fault())?;
        fields::validate_check_fields(&custom_field_list, &retired).map_err(codes.refused())?;
        if form.as_ref().is_some_and(|form| form.fields == custom_field_list) {
            return Ok(());
        }
        let (seen, at) = (form.as_ref(), hub.installation_clock.now());
        let saved =
            hub.store.replace_check_form(tenant_id, account_id, seen, &custom_field_list, at);
        if saved.await.map_err(codes.fault())? == Saved::Done {
            return Ok(());
        }
    }
    Err(codes.overtaken())
}

/// Gives all fields of an account's form for orders other names and descriptions, also where orders show it.
///
/// Refuses with `background check custom field is not exist` (400/1002001): the account is unknown or another
/// app's, or the list differs from the form in its number of fields, their keys, types or options' keys.
/// Source: contract, section 3.2.2, questions 13 and 18.
pub async fn update_check_fields(hub: &Hub, vendor: &Vendor, body: &[u8]) -> Result<(), CallError> {
    let CheckFields { account_id, custom_field_list } = CheckFields::decode(body)?;
    let codes = Codes { refused: &code::CHECK_FIELD_NOT_EXIST, fault: &code::SYSTEM_FAULT_400 };
    for _ in 0..TRIES_MAX {
        let (account_id, form) = find_check_form(hub, vendor, &account_id, &codes).await?;
        let fields = form.as_ref().map_or(&[][..], |form| &form.fields);
        let renamed = fields::rename_check_fields(fields, &custom_field_list);
        let renamed = renamed.map_err(codes.refused())?;
        // Without a form every list differs from it.
        let Some(form) = form else { return Err(codes.overtaken()) };
        let tenant_id = vendor.tenant.tenant_id;
        let saved = hub.store.rename_check_form(tenant_id, account_id, &form, &renamed);
        if saved.await.map_err(codes.fault())? == Saved::Done {
            return Ok(());
        }
    }
    Err(codes.overtaken())
}

/// Deletes an account's form for orders and retires its keys; orders keep the form that they were placed with.
///
/// Refuses with `background check custom field cannot be deleted` (400/1002860): the account is unknown or another
/// app's, or has no form. Source: contract, section 3.2.3, question 13.
pub async fn delete_check_fields(hub: &Hub, vendor: &Vendor, body: &[u8]) -> Result<(), CallError> {
    let DeleteCheckFields { account_id } = DeleteCheckFields::decode(body)?;
    let codes =
        Codes { refused: &code::CHECK_FIELD_NOT_DELETABLE, fault: &code::CHECK_FIELD_DELETE_FAULT };
    for _ in 0..TRIES_MAX {
        let (account_id, form) = find_check_form(hub, vendor, &account_id, &codes).await?;
        let expected = "expected an account with custom fields";
        let form = form.ok_or_else(|| CallError::field(codes.refused, "account_id", &expected))?;
        let saved = hub.store.delete_check_form(vendor.tenant.tenant_id, account_id, &form);
        if saved.await.map_err(codes.fault())? == Saved::Done {
            return Ok(());
        }
    }
    Err(codes.overtaken())
}

async fn find_check_form(
    hub: &Hub,
    vendor: &Vendor,
    account_id: &str,
    codes: &Codes,
) -> Result<(Id, Option<CheckForm>), CallError> {
    let account = own_account(hub, vendor, account_id).await.map_err(codes.fault())?;
    let account_id = account.ok_or_else(|| unknown_account(codes.refused))?.account_id;
    let form = hub.store.find_check_form(vendor.tenant.tenant_id, account_id).await;
    Ok((account_id, form.map_err(codes.fault())?))
}

/// The codes of one call's table.
struct Codes {
    refused: &'static Code,
    fault: &'static Code,
}

impl Codes {
    fn fault(&self) -> impl Fn(Fault) -> CallError {
        let code = self.fault;
        move |fault| CallError::Fault(code, fault)
    }

    fn refused(&self) -> impl Fn(Vec<FieldError>) -> CallError {
        let code = self.refused;
        move |errors| {
            let violation = |error: FieldError| FieldViolation {
                field: error.field,
                value: None,
                description: error.expected,
            };
            CallError::Field(code, errors.into_iter().map(violation).collect())
        }
    }

    fn overtaken(&self) -> CallError {
        let fault =
            Fault::new(FaultKind::Contention, "other changes of the form were quicker each time");
        CallError::Fault(self.fault, fault)
    }
}
