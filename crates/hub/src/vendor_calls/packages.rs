//! Packages and additional items of an account. Source: contract, section 3.3.

use std::collections::HashSet;

use contract::code::{self, Code};
use contract::envelope::FieldViolation;
use contract::package::{CreatePackages, DeletePackages, PackageEntry};
use domain::Id;
use store::Fault;
use store::accounts::{Account, Package, PackageKind};

use super::{CallError, Vendor};
use crate::Hub;

/// Adds packages and additional items to an account of the vendor's app, all or none. An id that was deleted may
/// come back.
///
/// Refuses with `account package not found` (400/1002001): the account is unknown or another app's, or an id
/// is there already or stands twice in the call. Source: contract, section 3.3.1, questions 12 and 13.
pub async fn create(hub: &Hub, vendor: &Vendor, body: &[u8]) -> Result<(), CallError> {
    let (account, packages) = read(hub, vendor, body).await?;
    let (tenant_id, at) = (vendor.tenant.tenant_id, hub.installation_clock.now());
    let unmet = hub.store.create_packages(tenant_id, account.account_id, &packages, at);
    let expected = "expected an id that the account does not have yet";
    check(unmet.await.map_err(fault)?, &packages, expected)
}

/// Gives packages and additional items of an account other names and descriptions, all or none.
///
/// Refuses with `account package not found` (400/1002001): the account is unknown or another app's, or an id
/// is not there or stands twice in the call. Source: contract, section 3.3.2, question 13.
pub async fn update(hub: &Hub, vendor: &Vendor, body: &[u8]) -> Result<(), CallError> {
    let (account, packages) = read(hub, vendor, body).await?;
    let tenant_id = vendor.tenant.tenant_id;
    let unmet = hub.store.rename_packages(tenant_id, account.account_id, &packages);
    check(unmet.await.map_err(fault)?, &packages, "expected an id that the account has")
}

/// Deletes packages and additional items of an account, all or none; orders of them stay as they are. Without any
/// id nothing happens.
///
/// Refuses with `account package not found` (400/1002859): the account is unknown or another app's, or an id is
/// not there or stands twice in the call. Source: contract, section 3.3.3, questions 13 and 16.
pub async fn delete(hub: &Hub, vendor: &Vendor, body: &[u8]) -> Result<(), CallError> {
    let code = &code::PACKAGE_DELETE_NOT_FOUND;
    let fault = |fault| CallError::Fault(&code::SYSTEM_INTERNAL_ERROR, fault);
    let body = DeletePackages::decode(body)?;
    let account = own_account(hub, vendor, &body.account_id).await.map_err(fault)?;
    let account = account.ok_or_else(|| unknown_account(code))?;
    let lists = [
        ("package_id_list", PackageKind::Package, body.package_id_list),
        ("additional_item_id_list", PackageKind::AdditionalItem, body.additional_item_id_list),
    ];
    let (mut ids, mut paths, mut repeats) = (Vec::new(), Vec::new(), Vec::new());
    for (name, kind, list) in lists {
        let mut seen = HashSet::new();
        for (index, id) in list.into_iter().enumerate() {
            let path = format!("{name}[{index}]");
            if !seen.insert(id.clone()) {
                repeats.push(violation(&path, &id, "expected each id once"));
            }
            paths.push(path);
            ids.push((kind, id));
        }
    }
    if !repeats.is_empty() {
        return Err(CallError::Field(code, repeats));
    }
    let unmet = hub.store.delete_packages(vendor.tenant.tenant_id, account.account_id, &ids);
    match unmet.await.map_err(fault)? {
        None => Ok(()),
        Some(index) => {
            let expected = "expected an id that the account has";
            Err(CallError::Field(code, vec![violation(&paths[index], &ids[index].1, expected)]))
        }
    }
}

/// The account of this id, if it is bound to the vendor's app in the tenant of its token.
pub async fn own_account(
    hub: &Hub,
    vendor: &Vendor,
    account_id: &str,
) -> Result<Option<Account>, Fault> {
    // A text of the wrong shape names no account.
    let Ok(account_id) = account_id.parse::<Id>() else { return Ok(None) };
    let account = hub.store.find_account(&vendor.tenant, account_id).await?;
    Ok(account.filter(|account| account.app_id == vendor.app.app_id))
}

/// The refusal of an account that is not the vendor's, which nothing says from one that does not exist.
pub(super) fn unknown_account(code: &'static Code) -> CallError {
    CallError::field(code, "account_id", &"expected an account of this app")
}

/// Reads the body that creation and update share; ids stand once in it, packages before items.
async fn read(
    hub: &Hub,
    vendor: &Vendor,
    body: &[u8],
) -> Result<(Account, Vec<Package>), CallError> {
    let code = &code::ACCOUNT_PACKAGE_NOT_FOUND;
    let body = CreatePackages::decode(body)?;
    let account = own_account(hub, vendor, &body.account_id).await.map_err(fault)?;
    let account = account.ok_or_else(|| unknown_account(code))?;
    let lists = [
        (PackageKind::Package, body.package_list),
        (PackageKind::AdditionalItem, body.additional_item_list),
    ];
    let (mut packages, mut repeats) = (Vec::new(), Vec::new());
    for (kind, list) in lists {
        let mut seen = HashSet::new();
        for (index, entry) in list.into_iter().enumerate() {
            if !seen.insert(entry.id.clone()) {
                let path = path(kind, index);
                repeats.push(violation(&path, &entry.id, "expected each id once"));
            }
            packages.push(package(kind, entry));
        }
    }
    if repeats.is_empty() { Ok((account, packages)) } else { Err(CallError::Field(code, repeats)) }
}

/// Refuses when nothing was written because of the package at a place among all.
fn check(unmet: Option<usize>, packages: &[Package], expected: &str) -> Result<(), CallError> {
    let Some(index) = unmet else { return Ok(()) };
    let Package { kind, package_id, .. } = &packages[index];
    let before = packages[..index].iter().filter(|package| package.kind == *kind).count();
    let violation = violation(&path(*kind, before), package_id, expected);
    Err(CallError::Field(&code::ACCOUNT_PACKAGE_NOT_FOUND, vec![violation]))
}

fn path(kind: PackageKind, index: usize) -> String {
    match kind {
        PackageKind::Package => format!("package_list[{index}].id"),
        PackageKind::AdditionalItem => format!("additional_item_list[{index}].id"),
    }
}

fn violation(field: &str, value: &str, expected: &str) -> FieldViolation {
    FieldViolation {
        field: field.to_owned(),
        value: Some(value.to_owned()),
        description: expected.to_owned(),
    }
}

/// A fault of creation and update, whose table has HTTP 400 for it.
fn fault(fault: Fault) -> CallError {
    CallError::Fault(&code::SYSTEM_FAULT_400, fault)
}

fn package(kind: PackageKind, entry: PackageEntry) -> Package {
    Package {
        kind,
        package_id: entry.id,
        name: entry.name,
        description: entry.description.unwrap_or_default(),
        is_deleted: false,
    }
}
