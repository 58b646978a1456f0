//! Apps: made, changed, read and deleted.

use std::sync::Arc;

use contract::control::{AppKind, EventMode};
use contract::evidence::AuditAct;
use contract::scope::Scope;
use domain::{AppId, TenantId, UnixMs};

pub use crate::app::{App, AppSettings, Changes};
pub use crate::app_secrets::{AppSecrets, OldSecret, OldSecrets};

use crate::answers::StoredAnswer;
use crate::app::{join, kind_text, lines, mode, mode_text};
use crate::audit::By;
use crate::fault::{Fault, FaultKind};
use crate::forms::DELETE_ACCOUNT_FORMS;
use crate::pauses::Pause;
use crate::resend::release_held;
use crate::seal::RowContext;
use crate::value::{Row, Written, any, one, values};
use crate::{Known, Saved, Store, app_audit, content, grants, installations, tickets};

const INSERT: &str = "INSERT INTO apps (app_id, tenant_id, name, kind, scopes, event_mode, callback_url, \
    encrypted, ip_allowlist, enabled, secret_hash, sealed, version, created_at, changed_by, changed_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14, $13)";
const UPDATE: &str = "UPDATE apps SET name = $1, scopes = $2, event_mode = $3, callback_url = $4, \
    encrypted = $5, ip_allowlist = $6, enabled = $7, ends_no = ends_no + $10, changed_by = $11, changed_at = $12, \
    version = version + 1 WHERE app_id = $8 AND version = $9";
const ROTATE: &str = "UPDATE apps SET secret_hash = $3, sealed = $4, app_secret_no = $5, encrypt_key_no = $6, \
    changed_by = $7, changed_at = $8, version = version + 1 WHERE app_id = $1 AND version = $2";
const FIND: &str = "SELECT app_id, tenant_id, name, kind, scopes, event_mode, callback_url, encrypted, \
    ip_allowlist, enabled, secret_hash, sealed, version, created_at, paused_at, pause_reason, \
    app_secret_no, encrypt_key_no, ends_no, changed_by, changed_at FROM apps WHERE app_id = $1";
const LIST: &str = "SELECT app_id, tenant_id, name, kind, scopes, event_mode, callback_url, encrypted, \
    ip_allowlist, enabled, secret_hash, sealed, version, created_at, paused_at, pause_reason, \
    app_secret_no, encrypt_key_no, ends_no, changed_by, changed_at FROM apps \
    WHERE (created_at, app_id) < ($1, $2) ORDER BY created_at DESC, app_id DESC LIMIT $3";
/// A change of an installation counts as one of the app: none comes unseen between looking for its tenants and this.
const DELETE: &str = "DELETE FROM apps WHERE app_id = $1 AND version = $2";
const FIND_VERSION: &str = "SELECT version FROM apps WHERE app_id = $1";
/// One row, unless an account is bound to the app.
const IS_UNBOUND: &str = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE app_id = $1)";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[INSERT, UPDATE, ROTATE, FIND, LIST, DELETE, FIND_VERSION, IS_UNBOUND];

impl Store {
    /// Creates an app; the first ticket of a store app is due at once.
    pub async fn create_app(
        &self,
        by: By,
        app: &App,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let sealed = self.secrets().apps.seal(context(app.app_id), &content::to_text(&app.secrets));
        let settings = &app.settings;
        let mut statements = self.keep_answer(answer);
        statements.push(one(
            INSERT,
            values![
                app.app_id.0,
                app.tenant_id.map(|id| id.0),
                settings.name.as_str(),
                kind_text(app.kind),
                join(settings.scopes.iter().map(|scope| scope.as_str())),
                mode_text(settings.event_mode),
                settings.callback_url.as_deref(),
                settings.encrypted,
                settings.ip_allowlist.join("\n"),
                settings.is_enabled,
                app.secret_hash.as_slice(),
                sealed,
                app.created_at.0,
                by.actor_number(),
            ],
        ));
        if app.kind == AppKind::Store {
            statements.push(tickets::schedule(app.app_id, app.created_at));
        }
        if let Some(tenant_id) = app.tenant_id {
            statements.push(grants::prepare(app.app_id, tenant_id));
        }
        let mut entry = app_audit::entry(by, AuditAct::AppCreated, app.app_id);
        entry.details = app_audit::created(app);
        statements.extend(app_audit::add(self, &entry, app.tenant_id).await?);
        Ok(self.write_known(statements, Known::App(app.app_id)).await?.saved_or(Saved::KeyTaken))
    }

    /// The app, from memory when it was read before.
    pub async fn find_app(&self, app_id: AppId) -> Result<Option<Arc<App>>, Fault> {
        let generation = match self.remembered.apps.find(&app_id) {
            Ok(app) => return Ok(Some(app)),
            Err(generation) => generation,
        };
        let Some(row) = self.read(FIND, values![app_id.0]).await?.into_iter().next() else {
            return Ok(None);
        };
        let app = Arc::new(self.app(&row)?);
        self.remembered.apps.keep(app_id, Arc::clone(&app), generation);
        Ok(Some(app))
    }

    /// At most `limit` apps older than the given one, newest first.
    pub async fn list_apps(
        &self,
        before: Option<(UnixMs, AppId)>,
        limit: u32,
    ) -> Result<Vec<App>, Fault> {
        let (at, app_id) = before.unwrap_or((UnixMs(i64::MAX), AppId(i64::MAX)));
        let rows = self.read(LIST, values![at.0, app_id.0, i64::from(limit)]).await?;
        rows.iter().map(|row| self.app(row)).collect()
    }

    /// Changes an app's settings, unless it changed since `version`. Stopping it ends its tokens for good; a new
    /// endpoint makes due what was held.
    pub async fn update_app(
        &self,
        by: By,
        app_id: AppId,
        version: i64,
        settings: &AppSettings,
    ) -> Result<Saved, Fault> {
        let Some(before) = self.find_app_at(app_id, version).await? else {
            return Ok(Saved::Outdated);
        };
        let tenants = self.tenants_of(&before).await?;
        let ends = before.settings.is_enabled && !settings.is_enabled;
        let mut statements = vec![one(
            UPDATE,
            values![
                settings.name.as_str(),
                join(settings.scopes.iter().map(|scope| scope.as_str())),
                mode_text(settings.event_mode),
                settings.callback_url.as_deref(),
                settings.encrypted,
                settings.ip_allowlist.join("\n"),
                settings.is_enabled,
                app_id.0,
                version,
                i64::from(ends),
                by.actor_number(),
                by.at.0,
            ],
        )];
        if ends {
            statements.push(tickets::renew(app_id, by.at));
        }
        let has_endpoint =
            settings.callback_url.is_some() || settings.event_mode == EventMode::LongConnection;
        if settings.is_enabled && has_endpoint {
            let concerned = self.list_concerned(app_id).await?.into_iter();
            statements.extend(concerned.map(|tenant_id| release_held(app_id, tenant_id, by.at)));
        }
        let mut entry = app_audit::entry(by, AuditAct::AppChanged, app_id);
        entry.details = app_audit::changed(&before.settings, settings);
        statements.extend(app_audit::add(self, &entry, tenants).await?);
        let written = self.write_known(statements, Known::App(app_id)).await?;
        self.wake_deliveries();
        Ok(written.saved_or(Saved::Outdated))
    }

    /// Replaces an app's secrets, unless it changed since `version`; tokens and tickets bought with an app_secret
    /// no longer good end.
    pub async fn rotate_app(
        &self,
        by: By,
        app_id: AppId,
        version: i64,
        secret_hash: &[u8; 32],
        secrets: &AppSecrets,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let Some(before) = self.find_app_at(app_id, version).await? else {
            return Ok(Saved::Outdated);
        };
        let tenants = self.tenants_of(&before).await?;
        let changes = before.changes;
        let has_new_secret = *secret_hash != before.secret_hash;
        let has_new_key = secrets.encrypt_key != before.secrets.encrypt_key;
        let sealed = self.secrets().apps.seal(context(app_id), &content::to_text(secrets));
        let mut statements = self.keep_answer(answer);
        let keeps = statements.len();
        statements.push(one(
            ROTATE,
            values![
                app_id.0,
                version,
                secret_hash.as_slice(),
                sealed,
                changes.app_secret_no + i64::from(has_new_secret),
                changes.encrypt_key_no + i64::from(has_new_key),
                by.actor_number(),
                by.at.0,
            ],
        ));
        if has_new_secret {
            statements.push(tickets::renew(app_id, by.at));
        }
        let mut entry = app_audit::entry(by, AuditAct::AppRotated, app_id);
        entry.details = app_audit::rotated(&before, secret_hash, secrets);
        statements.extend(app_audit::add(self, &entry, tenants).await?);
        Ok(match self.write_known(statements, Known::App(app_id)).await? {
            Written::Done(_) => Saved::Done,
            Written::Unmet(index) if index < keeps => Saved::KeyTaken,
            Written::Unmet(_) => Saved::Outdated,
        })
    }

    /// The app as it was at `version`; none when it is gone or changed since.
    async fn find_app_at(&self, app_id: AppId, version: i64) -> Result<Option<Arc<App>>, Fault> {
        let found = self.find_app(app_id).await?;
        Ok(found.filter(|app| app.version == version))
    }

    /// The tenants that the app may concern: its own, or those where it is installed.
    async fn tenants_of(&self, app: &App) -> Result<Vec<TenantId>, Fault> {
        match app.tenant_id {
            Some(tenant_id) => Ok(vec![tenant_id]),
            None => self.list_tenants_with(app.app_id).await,
        }
    }

    /// Deletes an app that no account is bound to, with its installations; [`Saved::Outdated`] when one is.
    pub async fn delete_app(&self, by: By, app_id: AppId) -> Result<Saved, Fault> {
        let Some(before) = self.find_app(app_id).await? else { return Ok(Saved::Outdated) };
        let tenants = self.tenants_of(&before).await?;
        let version = self.read(FIND_VERSION, values![app_id.0]).await?;
        let version = version.first().map_or(Ok(0), |row| row.int(0))?;
        let mut statements = vec![
            one(DELETE, values![app_id.0, version]),
            one(IS_UNBOUND, values![app_id.0]),
            tickets::unschedule(app_id),
            any(DELETE_ACCOUNT_FORMS, values![app_id.0]),
        ];
        for tenant_id in self.list_concerned(app_id).await? {
            statements.push(installations::delete(app_id, tenant_id));
            statements.push(grants::delete(app_id, tenant_id));
        }
        let entry = app_audit::entry(by, AuditAct::AppDeleted, app_id);
        statements.extend(app_audit::add(self, &entry, tenants).await?);
        Ok(self.write_known(statements, Known::App(app_id)).await?.saved_or(Saved::Outdated))
    }

    fn app(&self, row: &Row) -> Result<App, Fault> {
        let app_id = AppId(row.int(0)?);
        let secrets = self.secrets().apps.open(context(app_id), row.bytes(11)?)?;
        let damaged =
            |what| Fault::new(FaultKind::Damaged, format_args!("an app's {what} is unknown"));
        Ok(App {
            app_id,
            tenant_id: row.find_int(1)?.map(TenantId),
            kind: match row.text(3)?.as_str() {
                "self_built" => AppKind::SelfBuilt,
                "store" => AppKind::Store,
                _ => return Err(damaged("kind")),
            },
            settings: AppSettings {
                name: row.text(2)?,
                scopes: lines(&row.text(4)?).filter_map(Scope::parse).collect(),
                event_mode: mode(&row.text(5)?)?,
                callback_url: row.find_text(6)?,
                encrypted: row.bool(7)?,
                ip_allowlist: lines(&row.text(8)?).map(str::to_owned).collect(),
                is_enabled: row.bool(9)?,
            },
            secret_hash: row.bytes(10)?.try_into().map_err(|_| damaged("secret hash"))?,
            secrets: content::from_text(&secrets)?,
            pause: match row.find_int(14)? {
                Some(since) => Some(Pause { since: UnixMs(since), reason: row.text(15)? }),
                None => None,
            },
            changes: Changes {
                app_secret_no: row.int(16)?,
                encrypt_key_no: row.int(17)?,
                ends_no: row.int(18)?,
                changed_by: row.int(19)?,
                changed_at: UnixMs(row.int(20)?),
            },
            version: row.int(12)?,
            created_at: UnixMs(row.int(13)?),
        })
    }
}

fn context(app_id: AppId) -> RowContext {
    RowContext::new("apps", TenantId(0), app_id.0)
}
