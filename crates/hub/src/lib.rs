//! The use cases of Probity, one function each, called alike by the API, a page, a job and a test. It authorizes the
//! actor, loads what it needs, has `domain` decide, stores, and gives a view. No HTTP.
//! Jobs and services (`jobs`, `deliver`, `fetch_report`) run by `work`.
//!
//! To add a use case: a function in its resource's file that takes the [`Hub`], the actor and its [`Input`], refuses with
//! an [`Error`], and gives a view of `contract::control`; then a handler in `server` that calls it.

pub mod accounts;
pub mod api_keys;
pub mod app_access;
pub mod app_tickets;
pub mod apps;
pub mod candidates;
mod clock;
pub mod connections;
mod deliver;
pub mod disk;
pub mod erasures;
mod error;
pub mod events;
pub mod evidence;
mod fetch_report;
pub mod files;
pub mod form_values;
pub mod grants;
pub mod idempotency;
mod input;
pub mod installations;
pub mod instant;
pub mod invitations;
pub mod jobs;
pub mod key_uses;
pub mod keys;
pub mod links;
pub mod meter;
pub mod object_check;
mod one_time;
pub mod orders;
mod pages;
pub mod passwords;
pub mod quotas;
pub mod reason_templates;
pub mod reports;
pub mod retention;
pub mod root_key;
pub mod secret_rotation;
mod service;
pub mod service_accounts;
pub mod sessions;
pub mod setup;
pub mod tenants;
mod text;
mod totp;
mod tries;
pub mod users;
pub mod vendor_calls;
pub mod webhook_request;
pub mod work;

use domain::Actor;
use domain::retention::Bounds;
use inspect::Inspect;
use objects::Objects;
use outbound::Outbound;
use store::Store;
use store::audit::By;
use system::clock::Clock;
use system::low_priority_runtime::LowPriorityRuntime;

pub use error::{Error, authorize};
pub use input::Input;

use app_tickets::TicketMaker;
use connections::ConnectionRegistry;
use disk::Disk;
use jobs::Anchors;
use key_uses::KeyUses;
use links::Links;
use meter::Meter;
use passwords::Passwords;
use root_key::Rotation;

/// What use cases, jobs and services work with.
pub struct Hub {
    /// The database.
    pub store: Store,
    /// The clock of what waits and of what concerns no tenant; for all else see [`Hub::clock`].
    pub installation_clock: Clock,
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
    /// Hashes and checks passwords, few at once.
    pub passwords: Passwords,
    /// Changes the root key.
    pub root_key: Rotation,
    /// Makes and reads signed links.
    pub links: Links,
    /// Makes and verifies the tickets of store apps.
    pub tickets: TicketMaker,
    /// The long connections of this process.
    pub connections: ConnectionRegistry,
    /// What checks the contents of reports.
    pub inspect: Inspect,
    /// The threads that fetch reports.
    pub low_priority: LowPriorityRuntime,
    /// Where anchors of the audit chains go.
    pub anchors: Anchors,
    /// What jobs and services count for the operator.
    pub metrics: Box<dyn Meter>,
}

impl Hub {
    pub(crate) fn by(&self, actor: &Actor) -> By {
        By { actor: *actor, at: self.installation_clock.now() }
    }
}
