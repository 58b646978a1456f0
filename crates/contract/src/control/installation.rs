//! Installations: `GET /apps/{app_id}/installations`; `PUT, GET, DELETE …/installations/{tenant_key}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::app::scopes;
use super::rule::{Faults, Rules};

/// Body of `PUT /apps/{app_id}/installations/{tenant_key}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutInstallation {
    /// What the tenant grants: scopes of the app, each once. All of the app's scopes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

impl Rules for PutInstallation {
    fn check(&self, faults: &mut Faults) {
        scopes(faults, self.scopes.as_deref().unwrap_or_default());
    }
}

/// A store app in one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Installation {
    /// `cli_` and 16 lower-case hex digits.
    pub app_id: String,
    /// 16 lower-case hex digits.
    pub tenant_key: String,
    /// What the tenant granted. A scope that the app gave up since does not count.
    pub scopes: Vec<String>,
    /// When the app was installed (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub installed_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn absent_scopes_differ_from_none() {
        let read = |text| serde_json::from_str::<PutInstallation>(text).unwrap();
        assert_eq!(read("{}").scopes, None);
        let none = read(r#"{"scopes":[]}"#);
        assert_eq!((none.faults(), none.scopes), (Vec::new(), Some(Vec::new())));
    }

    #[test]
    fn a_scope_stands_once() {
        let body = PutInstallation { scopes: Some(vec!["a".into(), "b".into(), "a".into()]) };
        assert_eq!(fields(&body), ["scopes[2]"]);
    }
}
