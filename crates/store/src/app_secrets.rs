//! The secrets of an app, and the values that were good before they were rotated.

use domain::UnixMs;
use serde::{Deserialize, Serialize};

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
    /// The secrets before the last rotation, while those are good; none when nothing else than now's is good.
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
