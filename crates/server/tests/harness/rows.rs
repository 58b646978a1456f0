//! The database from below: every row of every table as text, to see what a call stored and that another stored
//! nothing.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use tokio_postgres::NoTls;

use super::{Engine, World};

/// Every table's rows, each row one text, sorted.
pub(crate) type Rows = BTreeMap<String, Vec<String>>;

impl World {
    /// Reads all tables, but for the count of commits: a commit that stores nothing moves it too. Blobs stand as hex
    /// digits.
    pub(crate) async fn rows(&self) -> Rows {
        let mut rows = match self.engine {
            Engine::Sqlite => self.sqlite_rows(),
            Engine::Postgres => self.postgres_rows().await,
        };
        for row in rows.get_mut("write_probe").unwrap() {
            // probe_id, commits, is_running.
            let mut columns: Vec<_> = row.split(['|', ',']).collect();
            columns.remove(1);
            *row = columns.join("|");
        }
        rows
    }

    /// Runs SQL behind the server's back.
    pub(crate) async fn execute(&self, sql: &str) {
        match self.engine {
            Engine::Sqlite => {
                let path = self.data().join(server::data_folder::DATABASE_FILE);
                rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
            }
            Engine::Postgres => self.postgres().await.batch_execute(sql).await.unwrap(),
        }
    }

    async fn postgres(&self) -> tokio_postgres::Client {
        let url = self.app.config.database_url.as_deref().unwrap();
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        // Ends with the client.
        tokio::spawn(connection);
        client
    }

    fn sqlite_rows(&self) -> Rows {
        let path = self.data().join(server::data_folder::DATABASE_FILE);
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(path, flags).unwrap();
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = database.prepare(sql).unwrap();
            let columns = statement.column_count();
            let text = |row: &rusqlite::Row<'_>| {
                let column = |place| show(row.get_ref_unwrap(place));
                Ok((0..columns).map(column).collect::<Vec<_>>().join("|"))
            };
            let rows = statement.query_map([], text).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let tables = texts("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
        let rows = |table: String| {
            let mut rows = texts(&format!("SELECT * FROM \"{table}\""));
            rows.sort_unstable();
            (table, rows)
        };
        tables.into_iter().map(rows).collect()
    }

    async fn postgres_rows(&self) -> Rows {
        let client = self.postgres().await;
        let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
        let mut all = Rows::new();
        for table in client.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let sql = format!("SELECT t::text FROM \"{table}\" t");
            let rows = client.query(&sql, &[]).await.unwrap();
            let mut rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            rows.sort_unstable();
            all.insert(table, rows);
        }
        all
    }
}

fn show(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => contract::hex::to_hex(bytes),
    }
}

/// Says what differs, instead of showing both sides whole.
pub(crate) fn assert_same_rows(before: &Rows, after: &Rows, why: &str) {
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{why}");
    for (table, rows) in after {
        let new: Vec<_> = rows.iter().filter(|row| !before[table].contains(row)).collect();
        assert!(new.is_empty(), "{why}: new or changed in {table}: {new:?}");
        assert_eq!(rows.len(), before[table].len(), "{why}: rows of {table}");
    }
}
