//! An order's form: checked against the vendor's when the order is placed, and shown as it was placed.

use contract::control::{AdditionalItem, FieldFault, FieldValue, OrderedForm, Package};
use domain::fields::FieldError;
use domain::form::{self, Filled};
use domain::{Id, TenantId};
use store::accounts::{self, PackageKind};
use store::content::FieldFile;
use store::forms::CheckForm;
use store::orders::Order;
use store::tenants::Tenant;
use store::{Fault, Store};

use crate::accounts::stored_values;

/// Values that fit the account's form.
pub(super) struct Fitting {
    /// The form, if the account has one.
    pub(super) form_id: Option<Id>,
    /// The values, in the order of the form.
    pub(super) values: Vec<(String, String)>,
    /// The files among them.
    pub(super) files: Vec<FieldFile>,
}

/// Checks the values against the account's form, and finds their files; gives none when it adds to `faults`.
pub(super) async fn fit(
    store: &Store,
    tenant: &Tenant,
    account_id: Id,
    values: &[FieldValue],
    faults: &mut Vec<FieldFault>,
) -> Result<Option<Fitting>, Fault> {
    let form = store.find_check_form(tenant.tenant_id, account_id).await?;
    let fields = form.as_ref().map_or(&[][..], |form| &form.fields);
    let filled = match form::fill(fields, &stored_values(values.to_vec())) {
        Ok(filled) => filled,
        Err(errors) => {
            add(faults, errors);
            return Ok(None);
        }
    };
    let Filled { values: stored, files } = filled;
    let mut found = Vec::new();
    for (key, ids) in files {
        for file_id in ids {
            match store.find_file(tenant, file_id).await? {
                Some(file) => {
                    let (key, name) = (key.clone(), file.name);
                    found.push(FieldFile { key, file_id: file_id.0, name });
                }
                None => add(faults, vec![unknown_file(values, &key)]),
            }
        }
    }
    Ok(Some(Fitting { form_id: form.map(|form| form.form_id), values: stored, files: found }))
}

pub(super) fn unknown_file(values: &[FieldValue], key: &str) -> FieldError {
    let index = values.iter().position(|value| value.key == key).unwrap_or_default();
    FieldError {
        field: format!("custom_field_list[{index}].value"),
        expected: "expected ids of files that were uploaded to the tenant".to_owned(),
    }
}

/// Adds the errors, except for members that have a fault already.
pub(super) fn add(faults: &mut Vec<FieldFault>, errors: Vec<FieldError>) {
    for FieldError { field, expected } in errors {
        if !faults.iter().any(|fault| fault.field == field) {
            faults.push(FieldFault { field, message: expected });
        }
    }
}

/// What an order is of, in the vendor's words.
pub(super) async fn ordered(
    store: &Store,
    tenant_id: TenantId,
    order: &Order,
) -> Result<OrderedForm, Fault> {
    let account_id = order.summary.account_id;
    let published = store.list_packages_ever(tenant_id, account_id).await?;
    let find = |kind: PackageKind, id: &str| {
        published.iter().find(|package| package.kind == kind && package.package_id == id).cloned()
    };
    let package = find(PackageKind::Package, &order.summary.package_id).map(|package| {
        let accounts::Package { package_id: id, name, description, .. } = package;
        Package { id, name, description: filled(description) }
    });
    let items = order.form.additional_item_ids.iter();
    let items = items.filter_map(|id| find(PackageKind::AdditionalItem, id)).map(|item| {
        let accounts::Package { package_id: id, name, description, .. } = item;
        AdditionalItem { id, name, description: filled(description) }
    });
    let form = match order.form.form_id {
        Some(form_id) => store.find_form_of_order(tenant_id, account_id, Id(form_id)).await?,
        None => None,
    };
    Ok(OrderedForm {
        package,
        additional_items: items.collect(),
        fields: form.map_or_else(Vec::new, |CheckForm { fields, .. }| fields),
    })
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
