//! Looks into the server's memory from outside, past its code: SQLite's files as a kill left them, or the
//! database on PostgreSQL. And the rules that must hold there at any moment.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio_postgres::Client;

use super::database::connect;
use super::until;

/// A database that can be asked.
pub(crate) enum Memory {
    /// The connection, and the folder when it is a copy.
    Sqlite(Connection, Option<TempDir>),
    Postgres(Client),
}

/// What must never be found: a name, and the statement that counts it.
const BROKEN: &[(&str, &str)] = &[
    (
        "orders without their created event",
        "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM events e \
         WHERE e.tenant_id = o.tenant_id AND e.event_no = o.order_id AND e.order_id = o.order_id \
         AND e.app_id = o.app_id AND e.kind = 2)",
    ),
    (
        "created events without their order",
        "SELECT count(*) FROM events e WHERE e.kind = 2 AND NOT EXISTS (SELECT 1 FROM orders o \
         WHERE o.tenant_id = e.tenant_id AND o.order_id = e.event_no)",
    ),
    (
        "terminations without their canceled event",
        "SELECT count(*) FROM timeline_entries t WHERE t.rule = 5 AND NOT EXISTS (SELECT 1 FROM events e \
         WHERE e.tenant_id = t.tenant_id AND e.event_no = t.entry_id AND e.order_id = t.order_id AND e.kind = 3)",
    ),
    (
        "canceled events without their termination",
        "SELECT count(*) FROM events e WHERE e.kind = 3 AND NOT EXISTS (SELECT 1 FROM timeline_entries t \
         WHERE t.tenant_id = e.tenant_id AND t.entry_id = e.event_no AND t.order_id = e.order_id AND t.rule = 5)",
    ),
    (
        "accounts without their event",
        "SELECT count(*) FROM accounts a WHERE NOT EXISTS (SELECT 1 FROM events e \
         WHERE e.tenant_id = a.tenant_id AND e.event_no = a.account_id AND e.kind = 1)",
    ),
    (
        "account events without their account",
        "SELECT count(*) FROM events e WHERE e.kind = 1 AND NOT EXISTS (SELECT 1 FROM accounts a \
         WHERE a.tenant_id = e.tenant_id AND a.account_id = e.event_no)",
    ),
    ("events of no known kind", "SELECT count(*) FROM events WHERE kind NOT IN (1, 2, 3)"),
    (
        "events without their delivery",
        "SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM deliveries d \
         WHERE d.tenant_id = e.tenant_id AND d.event_no = e.event_no AND d.endpoint_id = e.app_id)",
    ),
    (
        "deliveries without their event",
        "SELECT count(*) FROM deliveries d WHERE NOT EXISTS (SELECT 1 FROM events e \
         WHERE e.tenant_id = d.tenant_id AND e.event_no = d.event_no)",
    ),
    (
        "attempts without their delivery",
        "SELECT count(*) FROM attempts a WHERE NOT EXISTS (SELECT 1 FROM deliveries d \
         WHERE d.tenant_id = a.tenant_id AND d.event_no = a.event_no)",
    ),
    (
        "event ids that two events have",
        "SELECT count(*) FROM (SELECT tag FROM events GROUP BY tag HAVING count(*) > 1) twice",
    ),
    (
        "orders whose timeline does not begin with placing",
        "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM timeline_entries t \
         WHERE t.tenant_id = o.tenant_id AND t.entry_id = o.order_id AND t.order_id = o.order_id \
         AND t.entry_before = 0 AND t.rule = 0 AND t.to_state = 2)",
    ),
    (
        "orders that do not stand where their last entry left them",
        "SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM timeline_entries t \
         WHERE t.tenant_id = o.tenant_id AND t.entry_id = o.entry_last AND t.order_id = o.order_id \
         AND t.to_state = o.state)",
    ),
    (
        "orders with entries after their last one",
        "SELECT count(*) FROM orders o JOIN (SELECT order_id, max(entry_id) AS newest \
         FROM timeline_entries GROUP BY order_id) t ON t.order_id = o.order_id WHERE t.newest <> o.entry_last",
    ),
    (
        "entries that do not follow the one before",
        "SELECT count(*) FROM timeline_entries t WHERE t.entry_before <> 0 AND NOT EXISTS \
         (SELECT 1 FROM timeline_entries b WHERE b.tenant_id = t.tenant_id AND b.entry_id = t.entry_before \
         AND b.order_id = t.order_id AND b.to_state = t.from_state AND b.entry_id < t.entry_id)",
    ),
    (
        "entries with two followers",
        "SELECT count(*) FROM (SELECT order_id, entry_before FROM timeline_entries \
         GROUP BY order_id, entry_before HAVING count(*) > 1) twice",
    ),
    (
        "entries without their order",
        "SELECT count(*) FROM timeline_entries t WHERE NOT EXISTS (SELECT 1 FROM orders o \
         WHERE o.tenant_id = t.tenant_id AND o.order_id = t.order_id)",
    ),
    ("entries after the end", "SELECT count(*) FROM timeline_entries WHERE from_state IN (3, 4)"),
    (
        "ends without their time, and times without their end",
        "SELECT count(*) FROM orders WHERE (state IN (3, 4)) <> (ended_at IS NOT NULL)",
    ),
    (
        "orders whose number of results is wrong",
        "SELECT count(*) FROM orders o LEFT JOIN (SELECT order_id, count(*) AS found FROM timeline_entries \
         WHERE rule IN (2, 3) GROUP BY order_id) t ON t.order_id = o.order_id \
         WHERE o.result_count <> coalesce(t.found, 0)",
    ),
    (
        "orders whose number of stages is wrong",
        "SELECT count(*) FROM (SELECT order_id, count(*) AS found FROM timeline_entries WHERE rule = 1 \
         GROUP BY order_id) t FULL JOIN (SELECT order_id, count(*) AS found FROM stage_keys GROUP BY order_id) s \
         ON s.order_id = t.order_id WHERE coalesce(s.found, 0) <> coalesce(t.found, 0)",
    ),
    (
        "orders whose number of reports is wrong",
        "SELECT count(*) FROM (SELECT order_id, sum(report_count) AS found FROM timeline_entries \
         WHERE report_count > 0 GROUP BY order_id) t FULL JOIN (SELECT order_id, count(*) AS found FROM reports \
         GROUP BY order_id) r ON r.order_id = t.order_id WHERE coalesce(r.found, 0) <> coalesce(t.found, 0)",
    ),
    (
        "answers kept for orders that are not there",
        "SELECT count(*) FROM idempotency i WHERE i.order_id IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM orders o WHERE o.order_id = i.order_id)",
    ),
];

impl Memory {
    /// A copy of SQLite's files, opened as after a crash: the WAL is read back into it.
    ///
    /// # Panics
    /// When SQLite's own check finds a fault.
    pub(crate) fn copy_of(data: &Path) -> Memory {
        let folder = TempDir::new().unwrap();
        for suffix in ["", "-wal", "-mark"] {
            let name = format!("probity.db{suffix}");
            if data.join(&name).exists() {
                std::fs::copy(data.join(&name), folder.path().join(&name)).unwrap();
            }
        }
        let replay = std::process::Command::new(env!("CARGO_BIN_EXE_probity"))
            .args(["migrate", "--data"])
            .arg(folder.path())
            .output()
            .unwrap();
        assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
        let connection = Connection::open(folder.path().join("probity.db")).unwrap();
        let check: String =
            connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok", "SQLite finds its file damaged");
        Memory::Sqlite(connection, Some(folder))
    }

    /// SQLite's file, while the server works with it.
    pub(crate) fn live(data: &Path) -> Memory {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(data.join("probity.db"), flags).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        Memory::Sqlite(connection, None)
    }

    /// The database on PostgreSQL.
    pub(crate) async fn postgres(url: &str) -> Memory {
        Memory::Postgres(connect(url).await.unwrap())
    }

    /// Waits until PostgreSQL has noticed that the killed server is gone.
    pub(crate) async fn until_alone(&self) {
        if matches!(self, Memory::Sqlite(..)) {
            return;
        }
        let others = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        until("PostgreSQL ends the killed server's work", Duration::from_secs(10), async || {
            self.count(others).await == 0
        })
        .await;
    }

    /// The one number that a statement gives.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.rows(sql).await[0][0]
    }

    /// The rows of a statement whose columns are all whole numbers.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<i64>> {
        match self {
            Memory::Sqlite(connection, _) => {
                let mut statement = connection.prepare(sql).unwrap();
                let columns = statement.column_count();
                let rows = statement
                    .query_map([], |row| (0..columns).map(|place| row.get(place)).collect());
                rows.unwrap().collect::<Result<_, _>>().unwrap()
            }
            Memory::Postgres(client) => {
                let rows = client.query(sql, &[]).await.unwrap();
                let numbers = |row: &tokio_postgres::Row| {
                    (0..row.len()).map(|place| row.get(place)).collect()
                };
                rows.iter().map(numbers).collect()
            }
        }
    }

    /// Asserts every rule that must hold at any moment.
    pub(crate) async fn assert_whole(&self) {
        let mut found = Vec::new();
        for (what, sql) in BROKEN {
            let count = self.count(sql).await;
            if count != 0 {
                found.push(format!("{count} {what}"));
            }
        }
        assert!(found.is_empty(), "in the database: {found:?}");
    }
}
