//! Installations: a store app in one tenant, with the scopes that the tenant granted.
//!
//! Each change of an installation counts as a change of its app, so that a worker which sets a delivery aside
//! because the app is not installed notices when it is by now.

use std::sync::Arc;

use contract::evidence::AuditAct;
use contract::scope::Scope;
use domain::{AppId, TenantId, UnixMs};

use crate::audit::{self, By};
use crate::fault::Fault;
use crate::value::{Row, Statement, Written, any, one, values};
use crate::{Known, Saved, Store, apps, resend};

/// A store app in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The app.
    pub app_id: AppId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What the tenant granted.
    pub scopes: Vec<Scope>,
    /// Since when.
    pub installed_at: UnixMs,
}

/// A repeat changes the scopes, never since when.
const PUT: &str = "INSERT INTO installations (tenant_id, app_id, scopes, installed_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, app_id) DO UPDATE SET scopes = excluded.scopes";
const FIND: &str = "SELECT app_id, tenant_id, scopes, installed_at FROM installations \
    WHERE tenant_id = $1 AND app_id = $2";
const LIST: &str = "SELECT app_id, tenant_id, scopes, installed_at FROM installations \
    WHERE app_id = $1 AND (installed_at, tenant_id) < ($2, $3) \
    ORDER BY installed_at DESC, tenant_id DESC LIMIT $4";
const DELETE: &str = "DELETE FROM installations WHERE tenant_id = $1 AND app_id = $2";
const DELETE_OF_APP: &str = "DELETE FROM installations WHERE app_id = $1";
/// Also sees to it that the app is there.
const COUNT_CHANGE: &str = "UPDATE apps SET version = version + 1 WHERE app_id = $1";

/// The statements of this file, for the test that prepares all of them.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[PUT, FIND, LIST, DELETE, DELETE_OF_APP, COUNT_CHANGE];

/// Takes an app out of every tenant.
pub(crate) fn delete_of_app(app_id: AppId) -> Statement {
    any(DELETE_OF_APP, values![app_id.0])
}

impl Store {
    /// Installs a store app in a tenant, or changes the scopes there; what was held for the app becomes due.
    /// [`Saved::Outdated`] when there is no such app any more.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn put_installation(
        &self,
        by: By,
        installation: &Installation,
    ) -> Result<Saved, Fault> {
        let Installation { app_id, tenant_id, scopes, installed_at } = installation;
        let mut statements = vec![
            one(COUNT_CHANGE, values![app_id.0]),
            any(PUT, values![tenant_id.0, app_id.0, join(scopes), installed_at.0]),
            resend::release_held(*app_id, *installed_at),
        ];
        statements.extend(told(by, AuditAct::InstallationChanged, *app_id, *tenant_id));
        let known = Known::Installation(*app_id, *tenant_id);
        let written = self.write_known(statements, known).await?;
        self.wake_deliveries();
        Ok(match written {
            Written::Done(_) => Saved::Done,
            Written::Unmet(_) => Saved::Outdated,
        })
    }

    /// The app's installation in the tenant, from memory when it was read before.
    ///
    /// # Errors
    /// Faults of storage.
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
    ///
    /// # Errors
    /// Faults of storage.
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

    /// Takes a store app out of a tenant: its tokens there end at once, its accounts and orders stay. False when it
    /// is not installed there.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn delete_installation(
        &self,
        by: By,
        app_id: AppId,
        tenant_id: TenantId,
    ) -> Result<bool, Fault> {
        let mut statements =
            vec![one(DELETE, values![tenant_id.0, app_id.0]), any(COUNT_CHANGE, values![app_id.0])];
        statements.extend(told(by, AuditAct::InstallationDeleted, app_id, tenant_id));
        let known = Known::Installation(app_id, tenant_id);
        Ok(matches!(self.write_known(statements, known).await?, Written::Done(_)))
    }
}

/// What the audit chains of the operator and of the tenant tell of an installation.
fn told(by: By, act: AuditAct, app_id: AppId, tenant_id: TenantId) -> Vec<Statement> {
    let mut entry = apps::told(by, act, app_id);
    entry.tenant_key = Some(tenant_id.to_string());
    // In the order of their tenants, as everywhere: the operator's is 0, and a tenant's may be below it.
    let mut chains = [audit::OPERATOR, tenant_id];
    chains.sort_unstable();
    chains.iter().flat_map(|chain| audit::add(*chain, &entry)).collect()
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
    })
}
