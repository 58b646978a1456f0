//! Accounts: bindings of a tenant to vendors' apps (账号绑定), and what can be ordered there.

use contract::control::{
    self, AccountForm, AdditionalItem, CreateAccount, FieldFault, FieldValue, List, Page,
    UpdateAccount,
};
use contract::field::{AccountScope, CheckField};
use domain::fields::FieldError;
use domain::{Act, Actor, AppId, Id, TenantId, form};
use store::IdempotencyKey;
use store::accounts::{Account, Package, PackageKind};
use store::tenants::Tenant;

use crate::app_access::find_installation;
use crate::error::{authorize, fault, validate};
use crate::idempotency::{self, Answer, Creation};
use crate::instant::rfc3339;
use crate::pages::{Of, Paging};
use crate::{Error, Hub, Input};

/// Binds a tenant to a vendor's app; the vendor is notified. The values must fit the app's form for accounts, if any.
pub async fn create(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    input: Input<CreateAccount>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::Account>, Error> {
    authorize(actor, Act::ManageAccounts)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let (input, mut faults) = input.with_faults();
    let app_id = installed_app(hub, tenant.tenant_id, &input, &mut faults).await?;
    if let Some(app_id) = app_id {
        validate_values(hub, app_id, &input, &mut faults).await?;
    }
    validate(faults)?;
    let (by, usages) = (hub.by(actor), input.usage_list.iter());
    let account = Account {
        account_id: hub.store.make_id(by.at),
        // Without an app there was a fault.
        app_id: app_id.ok_or(Error::NotFound)?,
        name: input.account_name,
        usage_list: usages.filter_map(|usage| u8::try_from(*usage).ok()).collect(),
        custom_fields: stored_values(input.custom_field_list),
        created_at: hub.clock(tenant).now(),
    };
    let body = with_form(&account, Vec::new(), Vec::new());
    let creation = Creation::Account(tenant, &account);
    idempotency::create(hub, by, creation, key, &body, &body).await
}

/// The app that is named; none, with a fault, when it is not installed in the tenant.
async fn installed_app(
    hub: &Hub,
    tenant_id: TenantId,
    input: &CreateAccount,
    faults: &mut Vec<FieldFault>,
) -> Result<Option<AppId>, Error> {
    // A text of the wrong shape has its fault.
    let Ok(app_id) = input.app_id.parse() else { return Ok(None) };
    if is_installed(hub, tenant_id, app_id).await? {
        return Ok(Some(app_id));
    }
    faults.push(fault("app_id", "expected an app that is installed in the tenant"));
    Ok(None)
}

async fn validate_values(
    hub: &Hub,
    app_id: AppId,
    input: &CreateAccount,
    faults: &mut Vec<FieldFault>,
) -> Result<(), Error> {
    let form = hub.store.get_account_form(app_id, AccountScope::BackgroundCheck).await?;
    if form.fields.is_empty() {
        return Ok(());
    }
    let values = stored_values(input.custom_field_list.clone());
    let errors = form::validate_account(&form.fields, &values).err().unwrap_or_default();
    for FieldError { field, expected } in errors {
        if !faults.iter().any(|fault| fault.field == field) {
            faults.push(fault(field, expected));
        }
    }
    Ok(())
}

/// One account with what can be ordered there.
pub async fn get(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    account_id: Id,
) -> Result<control::Account, Error> {
    authorize(actor, Act::SeeAccounts)?;
    let account = hub.store.find_account(tenant, account_id).await?.ok_or(Error::NotFound)?;
    view(hub, tenant.tenant_id, &account).await
}

/// A tenant's accounts with what can be ordered there, newest first.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<List>,
) -> Result<Page<control::Account>, Error> {
    authorize(actor, Act::SeeAccounts)?;
    let paging = Paging::of_list(Of::Accounts, list)?;
    let accounts = hub.store.list_accounts(tenant, paging.before(), paging.rows()).await?;
    let page = paging.page(accounts, Clone::clone, |last| [last.account_id.0]);
    let mut items = Vec::with_capacity(page.items.len());
    for account in &page.items {
        items.push(view(hub, tenant.tenant_id, account).await?);
    }
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Switches whether the account's vendor is notified of results that are sent back.
pub async fn update(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    account_id: Id,
    input: Input<UpdateAccount>,
) -> Result<control::Account, Error> {
    authorize(actor, Act::SwitchReturnedEvent)?;
    let returned_event = input.valid()?.returned_event.unwrap_or_default();
    let (store, by) = (&hub.store, hub.by(actor));
    let tenant_id = tenant.tenant_id;
    if !store.switch_returned_event(by, tenant_id, account_id, returned_event).await? {
        return Err(Error::NotFound);
    }
    get(hub, actor, tenant, account_id).await
}

/// Unbinds an account, with its packages. Its orders stay, and go on.
pub async fn delete(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    account_id: Id,
) -> Result<(), Error> {
    authorize(actor, Act::ManageAccounts)?;
    let is_done = hub.store.unbind_account(hub.by(actor), tenant.tenant_id, account_id).await?;
    is_done.then_some(()).ok_or(Error::NotFound)
}

/// What a vendor's app asks when an account is bound to it: its account custom fields.
pub async fn get_form(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    app_id: AppId,
) -> Result<AccountForm, Error> {
    authorize(actor, Act::SeeAccounts)?;
    if !is_installed(hub, tenant.tenant_id, app_id).await? {
        return Err(Error::NotFound);
    }
    let form = hub.store.get_account_form(app_id, AccountScope::BackgroundCheck).await?;
    Ok(AccountForm { fields: form.fields })
}

async fn is_installed(hub: &Hub, tenant_id: TenantId, app_id: AppId) -> Result<bool, Error> {
    let Some(app) = hub.store.find_app(app_id).await? else { return Ok(false) };
    Ok(find_installation(&hub.store, &app, tenant_id).await?.is_ok())
}

async fn view(
    hub: &Hub,
    tenant_id: TenantId,
    account: &Account,
) -> Result<control::Account, Error> {
    let published = hub.store.list_packages(tenant_id, account.account_id).await?;
    let form = hub.store.find_check_form(tenant_id, account.account_id).await?;
    let fields = form.map_or_else(Vec::new, |form| form.fields);
    let returned_event = hub.store.has_returned_event(tenant_id, account.account_id).await?;
    Ok(control::Account { returned_event, ..with_form(account, published, fields) })
}

fn with_form(
    account: &Account,
    published: Vec<Package>,
    fields: Vec<CheckField>,
) -> control::Account {
    let (mut packages, mut additional_items) = (Vec::new(), Vec::new());
    for Package { kind, package_id: id, name, description, .. } in published {
        let description = Some(description).filter(|text| !text.is_empty());
        match kind {
            PackageKind::Package => packages.push(control::Package { id, name, description }),
            PackageKind::AdditionalItem => {
                additional_items.push(AdditionalItem { id, name, description });
            }
        }
    }
    control::Account {
        account_id: account.account_id.to_string(),
        app_id: account.app_id.to_string(),
        account_name: account.name.clone(),
        usage_list: account.usage_list.iter().copied().map(u32::from).collect(),
        custom_field_list: field_values(&account.custom_fields),
        packages,
        additional_items,
        fields,
        returned_event: false,
        created_at: rfc3339(account.created_at),
    }
}

pub(crate) fn field_values(stored: &[(String, String)]) -> Vec<FieldValue> {
    stored
        .iter()
        .map(|(key, value)| FieldValue { key: key.clone(), value: value.clone() })
        .collect()
}

pub(crate) fn stored_values(values: Vec<FieldValue>) -> Vec<(String, String)> {
    values.into_iter().map(|FieldValue { key, value }| (key, value)).collect()
}
