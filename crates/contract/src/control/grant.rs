//! Grants: `GET /tenants/{tenant_key}/grants`; `GET, POST, DELETE …/apps/{app_id}/grant`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::app::{AppKind, EventMode};
use super::rule::{Faults, Rules};

const REVISION_CHARS: usize = 32;

/// How far a tenant granted an app what was prepared for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Nothing is granted: the app gets nothing of the tenant.
    Waiting,
    /// The app is more than was granted: what is new waits.
    Changed,
    /// Everything is granted.
    Granted,
}

/// What an app is in a tenant, as far as the tenant has to grant it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Terms {
    /// What the app may do.
    pub scopes: Vec<String>,
    /// How its events travel.
    pub event_mode: EventMode,
    /// Where its events are posted; absent while there is no such place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Whether its events are encrypted.
    pub encrypted: bool,
    /// Addresses or CIDR ranges that may call; empty means all.
    pub ip_allowlist: Vec<String>,
    /// The number of its app secret: 1 is the first, each rotation counts one up.
    pub app_secret_no: u64,
    /// The number of its encrypt key, in the same way.
    pub encrypt_key_no: u64,
}

/// What a tenant granted to an app, beside what was prepared for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// `cli_` and 16 lower-case hex digits.
    pub app_id: String,
    /// The app's shown name.
    pub app_name: String,
    /// What the app is.
    pub kind: AppKind,
    /// How far it is granted.
    pub state: GrantState,
    /// What the app is now.
    pub prepared: Terms,
    /// When it became so (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub prepared_at: String,
    /// The key that prepared it; absent for what stood before there were grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared_by: Option<String>,
    /// What the tenant granted; absent while nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Terms>,
    /// When it did (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub granted_at: Option<String>,
    /// The tenant's key that did; absent for what stood before there were grants, which the upgrade granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    /// What of `prepared` goes beyond `granted`: `scopes`, `event_mode`, `callback_url`, `encrypted`, `ip_allowlist`,
    /// `app_secret`, `encrypt_key`.
    pub waiting: Vec<String>,
    /// Stands for `prepared`, to be named when it is granted: 32 hex digits.
    pub revision: String,
}

/// Body of `POST /tenants/{tenant_key}/apps/{app_id}/grant`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantApp {
    /// That of the grant as it was seen, so that nothing newer is granted unseen.
    pub revision: String,
}

impl Rules for GrantApp {
    fn check(&self, faults: &mut Faults) {
        faults.length("revision", &self.revision, REVISION_CHARS, REVISION_CHARS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_has_32_characters() {
        for (length, faults) in [(0, 1), (31, 1), (32, 0), (33, 1)] {
            assert_eq!(GrantApp { revision: "a".repeat(length) }.faults().len(), faults);
        }
    }
}
