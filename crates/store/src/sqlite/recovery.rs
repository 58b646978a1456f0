//! What a start finds: database, WAL, redo log and mark are compared before anything is changed, and what the database
//! does not hold yet is brought into it.
//!
//! SQLite goes on with whatever valid part of a WAL it finds, and so does the redo log: a part that is missing looks
//! like one that never was. So a start that finds less than was acknowledged, or cannot say, is refused, and its files
//! are left as they are, unless the loss is accepted. Source: decision 052.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _};

use super::connection::{BUSY, beside, open, sync_folder};
use super::mark::{self, Reach};
use super::redo::{self, Record, Redo};
use super::rows::Rows;
use crate::Opening;
use crate::fault::{Fault, FaultKind};

/// Up to this length all pages are checked before anything is served; those of a larger database beside serving.
const CHECKED_AT_START_BYTES: i64 = 32 << 20;

pub(crate) const FIND_PULSE: &str =
    "SELECT applied, commits, is_running FROM pulse WHERE pulse_id = 1";
pub(crate) const NOTE_APPLIED: &str =
    "UPDATE pulse SET applied = ?1, commits = ?2 WHERE pulse_id = 1";
pub(crate) const BEGIN_RUN: &str = "UPDATE pulse SET is_running = 1 WHERE pulse_id = 1";
pub(super) const END_RUN: &str = "UPDATE pulse SET is_running = 0 WHERE pulse_id = 1";
/// What SQLite says of pages that are sound.
const SOUND: &str = "ok";
const HAS_COLUMN: &str = "SELECT count(*) FROM pragma_table_info('pulse') WHERE name = ?1";

/// How far the database is by its own account.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pulse {
    /// The newest batch of the redo log whose rows it holds.
    pub(super) applied: u64,
    /// How many commits there were.
    pub(super) commits: u64,
    /// Whether a process works on it, or did at its end.
    pub(super) is_running: bool,
}

/// A database that holds everything that was acknowledged, open for this process alone.
pub(super) struct Recovered {
    pub(super) connection: Connection,
    pub(super) redo: Redo,
    /// The migrations that were applied.
    pub(super) done: Vec<String>,
    /// What is missing, in words, when it was accepted that something is.
    pub(super) loss: Option<String>,
    /// Whether the pages are to be checked yet: the last end was no ordered one, and they are many.
    pub(super) is_unchecked: bool,
}

/// Opens the database for this process alone, and brings it to what was acknowledged and to this program's schema.
///
/// # Errors
/// [`FaultKind::Lost`] when something that was acknowledged is missing, or may be, and `opening` does not accept that;
/// [`FaultKind::Damaged`] when pages are damaged; then the files are as they were.
pub(super) fn recover(path: &Path, opening: &Opening) -> Result<Recovered, Fault> {
    let mut found = find(path, opening)?;
    if let Some(loss) = &found.loss {
        tracing::error!(%loss, "acknowledged work is lost, which was accepted");
    }
    replay(&mut found, path)?;
    // Numbers may come again after a loss: nothing of before may stand behind them.
    if found.loss.is_some() {
        found.redo.scrub()?;
    } else {
        found.redo.clear()?;
    }
    let done = crate::migrate::sqlite(&mut found.connection)?;
    let Compared { connection, redo, loss, is_unchecked, .. } = found;
    Ok(Recovered { connection, redo, done, loss, is_unchecked })
}

/// Brings the database to what was acknowledged, unless a server has it open: then that one does.
pub(crate) fn catch_up(path: &Path) -> Result<(), Fault> {
    if !path.exists() {
        let missing = format_args!("expected a database at {}", path.display());
        return Err(Fault::new(FaultKind::Schema, missing));
    }
    if redo::is_free(path)? {
        let mut found = find(path, &Opening::default())?;
        replay(&mut found, path)?;
        found.redo.clear()?;
    }
    Ok(())
}

/// Takes from a copy of a database what says that a process works on it.
pub(crate) fn end_run(copy: &Connection) -> Result<(), Fault> {
    if has_column(copy, "is_running")? {
        copy.execute(END_RUN, [])?;
    }
    Ok(())
}

/// Reads how far the database is.
pub(super) fn find_pulse(connection: &Connection) -> rusqlite::Result<Pulse> {
    connection.query_row(FIND_PULSE, [], |row| {
        Ok(Pulse {
            applied: row.get::<_, i64>(0)?.cast_unsigned(),
            commits: row.get::<_, i64>(1)?.cast_unsigned(),
            is_running: row.get(2)?,
        })
    })
}

/// The same of a database of any schema, or of none yet.
fn find_any_pulse(connection: &Connection) -> rusqlite::Result<Pulse> {
    if has_column(connection, "commits")? {
        return find_pulse(connection);
    }
    let mut pulse = Pulse::default();
    if has_column(connection, "applied")? {
        let applied: i64 =
            connection.query_row("SELECT applied FROM pulse", [], |row| row.get(0))?;
        pulse.applied = applied.cast_unsigned();
    }
    Ok(pulse)
}

fn has_column(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let count: i64 = connection.query_row(HAS_COLUMN, [name], |row| row.get(0))?;
    Ok(count > 0)
}

/// Notes how far the redo log is in the database, and counts a commit.
pub(super) fn note_applied(
    connection: &Connection,
    applied: u64,
    commits: u64,
) -> Result<(), Fault> {
    let values = [applied.cast_signed(), commits.cast_signed()];
    connection.prepare_cached(NOTE_APPLIED)?.execute(values)?;
    Ok(())
}

/// What stands in the files, compared.
struct Compared {
    connection: Connection,
    redo: Redo,
    log: redo::Found,
    pulse: Pulse,
    loss: Option<String>,
    is_unchecked: bool,
}

/// Opens the files and compares them. Nothing that they hold is changed, and the WAL stays when it is refused.
fn find(path: &Path, opening: &Opening) -> Result<Compared, Fault> {
    let files = Files::look(path)?;
    let (redo, mut log) = Redo::open(path)?;
    let mark = mark::find(path)?;
    let mut loss = files.without_database(&log, mark, opening);
    if let Some(loss) = &loss {
        may_lose(opening, loss)?;
        // Rows of a database that is gone.
        log.records.clear();
    }
    make_private(path)?;
    let looking = Connection::open(path)?;
    // When this ends in a refusal, the WAL stays as it is.
    looking.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let inspected = inspect(&looking).map_err(|error| unreadable(path, error))?;
    if let Some(found) = inspected.damage {
        return Err(damaged(path, found));
    }
    let pulse = inspected.pulse;
    let was_ordered = mark == mark::Found::Nothing && !pulse.is_running;
    if loss.is_none() {
        loss = files.find_loss(pulse, &log, mark);
        loss.as_ref().map_or(Ok(()), |loss| may_lose(opening, loss))?;
    }
    let is_unchecked = inspected.is_large && !was_ordered;
    let connection = open(path)?;
    drop(looking);
    Ok(Compared { connection, redo, log, pulse, loss, is_unchecked })
}

fn may_lose(opening: &Opening, loss: &str) -> Result<(), Fault> {
    if opening.may_lose { Ok(()) } else { Err(Fault::new(FaultKind::Lost, loss)) }
}

/// What a database says of itself.
struct Inspected {
    /// Whether its pages are too many to be checked now.
    is_large: bool,
    damage: Option<String>,
    pulse: Pulse,
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
    let pulse = if damage.is_none() { find_any_pulse(connection)? } else { Pulse::default() };
    Ok(Inspected { is_large, damage, pulse })
}

/// The files as they were before any of them was opened.
struct Files {
    database: PathBuf,
    is_database_there: bool,
    is_wal_there: bool,
    /// Parts of the redo log that are not as long as they are made.
    short: Vec<String>,
}

impl Files {
    fn look(path: &Path) -> Result<Files, Fault> {
        let length = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.len());
        let mut short = Vec::new();
        for index in 0..2 {
            let file = redo::name(path, index);
            match length(&file) {
                None => short.push(format!("{} is missing", file.display())),
                Some(bytes) if bytes == redo::FILE_BYTES as u64 => {}
                Some(bytes) => short.push(format!("{} has {bytes} bytes", file.display())),
            }
        }
        Ok(Files {
            database: path.to_owned(),
            is_database_there: length(path).is_some_and(|bytes| bytes > 0),
            is_wal_there: length(&beside(path, "-wal")).is_some_and(|bytes| bytes > 0),
            short,
        })
    }

    /// What is missing when the database itself is, and was there.
    fn without_database(
        &self,
        log: &redo::Found,
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
        let logs = log.records.iter().map(|record| redo::name(&self.database, record.file));
        opening.traces.extend(logs);
        opening.traces.dedup();
        opening.loss(format_args!("{} is missing or empty", self.database.display()))
    }

    /// What of acknowledged work is missing, or may be.
    fn find_loss(&self, pulse: Pulse, log: &redo::Found, mark: mark::Found) -> Option<String> {
        let database = self.database.display();
        let reached = reached(pulse.applied, log);
        if let Some(record) = log.records.iter().find(|record| record.number > reached) {
            return Some(format!(
                "the redo log goes on with batch {}, and {database} ends with {reached}: they are not of the same moment",
                record.number
            ));
        }
        let Reach { batch, commits } = match mark {
            mark::Found::Whole(reach) => reach,
            mark::Found::Damaged => {
                return Some(format!(
                    "{database}-mark, which tells what was acknowledged, is damaged"
                ));
            }
            mark::Found::Nothing if pulse.is_running => {
                return Some(format!(
                    "{database}-mark, which tells what was acknowledged, is missing after an end that was no ordered one"
                ));
            }
            mark::Found::Nothing => return None,
        };
        if commits > pulse.commits {
            let wal = if self.is_wal_there { "" } else { " is missing or empty, and the database" };
            return Some(format!(
                "{database}-wal{wal} ends with commit {}, and commit {commits} was acknowledged",
                pulse.commits
            ));
        }
        (batch > reached).then(|| {
            let short = self.short.iter().map(|what| format!("{what}: ")).collect::<String>();
            format!(
                "{short}the redo log ({database}-redo-0 and -redo-1) ends with batch {reached}, and batch {batch} was \
                 acknowledged"
            )
        })
    }
}

/// The newest batch that database and log hold without a gap.
fn reached(applied: u64, log: &redo::Found) -> u64 {
    log.records.iter().fold(applied, |reached, record| {
        if record.number == reached + 1 { record.number } else { reached }
    })
}

/// Writes what the redo log holds and the database does not; after a loss as far as it still fits.
fn replay(found: &mut Compared, path: &Path) -> Result<(), Fault> {
    let (applied, commits) = (found.pulse.applied, found.pulse.commits + 1);
    let is_counted = has_column(&found.connection, "commits")?;
    let mut transaction = found.connection.transaction()?;
    let mut reached = applied;
    for record in found.log.records.iter().filter(|record| record.number > applied) {
        if record.number != reached + 1 {
            break;
        }
        let savepoint = transaction.savepoint()?;
        match write(record, &found.log.texts[record.file], &savepoint) {
            Ok(()) => savepoint.commit()?,
            Err(fault) if fault.kind() == FaultKind::Storage => return Err(fault),
            Err(fault) if found.loss.is_some() => {
                tracing::error!(%fault, batch = record.number, "the rest of the redo log does not fit the database");
                break;
            }
            Err(fault) => {
                let what =
                    format_args!("batch {} of the redo log does not fit: {fault}", record.number);
                return Err(damaged(path, what));
            }
        }
        reached = record.number;
    }
    if reached == applied {
        return Ok(());
    }
    if is_counted {
        note_applied(&transaction, reached, commits)?;
    } else {
        // Before the migration that brings the count.
        transaction.execute("UPDATE pulse SET applied = ?1", [reached.cast_signed()])?;
    }
    transaction.commit()?;
    tracing::info!(batches = reached - applied, "the redo log was replayed");
    Ok(())
}

fn write(record: &Record, texts: &[String], connection: &Connection) -> Result<(), Fault> {
    let rows = Rows::decode(&record.payload)
        .ok_or_else(|| Fault::new(FaultKind::Damaged, "it is not rows"))?;
    Rows::write(&std::iter::once(&rows), connection, texts)
}

/// Checks the pages of one table after the other, so that none is read from for long. The fault is about the first
/// damage.
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

/// A file that SQLite does not read, unless the reason lies elsewhere.
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
