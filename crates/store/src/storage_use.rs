//! Storage used and quotas: per tenant its reports and files, per app its reports in all tenants. The sums change in the
//! transactions that add and remove contents; what exceeds a quota is [`FaultKind::NoRoom`].

use domain::{AppId, Id, TenantId};

use crate::Store;
use crate::fault::{Fault, FaultKind};
use crate::tenants::NO_TENANT;
use crate::value::{Row, Statement, any, one, values};

/// The quotas of tenants and apps that have none of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Bytes of reports and files of a tenant.
    pub tenant_bytes: i64,
    /// Bytes of reports of an app.
    pub app_bytes: i64,
}

impl Default for Quotas {
    /// 50 GiB and 10 GiB. Source: product, section 12.
    fn default() -> Quotas {
        Quotas { tenant_bytes: 50 << 30, app_bytes: 10 << 30 }
    }
}

/// For whom something is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A tenant.
    Tenant(TenantId),
    /// An app, in all tenants.
    App(AppId),
}

/// How much is stored for one, and how much may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageUse {
    /// For whom.
    pub holder: Holder,
    /// Bytes that are stored.
    pub used_bytes: i64,
    /// Its own quota; none when the installation's counts.
    pub own_quota_bytes: Option<i64>,
    /// The quota that counts.
    pub quota_bytes: i64,
}

impl StorageUse {
    /// Whether four fifths of the quota are used.
    #[must_use]
    pub fn is_near_quota(&self) -> bool {
        i128::from(self.used_bytes) * 5 >= i128::from(self.quota_bytes) * 4
    }
}

const BEGIN: &str = "INSERT INTO storage_use (tenant_id, app_id, used_bytes) VALUES ($1, $2, 0) \
    ON CONFLICT (tenant_id, app_id) DO NOTHING";
const ADD: &str = "UPDATE storage_use SET used_bytes = used_bytes + $3 \
    WHERE tenant_id = $1 AND app_id = $2 AND used_bytes + $3 <= coalesce(quota_bytes, $4)";
const FREE_OF_TENANT: &str = "UPDATE storage_use SET used_bytes = used_bytes - (\
      SELECT coalesce(sum(v.size_bytes), 0) FROM report_versions v \
      WHERE v.tenant_id = $1 AND v.report_id = $2 AND length(v.wrapped_key) > 0) \
    WHERE tenant_id = $1 AND app_id = 0";
const FREE_OF_APP: &str =
    "UPDATE storage_use SET used_bytes = used_bytes - $3 WHERE tenant_id = $1 AND app_id = $2";
const FREE_OF_FILE: &str = "UPDATE storage_use SET used_bytes = used_bytes - coalesce((\
      SELECT f.size_bytes FROM files f WHERE f.tenant_id = $1 AND f.file_id = $2), 0) \
    WHERE tenant_id = $1 AND app_id = 0";
const SET_QUOTA: &str = "INSERT INTO storage_use (tenant_id, app_id, used_bytes, quota_bytes) \
    VALUES ($1, $2, 0, $3) \
    ON CONFLICT (tenant_id, app_id) DO UPDATE SET quota_bytes = excluded.quota_bytes";
const FIND: &str = "SELECT tenant_id, app_id, used_bytes, quota_bytes FROM storage_use \
    WHERE tenant_id = $1 AND app_id = $2";
const LIST: &str = "SELECT tenant_id, app_id, used_bytes, quota_bytes FROM storage_use \
    WHERE (tenant_id, app_id) > ($1, $2) ORDER BY tenant_id, app_id LIMIT $3";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[BEGIN, ADD, FREE_OF_TENANT, FREE_OF_APP, FREE_OF_FILE, SET_QUOTA, FIND, LIST];

impl Store {
    /// The default quotas.
    #[must_use]
    pub fn quotas(&self) -> Quotas {
        *self.quotas.get_or_init(Quotas::default)
    }

    /// Sets the default quotas; once, before they are first needed.
    pub fn set_quotas(&self, quotas: Quotas) {
        let is_first = self.quotas.set(quotas).is_ok();
        debug_assert!(is_first, "quotas are set at the start");
    }

    /// How much is stored for one, and how much may be.
    pub async fn find_storage_use(&self, holder: Holder) -> Result<StorageUse, Fault> {
        let [tenant_id, app_id] = numbers(holder);
        let rows = self.read(FIND, values![tenant_id, app_id]).await?;
        let found = rows.first().map(|row| storage_use(row, self.quotas())).transpose()?;
        Ok(found.unwrap_or_else(|| with_quota(holder, 0, None, self.quotas())))
    }

    /// At most `limit` tenants and apps after the given one for which something was ever stored or set.
    pub async fn list_storage_use(
        &self,
        after: Option<Holder>,
        limit: u32,
    ) -> Result<Vec<StorageUse>, Fault> {
        let [tenant_id, app_id] = after.map_or([i64::MIN; 2], numbers);
        let rows = self.read(LIST, values![tenant_id, app_id, i64::from(limit)]).await?;
        rows.iter().map(|row| storage_use(row, self.quotas())).collect()
    }

    /// Gives one a quota of its own, or the installation's again.
    pub async fn set_quota(&self, holder: Holder, quota_bytes: Option<i64>) -> Result<(), Fault> {
        let [tenant_id, app_id] = numbers(holder);
        self.write(vec![any(SET_QUOTA, values![tenant_id, app_id, quota_bytes])]).await?;
        self.wake_reports();
        Ok(())
    }
}

pub(crate) fn no_room() -> Fault {
    Fault::new(FaultKind::NoRoom, "the quota of the tenant or the app is used up")
}

/// The last of them must touch one row, or the content does not fit.
pub(crate) fn add_to_tenant(tenant_id: TenantId, bytes: i64, quotas: Quotas) -> [Statement; 2] {
    add(Holder::Tenant(tenant_id), bytes, quotas.tenant_bytes)
}

/// The last of them must touch one row, or the content does not fit.
pub(crate) fn add_to_app(app_id: AppId, bytes: i64, quotas: Quotas) -> [Statement; 2] {
    add(Holder::App(app_id), bytes, quotas.app_bytes)
}

fn add(holder: Holder, bytes: i64, quota_bytes: i64) -> [Statement; 2] {
    let [tenant_id, app_id] = numbers(holder);
    let begin = any(BEGIN, values![tenant_id, app_id]);
    [begin, one(ADD, values![tenant_id, app_id, bytes, quota_bytes])]
}

/// Before the keys of a report's versions are taken away, of which `bytes` count for the app.
pub(crate) fn free_report(
    tenant_id: TenantId,
    app_id: AppId,
    report_id: Id,
    bytes: i64,
) -> [Statement; 2] {
    let of_app = values![NO_TENANT.0, app_id.0, bytes];
    [any(FREE_OF_TENANT, values![tenant_id.0, report_id.0]), any(FREE_OF_APP, of_app)]
}

/// Before a file's row is taken away.
pub(crate) fn free_file(tenant_id: TenantId, file_id: Id) -> Statement {
    any(FREE_OF_FILE, values![tenant_id.0, file_id.0])
}

fn numbers(holder: Holder) -> [i64; 2] {
    match holder {
        Holder::Tenant(tenant_id) => [tenant_id.0, 0],
        Holder::App(app_id) => [0, app_id.0],
    }
}

fn storage_use(row: &Row, quotas: Quotas) -> Result<StorageUse, Fault> {
    let holder = match (row.int(0)?, row.int(1)?) {
        (0, app_id) => Holder::App(AppId(app_id)),
        (tenant_id, _) => Holder::Tenant(TenantId(tenant_id)),
    };
    // An erasure of what was counted by an older program must not show as less than nothing.
    Ok(with_quota(holder, row.int(2)?.max(0), row.find_int(3)?, quotas))
}

fn with_quota(
    holder: Holder,
    used_bytes: i64,
    own_quota_bytes: Option<i64>,
    quotas: Quotas,
) -> StorageUse {
    let default = match holder {
        Holder::Tenant(_) => quotas.tenant_bytes,
        Holder::App(_) => quotas.app_bytes,
    };
    let quota_bytes = own_quota_bytes.unwrap_or(default);
    StorageUse { holder, used_bytes, own_quota_bytes, quota_bytes }
}
