//! What a start finds: database, WAL and mark are compared before anything is changed.
//!
//! SQLite goes on with whatever valid part of a WAL it finds. A start that finds less than was acknowledged is refused
//! and changes no file, unless the loss is accepted. Source: decision 052.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _};

use super::connection::{BUSY, beside, open, sync_folder};
use super::legacy_log::{self, LegacyLog};
use super::lock::Lock;
use super::mark::{self, Reach};
use crate::Opening;
use crate::fault::{Fault, FaultKind};

/// Up to this length all pages are checked before anything is served; those of a larger database beside serving.
const CHECKED_AT_START_BYTES: i64 = 32 << 20;

pub(crate) const FIND_RUN: &str = "SELECT commits, is_running FROM write_probe WHERE probe_id = 1";
pub(crate) const NOTE_COMMIT: &str = "UPDATE write_probe SET commits = ?1 WHERE probe_id = 1";
pub(crate) const BEGIN_RUN: &str = "UPDATE write_probe SET is_running = 1 WHERE probe_id = 1";
pub(super) const END_RUN: &str = "UPDATE write_probe SET is_running = 0 WHERE probe_id = 1";
const SOUND: &str = "ok";
const HAS_TABLE: &str = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RunState {
    /// How many commits there were.
    pub(super) commits: u64,
    /// Whether a process works on it, or did at its end.
    pub(super) is_running: bool,
    /// In a database of an earlier version: the newest batch of its redo log whose rows it holds.
    pub(super) applied: Option<u64>,
}

pub(super) struct Recovered {
    pub(super) connection: Connection,
    pub(super) lock: Lock,
    pub(super) done: Vec<String>,
    /// What is missing, in words, when it was accepted that something is.
    pub(super) loss: Option<String>,
    /// Whether the pages are to be checked yet: the last end was no ordered one, and they are many.
    pub(super) is_unchecked: bool,
}

/// Opens the database for this process alone, recovered and migrated. [`FaultKind::Lost`] when acknowledged work is or
/// may be missing and `opening` does not accept that, [`FaultKind::Damaged`] when pages are damaged: files stay.
pub(super) fn recover(path: &Path, opening: &Opening) -> Result<Recovered, Fault> {
    let lock = Lock::take(path)?;
    let Compared { mut connection, loss, is_unchecked } = compare(path, opening)?;
    let done = crate::migrate::sqlite(&mut connection)?;
    Ok(Recovered { connection, lock, done, loss, is_unchecked })
}

/// Looks whether the database holds what was acknowledged, unless a server has it open: then that one did.
pub(crate) fn check(path: &Path) -> Result<(), Fault> {
    if !path.exists() {
        let missing = format_args!("expected a database at {}", path.display());
        return Err(Fault::new(FaultKind::Schema, missing));
    }
    match Lock::try_take(path)? {
        Some(_lock) => compare(path, &Opening::default()).map(drop),
        None => Ok(()),
    }
}

pub(crate) fn end_run(copy: &Connection) -> Result<(), Fault> {
    match has_table(copy)? {
        true => copy.execute(END_RUN, [])?,
        false => legacy_log::end_run(copy)?,
    };
    Ok(())
}

/// Reads how far the database is; it may be one of an earlier version, or empty.
pub(super) fn find_run(connection: &Connection) -> rusqlite::Result<RunState> {
    if !has_table(connection)? {
        return legacy_log::find_state(connection);
    }
    connection.query_row(FIND_RUN, [], |row| {
        let commits = row.get::<_, i64>(0)?.cast_unsigned();
        Ok(RunState { commits, is_running: row.get(1)?, applied: None })
    })
}

fn has_table(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(HAS_TABLE, ["write_probe"], |row| row.get(0))
}

pub(super) fn note_commit(connection: &Connection, commits: u64) -> Result<(), Fault> {
    connection.prepare_cached(NOTE_COMMIT)?.execute([commits.cast_signed()])?;
    Ok(())
}

struct Compared {
    connection: Connection,
    loss: Option<String>,
    is_unchecked: bool,
}

/// Compares the files, and refuses before anything is changed; else applies an earlier version's redo log.
fn compare(path: &Path, opening: &Opening) -> Result<Compared, Fault> {
    let files = Files::look(path);
    let mut log = LegacyLog::find(path)?;
    let mark = mark::find(path)?;
    let mut loss = files.without_database(&log, mark, opening);
    if let Some(loss) = &loss {
        may_lose(opening, loss)?;
        // Rows of a database that is gone.
        log.forget_records();
    }
    make_private(path)?;
    let looking = Connection::open(path)?;
    // When this ends in a refusal, the WAL stays as it is.
    looking.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let inspected = inspect(&looking).map_err(|error| unreadable(path, error))?;
    if let Some(found) = inspected.damage {
        return Err(damaged(path, found));
    }
    let state = inspected.state;
    let was_ordered = mark == mark::Found::Nothing && !state.is_running;
    if loss.is_none() {
        loss = files.find_loss(state, &log, mark);
        loss.as_ref().map_or(Ok(()), |loss| may_lose(opening, loss))?;
    }
    let is_unchecked = inspected.is_large && !was_ordered;
    let mut connection = open(path)?;
    drop(looking);
    if let Some(loss) = &loss {
        tracing::error!(%loss, "acknowledged work is lost, which was accepted");
    }
    log.replay(&mut connection, state, loss.is_some())?;
    log.remove()?;
    Ok(Compared { connection, loss, is_unchecked })
}

fn may_lose(opening: &Opening, loss: &str) -> Result<(), Fault> {
    if opening.may_lose { Ok(()) } else { Err(Fault::new(FaultKind::Lost, loss)) }
}

struct Inspected {
    /// Whether its pages are too many to be checked now.
    is_large: bool,
    damage: Option<String>,
    state: RunState,
}

fn inspect(connection: &Connection) -> rusqlite::Result<Inspected> {
    connection.busy_timeout(BUSY)?;
    let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    let size: i64 = connection.query_row(size, [], |row| row.get(0))?;
    let is_large = size > CHECKED_AT_START_BYTES;
    let found: String = match is_large {
        true => SOUND.to_owned(),
        false => connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?,
    };
    let damage = (found != SOUND).then_some(found);
    let state = if damage.is_none() { find_run(connection)? } else { RunState::default() };
    Ok(Inspected { is_large, damage, state })
}

struct Files {
    database: PathBuf,
    is_database_there: bool,
    is_wal_there: bool,
}

impl Files {
    fn look(path: &Path) -> Files {
        let has_bytes = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
        Files {
            database: path.to_owned(),
            is_database_there: has_bytes(path),
            is_wal_there: has_bytes(&beside(path, "-wal")),
        }
    }

    /// What is missing when the database itself is, and was there.
    fn without_database(
        &self,
        log: &LegacyLog,
        mark: mark::Found,
        opening: &Opening,
    ) -> Option<String> {
        if self.is_database_there {
            return None;
        }
        let mut opening = opening.clone();
        if mark != mark::Found::Nothing {
            opening.traces.push(mark::name(&self.database));
        }
        if self.is_wal_there {
            opening.traces.push(beside(&self.database, "-wal"));
        }
        opening.traces.extend(log.traces());
        opening.traces.dedup();
        opening.loss(format_args!("{} is missing or empty", self.database.display()))
    }

    /// What of acknowledged work is missing, or may be.
    fn find_loss(&self, state: RunState, log: &LegacyLog, mark: mark::Found) -> Option<String> {
        let database = self.database.display();
        let Reach { commits, legacy_batch } = match mark {
            mark::Found::Whole(reach) => reach,
            mark::Found::Damaged => {
                return Some(format!(
                    "{database}-mark, which tells what was acknowledged, is damaged"
                ));
            }
            mark::Found::Nothing if state.is_running => {
                return Some(format!(
                    "{database}-mark, which tells what was acknowledged, is missing after an end that was no ordered one"
                ));
            }
            mark::Found::Nothing => Reach::default(),
        };
        if commits > state.commits {
            let wal = if self.is_wal_there { "" } else { " is missing or empty, and the database" };
            return Some(format!(
                "{database}-wal{wal} ends with commit {}, and commit {commits} was acknowledged",
                state.commits
            ));
        }
        // Of a database that was migrated since, the log was compared before.
        log.find_loss(&self.database, state.applied?, legacy_batch)
    }
}

/// Checks the pages table by table, so that no read lasts long; the fault is about the first damage.
pub(super) fn check_tables(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let mut list = connection.prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )?;
    let tables = list.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    for table in tables {
        let check = format!("PRAGMA integrity_check('{table}')");
        let found: Option<String> =
            connection.query_row(&check, [], |row| row.get(0)).optional()?;
        match found.as_deref() {
            Some(SOUND) => {}
            found => return Err(damaged(path, found.unwrap_or("nothing is told of it"))),
        }
    }
    Ok(())
}

fn damaged(path: &Path, detail: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Damaged, format_args!("{} is damaged: {detail}", path.display()))
}

fn unreadable(path: &Path, error: rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure,
        ) => error.into(),
        _ => damaged(path, error),
    }
}

/// The database is for its owner alone, and so is what SQLite makes beside it.
fn make_private(path: &Path) -> Result<(), Fault> {
    let is_new = !path.exists();
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    if is_new {
        sync_folder(path)?;
    }
    Ok(())
}
