//! Why a use case fails. `server` turns it into an answer in one place.

use contract::control::{FieldFault, ProblemCode};
use domain::order::Refusal;
use domain::{Act, Actor, Role};
use objects::Unreadable;
use store::Fault;

/// A refusal, or a fault of storage.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing of this name that the actor can see.
    #[error("expected something that this key can see")]
    NotFound,
    /// Members of the input that break rules, all at once.
    #[error("expected other values of {} members", .0.len())]
    Invalid(Vec<FieldFault>),
    /// The order's rules refuse it.
    #[error("{0}")]
    Order(Refusal),
    /// Another refusal: its code, and what was expected, without personal data.
    #[error("{1}")]
    Refused(ProblemCode, String),
    /// Too many tries, or too many at once: the next one is free after so many seconds.
    #[error("expected the next try no earlier than in {0} s")]
    TooSoon(u64),
    /// A fault of the database.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A fault of the contents of reports and files.
    #[error(transparent)]
    Objects(#[from] Unreadable),
}

impl Error {
    /// A refusal with this code; `detail` says what was expected.
    pub fn refused(code: ProblemCode, detail: impl Into<String>) -> Error {
        Error::Refused(code, detail.into())
    }

    /// One member that breaks a rule.
    pub fn field(field: &str, message: impl Into<String>) -> Error {
        Error::Invalid(vec![fault(field, message)])
    }
}

pub(crate) fn fault(field: impl Into<String>, message: impl Into<String>) -> FieldFault {
    FieldFault { field: field.into(), message: message.into() }
}

/// Refuses an actor that may not do this, with [`ProblemCode::Forbidden`].
pub fn authorize(actor: &Actor, act: Act) -> Result<(), Error> {
    if actor.roles.may(act) {
        return Ok(());
    }
    let roles: Vec<_> = actor.roles.iter().map(Role::as_str).collect();
    let detail = format!("expected a key of another role than {}", roles.join(", "));
    Err(Error::refused(ProblemCode::Forbidden, detail))
}

pub(crate) fn validate(faults: Vec<FieldFault>) -> Result<(), Error> {
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}
