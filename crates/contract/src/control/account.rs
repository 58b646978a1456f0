//! Accounts: `POST, GET /tenants/{tenant_key}/accounts`; `GET, DELETE …/accounts/{account_id}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::debug_only;
use super::rule::{Faults, Rules};
use crate::field::{AccountField, CheckField};

const NAME_CHARS_MAX: usize = 100;
const FIELDS_MAX: usize = 100;
const FIELD_KEY_CHARS_MAX: usize = 100;
const FIELD_VALUE_CHARS_MAX: usize = 4_000;

/// The value of one custom field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldValue {
    /// The field's key, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub key: String,
    /// The value as text, at most 4,000 characters: `true`/`false` for a boolean, milliseconds for a
    /// date, an option's key for a select, a JSON array of option keys for a multiselect.
    /// Source: contract, question 14.
    #[schema(max_length = 4000)]
    pub value: String,
}

debug_only! { FieldValue { key } }

/// The rules for a list of custom field values; `field` is the list's path.
pub(super) fn field_values(faults: &mut Faults, field: &str, values: &[FieldValue]) {
    faults.count(field, values, FIELDS_MAX);
    for (index, FieldValue { key, value }) in values.iter().enumerate() {
        faults.length(&format!("{field}[{index}].key"), key, 1, FIELD_KEY_CHARS_MAX);
        faults.length(&format!("{field}[{index}].value"), value, 0, FIELD_VALUE_CHARS_MAX);
    }
    faults.distinct(field, values.iter().map(|value| &value.key));
}

/// Body of `POST /tenants/{tenant_key}/accounts`: binds the tenant to a vendor's app (账号绑定).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// The vendor's app, installed in the tenant.
    pub app_id: String,
    /// Shown name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub account_name: String,
    /// What it is used for: 1 社招 (experienced hires), 2 校招 (campus); at least one, each once.
    #[serde(default = "usage_list_default")]
    #[schema(default = json!([1, 2]))]
    pub usage_list: Vec<u32>,
    /// Values of the account custom fields, at most 100, each key once.
    #[serde(default)]
    pub custom_field_list: Vec<FieldValue>,
}

fn usage_list_default() -> Vec<u32> {
    vec![1, 2]
}

impl CreateAccount {
    /// An account for both usages without field values.
    #[must_use]
    pub fn new(app_id: impl Into<String>, account_name: impl Into<String>) -> CreateAccount {
        CreateAccount {
            app_id: app_id.into(),
            account_name: account_name.into(),
            usage_list: usage_list_default(),
            custom_field_list: Vec::new(),
        }
    }
}

impl Rules for CreateAccount {
    fn check(&self, faults: &mut Faults) {
        faults.app_id("app_id", &self.app_id);
        faults.length("account_name", &self.account_name, 1, NAME_CHARS_MAX);
        if self.usage_list.is_empty() {
            faults.add("usage_list", "expected at least 1 entry");
        }
        for (index, usage) in self.usage_list.iter().enumerate() {
            if !(1..=2).contains(usage) {
                faults.add(format!("usage_list[{index}]"), "expected 1 or 2");
            }
        }
        faults.distinct("usage_list", self.usage_list.iter());
        field_values(faults, "custom_field_list", &self.custom_field_list);
    }
}

/// The binding of a tenant to a vendor's app, with what can be ordered there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// 19 decimal digits.
    pub account_id: String,
    /// The vendor's app.
    pub app_id: String,
    /// Shown name.
    pub account_name: String,
    /// 1 社招 (experienced hires), 2 校招 (campus).
    pub usage_list: Vec<u32>,
    /// Values of the account custom fields.
    pub custom_field_list: Vec<FieldValue>,
    /// What the vendor published for this account.
    pub packages: Vec<Package>,
    /// What can be added to a package.
    pub additional_items: Vec<AdditionalItem>,
    /// The vendor's form for orders: what it asks beside package and items.
    #[serde(default)]
    pub fields: Vec<CheckField>,
    /// Whether the vendor is notified, by `probity.background_check.returned_v1`, of results that are sent back.
    #[serde(default)]
    pub returned_event: bool,
    /// When the account was bound (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Body of `PATCH /tenants/{tenant_key}/accounts/{account_id}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateAccount {
    /// Whether the vendor is notified, by `probity.background_check.returned_v1`, of results that are sent back, with the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_event: Option<bool>,
}

impl Rules for UpdateAccount {
    fn check(&self, faults: &mut Faults) {
        if self.returned_event.is_none() {
            faults.add("returned_event", "is required");
        }
    }
}

/// What a vendor's app asks when an account is bound to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountForm {
    /// The account custom fields; none when the app published no form.
    pub fields: Vec<AccountField>,
}

/// A package (套餐) that can be ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Package {
    /// The vendor's id, 1 to 36 characters.
    pub id: String,
    /// Shown name.
    pub name: String,
    /// What the package holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An additional item (附加调查项) that can be ordered with a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdditionalItem {
    /// The vendor's id, 1 to 36 characters.
    pub id: String,
    /// Shown name.
    pub name: String,
    /// What the item adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_for_both_usages_when_none_is_named() {
        let text = r#"{"app_id":"cli_0000000000000001","account_name":"华东"}"#;
        let body: CreateAccount = serde_json::from_str(text).unwrap();
        assert_eq!(body, CreateAccount::new("cli_0000000000000001", "华东"));
        assert!(body.faults().is_empty());
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let value = |key: &str| FieldValue { key: key.into(), value: "z".into() };
        let body = CreateAccount {
            usage_list: vec![1, 3, 1],
            custom_field_list: vec![value("a"), value(""), value("a")],
            ..CreateAccount::new("x", "")
        };
        let fields: Vec<_> = body.faults().into_iter().map(|fault| fault.field).collect();
        let expected = [
            "app_id",
            "account_name",
            "usage_list[1]",
            "usage_list[2]",
            "custom_field_list[1].key",
            "custom_field_list[2]",
        ];
        assert_eq!(fields, expected);
        assert!(!format!("{body:?}").contains('z'), "a value shows");
    }
}
