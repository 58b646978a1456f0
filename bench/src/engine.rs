//! Where an installation lies: seeded once and stored, copied for every run, looked into afterwards.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use domain::TenantId;
use rusqlite::Connection;
use serde::Serialize;
use store::Location;

use crate::calls::Arranged;
use crate::postgres::Server;
use crate::{names, seed};

const DATABASE_FILE: &str = "probity.db";
/// Whatever seeding made due counts as delivered, so that the workers are idle.
const DELIVER: &str =
    "UPDATE deliveries SET state = 3, attempts = 1, finished_at = due_at, due_at = NULL";
const LIST_ARRANGED: &str =
    "SELECT order_id, tenant_id FROM orders WHERE state = 2 ORDER BY order_id";
const COUNT_COMPLETED: &str = "SELECT count(*) FROM orders WHERE state = 3";

/// Which engine keeps the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A copy of a seeded installation, for one server to run on.
pub(crate) struct Installation {
    /// The server's data folder.
    pub(crate) data: PathBuf,
    /// The server's database, when it is PostgreSQL's.
    pub(crate) database_url: Option<String>,
}

impl Installation {
    /// Copies the SQLite installation of `orders` orders into `data`; it is seeded first when there is none.
    pub(crate) async fn sqlite(
        seeds: &Path,
        orders: u64,
        data: PathBuf,
    ) -> anyhow::Result<Installation> {
        let seeded = seeds.join(format!("seed-{orders}")).join(DATABASE_FILE);
        if !seeded.exists() {
            eprintln!("seeding SQLite with {orders} orders (kept in {})", seeds.display());
            let draft = seeds.join(format!("seed-{orders}-draft"));
            let _ = fs::remove_dir_all(&draft);
            fs::create_dir_all(&draft)?;
            let file = draft.join(DATABASE_FILE);
            seed::seed(&Location::Sqlite(file.clone()), orders).await?;
            let connection = open(&file)?;
            connection.execute(DELIVER, [])?;
            fold_wal(&connection)?;
            drop(connection);
            fs::rename(draft, seeds.join(format!("seed-{orders}")))?;
        }
        fs::create_dir_all(&data)?;
        let copy = data.join(DATABASE_FILE);
        fs::copy(&seeded, &copy)?;
        // Otherwise the first bursts would wait for the disk to take the copy.
        fs::File::open(&copy)?.sync_all()?;
        Ok(Installation { data, database_url: None })
    }

    /// Copies the PostgreSQL installation of `orders` orders into a database of its own, which the caller drops.
    pub(crate) async fn postgres(
        server: &Server,
        orders: u64,
        data: PathBuf,
        name: &str,
    ) -> anyhow::Result<Installation> {
        let seeded = format!("probity_bench_seed_{orders}");
        if !server.has(&seeded).await? {
            eprintln!("seeding PostgreSQL with {orders} orders (kept in {seeded})");
            let draft = format!("{seeded}_draft");
            server.create(&draft).await?;
            let url = server.url(&draft);
            seed::seed(&Location::Postgres(url.clone()), orders).await?;
            // The rows are written anew, so that the first updates find what fresh tables would offer.
            server.run(&draft, &[DELIVER, "VACUUM FULL deliveries", "VACUUM ANALYZE"]).await?;
            server.rename(&draft, &seeded).await?;
        }
        server.copy(&seeded, name).await?;
        fs::create_dir_all(&data)?;
        Ok(Installation { data, database_url: Some(server.url(name)) })
    }

    /// The orders that wait for their results, oldest first.
    pub(crate) async fn arranged(&self) -> anyhow::Result<Vec<Arranged>> {
        let rows: Vec<(i64, i64)> = match &self.database_url {
            None => {
                let connection = open(&self.data.join(DATABASE_FILE))?;
                let mut statement = connection.prepare(LIST_ARRANGED)?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect::<Result<_, _>>()?
            }
            Some(url) => {
                let client = crate::postgres::connect(url).await?;
                let rows = client.query(LIST_ARRANGED, &[]).await?;
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        };
        let places: HashMap<TenantId, usize> =
            (0..names::TENANTS).map(|index| (names::tenant_id(index), index)).collect();
        let arranged = |(order_id, tenant_id): (i64, i64)| {
            let tenant =
                places.get(&TenantId(tenant_id)).context("an order of an unknown tenant")?;
            Ok(Arranged { order_id, tenant: *tenant })
        };
        rows.into_iter().map(arranged).collect()
    }

    /// How many orders have their results.
    pub(crate) async fn count_completed(&self) -> anyhow::Result<u64> {
        let count: i64 = match &self.database_url {
            None => {
                let connection = open(&self.data.join(DATABASE_FILE))?;
                connection.query_row(COUNT_COMPLETED, [], |row| row.get(0))?
            }
            Some(url) => {
                crate::postgres::connect(url).await?.query_one(COUNT_COMPLETED, &[]).await?.get(0)
            }
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// Brings everything into the one file that gets copied; the store's own connections may still be closing.
fn fold_wal(connection: &Connection) -> anyhow::Result<()> {
    for _ in 0..100 {
        let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
        if connection.query_row(fold, [], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("the seeded database stays in use")
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(60))?;
    Ok(connection)
}
