//! What can go wrong with storage. Expected outcomes are values elsewhere; these are faults.

use std::error::Error as _;
use std::fmt;

use domain::stored::UnknownNumber;

/// A fault of storage, of the keys, or of the rows found; its text for the operator's log holds no
/// value of a row.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: FaultKind,
    detail: String,
    session: Session,
    is_at_commit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    Sound,
    /// It ended, or a pooler gave it away.
    Lost,
    /// Its server takes no writes any more, and wrote nothing.
    ReadOnly,
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
    /// A row or a file does not hold what it must: altered, or sealed for another place.
    Damaged,
    /// What was acknowledged is missing at the start, or may be; nothing was changed.
    Lost,
    /// What was to be stored does not fit a quota; nothing was written.
    NoRoom,
    /// The writer has ended; so will the process.
    WriterGone,
}

impl Fault {
    /// A fault with its detail for the log: lower case, no values of rows.
    pub fn new(kind: FaultKind, detail: impl fmt::Display) -> Fault {
        Fault { kind, detail: detail.to_string(), session: Session::Sound, is_at_commit: false }
    }

    pub(crate) fn read_only(detail: impl fmt::Display) -> Fault {
        Fault { session: Session::ReadOnly, ..Fault::new(FaultKind::Storage, detail) }
    }

    /// The same after a commit was asked for: when the session was lost, whether that worked is not known.
    pub(crate) fn at_commit(self) -> Fault {
        Fault { is_at_commit: true, ..self }
    }

    pub(crate) fn is_session_over(&self) -> bool {
        self.session != Session::Sound
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.session == Session::ReadOnly
    }

    pub(crate) fn may_work_on_another_try(&self) -> bool {
        match self.session {
            Session::Sound => self.kind == FaultKind::Contention,
            Session::Lost => !self.is_at_commit,
            Session::ReadOnly => true,
        }
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

impl From<UnknownNumber> for Fault {
    fn from(error: UnknownNumber) -> Fault {
        Fault::new(FaultKind::Damaged, error)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Fault {
        Fault::new(FaultKind::Storage, format_args!("a file beside the database: {error}"))
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Fault {
        let Some(db) = error.as_db_error() else {
            let io = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
            let fault = match io {
                Some(io) => {
                    Fault::new(FaultKind::Storage, format_args!("postgresql: {error}: {io}"))
                }
                None => Fault::new(FaultKind::Storage, format_args!("postgresql: {error}")),
            };
            let is_lost = io.is_some() || error.is_closed();
            return Fault {
                session: if is_lost { Session::Lost } else { Session::Sound },
                ..fault
            };
        };
        let code = db.code().code();
        // The class of the code: 22 a value that cannot be stored, 23 a broken rule, 40 taken back for another.
        let kind = match code.get(..2) {
            Some("22" | "23") => FaultKind::Constraint,
            Some("40") => FaultKind::Contention,
            _ => FaultKind::Storage,
        };
        // Not `detail`: PostgreSQL quotes the offending values there.
        let fault = Fault::new(kind, format_args!("postgresql: {} ({code})", db.message()));
        Fault { session: session(code), ..fault }
    }
}

/// What a code says about the session. Source: PostgreSQL, appendix A.
fn session(code: &str) -> Session {
    match code {
        // A transaction that may not write: the server was demoted, or takes no writes for now.
        "25006" => Session::ReadOnly,
        // Ended by the server: shut down, not up yet, its database dropped, idle for too long.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => Session::Lost,
        // The statement is not prepared here, or its name is another's: a pooler changed the session.
        "26000" | "42P05" => Session::Lost,
        _ if code.starts_with("08") => Session::Lost,
        _ => Session::Sound,
    }
}

impl From<deadpool_postgres::PoolError> for Fault {
    fn from(error: deadpool_postgres::PoolError) -> Fault {
        match error {
            // There is no session yet that could be over.
            deadpool_postgres::PoolError::Backend(error) => {
                Fault { session: Session::Sound, ..error.into() }
            }
            other => Fault::new(FaultKind::Storage, format_args!("postgresql pool: {other}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_whether_a_session_is_of_use() {
        for (code, expected) in [
            ("25006", Session::ReadOnly),
            ("57P01", Session::Lost),
            ("57P03", Session::Lost),
            ("08006", Session::Lost),
            ("08P01", Session::Lost),
            ("26000", Session::Lost),
            ("57014", Session::Sound),
            ("23505", Session::Sound),
            ("40001", Session::Sound),
            ("25P02", Session::Sound),
        ] {
            assert_eq!(session(code), expected, "{code}");
        }
    }

    #[test]
    fn what_may_have_been_committed_is_not_tried_again() {
        let fault = |session| Fault { session, ..Fault::new(FaultKind::Storage, "test") };
        assert!(fault(Session::Lost).may_work_on_another_try());
        assert!(!fault(Session::Lost).at_commit().may_work_on_another_try());
        assert!(fault(Session::ReadOnly).at_commit().may_work_on_another_try());
        assert!(!fault(Session::Sound).may_work_on_another_try());
    }
}
