//! The redo log of earlier versions: what such a version left when it was killed is applied once, and the log removed.
//! Two files, each a head (the statements of its rows) and numbered records with checksums. Source: decisions 007 and
//! 068.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use super::connection::{beside, destroy};
use super::recovery::RunState;
use crate::fault::{Fault, FaultKind};
use crate::rows::Values;
use crate::value::Value;

const FILE_BYTES: u64 = 16 << 20;
/// Where the records begin.
const RECORDS_AT: usize = 4096;
/// Before each record: its length and checksum (4 bytes each), its number (8 bytes).
const HEAD_BYTES: usize = 16;
const MAGIC: &[u8; 16] = b"probity redo 1\n\0";
const NULL: u8 = 0;
const INT: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 3;

#[derive(Debug, Default)]
pub(super) struct LegacyLog {
    files: Vec<PathBuf>,
    texts: Vec<Vec<String>>,
    records: Vec<Record>,
    short: Vec<String>,
}

#[derive(Debug)]
struct Record {
    number: u64,
    payload: Vec<u8>,
    file: usize,
}

pub(super) fn name(database: &Path, index: usize) -> PathBuf {
    beside(database, &format!("-redo-{index}"))
}

impl LegacyLog {
    /// Reads the log of the database at `database`, and changes nothing of it.
    pub(super) fn find(database: &Path) -> Result<LegacyLog, Fault> {
        let mut log = LegacyLog::default();
        for path in [0, 1].map(|index| name(database, index)) {
            if !path.exists() {
                log.short.push(format!("{} is missing", path.display()));
                continue;
            }
            let mut bytes = Vec::new();
            File::open(&path)?.take(FILE_BYTES).read_to_end(&mut bytes)?;
            if bytes.len() as u64 != FILE_BYTES {
                log.short.push(format!("{} has {} bytes", path.display(), bytes.len()));
            }
            let (texts, records) = read(&bytes, log.files.len());
            log.records.extend(records);
            log.texts.push(texts);
            log.files.push(path);
        }
        log.records.sort_by_key(|record| record.number);
        Ok(log)
    }

    pub(super) fn traces(&self) -> impl Iterator<Item = PathBuf> {
        self.records.iter().filter_map(|record| self.files.get(record.file).cloned())
    }

    pub(super) fn forget_records(&mut self) {
        self.records.clear();
    }

    /// What of acknowledged work is missing: the database holds batches up to `applied`, the mark says `acknowledged`.
    pub(super) fn find_loss(
        &self,
        database: &Path,
        applied: u64,
        acknowledged: u64,
    ) -> Option<String> {
        let (database, reached) = (database.display(), self.reached(applied));
        if let Some(record) = self.records.iter().find(|record| record.number > reached) {
            return Some(format!(
                "the redo log goes on with batch {}, and {database} ends with {reached}: they are not of the same moment",
                record.number
            ));
        }
        (acknowledged > reached).then(|| {
            let short = self.short.iter().map(|what| format!("{what}: ")).collect::<String>();
            format!(
                "{short}the redo log ({database}-redo-0 and -redo-1) ends with batch {reached}, and batch \
                 {acknowledged} was acknowledged"
            )
        })
    }

    fn reached(&self, applied: u64) -> u64 {
        self.records.iter().fold(applied, |reached, record| {
            if record.number == reached + 1 { record.number } else { reached }
        })
    }

    /// Writes what the log holds and the database does not; after an accepted loss as far as it still fits.
    pub(super) fn replay(
        &self,
        connection: &mut Connection,
        state: RunState,
        is_loss_accepted: bool,
    ) -> Result<(), Fault> {
        let Some(applied) = state.applied else { return Ok(()) };
        let mut transaction = connection.transaction()?;
        let mut reached = applied;
        for record in self.records.iter().filter(|record| record.number > applied) {
            if record.number != reached + 1 {
                break;
            }
            let savepoint = transaction.savepoint()?;
            match self.write(record, &savepoint) {
                Ok(()) => savepoint.commit()?,
                Err(fault) if fault.kind() == FaultKind::Storage => return Err(fault),
                Err(fault) if is_loss_accepted => {
                    tracing::error!(%fault, batch = record.number, "the rest of the redo log does not fit the database");
                    break;
                }
                Err(fault) => {
                    let number = record.number;
                    let what = format_args!("batch {number} of the redo log does not fit: {fault}");
                    return Err(Fault::new(FaultKind::Damaged, what));
                }
            }
            reached = record.number;
        }
        if reached > applied {
            transaction.execute("UPDATE pulse SET applied = ?1", [reached.cast_signed()])?;
            transaction.commit()?;
            tracing::info!(batches = reached - applied, "the redo log was replayed");
        }
        Ok(())
    }

    /// Writes a record's rows: for each the place of its statement, the number of its values, the values.
    fn write(&self, record: &Record, connection: &Connection) -> Result<(), Fault> {
        let foreign = || Fault::new(FaultKind::Damaged, "it is not rows");
        let texts = self.texts.get(record.file).ok_or_else(foreign)?;
        let mut bytes = record.payload.as_slice();
        while let Some(([index, count], rest)) = bytes.split_first_chunk() {
            bytes = rest;
            let values = (0..*count).map(|_| read_value(&mut bytes)).collect::<Option<Values>>();
            let (values, text) = values.zip(texts.get(usize::from(*index))).ok_or_else(foreign)?;
            if connection.prepare_cached(text)?.execute(params_from_iter(values))? != 1 {
                return Err(Fault::new(FaultKind::Damaged, "a row to change is not there"));
            }
        }
        if bytes.is_empty() { Ok(()) } else { Err(foreign()) }
    }

    /// Overwrites the files, which hold sealed texts, and removes them.
    pub(super) fn remove(self) -> Result<(), Fault> {
        // The first last: its lock keeps an earlier version out.
        for file in self.files.into_iter().rev() {
            destroy(&file)?;
        }
        Ok(())
    }
}

/// How far the database of an earlier version is, by its own account; of none yet, nothing.
pub(super) fn find_state(connection: &Connection) -> rusqlite::Result<RunState> {
    let find = |column: &str| {
        let has = "SELECT count(*) FROM pragma_table_info('pulse') WHERE name = ?1";
        if connection.query_row(has, [column], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(None);
        }
        let select = format!("SELECT {column} FROM pulse");
        connection.query_row(&select, [], |row| row.get::<_, i64>(0)).optional()
    };
    Ok(RunState {
        commits: find("commits")?.unwrap_or(0).cast_unsigned(),
        is_running: find("is_running")?.unwrap_or(0) != 0,
        applied: find("applied")?.map(i64::cast_unsigned),
    })
}

/// Takes from a copy of an earlier version's database what says that a process works on it.
pub(super) fn end_run(copy: &Connection) -> rusqlite::Result<usize> {
    match find_state(copy)?.is_running {
        true => copy.execute("UPDATE pulse SET is_running = 0", []),
        false => Ok(0),
    }
}

fn read(bytes: &[u8], file: usize) -> (Vec<String>, Vec<Record>) {
    let Some((first, texts)) = read_head(bytes) else { return Default::default() };
    let (mut at, mut number, mut records) = (RECORDS_AT, first, Vec::new());
    while let Some(payload) = read_record(bytes, at, number) {
        at += HEAD_BYTES + payload.len();
        records.push(Record { number, payload: payload.to_vec(), file });
        number += 1;
    }
    (texts, records)
}

fn read_head(bytes: &[u8]) -> Option<(u64, Vec<String>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (first, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (mut list, rest) = rest.split_at_checked(length)?;
    let checksum = u32::from_le_bytes(*rest.first_chunk()?);
    if crc32fast::hash(bytes.get(..MAGIC.len() + 12 + length)?) != checksum {
        return None;
    }
    let mut texts = Vec::new();
    while let Some((length, rest)) = list.split_first_chunk() {
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        texts.push(String::from_utf8(text.to_vec()).ok()?);
        list = rest;
    }
    Some((u64::from_le_bytes(*first), texts))
}

/// The payload at `at`, if a whole record of this number stands there.
fn read_record(bytes: &[u8], at: usize, number: u64) -> Option<&[u8]> {
    let (head, rest) = bytes.get(at..)?.split_first_chunk::<HEAD_BYTES>()?;
    let length = u32::from_le_bytes(*head.first_chunk()?) as usize;
    let payload = rest.get(..length)?;
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&number.to_le_bytes());
    checksum.update(payload);
    let is_whole =
        head[4..8] == checksum.finalize().to_le_bytes() && head[8..] == number.to_le_bytes();
    // An empty payload was never written; a wiped head has no length.
    (length > 0 && is_whole).then_some(payload)
}

fn read_value(bytes: &mut &[u8]) -> Option<Value> {
    let (kind, rest) = bytes.split_first()?;
    *bytes = rest;
    match *kind {
        NULL => Some(Value::Null),
        INT => {
            let (value, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(Value::Int(i64::from_le_bytes(*value)))
        }
        kind @ (TEXT | BYTES) => {
            let (length, rest) = bytes.split_first_chunk()?;
            let (content, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            *bytes = rest;
            if kind == BYTES {
                return Some(Value::Bytes(content.to_vec()));
            }
            String::from_utf8(content.to_vec()).ok().map(Value::Text)
        }
        _ => None,
    }
}
