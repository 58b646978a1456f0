//! An app as it is stored: the program of a vendor or hirer, with what it may do and where its events go.

use contract::control::{AppKind, EventMode};
use contract::scope::Scope;
use domain::grant::Terms;
use domain::{AppId, TenantId, UnixMs};

use crate::app_secrets::AppSecrets;
use crate::fault::{Fault, FaultKind};
use crate::pauses::Pause;

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
    /// Which secrets these are, and who changed the app last.
    pub changes: Changes,
    /// Counts the changes of the row.
    pub version: i64,
    /// When it was created.
    pub created_at: UnixMs,
}

/// The numbers of an app's secrets, and its last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// The number of the app_secret; 1 is the first, and the one before it is good for its grace time.
    pub app_secret_no: i64,
    /// The number of the encrypt key, in the same way.
    pub encrypt_key_no: i64,
    /// How often all tokens of the app were ended.
    pub ends_no: i64,
    /// The key that prepared what the app is now, 0 for nobody.
    pub changed_by: i64,
    /// When.
    pub changed_at: UnixMs,
}

impl Changes {
    /// Of a new app.
    #[must_use]
    pub const fn none() -> Changes {
        Changes {
            app_secret_no: 1,
            encrypt_key_no: 1,
            ends_no: 0,
            changed_by: 0,
            changed_at: UnixMs(0),
        }
    }
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

impl App {
    /// The app_secrets that are good at `now`, each with its number and SHA-256: the present one, and the old one in
    /// its grace time.
    pub fn good_secrets(&self, now: UnixMs) -> impl Iterator<Item = (i64, &[u8; 32])> {
        let newest = self.changes.app_secret_no;
        let old = self.secrets.old.app_secret_hash.as_ref().and_then(|old| old.at(now));
        std::iter::once((newest, &self.secret_hash)).chain(old.map(|old| (newest - 1, old)))
    }

    /// Until when the app_secret of this number is good; none while it is the present one.
    #[must_use]
    pub fn secret_ends_at(&self, number: i64) -> Option<UnixMs> {
        if number == self.changes.app_secret_no {
            return None;
        }
        let old = self.secrets.old.app_secret_hash.as_ref();
        let old = old.filter(|_| number == self.changes.app_secret_no - 1);
        Some(old.map_or(UnixMs(0), |old| UnixMs(old.until_ms)))
    }

    /// What the app is now, as far as a tenant has to grant it.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let AppSettings { scopes, event_mode, callback_url, encrypted, ip_allowlist, .. } =
            &self.settings;
        Terms {
            scopes: scopes.clone(),
            event_mode: *event_mode,
            callback_url: callback_url.clone(),
            encrypted: *encrypted,
            ip_allowlist: ip_allowlist.clone(),
            app_secret_no: self.changes.app_secret_no,
            encrypt_key_no: self.changes.encrypt_key_no,
        }
    }
}

pub(crate) fn kind_text(kind: AppKind) -> &'static str {
    match kind {
        AppKind::SelfBuilt => "self_built",
        AppKind::Store => "store",
    }
}

/// The event mode of this text.
pub(crate) fn mode(text: &str) -> Result<EventMode, Fault> {
    match text {
        "webhook" => Ok(EventMode::Webhook),
        "long_connection" => Ok(EventMode::LongConnection),
        _ => Err(Fault::new(FaultKind::Damaged, "an app's event mode is unknown")),
    }
}

pub(crate) fn mode_text(mode: EventMode) -> &'static str {
    match mode {
        EventMode::Webhook => "webhook",
        EventMode::LongConnection => "long_connection",
    }
}

pub(crate) fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join("\n")
}

pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty())
}
