//! Why a use case does not do what it is asked. `server` turns it into an answer in one place.

use contract::control::FieldFault;
use domain::order::Refusal;
use domain::{Act, Actor, Role};
use store::Fault;

/// A refusal, or a fault of the memory.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// None of the actor's roles may do this.
    #[error("expected a key of another role than {0}")]
    Forbidden(String),
    /// There is nothing of this name that the actor can see.
    #[error("expected something that this key can see")]
    NotFound,
    /// Members of the input that break rules, all at once.
    #[error("expected other values of {} members", .0.len())]
    Invalid(Vec<FieldFault>),
    /// The order's rules refuse it.
    #[error("{0}")]
    Order(Refusal),
    /// The Idempotency-Key was used for another request.
    #[error("expected an idempotency-key that no other request of the last 24 hours had")]
    IdempotencyKeyReused,
    /// Requests with the same Idempotency-Key that meet again and again.
    #[error("expected no other request with this idempotency-key at the same time")]
    SameKeyAtOnce,
    /// The memory.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Refuses an actor that may not do this.
pub(crate) fn authorize(actor: &Actor, act: Act) -> Result<(), Error> {
    if actor.roles.may(act) {
        return Ok(());
    }
    let roles: Vec<_> = actor.roles.iter().map(Role::as_str).collect();
    Err(Error::Forbidden(roles.join(", ")))
}

/// Nothing, or a refusal that names every fault.
pub(crate) fn validate(faults: Vec<FieldFault>) -> Result<(), Error> {
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
