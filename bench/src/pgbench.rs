//! What PostgreSQL does at best with one statement for each result: `pgbench` on tables like the product's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::postgres::Server;

/// The clients at which it is measured; the better one counts.
pub(crate) const CLIENTS: [u32; 2] = [16, 64];
/// The newest orders, when calls lie close together.
const HOT: u64 = 20_000;

/// A result as one statement: the order changed, its entry and its report inserted.
const SCRIPT: &str = r"\set order_id random(:first, :last)
\set tenant_id :order_id % 1000
WITH changed AS (
  UPDATE orders SET state = 3, result_count = result_count + 1,
    result_digest = '\x000102030405060708090a0b0c0d0e0f', entry_last = nextval('entry_ids'),
    updated_at = 1767225600000, ended_at = 1767225600000
  WHERE tenant_id = :tenant_id AND order_id = :order_id
  RETURNING tenant_id, order_id, entry_last
), entry AS (
  INSERT INTO timeline_entries SELECT tenant_id, entry_last, order_id, order_id, 2, 2, 3, 1, 7,
    1767225600000, 1, '\x000102030405060708090a0b0c0d0e0f', (SELECT sealed FROM sample WHERE place = 1)
  FROM changed RETURNING tenant_id, entry_id, order_id
)
INSERT INTO reports SELECT tenant_id, entry_id + 1, order_id, 2, 4, 0, NULL, NULL, NULL, NULL,
  (SELECT sealed FROM sample WHERE place = 2) FROM entry;
";

const TABLES: &str = "
CREATE TABLE orders (
  tenant_id BIGINT NOT NULL, order_id BIGINT NOT NULL, app_id BIGINT NOT NULL, account_id BIGINT NOT NULL,
  package_id TEXT NOT NULL, state BIGINT NOT NULL, placed_by BIGINT NOT NULL,
  stage_time_last BIGINT NOT NULL, result_count BIGINT NOT NULL, result_digest BYTEA,
  entry_last BIGINT NOT NULL, wrapped_key BYTEA NOT NULL, updated_at BIGINT NOT NULL, ended_at BIGINT,
  PRIMARY KEY (tenant_id, order_id)
) WITH (fillfactor = 85);
CREATE TABLE timeline_entries (
  tenant_id BIGINT NOT NULL, entry_id BIGINT NOT NULL, order_id BIGINT NOT NULL,
  entry_before BIGINT NOT NULL, rule BIGINT NOT NULL, from_state BIGINT NOT NULL,
  to_state BIGINT NOT NULL, actor_kind BIGINT NOT NULL, actor_id BIGINT NOT NULL, at BIGINT NOT NULL,
  report_count BIGINT NOT NULL, digest BYTEA NOT NULL, sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, entry_id)
);
CREATE TABLE reports (
  tenant_id BIGINT NOT NULL, report_id BIGINT NOT NULL, order_id BIGINT NOT NULL, kind BIGINT NOT NULL,
  state BIGINT NOT NULL, attempts BIGINT NOT NULL, due_at BIGINT, failure TEXT, size_bytes BIGINT,
  sha256 BYTEA, sealed BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, report_id)
);
CREATE INDEX reports_due ON reports (due_at) WHERE due_at IS NOT NULL;
CREATE SEQUENCE entry_ids START 1000000000 INCREMENT 2 CACHE 100;
CREATE TABLE sample (place BIGINT PRIMARY KEY, sealed BYTEA NOT NULL);
INSERT INTO sample VALUES (1, decode(repeat('5a', 100), 'hex')), (2, decode(repeat('5a', 140), 'hex'));
";

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parsed {
    pub(crate) per_s: f64,
    pub(crate) transactions: u64,
    pub(crate) failed: u64,
}

/// Tables of their own with as many orders, and the script.
pub(crate) struct Pgbench {
    url: String,
    script: PathBuf,
    orders: u64,
}

impl Pgbench {
    pub(crate) async fn new(
        server: &Server,
        database: &str,
        folder: &Path,
        orders: u64,
    ) -> anyhow::Result<Pgbench> {
        let found = Command::new("pgbench").arg("--version").output();
        found.context("expected pgbench on the PATH (Debian: apt-get install postgresql)")?;
        server.create(database).await?;
        let fill = format!(
            "INSERT INTO orders SELECT n % 1000, n, n % 1000, n % 1000, 'standard', 2, n % 1000, 0, 0, NULL, n, \
             decode(repeat('5a', 60), 'hex'), 1767225600000, NULL FROM generate_series(1, {orders}) n"
        );
        server.run(database, &[TABLES, &fill, "VACUUM ANALYZE", "CHECKPOINT"]).await?;
        let script = folder.join("result.sql");
        std::fs::write(&script, SCRIPT)?;
        Ok(Pgbench { url: server.url(database), script, orders })
    }

    /// One burst on orders at random among all, or among the newest.
    pub(crate) fn run(&self, clients: u32, seconds: u32, is_hot: bool) -> anyhow::Result<Parsed> {
        let first = if is_hot { self.orders.saturating_sub(HOT) + 1 } else { 1 };
        let output = Command::new("pgbench")
            .args(["-n", "-M", "prepared", "-j", "2"])
            .args(["-c", &clients.to_string(), "-T", &seconds.to_string()])
            .args(["-D", &format!("first={first}"), "-D", &format!("last={}", self.orders)])
            .arg("-f")
            .arg(&self.script)
            .arg(&self.url)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "pgbench failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let after = |start: &str| {
            let rest = text.lines().find_map(|line| line.strip_prefix(start))?;
            rest.split_whitespace().next()?.parse::<f64>().ok()
        };
        let Some(per_s) = after("tps = ") else { bail!("expected tps from pgbench, got {text}") };
        let count = |start: &str| after(start).unwrap_or(0.0) as u64;
        Ok(Parsed {
            per_s,
            transactions: count("number of transactions actually processed: "),
            failed: count("number of failed transactions: "),
        })
    }
}
