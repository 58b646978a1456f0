//! The rules of Probity: pure functions over values. No IO, clock, random bytes or async; instants, ids are arguments.

pub mod actor;
pub mod backoff;
pub mod candidate;
pub mod delivery;
pub mod event;
pub mod fields;
pub mod form;
pub mod grant;
pub mod id;
pub mod link_end;
pub mod order;
pub mod password;
pub mod people;
pub mod report;
pub mod retention;
pub mod retry;
pub mod role;
pub mod search;
pub mod session;
pub mod stored;
pub mod time;

pub use actor::{Actor, ActorId, ActorKind};
pub use id::{AppId, EndpointId, Id, TenantId};
pub use link_end::link_ends_at;
pub use role::{Act, Role, Roles};
pub use time::UnixMs;
