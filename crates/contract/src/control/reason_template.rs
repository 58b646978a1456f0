//! Reasons to choose from: `POST, GET /tenants/{tenant_key}/reason_templates`; `PATCH, DELETE …/{template_id}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::debug_only;
use super::rule::{Faults, Rules, TEXT_CHARS_MAX};

const NAME_CHARS_MAX: usize = 60;

/// Body of `POST /tenants/{tenant_key}/reason_templates`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateReasonTemplate {
    /// By what people choose it, 1 to 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub name: String,
    /// What is put into the reason, 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    pub text: String,
}

impl Rules for CreateReasonTemplate {
    fn check(&self, faults: &mut Faults) {
        faults.length("name", &self.name, 1, NAME_CHARS_MAX);
        faults.length("text", &self.text, 1, TEXT_CHARS_MAX);
    }
}

/// Body of `PATCH …/reason_templates/{template_id}`: absent members keep their value.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateReasonTemplate {
    /// By what people choose it, 1 to 60 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 60)]
    pub name: Option<String>,
    /// What is put into the reason, 1 to 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2000)]
    pub text: Option<String>,
}

impl Rules for UpdateReasonTemplate {
    fn check(&self, faults: &mut Faults) {
        if *self == UpdateReasonTemplate::default() {
            faults.nothing(&["name", "text"]);
        }
        faults.optional("name", self.name.as_deref(), NAME_CHARS_MAX);
        faults.optional("text", self.text.as_deref(), TEXT_CHARS_MAX);
    }
}

/// A reason that a tenant's people choose from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonTemplate {
    /// 19 decimal digits.
    pub template_id: String,
    /// By what people choose it.
    pub name: String,
    /// What is put into the reason.
    pub text: String,
}

debug_only! {
    CreateReasonTemplate {}
    UpdateReasonTemplate {}
    ReasonTemplate { template_id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn every_fault_is_named_and_no_word_shows() {
        let body = CreateReasonTemplate { name: " ".into(), text: "因".repeat(2_001) };
        assert_eq!(fields(&body), ["name", "text"]);
        assert_eq!(fields(&UpdateReasonTemplate::default()), [""]);
        let change = UpdateReasonTemplate { text: Some("学历".into()), name: None };
        assert!(change.faults().is_empty() && !format!("{change:?}").contains("学历"));
    }
}
