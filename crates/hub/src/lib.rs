//! The use cases of Probity: one function for each thing that somebody can do, called alike by the API, a page, a job
//! and a test. It authorizes the actor, loads what it needs, has `domain` decide, stores, and gives a view. No HTTP.
//!
//! So far orders stand here; the other use cases are still in `server/src/control`.
//!
//! To add a use case: a function in its resource's folder that takes the [`Hub`], the actor and its input, refuses with an
//! [`Error`], and gives a view of `contract::control`; then a handler in `server` that calls it.

pub mod accounts;
mod error;
pub mod idempotency;
pub mod instant;
pub mod orders;
pub mod reports;

use store::Store;
use system::clock::Clock;

pub use error::Error;

/// What the use cases work with.
pub struct Hub {
    /// The memory.
    pub store: Store,
    /// The only source of time.
    pub clock: Clock,
}
