//! Keys for the control API: `POST, GET /tenants/{tenant_key}/api_keys`; `GET, DELETE …/api_keys/{key_id}`;
//! `POST …/api_keys/{key_id}/replace`; and the operator's own below `/api_keys`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::debug_only;
use super::endpoint::GRACE_SECONDS_MAX;
use super::event::SINCE_CHARS_MAX;
use super::rule::{Faults, Rules};

const NAME_CHARS_MAX: usize = 100;

/// What a key may do; see the table of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// Runs the installation; no key of a tenant has it.
    Operator,
    /// Everything in its own tenant.
    Admin,
    /// Places orders, and sees where its own ones stand.
    Recruiter,
    /// Decides on returned results.
    Approver,
    /// Looks after retention and erasure.
    PrivacyOfficer,
    /// Reads what holds no personal data.
    Auditor,
}

impl KeyRole {
    /// Every role.
    pub const ALL: [KeyRole; 6] = [
        KeyRole::Operator,
        KeyRole::Admin,
        KeyRole::Recruiter,
        KeyRole::Approver,
        KeyRole::PrivacyOfficer,
        KeyRole::Auditor,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyRole::Operator => "operator",
            KeyRole::Admin => "admin",
            KeyRole::Recruiter => "recruiter",
            KeyRole::Approver => "approver",
            KeyRole::PrivacyOfficer => "privacy_officer",
            KeyRole::Auditor => "auditor",
        }
    }
}

/// Body of `POST …/api_keys`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// What it is for, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Whom it belongs to, in free words, 1 to 100 characters: a service of its own. Either this or `owner_id`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(min_length = 1, max_length = 100)]
    pub owner: String,
    /// The member or service account of the tenant that it belongs to, 19 decimal digits. A person's key never does more
    /// than the person may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// What it may do: for a key of a tenant one or more roles of a tenant, each once. An operator's key has
    /// `operator` alone, also when this is absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<KeyRole>,
    /// When it ends (RFC 3339, any offset), later than now; absent for a key that does not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

impl Rules for CreateApiKey {
    fn check(&self, faults: &mut Faults) {
        faults.length("name", &self.name, 1, NAME_CHARS_MAX);
        match &self.owner_id {
            None => faults.length("owner", &self.owner, 1, NAME_CHARS_MAX),
            Some(owner_id) => {
                faults.digits("owner_id", owner_id, 1, 19);
                if !self.owner.is_empty() {
                    faults.add("owner", "expected owner or owner_id, not both");
                }
            }
        }
        faults.distinct("roles", self.roles.iter());
        faults.optional("expires_at", self.expires_at.as_deref(), SINCE_CHARS_MAX);
    }
}

/// Body of `POST …/api_keys/{key_id}/replace`: the key gets a new value and stays what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceApiKey {
    /// How long the old value is good besides the new one: 0 to 2,592,000 s; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub grace_seconds: Option<u32>,
}

impl Rules for ReplaceApiKey {
    fn check(&self, faults: &mut Faults) {
        faults.range("grace_seconds", self.grace_seconds, 0, GRACE_SECONDS_MAX);
    }
}

/// One key, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// 19 decimal digits; it stands in timelines and audit chains, and stays when the key is replaced.
    pub key_id: String,
    /// What it is for.
    pub name: String,
    /// Whom it belongs to, in free words; absent for a person's key, and for the first key of a tenant or an installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The person or service account that it belongs to; absent for a service of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// What it may do.
    pub roles: Vec<KeyRole>,
    /// When it was made (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ends, or ended (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// Until when the value before the last replacement is good as well (RFC 3339, UTC); absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub old_until: Option<String>,
    /// When it was last used, to within about a minute (RFC 3339, UTC); absent for a key that never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
    /// When it was revoked (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
}

/// Answer to the calls that make or replace a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedApiKey {
    /// The key.
    #[serde(flatten)]
    pub key: ApiKey,
    /// Its value, `pbt_…` or `pbo_…`, which is shown this once: absent in the answer to a repeat.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_key: String,
}

impl CreatedApiKey {
    /// The answer as repeats get it.
    #[must_use]
    pub fn without_secret(&self) -> CreatedApiKey {
        CreatedApiKey { key: self.key.clone(), api_key: String::new() }
    }
}

debug_only! { CreatedApiKey { key } }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn a_key_has_a_name_and_an_owner_and_each_role_once() {
        let body = CreateApiKey { roles: vec![KeyRole::Admin; 2], ..CreateApiKey::default() };
        assert_eq!(fields(&body), ["name", "owner", "roles[1]"]);
        let both = CreateApiKey {
            name: "a".into(),
            owner: "b".into(),
            owner_id: Some("c".into()),
            ..CreateApiKey::default()
        };
        assert_eq!(fields(&both), ["owner_id", "owner"]);
    }

    #[test]
    fn a_repeat_holds_no_value_and_reads_as_the_same_type() {
        let text = r#"{"key_id":"7000000000000000000","name":"a","roles":["admin"],
            "created_at":"2026-03-01T08:00:00.000Z","api_key":"pbt_secret"}"#;
        let created: CreatedApiKey = serde_json::from_str(text).unwrap();
        assert!(!format!("{created:?}").contains("pbt_secret"));
        let repeat = serde_json::to_string(&created.without_secret()).unwrap();
        assert!(!repeat.contains("api_key\""), "{repeat}");
        assert_eq!(serde_json::from_str::<CreatedApiKey>(&repeat).unwrap().api_key, "");
    }

    #[test]
    fn roles_are_written_by_their_names() {
        for role in KeyRole::ALL {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
    }
}
