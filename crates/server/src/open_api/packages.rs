//! Packages and additional items of an account. Source: contract, section 3.3.

use std::collections::HashSet;

use contract::code;
use contract::package::{CreatePackages, PackageEntry};
use domain::Id;
use store::Saved;
use store::accounts::{Package, PackageKind};

use super::failure::Failure;
use super::gateway::Vendor;
use crate::app::App;

/// Adds packages and additional items to an account of the vendor's app, all or none.
///
/// Refuses with `account package not found` (400/1002001): the account is unknown or another app's, or an id
/// is there already or stands twice in the call. Source: contract, section 3.3.1, questions 12 and 13.
pub(crate) async fn create(app: &App, vendor: &Vendor, body: &[u8]) -> Result<(), Failure> {
    let create = CreatePackages::decode(body)?;
    let refused = |field: &str, expected: &str| {
        Err(Failure::field(&code::ACCOUNT_PACKAGE_NOT_FOUND, field, &expected))
    };
    let fault = |fault| Failure::Fault(&code::SYSTEM_ERROR, fault);
    let account = match create.account_id.parse::<Id>() {
        Ok(account_id) => {
            app.store.find_account(&vendor.tenant, account_id).await.map_err(fault)?
        }
        Err(_) => None,
    };
    let Some(account) = account.filter(|account| account.app_id == vendor.app.app_id) else {
        return refused("account_id", "expected an account of this app");
    };
    for (field, entries) in [
        ("package_list", &create.package_list),
        ("additional_item_list", &create.additional_item_list),
    ] {
        let mut ids = HashSet::new();
        if !entries.iter().all(|entry| ids.insert(&entry.id)) {
            return refused(field, "expected each id once");
        }
    }
    let all = |kind| move |entry: PackageEntry| package(kind, entry);
    let packages: Vec<_> = create
        .package_list
        .into_iter()
        .map(all(PackageKind::Package))
        .chain(create.additional_item_list.into_iter().map(all(PackageKind::AdditionalItem)))
        .collect();
    let tenant_id = vendor.tenant.tenant_id;
    let saved =
        app.store.create_packages(tenant_id, account.account_id, &packages, app.clock.now());
    match saved.await.map_err(fault)? {
        Saved::Done => Ok(()),
        Saved::KeyTaken | Saved::Outdated => {
            refused("package_list", "expected ids that the account does not have yet")
        }
    }
}

fn package(kind: PackageKind, entry: PackageEntry) -> Package {
    Package {
        kind,
        package_id: entry.id,
        name: entry.name,
        description: entry.description.unwrap_or_default(),
    }
}
