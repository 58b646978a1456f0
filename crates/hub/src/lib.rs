//! The use cases of Probity, one function each, called alike by the API, a page, a job and a test. It authorizes the
//! actor, loads what it needs, has `domain` decide, stores, and gives a view. No HTTP. The workers still
//! stand in `server`.
//!
//! To add a use case: a function in its resource's file that takes the [`Hub`], the actor and its input, refuses with
//! an [`Error`], and gives a view of `contract::control`; then a handler in `server` that calls it.

pub mod accounts;
pub mod api_keys;
pub mod app_access;
pub mod apps;
pub mod candidates;
pub mod disk;
pub mod erasures;
mod error;
pub mod events;
pub mod evidence;
pub mod files;
pub mod form_values;
pub mod grants;
pub mod idempotency;
pub mod installations;
pub mod instant;
pub mod key_uses;
pub mod keys;
pub mod links;
pub mod object_check;
pub mod orders;
mod pages;
pub mod quotas;
pub mod reports;
pub mod retention;
pub mod root_key;
pub mod secret_rotation;
pub mod tenants;
mod text;
pub mod vendor_calls;
pub mod webhook_request;

use domain::Actor;
use domain::retention::Bounds;
use objects::Objects;
use outbound::Outbound;
use store::Store;
use store::audit::By;
use system::clock::Clock;

pub use error::{Error, authorize};

use disk::Disk;
use key_uses::KeyUses;
use links::Links;
use root_key::Rotation;

/// What the use cases work with.
pub struct Hub {
    /// The database.
    pub store: Store,
    /// The only source of time.
    pub clock: Clock,
    /// The contents of reports and files.
    pub objects: Objects,
    /// The room for contents.
    pub disk: Disk,
    /// The only way out.
    pub outbound: Outbound,
    /// The shortest and the longest retention of orders.
    pub retention: Bounds,
    /// Uses of control API keys that are not recorded yet.
    pub key_uses: KeyUses,
    /// Changes the root key.
    pub root_key: Rotation,
    /// Makes and reads signed links.
    pub links: Links,
}

impl Hub {
    pub(crate) fn by(&self, actor: &Actor) -> By {
        By { actor: *actor, at: self.clock.now() }
    }
}
