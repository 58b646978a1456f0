//! Installations: a store app in one tenant, with the scopes prepared by the operator; what is granted stands in
//! [`crate::grants`]. Each change counts as a change of the app, so that a worker which set a delivery aside notices
//! it.

use std::collections::BTreeSet;
use std::sync::Arc;

use const_format::formatcp;
use contract::evidence::AuditAct;
use contract::scope::Scope;
use domain::{AppId, TenantId, UnixMs};

use crate::audit::By;
use crate::fault::Fault;
use crate::states::{DELIVERY_EXHAUSTED, DELIVERY_HELD, DELIVERY_PAUSED};
use crate::tenants::NO_TENANT;
use crate::value::{Row, Statement, any, one, values};
use crate::{Known, Saved, Store, app_audit, grants, resend};

/// A store app in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The app.
    pub app_id: AppId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What it is to have there.
    pub scopes: Vec<Scope>,
    /// Since when.
    pub installed_at: UnixMs,
    /// The key that changed it last, 0 for nobody.
    pub changed_by: i64,
    /// When.
    pub changed_at: UnixMs,
}

/// A repeat changes the scopes, never since when.
const PUT: &str = "INSERT INTO installations (tenant_id, app_id, scopes, installed_at, changed_by, changed_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, app_id) DO UPDATE SET scopes = excluded.scopes, \
    changed_by = excluded.changed_by, changed_at = excluded.changed_at";
const FIND: &str = "SELECT app_id, tenant_id, scopes, installed_at, changed_by, changed_at FROM installations \
    WHERE tenant_id = $1 AND app_id = $2";
const LIST: &str = "SELECT app_id, tenant_id, scopes, installed_at, changed_by, changed_at FROM installations \
    WHERE app_id = $1 AND (installed_at, tenant_id) < ($2, $3) \
    ORDER BY installed_at DESC, tenant_id DESC LIMIT $4";
const DELETE: &str = "DELETE FROM installations WHERE tenant_id = $1 AND app_id = $2";
const LIST_TENANTS: &str = "SELECT tenant_id FROM installations WHERE app_id = $1";
/// The tenants that may have anything of an app: what waits there, or a grant, which stays when the app is taken out.
const LIST_CONCERNED: &str = formatcp!(
    "SELECT tenant_id FROM grants WHERE app_id = $1 UNION SELECT tenant_id FROM deliveries \
    WHERE endpoint_id = $1 AND state IN ({DELIVERY_HELD}, {DELIVERY_EXHAUSTED}, {DELIVERY_PAUSED})"
);
/// Also sees to it that the app is there.
pub(crate) const COUNT_CHANGE: &str = "UPDATE apps SET version = version + 1 WHERE app_id = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[PUT, FIND, LIST, LIST_TENANTS, LIST_CONCERNED, DELETE, COUNT_CHANGE];

pub(crate) fn delete(app_id: AppId, tenant_id: TenantId) -> Statement {
    any(DELETE, values![tenant_id.0, app_id.0])
}

impl Store {
    /// Installs a store app in a tenant or changes its scopes, and makes due what was held;
    /// [`Saved::Outdated`] without such an app.
    pub async fn put_installation(
        &self,
        by: By,
        installation: &Installation,
    ) -> Result<Saved, Fault> {
        let Installation { app_id, tenant_id, scopes, installed_at, .. } = installation;
        let before = self.find_installation(*app_id, *tenant_id).await?;
        let values = values![
            tenant_id.0,
            app_id.0,
            join(scopes),
            installed_at.0,
            by.actor_number(),
            by.at.0
        ];
        let mut statements = vec![
            one(COUNT_CHANGE, values![app_id.0]),
            any(PUT, values),
            grants::prepare(*app_id, *tenant_id),
            resend::release_held(*app_id, *tenant_id, *installed_at),
        ];
        let mut entry = app_audit::entry(by, AuditAct::InstallationChanged, *app_id);
        let before = before.as_ref().map(|before| before.scopes.as_slice());
        entry.details = app_audit::scopes(before, scopes);
        entry.tenant_key = Some(tenant_id.to_string());
        statements.extend(app_audit::add(self, &entry, [*tenant_id]).await?);
        let known = Known::Installation(*app_id, *tenant_id);
        let written = self.write_known(statements, known).await?;
        self.wake_deliveries();
        Ok(written.saved_or(Saved::Outdated))
    }

    /// The app's installation in the tenant, from memory when it was read before.
    pub async fn find_installation(
        &self,
        app_id: AppId,
        tenant_id: TenantId,
    ) -> Result<Option<Arc<Installation>>, Fault> {
        let key = (app_id, tenant_id);
        let generation = match self.remembered.installations.find(&key) {
            Ok(found) => return Ok(found),
            Err(generation) => generation,
        };
        let rows = self.read(FIND, values![tenant_id.0, app_id.0]).await?;
        let found = rows.first().map(installation).transpose()?.map(Arc::new);
        self.remembered.installations.keep(key, found.clone(), generation);
        Ok(found)
    }

    /// At most `limit` installations of an app that are older than the given one, newest first.
    pub async fn list_installations(
        &self,
        app_id: AppId,
        before: Option<(UnixMs, TenantId)>,
        limit: u32,
    ) -> Result<Vec<Installation>, Fault> {
        let (at, tenant_id) = before.unwrap_or((UnixMs(i64::MAX), TenantId(i64::MAX)));
        let values = values![app_id.0, at.0, tenant_id.0, i64::from(limit)];
        self.read(LIST, values).await?.iter().map(installation).collect()
    }

    /// The tenants that may have anything of an app, and [`NO_TENANT`], in order.
    pub(crate) async fn list_concerned(&self, app_id: AppId) -> Result<BTreeSet<TenantId>, Fault> {
        let rows = self.read(LIST_CONCERNED, values![app_id.0]).await?;
        let tenants = rows.iter().map(|row| row.int(0).map(TenantId));
        [Ok(NO_TENANT)].into_iter().chain(tenants).collect()
    }

    pub(crate) async fn list_tenants_with(&self, app_id: AppId) -> Result<Vec<TenantId>, Fault> {
        let rows = self.read(LIST_TENANTS, values![app_id.0]).await?;
        rows.iter().map(|row| row.int(0).map(TenantId)).collect()
    }

    /// Takes a store app out of a tenant: its tokens there end, accounts and orders stay. False when it is not
    /// installed.
    pub async fn delete_installation(
        &self,
        by: By,
        app_id: AppId,
        tenant_id: TenantId,
    ) -> Result<bool, Fault> {
        let mut statements = vec![
            one(DELETE, values![tenant_id.0, app_id.0]),
            any(COUNT_CHANGE, values![app_id.0]),
            grants::end(app_id, tenant_id),
        ];
        let mut entry = app_audit::entry(by, AuditAct::InstallationDeleted, app_id);
        entry.tenant_key = Some(tenant_id.to_string());
        statements.extend(app_audit::add(self, &entry, [tenant_id]).await?);
        let known = Known::Installation(app_id, tenant_id);
        Ok(self.write_known(statements, known).await?.is_done())
    }
}

fn join(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join("\n")
}

fn installation(row: &Row) -> Result<Installation, Fault> {
    Ok(Installation {
        app_id: AppId(row.int(0)?),
        tenant_id: TenantId(row.int(1)?),
        scopes: row.text(2)?.lines().filter_map(Scope::parse).collect(),
        installed_at: UnixMs(row.int(3)?),
        changed_by: row.int(4)?,
        changed_at: UnixMs(row.int(5)?),
    })
}
