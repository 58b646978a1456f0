//! What can go wrong with storage. Expected outcomes are values elsewhere; these are faults.

use std::fmt;

/// A fault of storage, of the keys, or of the rows found.
///
/// The text is for the operator's log; it holds no value of a row.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: FaultKind,
    detail: String,
}

/// What kind of fault it is, as far as callers treat it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Storage did not do what it must: the outcome is unknown, or nothing was written.
    Storage,
    /// A row that exists already, or breaks a rule of the schema; nothing was written.
    Constraint,
    /// Another writer stood in the way; nothing was written, and a new try may work.
    Contention,
    /// The root key does not belong to this installation.
    WrongRootKey,
    /// The schema is newer than this program, or a migration failed.
    Schema,
    /// A row does not hold what it must: altered, or sealed for another place.
    Damaged,
    /// The writer has ended; so will the process.
    WriterGone,
}

impl Fault {
    /// A fault with its detail for the log: lower case, no values of rows.
    pub fn new(kind: FaultKind, detail: impl fmt::Display) -> Fault {
        Fault { kind, detail: detail.to_string() }
    }

    /// What kind of fault it is.
    #[must_use]
    pub fn kind(&self) -> FaultKind {
        self.kind
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Fault {
        let kind = match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation) => FaultKind::Constraint,
            _ => FaultKind::Storage,
        };
        // SQLite's messages name tables and columns, never values.
        Fault::new(kind, format_args!("sqlite: {error}"))
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Fault {
        Fault::new(FaultKind::Storage, format_args!("redo log: {error}"))
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Fault {
        let Some(db) = error.as_db_error() else {
            return Fault::new(FaultKind::Storage, format_args!("postgresql: {error}"));
        };
        // The class of the code: 22 a value that cannot be stored, 23 a broken rule, 40 taken back for another.
        let kind = match db.code().code().get(..2) {
            Some("22" | "23") => FaultKind::Constraint,
            Some("40") => FaultKind::Contention,
            _ => FaultKind::Storage,
        };
        // Not `detail`: PostgreSQL quotes the offending values there.
        Fault::new(kind, format_args!("postgresql: {} ({})", db.message(), db.code().code()))
    }
}

impl From<deadpool_postgres::PoolError> for Fault {
    fn from(error: deadpool_postgres::PoolError) -> Fault {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            other => Fault::new(FaultKind::Storage, format_args!("postgresql pool: {other}")),
        }
    }
}
