//! Who does something. Source: product, section 8; design, section 4.

use std::fmt;

use crate::id::{AppId, Id};
use crate::role::Roles;

crate::stored::stored_as_number! {
    /// What kind of caller.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    ActorKind, "the kind of an actor";
    Vendor = 1: "A vendor's app.";
    ApiKey = 2: "A key of the control API.";
    User = 3: "A person who signed in.";
    Candidate = 4: "The person whom an order is about.";
    Link = 5: "The holder of a signed link.";
    Job = 6: "A job of the installation.";
    System = 7: "The installation itself, or a command on its own machine.";
}

/// Which one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActorId {
    /// The kind.
    pub kind: ActorKind,
    /// The app's, key's or user's id; 0 where the kind says all.
    pub id: Id,
}

/// Who does something, and may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub id: ActorId,
    /// The person or service behind a key; else the actor itself. Who placed an order is meant by this.
    pub owner: Id,
    /// The roles in the tenant, or the operator's.
    pub roles: Roles,
}

impl Actor {
    /// A vendor's app.
    #[must_use]
    pub const fn vendor(app_id: AppId) -> Actor {
        Actor::without_roles(ActorKind::Vendor, Id(app_id.0))
    }

    /// A key of the control API, and who is behind it.
    #[must_use]
    pub const fn api_key(key_id: Id, owner: Id, roles: Roles) -> Actor {
        Actor { id: ActorId { kind: ActorKind::ApiKey, id: key_id }, owner, roles }
    }

    /// A person who signed in.
    #[must_use]
    pub const fn user(user_id: Id, roles: Roles) -> Actor {
        Actor { id: ActorId { kind: ActorKind::User, id: user_id }, owner: user_id, roles }
    }

    /// The holder of a signed link.
    #[must_use]
    pub const fn link() -> Actor {
        Actor::without_roles(ActorKind::Link, Id(0))
    }

    /// The installation itself, or a command on its own machine.
    #[must_use]
    pub const fn system() -> Actor {
        Actor::without_roles(ActorKind::System, Id(0))
    }

    /// A job of the installation.
    #[must_use]
    pub const fn job() -> Actor {
        Actor::without_roles(ActorKind::Job, Id(0))
    }

    const fn without_roles(kind: ActorKind, id: Id) -> Actor {
        Actor { id: ActorId { kind, id }, owner: id, roles: Roles::NONE }
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ActorKind::Vendor => AppId(self.id.0).fmt(f),
            _ => self.id.fmt(f),
        }
    }
}
