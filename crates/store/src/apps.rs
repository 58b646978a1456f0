//! Apps: the programs of vendors and hirers, with what they may do and where their events go.

use std::sync::Arc;

use contract::control::{AppKind, EventMode};
use contract::evidence::{AuditAct, AuditEntry};
use contract::scope::Scope;
use domain::{AppId, TenantId, UnixMs};
use serde::{Deserialize, Serialize};

use crate::answers::KeptAnswer;
use crate::audit::{self, By};
use crate::fault::{Fault, FaultKind};
use crate::forms::DELETE_ACCOUNT_FORMS;
use crate::pauses::Pause;
use crate::resend::release_held;
use crate::seal::Place;
use crate::value::{Row, Written, any, one, values};
use crate::{Known, Saved, Store, content, installations, tickets};

/// One app, with its secrets at hand.
#[derive(Debug, Clone)]
pub struct App {
    /// The `app_id`.
    pub app_id: AppId,
    /// The tenant of a self-built app.
    pub tenant_id: Option<TenantId>,
    /// Self-built or store.
    pub kind: AppKind,
    /// What can be changed.
    pub settings: AppSettings,
    /// The app_secret's SHA-256.
    pub secret_hash: [u8; 32],
    /// What goes out with events.
    pub secrets: AppSecrets,
    /// Since when and why nothing is sent to it; none while it is sent events.
    pub pause: Option<Pause>,
    /// Counts the changes of the row.
    pub version: i64,
    /// When it was created.
    pub created_at: UnixMs,
}

/// What can be changed of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSettings {
    /// Shown name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How its events travel.
    pub event_mode: EventMode,
    /// Where its events go by webhook.
    pub callback_url: Option<String>,
    /// Whether its events are encrypted.
    pub encrypted: bool,
    /// From where it may call; empty for everywhere. Addresses and CIDR ranges.
    pub ip_allowlist: Vec<String>,
    /// Whether it may call and get events at all.
    pub is_enabled: bool,
}

/// What goes out with an app's events, and what was good before the last rotation; sealed at rest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSecrets {
    /// Stands in every event.
    pub verification_token: String,
    /// Encrypts and signs events.
    pub encrypt_key: String,
    /// What is good besides, for a time.
    #[serde(default)]
    pub old: OldSecrets,
}

/// The values that were good before they were rotated, each until the end of its grace time.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecrets {
    /// The app_secret's SHA-256.
    pub app_secret_hash: Option<OldSecret<[u8; 32]>>,
    /// The encrypt key.
    pub encrypt_key: Option<OldSecret<String>>,
    /// The verification token.
    pub verification_token: Option<OldSecret<String>>,
}

/// A value that is good until an instant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecret<T> {
    /// The value.
    pub value: T,
    /// Milliseconds since the epoch.
    pub until_ms: i64,
}

impl<T> OldSecret<T> {
    /// The value, while it is good.
    #[must_use]
    pub fn at(&self, now: UnixMs) -> Option<&T> {
        (now.0 < self.until_ms).then_some(&self.value)
    }
}

impl AppSecrets {
    /// The secrets that events went out with before the last rotation, while those are good; none when what is
    /// good now is all there is.
    #[must_use]
    pub fn before_rotation(&self, now: UnixMs) -> Option<AppSecrets> {
        let old = &self.old;
        let token = old.verification_token.as_ref().and_then(|old| old.at(now));
        let key = old.encrypt_key.as_ref().and_then(|old| old.at(now));
        if token.is_none() && key.is_none() {
            return None;
        }
        Some(AppSecrets {
            verification_token: token.unwrap_or(&self.verification_token).clone(),
            encrypt_key: key.unwrap_or(&self.encrypt_key).clone(),
            old: OldSecrets::default(),
        })
    }
}

impl std::fmt::Debug for AppSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppSecrets(..)")
    }
}

impl App {
    /// The hashes of the app_secrets that are good at `now`: the present one, and in its grace time the old one.
    pub fn secret_hashes(&self, now: UnixMs) -> impl Iterator<Item = &[u8; 32]> {
        let old = self.secrets.old.app_secret_hash.as_ref();
        std::iter::once(&self.secret_hash).chain(old.and_then(|old| old.at(now)))
    }
}

const INSERT: &str = "INSERT INTO apps (app_id, tenant_id, name, kind, scopes, event_mode, callback_url, \
    encrypted, ip_allowlist, enabled, secret_hash, sealed, version, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13)";
const UPDATE: &str = "UPDATE apps SET name = $1, scopes = $2, event_mode = $3, callback_url = $4, \
    encrypted = $5, ip_allowlist = $6, enabled = $7, version = version + 1 \
    WHERE app_id = $8 AND version = $9";
const ROTATE: &str = "UPDATE apps SET secret_hash = $3, sealed = $4, version = version + 1 \
    WHERE app_id = $1 AND version = $2";
const FIND: &str = "SELECT app_id, tenant_id, name, kind, scopes, event_mode, callback_url, encrypted, \
    ip_allowlist, enabled, secret_hash, sealed, version, created_at, paused_at, pause_reason FROM apps WHERE app_id = $1";
const LIST: &str = "SELECT app_id, tenant_id, name, kind, scopes, event_mode, callback_url, encrypted, \
    ip_allowlist, enabled, secret_hash, sealed, version, created_at, paused_at, pause_reason FROM apps \
    WHERE (created_at, app_id) < ($1, $2) ORDER BY created_at DESC, app_id DESC LIMIT $3";
const DELETE: &str = "DELETE FROM apps WHERE app_id = $1 \
    AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.app_id = $1)";

/// The statements of this file, for the test that prepares all of them.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INSERT, UPDATE, ROTATE, FIND, LIST, DELETE];

impl Store {
    /// Creates an app. The first ticket of a store app is due at once.
    ///
    /// # Errors
    /// Faults of storage; [`Saved::KeyTaken`] when the answer's Idempotency-Key was used before.
    pub async fn create_app(
        &self,
        by: By,
        app: &App,
        answer: Option<&KeptAnswer>,
    ) -> Result<Saved, Fault> {
        let sealed = self.secrets().apps.seal(place(app.app_id), &content::to_text(&app.secrets));
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
            ],
        ));
        if app.kind == AppKind::Store {
            statements.push(tickets::schedule(app.app_id, app.created_at));
        }
        let entry = told(by, AuditAct::AppCreated, app.app_id);
        statements.extend(audit::add(audit::OPERATOR, &entry));
        Ok(match self.write_known(statements, Known::App(app.app_id)).await? {
            Written::Done(_) => Saved::Done,
            Written::Unmet(_) => Saved::KeyTaken,
        })
    }

    /// The app, from memory when it was read before.
    ///
    /// # Errors
    /// Faults of storage, or of secrets that do not open.
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
    ///
    /// # Errors
    /// Faults of storage, or of secrets that do not open.
    pub async fn list_apps(
        &self,
        before: Option<(UnixMs, AppId)>,
        limit: u32,
    ) -> Result<Vec<App>, Fault> {
        let (at, app_id) = before.unwrap_or((UnixMs(i64::MAX), AppId(i64::MAX)));
        let rows = self.read(LIST, values![at.0, app_id.0, i64::from(limit)]).await?;
        rows.iter().map(|row| self.app(row)).collect()
    }

    /// Changes an app's settings, unless it changed since `version`. Events that were held for want of a
    /// sink become due when the app has one now.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn update_app(
        &self,
        by: By,
        app_id: AppId,
        version: i64,
        settings: &AppSettings,
    ) -> Result<Saved, Fault> {
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
            ],
        )];
        let has_sink =
            settings.callback_url.is_some() || settings.event_mode == EventMode::LongConnection;
        if settings.is_enabled && has_sink {
            statements.push(release_held(app_id, by.at));
        }
        let mut entry = told(by, AuditAct::AppChanged, app_id);
        entry.details.insert("enabled".to_owned(), settings.is_enabled.to_string());
        statements.extend(audit::add(audit::OPERATOR, &entry));
        let written = self.write_known(statements, Known::App(app_id)).await?;
        self.wake_deliveries();
        Ok(match written {
            Written::Done(_) => Saved::Done,
            Written::Unmet(_) => Saved::Outdated,
        })
    }

    /// Gives an app other secrets, unless it changed since `version`.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn rotate_app(
        &self,
        by: By,
        app_id: AppId,
        version: i64,
        secret_hash: &[u8; 32],
        secrets: &AppSecrets,
        answer: Option<&KeptAnswer>,
    ) -> Result<Saved, Fault> {
        let sealed = self.secrets().apps.seal(place(app_id), &content::to_text(secrets));
        let mut statements = self.keep_answer(answer);
        let keeps = statements.len();
        statements.push(one(ROTATE, values![app_id.0, version, secret_hash.as_slice(), sealed]));
        statements.extend(audit::add(audit::OPERATOR, &told(by, AuditAct::AppRotated, app_id)));
        Ok(match self.write_known(statements, Known::App(app_id)).await? {
            Written::Done(_) => Saved::Done,
            Written::Unmet(place) if place < keeps => Saved::KeyTaken,
            Written::Unmet(_) => Saved::Outdated,
        })
    }

    /// Deletes an app that no account is bound to, with its installations; [`Saved::Outdated`] when one is.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn delete_app(&self, by: By, app_id: AppId) -> Result<Saved, Fault> {
        let mut statements = vec![
            one(DELETE, values![app_id.0]),
            installations::delete_of_app(app_id),
            tickets::unschedule(app_id),
            any(DELETE_ACCOUNT_FORMS, values![app_id.0]),
        ];
        statements.extend(audit::add(audit::OPERATOR, &told(by, AuditAct::AppDeleted, app_id)));
        Ok(match self.write_known(statements, Known::App(app_id)).await? {
            Written::Done(_) => Saved::Done,
            Written::Unmet(_) => Saved::Outdated,
        })
    }

    fn app(&self, row: &Row) -> Result<App, Fault> {
        let app_id = AppId(row.int(0)?);
        let secrets = self.secrets().apps.open(place(app_id), row.bytes(11)?)?;
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
                event_mode: match row.text(5)?.as_str() {
                    "webhook" => EventMode::Webhook,
                    "long_connection" => EventMode::LongConnection,
                    _ => return Err(damaged("event mode")),
                },
                callback_url: row.find_text(6)?,
                encrypted: row.truth(7)?,
                ip_allowlist: lines(&row.text(8)?).map(str::to_owned).collect(),
                is_enabled: row.truth(9)?,
            },
            secret_hash: row.bytes(10)?.try_into().map_err(|_| damaged("secret hash"))?,
            secrets: content::from_text(&secrets)?,
            pause: match row.find_int(14)? {
                Some(since) => Some(Pause { since: UnixMs(since), reason: row.text(15)? }),
                None => None,
            },
            version: row.int(12)?,
            created_at: UnixMs(row.int(13)?),
        })
    }
}

/// An entry of the operator's audit chain about an app.
pub(crate) fn told(by: By, act: AuditAct, app_id: AppId) -> AuditEntry {
    let mut entry = by.did(act);
    entry.app_id = Some(app_id.to_string());
    entry
}

fn place(app_id: AppId) -> Place {
    Place::new("apps", TenantId(0), app_id.0)
}

fn kind_text(kind: AppKind) -> &'static str {
    match kind {
        AppKind::SelfBuilt => "self_built",
        AppKind::Store => "store",
    }
}

fn mode_text(mode: EventMode) -> &'static str {
    match mode {
        EventMode::Webhook => "webhook",
        EventMode::LongConnection => "long_connection",
    }
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join("\n")
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}
