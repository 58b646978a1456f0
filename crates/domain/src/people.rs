//! Enums about people that are stored as numbers.

crate::stored::stored_as_number! {
    /// What a one-time link is for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    OneTimeLinkKind, "the kind of a one-time link";
    Invitation = 1: "Somebody is invited to a tenant, or as an operator.";
    SetUp = 2: "The first person of the installation.";
    PasswordReset = 3: "A person sets a new password.";
}

crate::stored::stored_as_number! {
    /// Whom a key of the control API belongs to.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    KeyHolder, "the holder of a key";
    Itself = 0: "Nobody but itself: a service of its own.";
    Person = 1: "A person, who may do more than the key, never less.";
    ServiceAccount = 2: "A service account of a tenant.";
}

/// How long an invitation is good: 7 days.
pub const INVITATION_MS: i64 = 7 * 86_400_000;
/// How long a link to the first set-up or to a new password is good: 24 hours.
pub const ACCESS_LINK_MS: i64 = 86_400_000;
