//! Placing an order.

use std::sync::Arc;

use contract::control::{FieldFault, Mobile, Order, PlaceOrder};
use domain::{Act, Actor, Id};
use store::accounts::{Account, PackageKind};
use store::content::{Form, Person, to_text};
use store::tenants::Tenant;
use store::{IdempotencyKey, Request};

use super::commands::{command, find_first_order};
use super::form::{self, Fitting};
use super::read;
use crate::error::{authorize, fault, validate};
use crate::{Error, Hub, Input};

/// Arranges a background check; the vendor is notified. The account, its package and its items must exist, the values
/// fit the vendor's form. Refuses with all faults at once.
pub async fn place(
    hub: &Hub,
    actor: &Actor,
    tenant: &Arc<Tenant>,
    input: Input<PlaceOrder>,
    key: Option<IdempotencyKey>,
) -> Result<Order, Error> {
    authorize(actor, Act::PlaceOrders)?;
    if let Some(order_id) = find_first_order(hub, key).await? {
        return read::accepted(hub, actor, tenant, order_id).await;
    }
    let (input, mut faults) = input.with_faults();
    let account = find_account(hub, tenant, &input, &mut faults).await?;
    let fitting = match &account {
        Some(Account { account_id, .. }) => {
            let values = &input.custom_field_list;
            form::fit(&hub.store, tenant, *account_id, values, &mut faults).await?
        }
        None => None,
    };
    validate(faults)?;
    let account = account.ok_or(Error::NotFound)?;
    let fitting = fitting.ok_or(Error::NotFound)?;
    use_files(hub, tenant, &input, &fitting).await?;
    let package_id = input.package_id.clone();
    let form = content(input, fitting);
    let content = to_text(&form);
    let request = || Request::Place {
        vendor: account.app_id,
        account_id: account.account_id,
        package_id: package_id.clone(),
        application_id: form.application_id.clone(),
        content: content.clone(),
    };
    let order_id = command(hub, actor, tenant, Id(0), key, request).await?;
    read::accepted(hub, actor, tenant, order_id).await
}

/// The account that is ordered from; a fault for everything that cannot be ordered there.
async fn find_account(
    hub: &Hub,
    tenant: &Tenant,
    input: &PlaceOrder,
    faults: &mut Vec<FieldFault>,
) -> Result<Option<Account>, Error> {
    // A text of the wrong shape has its fault.
    let Ok(account_id) = input.account_id.parse() else { return Ok(None) };
    let store = &hub.store;
    let unknown = || fault("account_id", "expected an account of the tenant");
    let Some(account) = store.find_account(tenant, account_id).await? else {
        faults.push(unknown());
        return Ok(None);
    };
    if store.find_app(account.app_id).await?.is_none() {
        faults.push(unknown());
        return Ok(None);
    }
    let published = store.list_packages(tenant.tenant_id, account_id).await?;
    let has = |kind: PackageKind, id: &str| {
        published.iter().any(|package| package.kind == kind && package.package_id == id)
    };
    let is_named =
        |faults: &[FieldFault], field: &str| faults.iter().any(|fault| fault.field == field);
    if !has(PackageKind::Package, &input.package_id) && !is_named(faults, "package_id") {
        let expected = match published.iter().any(|package| package.kind == PackageKind::Package) {
            true => "expected a package of the account",
            false => "expected a package of the account, whose vendor publishes none",
        };
        faults.push(fault("package_id", expected));
    }
    for (index, item) in input.additional_item_id_list.iter().enumerate() {
        let field = format!("additional_item_id_list[{index}]");
        if !has(PackageKind::AdditionalItem, item) && !is_named(faults, &field) {
            faults.push(fault(field, "expected an additional item of the account"));
        }
    }
    Ok(Some(account))
}

/// Marks the files of an order as used, so that they are not purged.
async fn use_files(
    hub: &Hub,
    tenant: &Tenant,
    input: &PlaceOrder,
    fitting: &Fitting,
) -> Result<(), Error> {
    let ids: Vec<_> = fitting.files.iter().map(|file| Id(file.file_id)).collect();
    let unmet = hub.store.use_files(tenant.tenant_id, &ids).await?;
    let Some(index) = unmet else { return Ok(()) };
    let mut faults = Vec::new();
    let key = &fitting.files[index].key;
    form::add(&mut faults, vec![form::unknown_file(&input.custom_field_list, key)]);
    validate(faults)
}

fn content(input: PlaceOrder, fitting: Fitting) -> Form {
    let candidate = input.candidate_info;
    let contact = input.client_contact_info.unwrap_or_default();
    Form {
        additional_item_ids: input.additional_item_id_list,
        comment: input.comment,
        candidate: Person {
            first_name: candidate.first_name.unwrap_or_default(),
            last_name: candidate.last_name.unwrap_or_default(),
            ..person(candidate.name, candidate.mobile, candidate.email)
        },
        client_contact: person(contact.name, contact.mobile, contact.email),
        custom_fields: fitting.values,
        application_id: input.application_id.unwrap_or_default(),
        location_code: input.location_code.unwrap_or_default(),
        form_id: fitting.form_id.map(|form_id| form_id.0),
        files: fitting.files,
    }
}

fn person(name: String, mobile: Option<Mobile>, email: Option<String>) -> Person {
    let (mobile_code, mobile_number) =
        mobile.map_or_else(Default::default, |Mobile { code, number }| (code, number));
    Person {
        name,
        mobile_code,
        mobile_number,
        email: email.unwrap_or_default(),
        ..Person::default()
    }
}
