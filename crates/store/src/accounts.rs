//! Accounts: the binding of a tenant to a vendor's app, with the packages that the vendor publishes there.

use contract::evidence::{AuditAct, AuditEntry};
use domain::event::EventKind;
use domain::{AppId, Id, TenantId, UnixMs};

use crate::answers::StoredAnswer;
use crate::audit::By;
use crate::events;
use crate::fault::{Fault, FaultKind};
use crate::seal::RowContext;
use crate::tenants::Tenant;
use crate::value::{Row, Statement, Value, any, one, values};
use crate::{Saved, Store, content};

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub account_id: Id,
    /// The vendor's app.
    pub app_id: AppId,
    /// Shown name.
    pub name: String,
    /// 1 社招, 2 校招.
    pub usage_list: Vec<u8>,
    /// The account custom fields as filled in: key and value; sealed at rest.
    pub custom_fields: Vec<(String, String)>,
    /// When it was bound.
    pub created_at: UnixMs,
}

/// What kind of thing can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageKind {
    /// 套餐: an order has exactly one.
    Package,
    /// 附加调查项: an order has any number.
    AdditionalItem,
}

/// A package or an additional item of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Which of the two.
    pub kind: PackageKind,
    /// Chosen by the vendor, unique among its kind in the account.
    pub package_id: String,
    /// Shown name.
    pub name: String,
    /// Shown description; may be empty.
    pub description: String,
    /// Whether the vendor deleted it: it can no longer be ordered.
    pub is_deleted: bool,
}

const INSERT: &str = "INSERT INTO accounts (tenant_id, account_id, app_id, name, usage_list, sealed, \
    created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
const FIND: &str = "SELECT account_id, app_id, name, usage_list, sealed, created_at FROM accounts \
    WHERE tenant_id = $1 AND account_id = $2";
const LIST: &str = "SELECT account_id, app_id, name, usage_list, sealed, created_at FROM accounts \
    WHERE tenant_id = $1 AND account_id < $2 ORDER BY account_id DESC LIMIT $3";
const HAS_RETURNED_EVENT: &str =
    "SELECT returned_event FROM accounts WHERE tenant_id = $1 AND account_id = $2";
const SWITCH_RETURNED_EVENT: &str =
    "UPDATE accounts SET returned_event = $3 WHERE tenant_id = $1 AND account_id = $2";
const INSERT_VENDOR: &str = "INSERT INTO vendors (tenant_id, app_id) VALUES ($1, $2) ON CONFLICT (tenant_id, app_id) DO NOTHING";
const FIND_VENDOR: &str = "SELECT app_id FROM vendors WHERE tenant_id = $1 AND app_id = $2";
const DELETE: &str = "DELETE FROM accounts WHERE tenant_id = $1 AND account_id = $2";
const DELETE_PACKAGES: &str =
    "UPDATE packages SET is_deleted = 1 WHERE tenant_id = $1 AND account_id = $2";
/// One that is there already stays as it is; one that was deleted comes back.
const INSERT_PACKAGE: &str = "INSERT INTO packages (tenant_id, account_id, kind, package_id, name, \
    description, created_at, is_deleted) VALUES ($1, $2, $3, $4, $5, $6, $7, 0) \
    ON CONFLICT (tenant_id, account_id, kind, package_id) DO UPDATE SET name = excluded.name, \
    description = excluded.description, created_at = excluded.created_at, is_deleted = 0 \
    WHERE packages.is_deleted = 1";
const RENAME_PACKAGE: &str = "UPDATE packages SET name = $5, description = $6 \
    WHERE tenant_id = $1 AND account_id = $2 AND kind = $3 AND package_id = $4 AND is_deleted = 0";
const DELETE_PACKAGE: &str = "UPDATE packages SET is_deleted = 1 \
    WHERE tenant_id = $1 AND account_id = $2 AND kind = $3 AND package_id = $4 AND is_deleted = 0";
const LIST_PACKAGES: &str = "SELECT kind, package_id, name, description, is_deleted FROM packages \
    WHERE tenant_id = $1 AND account_id = $2 ORDER BY kind, created_at, package_id";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    INSERT,
    HAS_RETURNED_EVENT,
    SWITCH_RETURNED_EVENT,
    INSERT_VENDOR,
    FIND_VENDOR,
    FIND,
    LIST,
    DELETE,
    DELETE_PACKAGES,
    INSERT_PACKAGE,
    RENAME_PACKAGE,
    DELETE_PACKAGE,
    LIST_PACKAGES,
];

impl Store {
    /// Binds an account, and notifies the vendor's app; [`Saved::KeyTaken`] when the answer's
    /// Idempotency-Key was used.
    pub async fn bind_account(
        &self,
        by: By,
        tenant: &Tenant,
        account: &Account,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let context = context(tenant.tenant_id, account.account_id);
        let sealed = tenant.key.seal(context, &content::to_text(&account.custom_fields));
        let usages: Vec<_> = account.usage_list.iter().map(u8::to_string).collect();
        let mut statements = self.keep_answer(answer);
        statements.push(any(
            INSERT,
            values![
                tenant.tenant_id.0,
                account.account_id.0,
                account.app_id.0,
                account.name.as_str(),
                usages.join(","),
                sealed,
                account.created_at.0,
            ],
        ));
        statements.push(any(INSERT_VENDOR, values![tenant.tenant_id.0, account.app_id.0]));
        statements.extend(events::insert(
            tenant.tenant_id,
            account.account_id,
            account.app_id,
            EventKind::AccountCreated,
            account.created_at,
            by.at,
        ));
        let mut entry = audit_entry(by, AuditAct::AccountBound, account.account_id);
        entry.app_id = Some(account.app_id.to_string());
        statements.extend(self.audit(tenant.tenant_id, entry).await?);
        let written = self.write(statements).await?;
        self.wake_deliveries();
        Ok(written.saved_or(Saved::KeyTaken))
    }

    /// The account, if the tenant has it.
    pub async fn find_account(
        &self,
        tenant: &Tenant,
        account_id: Id,
    ) -> Result<Option<Account>, Fault> {
        let rows = self.read(FIND, values![tenant.tenant_id.0, account_id.0]).await?;
        rows.first().map(|row| account(tenant, row)).transpose()
    }

    /// Whether the account's vendor is notified of results that are sent back; false when the tenant has no such account.
    pub async fn has_returned_event(
        &self,
        tenant_id: TenantId,
        account_id: Id,
    ) -> Result<bool, Fault> {
        let rows = self.read(HAS_RETURNED_EVENT, values![tenant_id.0, account_id.0]).await?;
        rows.first().map_or(Ok(false), |row| row.bool(0))
    }

    /// Switches whether the account's vendor is notified of results that are sent back; false when the tenant has no such account.
    pub async fn switch_returned_event(
        &self,
        by: By,
        tenant_id: TenantId,
        account_id: Id,
        is_on: bool,
    ) -> Result<bool, Fault> {
        let values = values![tenant_id.0, account_id.0, is_on];
        let mut statements = vec![one(SWITCH_RETURNED_EVENT, values)];
        let mut entry = audit_entry(by, AuditAct::ReturnedEventSwitched, account_id);
        entry.details.insert("returned_event".to_owned(), is_on.to_string());
        statements.extend(self.audit(tenant_id, entry).await?);
        Ok(self.write(statements).await?.is_done())
    }

    /// Whether an account of the tenant was ever bound to the app.
    pub async fn is_vendor(&self, tenant_id: TenantId, app_id: AppId) -> Result<bool, Fault> {
        Ok(!self.read(FIND_VENDOR, values![tenant_id.0, app_id.0]).await?.is_empty())
    }

    /// At most `limit` accounts older than the given one, newest first.
    pub async fn list_accounts(
        &self,
        tenant: &Tenant,
        before: Id,
        limit: u32,
    ) -> Result<Vec<Account>, Fault> {
        let values = values![tenant.tenant_id.0, before.0, i64::from(limit)];
        self.read(LIST, values).await?.iter().map(|row| account(tenant, row)).collect()
    }

    /// Takes an account away, with its packages; its orders stay. False when there is none.
    pub async fn unbind_account(
        &self,
        by: By,
        tenant_id: TenantId,
        account_id: Id,
    ) -> Result<bool, Fault> {
        let values = values![tenant_id.0, account_id.0];
        let mut statements = vec![one(DELETE, values.clone()), any(DELETE_PACKAGES, values)];
        let entry = audit_entry(by, AuditAct::AccountUnbound, account_id);
        statements.extend(self.audit(tenant_id, entry).await?);
        Ok(self.write(statements).await?.is_done())
    }

    /// Adds packages and additional items, all or none; gives the index of the first one that is there
    /// already.
    pub async fn create_packages(
        &self,
        tenant_id: TenantId,
        account_id: Id,
        packages: &[Package],
        at: UnixMs,
    ) -> Result<Option<usize>, Fault> {
        let insert = |package: &Package| {
            let mut values = named(tenant_id, account_id, package);
            values.push(at.0.into());
            one(INSERT_PACKAGE, values)
        };
        self.write_all(packages.iter().map(insert).collect()).await
    }

    /// Renames packages and additional items, all or none; gives the index of the first one that is not
    /// there.
    pub async fn rename_packages(
        &self,
        tenant_id: TenantId,
        account_id: Id,
        packages: &[Package],
    ) -> Result<Option<usize>, Fault> {
        let rename = |package| one(RENAME_PACKAGE, named(tenant_id, account_id, package));
        self.write_all(packages.iter().map(rename).collect()).await
    }

    /// Deletes packages and additional items, all or none; gives the index of the first one that is not there.
    pub async fn delete_packages(
        &self,
        tenant_id: TenantId,
        account_id: Id,
        packages: &[(PackageKind, String)],
    ) -> Result<Option<usize>, Fault> {
        let delete = |(kind, package_id): &(PackageKind, String)| {
            let kind = kind_number(*kind);
            one(DELETE_PACKAGE, values![tenant_id.0, account_id.0, kind, package_id.as_str()])
        };
        self.write_all(packages.iter().map(delete).collect()).await
    }

    async fn write_all(&self, statements: Vec<Statement>) -> Result<Option<usize>, Fault> {
        Ok(self.write(statements).await?.unmet())
    }

    /// The packages and additional items of an account that can be ordered, packages first.
    pub async fn list_packages(
        &self,
        tenant_id: TenantId,
        account_id: Id,
    ) -> Result<Vec<Package>, Fault> {
        let all = self.list_packages_ever(tenant_id, account_id).await?;
        Ok(all.into_iter().filter(|package| !package.is_deleted).collect())
    }

    /// All packages and additional items that an account ever had, packages first.
    pub async fn list_packages_ever(
        &self,
        tenant_id: TenantId,
        account_id: Id,
    ) -> Result<Vec<Package>, Fault> {
        let rows = self.read(LIST_PACKAGES, values![tenant_id.0, account_id.0]).await?;
        let package = |row: &Row| {
            Ok(Package {
                kind: if row.int(0)? == 1 {
                    PackageKind::Package
                } else {
                    PackageKind::AdditionalItem
                },
                package_id: row.text(1)?,
                name: row.text(2)?,
                description: row.text(3)?,
                is_deleted: row.bool(4)?,
            })
        };
        rows.iter().map(package).collect()
    }
}

fn audit_entry(by: By, act: AuditAct, account_id: Id) -> AuditEntry {
    let mut entry = by.did(act);
    entry.details.insert("account_id".to_owned(), account_id.to_string());
    entry
}

fn named(tenant_id: TenantId, account_id: Id, package: &Package) -> Vec<Value> {
    values![
        tenant_id.0,
        account_id.0,
        kind_number(package.kind),
        package.package_id.as_str(),
        package.name.as_str(),
        package.description.as_str(),
    ]
}

fn kind_number(kind: PackageKind) -> i64 {
    match kind {
        PackageKind::Package => 1,
        PackageKind::AdditionalItem => 2,
    }
}

fn context(tenant_id: TenantId, account_id: Id) -> RowContext {
    RowContext::new("accounts", tenant_id, account_id.0)
}

fn account(tenant: &Tenant, row: &Row) -> Result<Account, Fault> {
    let account_id = Id(row.int(0)?);
    let fields = tenant.key.open(context(tenant.tenant_id, account_id), row.bytes(4)?)?;
    let usages = row.text(3)?;
    let usage = |text: &str| {
        text.parse().map_err(|_| Fault::new(FaultKind::Damaged, "an account's usage is unknown"))
    };
    Ok(Account {
        account_id,
        app_id: AppId(row.int(1)?),
        name: row.text(2)?,
        usage_list: usages
            .split(',')
            .filter(|text| !text.is_empty())
            .map(usage)
            .collect::<Result<_, _>>()?,
        custom_fields: content::from_text(&fields)?,
        created_at: UnixMs(row.int(5)?),
    })
}
