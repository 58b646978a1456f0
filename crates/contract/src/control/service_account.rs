//! Service accounts, which own keys: `POST, GET /tenants/{tenant_key}/service_accounts`; `GET, PATCH, DELETE
//! …/service_accounts/{service_account_id}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rule::{Faults, Rules};

const NAME_CHARS_MAX: usize = 100;
const DESCRIPTION_CHARS_MAX: usize = 500;

/// Body of `POST …/service_accounts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateServiceAccount {
    /// What it is called, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it is for, at most 500 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(max_length = 500)]
    pub description: String,
}

impl Rules for CreateServiceAccount {
    fn check(&self, faults: &mut Faults) {
        faults.length("name", &self.name, 1, NAME_CHARS_MAX);
        faults.length("description", &self.description, 0, DESCRIPTION_CHARS_MAX);
    }
}

/// Body of `PATCH …/service_accounts/{service_account_id}`: absent members keep their value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateServiceAccount {
    /// What it is called, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// What it is for, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub description: Option<String>,
}

impl Rules for UpdateServiceAccount {
    fn check(&self, faults: &mut Faults) {
        if *self == UpdateServiceAccount::default() {
            faults.nothing(&["name", "description"]);
        }
        faults.optional("name", self.name.as_deref(), NAME_CHARS_MAX);
        let description = self.description.as_deref().unwrap_or_default();
        faults.length("description", description, 0, DESCRIPTION_CHARS_MAX);
    }
}

/// One service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceAccount {
    /// 19 decimal digits; a key that belongs to it names it as `owner_id`.
    pub service_account_id: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// When it was made (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn a_service_account_has_a_name() {
        assert_eq!(fields(&CreateServiceAccount::default()), ["name"]);
        assert_eq!(fields(&UpdateServiceAccount::default()), [""]);
        let long = UpdateServiceAccount {
            name: Some(String::new()),
            description: Some("长".repeat(501)),
        };
        assert_eq!(fields(&long), ["name", "description"]);
    }
}
