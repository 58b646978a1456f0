//! Migrations: up from nothing, never twice, never half, never on a newer database.

use std::sync::Arc;
use std::time::Duration;

use store::{Fault, FaultKind, Location, Opening, Store};

use crate::support::*;

on_both!(
    a_second_start_migrates_nothing,
    a_newer_database_is_refused,
    a_database_of_another_text_is_refused,
    a_migration_that_fails_leaves_nothing_half,
);

async fn migrate(location: &Location) -> Result<Vec<String>, Fault> {
    store::migrate(location, &Opening::default()).await
}

/// How many migrations there are, and how many tables they create.
fn sizes() -> (usize, i64) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<_> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let count = |what| texts.iter().map(|text| text.matches(what).count()).sum::<usize>();
    (texts.len(), i64::try_from(count("CREATE TABLE") - count("DROP TABLE")).unwrap())
}

async fn tables(world: &World) -> i64 {
    let count = if world.is_sqlite() {
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         AND name <> 'refinery_schema_history'"
    } else {
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public' \
         AND table_name <> 'refinery_schema_history'"
    };
    world.number(count).await
}

async fn a_second_start_migrates_nothing(world: &World) {
    assert_eq!(tables(world).await, sizes().1);
    assert_eq!(migrate(&world.copy().await).await.unwrap(), Vec::<String>::new());
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let again = world.replica().await;
    let found = again.find_order(&scene.tenant, order_id).await.unwrap();
    assert_eq!(found, world.store.find_order(&scene.tenant, order_id).await.unwrap());
    assert!(found.is_some());
}

async fn a_newer_database_is_refused(world: &World) {
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
                 VALUES (9999, 'of_tomorrow', '2030-01-01T00:00:00Z', '1')";
    world.raw(newer).await;
    for fault in [
        migrate(&world.copy().await).await.unwrap_err(),
        Store::open(&world.copy().await, root(), NOW).await.err().unwrap(),
    ] {
        assert_eq!(fault.kind(), FaultKind::Schema);
        let text = fault.to_string();
        assert!(text.contains("newer than this program") && text.contains("of_tomorrow"), "{text}");
    }
}

async fn a_database_of_another_text_is_refused(world: &World) {
    world.raw("UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1").await;
    let fault = migrate(&world.copy().await).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Schema);
    assert!(fault.to_string().contains("another text"), "{fault}");
}

/// Something is in the way of the last table: none of the tables before it may stay.
async fn a_migration_that_fails_leaves_nothing_half(world: &World) {
    let world = &World::of(Arc::clone(&world.store), world.copy().await);
    forget_schema(world).await;
    world.raw("CREATE TABLE idempotency (in_the_way BIGINT)").await;
    let fault = migrate(&world.location).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Schema);
    assert_eq!(tables(world).await, 1);
    assert_eq!(world.number("SELECT count(*) FROM refinery_schema_history").await, 0);
    world.raw("DROP TABLE idempotency").await;
    let done = migrate(&world.location).await.unwrap().len();
    assert_eq!((done, tables(world).await), sizes());
}

async fn forget_schema(world: &World) {
    let names = if world.is_sqlite() {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    } else {
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
    };
    for row in world.raw(names).await {
        world.raw(&format!("DROP TABLE {}", String::from_utf8_lossy(&row[0]))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_have_the_same_tables_and_columns() {
    World::on_postgres(async |postgres: &World| {
        World::on_sqlite(async |sqlite: &World| {
            let of_sqlite = "SELECT t.name, c.name, c.\"notnull\" OR c.pk > 0, lower(c.type) \
                FROM sqlite_master t, pragma_table_info(t.name) c \
                WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'refinery%'";
            let of_postgres = "SELECT table_name::text, column_name::text, \
                (is_nullable = 'NO')::int::text, CASE data_type WHEN 'bigint' THEN 'integer' \
                WHEN 'bytea' THEN 'blob' ELSE data_type::text END FROM information_schema.columns \
                WHERE table_schema = 'public' AND table_name NOT LIKE 'refinery%'";
            let (mut ours, mut theirs) = (sqlite.raw(of_sqlite).await, postgres.raw(of_postgres).await);
            ours.sort();
            theirs.sort();
            assert!(ours.len() > 100, "only {} columns", ours.len());
            assert_eq!(ours, theirs);
        })
        .await;
    })
    .await;
}

/// Names the database that the process which is to be killed migrates.
const VICTIM: &str = "PROBITY_TEST_MIGRATES";

/// Does nothing by itself; the next test starts it as a process of its own.
#[tokio::test]
async fn a_process_migrates_until_it_is_killed() {
    let Some(path) = std::env::var_os(VICTIM) else { return };
    migrate(&Location::Sqlite(path.into())).await.unwrap();
}

#[tokio::test]
async fn a_killed_migration_leaves_nothing_half() {
    let mut unfinished = 0;
    for wait_us in (0..24).map(|round| round * 1_500) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probity.db");
        let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "migrations::a_process_migrates_until_it_is_killed"])
            .env(VICTIM, &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // From the moment at which the file is there.
        until("the database begins", async || path.exists()).await;
        let wait =
            tokio::time::timeout(Duration::from_micros(wait_us), std::future::pending::<()>());
        assert!(wait.await.is_err());
        victim.kill().unwrap();
        victim.wait().unwrap();
        let connection = rusqlite::Connection::open(&path).unwrap();
        let count = "SELECT count(*) FROM sqlite_master WHERE type = 'table' \
                     AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'refinery%'";
        let tables: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        let (migrations, all) = sizes();
        assert!(tables == 0 || tables == all, "half migrated after {wait_us} us: {tables}");
        unfinished += usize::from(tables == 0);
        drop(connection);
        let done = migrate(&Location::Sqlite(path)).await.unwrap();
        assert_eq!(done.len(), if tables == 0 { migrations } else { 0 });
    }
    println!("{unfinished} of 24 were killed before their end");
}

#[tokio::test]
async fn a_migration_whose_connection_is_killed_leaves_nothing_half() {
    let Some(database) = Database::create().await else { return };
    let mut blocker = connect(&database.url).await.unwrap();
    let onlooker = connect(&database.url).await.unwrap();
    // The name of the last table is taken, but not for sure: the migration has to wait in its middle.
    let transaction = blocker.transaction().await.unwrap();
    transaction.batch_execute("CREATE TABLE idempotency (a BIGINT)").await.unwrap();
    let location = Location::Postgres(database.url.clone());
    let migration = tokio::spawn(async move { migrate(&location).await });
    let waits = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the migration waits, and is killed", async || {
        !onlooker.query(waits, &[]).await.unwrap().is_empty()
    })
    .await;
    assert_eq!(migration.await.unwrap().unwrap_err().kind(), FaultKind::Storage);
    transaction.rollback().await.unwrap();
    let count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public' \
                 AND table_name <> 'refinery_schema_history'";
    let tables = onlooker.query_one(count, &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(tables, 0);
    let location = Location::Postgres(database.url.clone());
    let done = migrate(&location).await.unwrap().len();
    let tables = onlooker.query_one(count, &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!((done, tables), sizes());
    database.destroy().await;
}
