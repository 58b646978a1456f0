//! Invitations: `POST, GET /tenants/{tenant_key}/invitations`; `DELETE …/invitations/{invitation_id}`; and the operators'
//! below `/invitations`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_key::KeyRole;
use super::debug_only;
use super::rule::{Faults, Rules};

/// Body of `POST …/invitations`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// The mail address of who is invited; the address that the answer holds is good for that person alone.
    #[schema(max_length = 254)]
    pub email: String,
    /// What they may do: one or more roles of a tenant, each once; `operator` alone for an operator.
    #[schema(min_items = 1)]
    pub roles: Vec<KeyRole>,
}

impl Rules for CreateInvitation {
    fn check(&self, faults: &mut Faults) {
        faults.email("email", &self.email);
        faults.member_roles(&self.roles);
    }
}

/// One invitation, without its address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// 19 decimal digits.
    pub invitation_id: String,
    /// The mail address of who is invited.
    pub email: String,
    /// What they may do.
    pub roles: Vec<KeyRole>,
    /// When it was made (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Until when it is good (RFC 3339, UTC); it is forgotten then.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was accepted (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub accepted_at: Option<String>,
    /// When it was taken back (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
}

/// Answer to `POST …/invitations`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: Invitation,
    /// The address at which it is accepted, once; it is shown this once: absent in the answer to a repeat.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

impl CreatedInvitation {
    /// The answer as repeats get it.
    #[must_use]
    pub fn without_secret(&self) -> CreatedInvitation {
        CreatedInvitation { invitation: self.invitation.clone(), url: String::new() }
    }
}

debug_only! {
    CreateInvitation { roles }
    Invitation { invitation_id, roles }
    CreatedInvitation { invitation }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn an_invitation_names_a_mail_address_and_roles() {
        assert_eq!(fields(&CreateInvitation::default()), ["email", "roles"]);
        let good =
            CreateInvitation { email: "a@qiming.example".into(), roles: vec![KeyRole::Admin] };
        assert!(good.faults().is_empty());
        assert!(!format!("{good:?}").contains("qiming"));
    }
}
