//! Installations: `GET /apps/{app_id}/installations`; `PUT, GET, DELETE …/installations/{tenant_key}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::app::scopes;
use super::problem::FieldFault;
use super::rule::Faults;

/// Body of `PUT /apps/{app_id}/installations/{tenant_key}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutInstallation {
    /// What the tenant grants: scopes of the app, each once. All of the app's scopes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

impl PutInstallation {
    /// What is wrong with the body, all at once. Whether the app has a scope is checked by the server.
    #[must_use]
    pub fn faults(&self) -> Vec<FieldFault> {
        let mut faults = Faults::default();
        scopes(&mut faults, self.scopes.as_deref().unwrap_or_default());
        faults.0
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
        let fields: Vec<_> = body.faults().into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["scopes[2]"]);
    }
}
