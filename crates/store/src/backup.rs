//! Backups of an embedded database: everything but the keys of orders in one file, those keys in another.
//!
//! A backup may be retained for ever, its copy of the keys seven days. A restore takes the keys of the same or a
//! later backup, so that an order erased between the two stays a tombstone. A backup reads one moment of the
//! database, also while a server runs. Source: design, section 7; decision 044.

use const_format::formatcp;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use contract::evidence::RECOVERABLE_DAYS;
use domain::retention::DAY_MS;
use domain::{Id, UnixMs};
use rusqlite::{Connection, OpenFlags};

use crate::fault::{Fault, FaultKind};
use crate::sqlite;
pub use crate::sqlite::destroy;
use crate::states::{DELIVERY_DELIVERED, DELIVERY_EXHAUSTED, REPORT_ERASED};

/// The file of a backup that holds everything but the keys of orders.
pub const DATA_FILE: &str = "data.db";
/// The file of a backup that holds the keys of orders.
pub const KEYS_FILE: &str = "keys.db";

const KEYED: [(&str, &str, &str); 3] = [
    ("orders", "order_id", "0"),
    ("report_versions", "report_id", "version"),
    ("files", "file_id", "0"),
];

/// What erasing does to rows of orders that have no key, for all of them at once.
const ERASE_KEYLESS: &str = formatcp!("
    CREATE TEMP TABLE gone AS SELECT tenant_id, order_id FROM main.orders WHERE wrapped_key = x'00';
    CREATE INDEX temp.gone_by_order ON gone (order_id);
    CREATE TEMP TABLE objects AS
      SELECT report_id AS id FROM main.reports WHERE order_id IN (SELECT order_id FROM gone)
      UNION SELECT object_id FROM main.report_versions WHERE order_id IN (SELECT order_id FROM gone)
      UNION SELECT file_id FROM main.files WHERE wrapped_key = x'00';
    UPDATE main.orders SET wrapped_key = x'', result_digest = NULL WHERE wrapped_key = x'00';
    UPDATE main.timeline_entries SET sealed = x'', digest = zeroblob(16) WHERE order_id IN (SELECT order_id FROM gone);
    UPDATE main.reports SET state = {REPORT_ERASED}, due_at = NULL, failure = NULL, size_bytes = NULL, sha256 = NULL, sealed = x''
      WHERE order_id IN (SELECT order_id FROM gone);
    UPDATE main.report_versions SET wrapped_key = x'', sealed = x'' WHERE order_id IN (SELECT order_id FROM gone);
    UPDATE main.report_views SET sealed = x'' WHERE order_id IN (SELECT order_id FROM gone);
    UPDATE main.deliveries SET state = {DELIVERY_EXHAUSTED}, due_at = NULL WHERE state <> {DELIVERY_DELIVERED} AND order_id IN (SELECT order_id FROM gone);
    UPDATE main.attempts SET sealed = x'' WHERE event_no IN
      (SELECT event_no FROM main.events WHERE order_id IN (SELECT order_id FROM gone));
    DELETE FROM main.stage_keys WHERE order_id IN (SELECT order_id FROM gone);
    DELETE FROM main.order_applications WHERE order_id IN (SELECT order_id FROM gone);
    DELETE FROM main.files WHERE wrapped_key = x'00';
    UPDATE main.storage_use SET used_bytes = CASE tenant_id
      WHEN 0 THEN coalesce((SELECT sum(v.size_bytes) FROM main.report_versions v JOIN main.orders o
        ON o.order_id = v.order_id WHERE o.app_id = storage_use.app_id AND length(v.wrapped_key) > 0), 0)
      ELSE coalesce((SELECT sum(v.size_bytes) FROM main.report_versions v
          WHERE v.tenant_id = storage_use.tenant_id AND length(v.wrapped_key) > 0), 0)
        + coalesce((SELECT sum(f.size_bytes) FROM main.files f WHERE f.tenant_id = storage_use.tenant_id), 0) END;");

/// The same for a table that backups of earlier versions lack.
const FIND_TERMS: &str = "SELECT count(*) FROM main.sqlite_master WHERE name = 'order_terms'";
const ERASE_TERMS: &str =
    "DELETE FROM main.order_terms WHERE order_id IN (SELECT order_id FROM gone)";

/// A backup as it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackedUp {
    /// Orders in it.
    pub orders: u64,
    /// When the copy of their keys must be gone.
    pub keys_expire_at: UnixMs,
}

/// A database as it was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Orders that came back whole.
    pub orders: u64,
    /// Orders that were erased since the backup: they came back as tombstones.
    pub erased: u64,
    /// Objects of those, which must not come back.
    pub erased_objects: Vec<Id>,
    /// The objects that must be there, and the bytes of their contents.
    pub objects: Vec<(Id, u64)>,
}

/// Takes a backup of the database at `database` into the folder `to`, which exists and holds none.
pub fn back_up(database: &Path, to: &Path, at: UnixMs) -> Result<BackedUp, Fault> {
    let (data, keys) = (to.join(DATA_FILE), to.join(KEYS_FILE));
    for path in [&data, &keys] {
        if path.exists() {
            return Err(refused(format_args!("expected no {} yet", path.display())));
        }
    }
    sqlite::check(database)?;
    let whole = Scratch(to.join("data.tmp"));
    let source = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.busy_timeout(sqlite::BUSY)?;
    copy_whole(&source, &whole.0)?;
    let copy = Connection::open(&whole.0)?;
    copy.execute_batch("PRAGMA secure_delete = ON; PRAGMA journal_mode = MEMORY;")?;
    File::options().write(true).create_new(true).mode(0o600).open(&keys)?;
    copy.execute("ATTACH DATABASE ?1 AS keys", [text(&keys)?])?;
    let expires_at = at.plus_ms(RECOVERABLE_DAYS * DAY_MS);
    copy.execute_batch(
        "CREATE TABLE keys.backup (made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) STRICT;
         CREATE TABLE keys.wrapped (name TEXT NOT NULL, id INTEGER NOT NULL, part INTEGER NOT NULL,
           wrapped_key BLOB NOT NULL, PRIMARY KEY (name, id, part)) WITHOUT ROWID, STRICT;
         CREATE TABLE main.backup (made_at INTEGER NOT NULL) STRICT;",
    )?;
    copy.execute("INSERT INTO keys.backup VALUES (?1, ?2)", [at.0, expires_at.0])?;
    copy.execute("INSERT INTO main.backup VALUES (?1)", [at.0])?;
    for (table, id, part) in KEYED {
        copy.execute_batch(&format!(
            "INSERT INTO keys.wrapped SELECT '{table}', {id}, {part}, wrapped_key FROM main.{table}
               WHERE length(wrapped_key) > 0;
             UPDATE main.{table} SET wrapped_key = x'00' WHERE length(wrapped_key) > 0;"
        ))?;
    }
    let orders: i64 = copy.query_row("SELECT count(*) FROM main.orders", [], |row| row.get(0))?;
    copy.execute("DETACH DATABASE keys", [])?;
    copy_whole(&copy, &data)?;
    drop(copy);
    for path in [&data, &keys] {
        File::open(path)?.sync_all()?;
    }
    File::open(to)?.sync_all()?;
    Ok(BackedUp { orders: orders.unsigned_abs(), keys_expire_at: expires_at })
}

/// Makes the database at `database`, where none is, from a backup's data and keys of the same backup or a later one;
/// [`FaultKind::Schema`] when the keys are older, of another installation, or expired.
pub fn restore(data: &Path, keys: &Path, database: &Path, now: UnixMs) -> Result<Restored, Fault> {
    for file in sqlite::files(database) {
        // What is left of another database would be taken for this one's.
        if file.exists() {
            let file = file.display();
            return Err(refused(format_args!("expected no {file} yet: move it away first")));
        }
    }
    for path in [data, keys] {
        if !path.exists() {
            return Err(refused(format_args!("expected {}", path.display())));
        }
    }
    let whole = Scratch(database.with_extension("restoring"));
    fs::copy(data, &whole.0)?;
    fs::set_permissions(&whole.0, Permissions::from_mode(0o600))?;
    let copy = Connection::open(&whole.0)?;
    copy.execute_batch("PRAGMA secure_delete = ON; PRAGMA journal_mode = MEMORY;")?;
    copy.execute("ATTACH DATABASE ?1 AS keys", [text(keys)?])?;
    validate_keys(&copy, now)?;
    for (table, id, part) in KEYED {
        copy.execute_batch(&format!(
            "UPDATE main.{table} AS t SET wrapped_key = k.wrapped_key FROM keys.wrapped k
               WHERE t.wrapped_key = x'00' AND k.name = '{table}' AND k.id = t.{id} AND k.part = {part};"
        ))?;
    }
    let number = |sql: &str| copy.query_row(sql, [], |row| row.get::<_, i64>(0));
    let open = "SELECT count(*) FROM main.orders WHERE wrapped_key = x'00' AND ended_at IS NULL";
    if number(open)? > 0 {
        return Err(refused("expected the keys of this installation: orders under way have none"));
    }
    copy.execute_batch(ERASE_KEYLESS)?;
    if number(FIND_TERMS)? > 0 {
        copy.execute_batch(ERASE_TERMS)?;
    }
    let erased = number("SELECT count(*) FROM gone")?;
    let orders = number("SELECT count(*) FROM main.orders WHERE length(wrapped_key) > 0")?;
    let mut objects = copy.prepare("SELECT id FROM objects ORDER BY id")?;
    let erased_objects =
        objects.query_map([], |row| row.get(0).map(Id))?.collect::<Result<_, _>>()?;
    drop(objects);
    let mut expected = copy.prepare(
        "SELECT object_id, size_bytes FROM main.report_versions WHERE length(wrapped_key) > 0
         UNION ALL SELECT file_id, size_bytes FROM main.files",
    )?;
    let object =
        |row: &rusqlite::Row<'_>| Ok((Id(row.get(0)?), row.get::<_, i64>(1)?.unsigned_abs()));
    let objects = expected.query_map([], object)?.collect::<Result<_, _>>()?;
    drop(expected);
    // What was ended, used or taken back since must not be good again. A backup of before there were people has none of it.
    if number("SELECT count(*) FROM main.sqlite_master WHERE name = 'one_time_links'")? > 0 {
        copy.execute_batch("DELETE FROM main.user_sessions; DELETE FROM main.one_time_links;")?;
    }
    copy.execute_batch("DROP TABLE main.backup; DETACH DATABASE keys;")?;
    sqlite::end_run(&copy)?;
    copy_whole(&copy, database)?;
    drop(copy);
    File::open(database)?.sync_all()?;
    let folder = database.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(Restored {
        orders: orders.unsigned_abs(),
        erased: erased.unsigned_abs(),
        erased_objects,
        objects,
    })
}

/// When the keys at `path` must be gone; none when the file holds no keys of a backup.
pub fn keys_expire_at(path: &Path) -> Result<Option<UnixMs>, Fault> {
    let keys = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match keys.query_row("SELECT expires_at FROM backup", [], |row| row.get(0)) {
        Ok(expires_at) => Ok(Some(UnixMs(expires_at))),
        Err(rusqlite::Error::QueryReturnedNoRows | rusqlite::Error::SqliteFailure(..)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn validate_keys(copy: &Connection, now: UnixMs) -> Result<(), Fault> {
    let foreign = |_| refused("expected the two files of a backup");
    let read = |sql: &str| copy.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(foreign);
    let data_made_at = read("SELECT made_at FROM main.backup")?;
    let keys_made_at = read("SELECT made_at FROM keys.backup")?;
    if keys_made_at < data_made_at {
        return Err(refused("expected the keys of the same backup or of a later one"));
    }
    if read("SELECT expires_at FROM keys.backup")? <= now.0 {
        return Err(refused("expected keys of the last 7 days: copies of keys may live no longer"));
    }
    Ok(())
}

/// A whole copy of fresh pages, readable by its owner alone.
fn copy_whole(source: &Connection, to: &Path) -> Result<(), Fault> {
    source.execute("VACUUM main INTO ?1", [text(to)?])?;
    fs::set_permissions(to, Permissions::from_mode(0o600))?;
    Ok(())
}

fn text(path: &Path) -> Result<&str, Fault> {
    path.to_str().ok_or_else(|| refused("expected a path that is UTF-8"))
}

fn refused(detail: impl std::fmt::Display) -> Fault {
    Fault::new(FaultKind::Schema, detail)
}

/// A file that holds keys and data together for a moment, and goes whatever happens.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.0.exists()
            && let Err(fault) = destroy(&self.0)
        {
            tracing::error!(%fault, path = %self.0.display(), "remove this file by hand: it holds keys");
        }
    }
}
