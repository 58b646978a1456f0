//! Migrations: plain SQL for both engines under the same names, applied in one transaction with the rows
//! that say so. A database with a migration unknown here is newer, and refused.

use refinery::{Report, Runner};
use rusqlite::Connection;
use tokio_postgres::Client;

use crate::fault::{Fault, FaultKind};

mod sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}

mod postgres {
    refinery::embed_migrations!("migrations/postgres");
}

/// Only one process at a time migrates a PostgreSQL database.
const LOCK: &str = "SELECT pg_advisory_lock(8102382430291584371)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(8102382430291584371)";

pub(crate) fn sqlite(connection: &mut Connection) -> Result<Vec<String>, Fault> {
    let report = strict(sqlite::migrations::runner()).run(connection);
    report.as_ref().map(applied).map_err(refused)
}

pub(crate) async fn postgres(client: &mut Client) -> Result<Vec<String>, Fault> {
    client.batch_execute(LOCK).await?;
    let report = strict(postgres::migrations::runner()).run_async(client).await;
    client.batch_execute(UNLOCK).await?;
    report.as_ref().map(applied).map_err(refused)
}

fn strict(runner: Runner) -> Runner {
    // Not grouped, a migration and the row that says so would be two transactions.
    runner.set_abort_missing(true).set_abort_divergent(true).set_grouped(true)
}

fn applied(report: &Report) -> Vec<String> {
    report.applied_migrations().iter().map(ToString::to_string).collect()
}

fn refused(error: &refinery::Error) -> Fault {
    let detail = match error.kind() {
        refinery::error::Kind::MissingVersion(migration) => {
            format!(
                "the database is newer than this program: it knows {migration}, which this one does not"
            )
        }
        refinery::error::Kind::DivergentVersion(applied, _) => {
            format!("the database was migrated by another text of {applied}")
        }
        _ => format!("the migration failed: {error}"),
    };
    Fault::new(FaultKind::Schema, detail)
}
