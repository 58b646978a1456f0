//! Grants: what a tenant agreed to of an app. Without one nothing of the tenant reaches the app.
//!
//! Each change counts as a change of the app, so that a worker which set a delivery aside notices it.

use std::sync::Arc;

use contract::evidence::AuditAct;
use contract::scope::Scope;
use domain::grant::Terms;
use domain::{AppId, TenantId, UnixMs};

use crate::app::{App, join, lines, mode, mode_text};
use crate::audit::By;
use crate::fault::Fault;
use crate::installations::Installation;
use crate::value::{Row, Statement, any, one, values};
use crate::{Known, Saved, Store, app_audit, installations, resend};

/// What a tenant agreed to of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The app.
    pub app_id: AppId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What was granted; none when it was taken back, or the app was uninstalled.
    pub terms: Option<Terms>,
    /// How often all tokens of the app in this tenant were ended.
    pub ends_no: i64,
    /// The tenant's key that granted it; 0 for what stood before there were grants.
    pub granted_by: i64,
    /// When.
    pub granted_at: UnixMs,
}

const FIND: &str = "SELECT tenant_id, app_id, is_granted, scopes, event_mode, callback_url, encrypted, ip_allowlist, \
    app_secret_no, encrypt_key_no, ends_no, granted_by, granted_at FROM grants \
    WHERE tenant_id = $1 AND app_id = $2";
const LIST: &str = "SELECT tenant_id, app_id, is_granted, scopes, event_mode, callback_url, encrypted, ip_allowlist, \
    app_secret_no, encrypt_key_no, ends_no, granted_by, granted_at FROM grants \
    WHERE tenant_id = $1 ORDER BY app_id";
const PUT: &str = "INSERT INTO grants (tenant_id, app_id, is_granted, scopes, event_mode, callback_url, encrypted, \
    ip_allowlist, app_secret_no, encrypt_key_no, ends_no, granted_by, granted_at) \
    VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11) ON CONFLICT (tenant_id, app_id) DO UPDATE SET \
    is_granted = 1, scopes = excluded.scopes, event_mode = excluded.event_mode, \
    callback_url = excluded.callback_url, encrypted = excluded.encrypted, ip_allowlist = excluded.ip_allowlist, \
    app_secret_no = excluded.app_secret_no, encrypt_key_no = excluded.encrypt_key_no, \
    granted_by = excluded.granted_by, granted_at = excluded.granted_at";
/// Nothing is granted yet, and the tenant sees that something waits for it.
const PREPARE: &str = "INSERT INTO grants (tenant_id, app_id, is_granted, scopes, event_mode, callback_url, encrypted, \
    ip_allowlist, app_secret_no, encrypt_key_no, ends_no, granted_by, granted_at) \
    VALUES ($1, $2, 0, '', 'webhook', NULL, 0, '', 0, 0, 0, 0, 0) ON CONFLICT (tenant_id, app_id) DO NOTHING";
const END: &str =
    "UPDATE grants SET is_granted = 0, ends_no = ends_no + 1 WHERE tenant_id = $1 AND app_id = $2";
const TAKE_BACK: &str = "UPDATE grants SET is_granted = 0, ends_no = ends_no + 1 \
    WHERE tenant_id = $1 AND app_id = $2 AND is_granted = 1";
const DELETE: &str = "DELETE FROM grants WHERE tenant_id = $1 AND app_id = $2";
const COUNT_CHANGE_OF: &str =
    "UPDATE apps SET version = version + 1 WHERE app_id = $1 AND version = $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[FIND, LIST, PUT, PREPARE, END, TAKE_BACK, DELETE, COUNT_CHANGE_OF];

pub(crate) fn prepare(app_id: AppId, tenant_id: TenantId) -> Statement {
    any(PREPARE, values![tenant_id.0, app_id.0])
}

pub(crate) fn end(app_id: AppId, tenant_id: TenantId) -> Statement {
    any(END, values![tenant_id.0, app_id.0])
}

pub(crate) fn delete(app_id: AppId, tenant_id: TenantId) -> Statement {
    any(DELETE, values![tenant_id.0, app_id.0])
}

/// What waits for a tenant's grant: what the app is now, for a store app with the scopes of its installation there.
#[must_use]
pub fn offered(app: &App, installation: Option<&Installation>) -> Terms {
    let mut terms = app.terms();
    if let Some(installation) = installation {
        terms.scopes.retain(|scope| installation.scopes.contains(scope));
    }
    terms
}

impl Store {
    /// Grants `terms` and makes due what was held; [`Saved::Outdated`] when the app or its installation changed since
    /// `app` was read.
    pub async fn grant(
        &self,
        by: By,
        app: &App,
        tenant_id: TenantId,
        terms: &Terms,
    ) -> Result<Saved, Fault> {
        let app_id = app.app_id;
        let before = self.find_grant(app_id, tenant_id).await?;
        let before = before.as_ref().and_then(|grant| grant.terms.as_ref());
        let mut statements = vec![
            one(COUNT_CHANGE_OF, values![app_id.0, app.version]),
            any(
                PUT,
                values![
                    tenant_id.0,
                    app_id.0,
                    join(terms.scopes.iter().map(|scope| scope.as_str())),
                    mode_text(terms.event_mode),
                    terms.callback_url.as_deref(),
                    terms.encrypted,
                    terms.ip_allowlist.join("\n"),
                    terms.app_secret_no,
                    terms.encrypt_key_no,
                    by.actor_number(),
                    by.at.0,
                ],
            ),
            resend::release_held(app_id, tenant_id, by.at),
        ];
        let mut entry = app_audit::entry(by, AuditAct::AppGranted, app_id);
        entry.details = app_audit::granted(app, before, terms);
        statements.extend(self.audit(tenant_id, entry).await?);
        let written = self.write_known(statements, Known::Installation(app_id, tenant_id)).await?;
        self.wake_deliveries();
        Ok(written.saved_or(Saved::Outdated))
    }

    /// Takes back what the tenant granted to the app: its tokens there end for good. False when nothing is granted.
    pub async fn take_grant_back(
        &self,
        by: By,
        app_id: AppId,
        tenant_id: TenantId,
    ) -> Result<bool, Fault> {
        let mut statements = vec![
            one(TAKE_BACK, values![tenant_id.0, app_id.0]),
            any(installations::COUNT_CHANGE, values![app_id.0]),
        ];
        let entry = app_audit::entry(by, AuditAct::AppGrantTakenBack, app_id);
        statements.extend(self.audit(tenant_id, entry).await?);
        let known = Known::Installation(app_id, tenant_id);
        Ok(self.write_known(statements, known).await?.is_done())
    }

    /// What the tenant granted to the app, from memory when it was read before.
    pub async fn find_grant(
        &self,
        app_id: AppId,
        tenant_id: TenantId,
    ) -> Result<Option<Arc<Grant>>, Fault> {
        let key = (app_id, tenant_id);
        let generation = match self.remembered.grants.find(&key) {
            Ok(found) => return Ok(found),
            Err(generation) => generation,
        };
        let rows = self.read(FIND, values![tenant_id.0, app_id.0]).await?;
        let found = rows.first().map(grant).transpose()?.map(Arc::new);
        self.remembered.grants.keep(key, found.clone(), generation);
        Ok(found)
    }

    /// The grants of a tenant, also those that wait for it and those that were taken back, in the order of their apps.
    pub async fn list_grants(&self, tenant_id: TenantId) -> Result<Vec<Grant>, Fault> {
        self.read(LIST, values![tenant_id.0]).await?.iter().map(grant).collect()
    }
}

fn grant(row: &Row) -> Result<Grant, Fault> {
    let terms = Terms {
        scopes: lines(&row.text(3)?).filter_map(Scope::parse).collect(),
        event_mode: mode(&row.text(4)?)?,
        callback_url: row.find_text(5)?,
        encrypted: row.bool(6)?,
        ip_allowlist: lines(&row.text(7)?).map(str::to_owned).collect(),
        app_secret_no: row.int(8)?,
        encrypt_key_no: row.int(9)?,
    };
    Ok(Grant {
        tenant_id: TenantId(row.int(0)?),
        app_id: AppId(row.int(1)?),
        terms: row.bool(2)?.then_some(terms),
        ends_no: row.int(10)?,
        granted_by: row.int(11)?,
        granted_at: UnixMs(row.int(12)?),
    })
}
