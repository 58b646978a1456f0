//! People of a tenant: `GET /tenants/{tenant_key}/users`; `GET, PATCH, DELETE …/users/{user_id}`; `POST …/suspend`,
//! `…/resume`, `…/reset_password`; `GET, DELETE …/sessions`; `DELETE …/sessions/{session_id}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_key::KeyRole;
use super::debug_only;
use super::rule::{Faults, Rules};

/// The colours of a person's pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// What the person's machine has.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The theme of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Theme> {
        Theme::ALL.into_iter().find(|theme| theme.as_str() == name)
    }
}

/// One person, as a tenant sees them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// 19 decimal digits; it stands in timelines and audit chains.
    pub user_id: String,
    /// Full name.
    pub name: String,
    /// Mail address.
    pub email: String,
    /// What they may do in this tenant.
    pub roles: Vec<KeyRole>,
    /// Whether they have a second factor.
    pub has_totp: bool,
    /// When they joined this tenant (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub joined_at: String,
    /// Since when they are suspended (RFC 3339, UTC); absent for a person who is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub suspended_at: Option<String>,
}

/// Body of `PATCH /tenants/{tenant_key}/users/{user_id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// What they may do from now on: one or more roles of a tenant, each once.
    #[schema(min_items = 1)]
    pub roles: Vec<KeyRole>,
}

impl Rules for UpdateUser {
    fn check(&self, faults: &mut Faults) {
        faults.member_roles(&self.roles);
    }
}

impl Faults {
    /// One or more roles, each once.
    pub(super) fn member_roles(&mut self, roles: &[KeyRole]) {
        if roles.is_empty() {
            self.add("roles", "expected at least one role");
        }
        self.distinct("roles", roles.iter());
    }
}

/// One session of a person that looks at this tenant.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserSession {
    /// 19 decimal digits.
    pub session_id: String,
    /// The address from which they signed in.
    pub address: String,
    /// The program with which they signed in, as it names itself.
    pub client: String,
    /// When it began (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last used, to within a minute (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub last_seen_at: String,
}

/// Answer to `POST …/users/{user_id}/reset_password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordReset {
    /// Until when the address is good (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// The address at which the person sets a new password, once; it is shown this once: absent in the answer to a repeat.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

impl PasswordReset {
    /// The answer as repeats get it.
    #[must_use]
    pub fn without_secret(&self) -> PasswordReset {
        PasswordReset { expires_at: self.expires_at.clone(), url: String::new() }
    }
}

debug_only! {
    User { user_id, roles }
    UserSession { session_id }
    PasswordReset { expires_at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn a_person_has_one_or_more_roles_each_once() {
        assert_eq!(fields(&UpdateUser::default()), ["roles"]);
        assert_eq!(fields(&UpdateUser { roles: vec![KeyRole::Admin; 2] }), ["roles[1]"]);
        assert!(UpdateUser { roles: vec![KeyRole::Admin, KeyRole::Auditor] }.faults().is_empty());
    }

    #[test]
    fn themes_are_written_by_their_names() {
        for theme in Theme::ALL {
            assert_eq!(serde_json::to_value(theme).unwrap(), theme.as_str());
            assert_eq!(Theme::parse(theme.as_str()), Some(theme));
        }
        assert_eq!(Theme::parse("blue"), None);
    }
}
