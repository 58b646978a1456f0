//! Finding a person's orders: `POST /tenants/{tenant_key}/candidates/search`. The words of the search stand in the
//! body, since addresses of calls end up in logs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::debug_only;
use super::order::OrderState;
use super::rule::{Faults, Rules};

const NAME_CHARS_MAX: usize = 200;
const MOBILE_CHARS_MAX: usize = 50;
const EMAIL_CHARS_MAX: usize = 254;
const APPLICATION_ID_CHARS_MAX: usize = 100;

/// Body of `POST …/candidates/search`: what all of the found orders fit; at least one member besides the paging.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchCandidates {
    /// The candidate's name, at most 200 characters: the full name, or given and family name in either order.
    /// Case, blanks and full-width letters make no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// The mobile number, at most 50 characters, with or without country code: `+86 138-0000-0000`, `13800000000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 50)]
    pub mobile: Option<String>,
    /// The mail address, at most 254 characters. Case and blanks make no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 254)]
    pub email: Option<String>,
    /// The application in the hirer's own system, at most 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub application_id: Option<String>,
    /// The order, 19 decimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// `next_cursor` of the page before, with the other members as they were; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Orders wanted, 1 to 200; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

impl SearchCandidates {
    /// The members that are searched by.
    #[must_use]
    pub fn criteria(&self) -> Vec<&'static str> {
        let all = [
            ("name", self.name.is_some()),
            ("mobile", self.mobile.is_some()),
            ("email", self.email.is_some()),
            ("application_id", self.application_id.is_some()),
            ("order_id", self.order_id.is_some()),
        ];
        all.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect()
    }
}

impl Rules for SearchCandidates {
    fn check(&self, faults: &mut Faults) {
        faults.page(self.cursor.as_deref(), self.limit);
        for (field, text, max) in [
            ("name", &self.name, NAME_CHARS_MAX),
            ("mobile", &self.mobile, MOBILE_CHARS_MAX),
            ("email", &self.email, EMAIL_CHARS_MAX),
            ("application_id", &self.application_id, APPLICATION_ID_CHARS_MAX),
        ] {
            faults.optional(field, text.as_deref(), max);
        }
        if let Some(mobile) = &self.mobile
            && !mobile.chars().any(char::is_numeric)
        {
            faults.add("mobile", "expected digits");
        }
        if let Some(order_id) = &self.order_id {
            faults.digits("order_id", order_id, 19, 19);
        }
        if self.criteria().is_empty() {
            faults.add("", "expected name, mobile, email, application_id or order_id");
        }
    }
}

/// An order that fits a search, with as much of its candidate as makes sure that it is the right person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundOrder {
    /// 19 decimal digits.
    pub order_id: String,
    /// Where it stands.
    pub state: OrderState,
    /// When it was placed (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When a command last changed it (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it was completed or terminated (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Whether the personal data was erased.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// The application in the hirer's own system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// Whom it is about; absent once that is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<FoundCandidate>,
}

/// A candidate, as far as a privacy officer needs to see one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundCandidate {
    /// Full name.
    pub name: String,
    /// The mobile number with all but its last four digits masked: `*******1234`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// The mail address with all but its first character and its host masked: `z***@example.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

debug_only! {
    SearchCandidates { cursor, limit }
    FoundOrder { order_id, state, created_at, updated_at, ended_at, erased }
    FoundCandidate {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_needs_something_to_search_by() {
        let fields = |body: SearchCandidates| -> Vec<String> {
            body.faults().into_iter().map(|fault| fault.field).collect()
        };
        assert_eq!(fields(SearchCandidates { limit: Some(5), ..Default::default() }), [""]);
        let text = |text: &str| Some(text.to_owned());
        let body = SearchCandidates { name: text(" "), mobile: text("+-"), ..Default::default() };
        assert_eq!(fields(body), ["name", "mobile"]);
        let body = SearchCandidates { order_id: text("7"), ..Default::default() };
        assert_eq!(fields(body), ["order_id"]);
        let body = SearchCandidates { email: text("Z@Example.com"), ..Default::default() };
        assert!(body.faults().is_empty());
        assert_eq!(body.criteria(), ["email"]);
        assert!(!format!("{body:?}").contains("Example"));
    }
}
