//! Accounts: `/tenants/{tenant_key}/accounts`.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod form;
pub(super) mod get;
pub(super) mod list;

use contract::control::{self, AdditionalItem, AppKind};
use contract::field::CheckField;
use domain::{AppId, TenantId};
use hub::accounts::field_values;
use store::accounts::{Account, Package, PackageKind};
use store::{Fault, Store};

use super::failure::Failure;
use hub::instant::rfc3339;

/// Whether a tenant's accounts can be bound to the app.
async fn is_installed(store: &Store, tenant_id: TenantId, app_id: AppId) -> Result<bool, Fault> {
    Ok(match store.find_app(app_id).await? {
        Some(app) if app.kind == AppKind::Store => {
            store.find_installation(app_id, tenant_id).await?.is_some()
        }
        app => app.is_some_and(|app| app.tenant_id == Some(tenant_id)),
    })
}

/// An account as the API shows it, with what can be ordered there.
async fn view(
    store: &Store,
    tenant_id: TenantId,
    account: &Account,
) -> Result<control::Account, Failure> {
    let published = store.list_packages(tenant_id, account.account_id).await?;
    let form = store.find_check_form(tenant_id, account.account_id).await?;
    Ok(with_form(account, published, form.map_or_else(Vec::new, |form| form.fields)))
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
        created_at: rfc3339(account.created_at),
    }
}
