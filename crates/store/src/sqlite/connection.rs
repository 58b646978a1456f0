//! Connections to a database file, with the guarantees that every answer relies on.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, Statement, params_from_iter};

use crate::fault::{Fault, FaultKind};
use crate::value::{Row, Value};

/// The oldest library that may open a database: before it a reset of the WAL could corrupt it.
const LIBRARY_MIN: i32 = 3_051_003;
pub(crate) const BUSY: Duration = Duration::from_secs(5);
/// Opens the file at `path` for writing, with the guarantees that every answer relies on.
pub(crate) fn open(path: &Path) -> Result<Connection, Fault> {
    if rusqlite::version_number() < LIBRARY_MIN {
        return Err(Fault::new(
            FaultKind::Schema,
            format_args!("expected SQLite 3.51.3 or later, found {}", rusqlite::version()),
        ));
    }
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    plan_once(&connection)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON; PRAGMA cache_size = -16384;",
    )?;
    connection.create_scalar_function(
        "sha256",
        1,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC,
        sha256,
    )?;
    Ok(connection)
}

/// Keeps a statement's plan whatever is bound to it; else a page of another length, for one, is planned anew.
pub(super) fn plan_once(connection: &Connection) -> Result<(), Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// SHA-256 as PostgreSQL has it, of the bytes of a value. What `||` joins is a text to SQLite, whatever its bytes.
fn sha256(context: &Context<'_>) -> rusqlite::Result<Vec<u8>> {
    let bytes = match context.get_raw(0) {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => {
            let wrong = "expected bytes to make a hash of".into();
            return Err(rusqlite::Error::UserFunctionError(wrong));
        }
    };
    Ok(contract::evidence::sha256(bytes).to_vec())
}

pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The files of the database at this path, itself first.
pub(crate) fn files(database: &Path) -> [PathBuf; 7] {
    ["", "-wal", "-shm", "-lock", "-mark", "-redo-0", "-redo-1"]
        .map(|suffix| beside(database, suffix))
}

pub(super) fn sync_folder(file: &Path) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Overwrites a file and removes it; after a fault it may still be there.
pub fn destroy(path: &Path) -> Result<(), Fault> {
    let length = fs::metadata(path)?.len();
    let mut file = File::options().write(true).open(path)?;
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), length), &mut file)?;
    file.sync_all()?;
    fs::remove_file(path)?;
    Ok(())
}

pub(super) fn prepare<'c>(
    connection: &'c Connection,
    sql: &str,
) -> Result<CachedStatement<'c>, Fault> {
    Ok(connection.prepare_cached(&dialect(sql))?)
}

pub(crate) fn dialect(sql: &str) -> String {
    sql.replace('$', "?")
}

pub(super) fn rows_of(
    connection: &Connection,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, Fault> {
    let mut statement = prepare(connection, sql)?;
    collect(&mut statement, values)
}

pub(super) fn collect(statement: &mut Statement<'_>, values: &[Value]) -> Result<Vec<Row>, Fault> {
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let values = (0..columns).map(|index| Ok(value(row.get_ref(index)?)));
        rows.push(Row(values.collect::<Result<_, rusqlite::Error>>()?));
    }
    Ok(rows)
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
    }
}
