//! Every statement of the crate, prepared on both engines; and the way by which SQLite finds its rows.

use rusqlite::Connection;

use crate::postgres::{self, LOCK_ORDERS, LOCK_ORDERS_OF_TENANT};
use crate::rows::{self, ROWS_OF_TENANT_MAX, WRITES, Write};
use crate::sqlite;

/// The statements that both engines run.
fn shared() -> Vec<&'static str> {
    [
        crate::accounts::STATEMENTS,
        crate::alerts::STATEMENTS,
        crate::answers::STATEMENTS,
        crate::api_keys::STATEMENTS,
        crate::apps::STATEMENTS,
        crate::audit::STATEMENTS,
        crate::candidates::STATEMENTS,
        crate::claims::STATEMENTS,
        crate::connections::STATEMENTS,
        crate::deliveries::STATEMENTS,
        crate::erasing::STATEMENTS,
        crate::events::STATEMENTS,
        crate::grants::STATEMENTS,
        crate::installations::STATEMENTS,
        crate::manifests::STATEMENTS,
        crate::members::STATEMENTS,
        crate::one_time_links::STATEMENTS,
        crate::order_counts::STATEMENTS,
        crate::order_pages::STATEMENTS,
        crate::order_search::STATEMENTS,
        crate::order_terms::STATEMENTS,
        crate::reviews::STATEMENTS,
        crate::files::STATEMENTS,
        crate::forms::STATEMENTS,
        crate::orders::STATEMENTS,
        crate::pauses::STATEMENTS,
        crate::fetch_queues::STATEMENTS,
        crate::report_versions::STATEMENTS,
        crate::reason_templates::STATEMENTS,
        crate::reports::STATEMENTS,
        crate::resend::STATEMENTS,
        crate::retention::STATEMENTS,
        crate::service_accounts::STATEMENTS,
        crate::sessions::STATEMENTS,
        crate::set_up::STATEMENTS,
        crate::sign_in_tries::STATEMENTS,
        crate::storage_use::STATEMENTS,
        crate::root::STATEMENTS,
        crate::tenants::STATEMENTS,
        crate::tickets::STATEMENTS,
        crate::tokens::STATEMENTS,
        crate::users::STATEMENTS,
        crate::views::STATEMENTS,
        crate::waits::STATEMENTS,
        &[rows::FIND_USED_KEY, rows::FIND_STAGE, rows::FIND_LINK],
        &[crate::READY, crate::engine::WRITE_PROBE],
    ]
    .concat()
}

fn only_sqlite() -> Vec<String> {
    let mut texts = vec![
        sqlite::NEWEST_ID.to_owned(),
        crate::order_counts::SQLITE_NEWEST.to_owned(),
        sqlite::FIND_RUN.to_owned(),
        sqlite::BEGIN_RUN.to_owned(),
        sqlite::NOTE_COMMIT.to_owned(),
    ];
    texts.extend(crate::leases::STATEMENTS.iter().map(|text| (*text).to_owned()));
    texts.extend(WRITES.map(Write::one));
    texts
}

fn only_postgres() -> Vec<String> {
    let mut texts =
        [postgres::TELL, LOCK_ORDERS, LOCK_ORDERS_OF_TENANT].map(str::to_owned).to_vec();
    texts.extend(WRITES.map(Write::many));
    let counts = [1, 2, ROWS_OF_TENANT_MAX];
    texts.extend(counts.iter().flat_map(|count| WRITES.map(|write| write.of_tenant(*count))));
    texts
}

/// The statements that PostgreSQL runs.
pub(crate) fn all_of_postgres() -> Vec<String> {
    shared().into_iter().map(str::to_owned).chain(only_postgres()).collect()
}

fn migrated_sqlite() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = sqlite::open(&folder.path().join("probity.db")).unwrap();
    crate::migrate::sqlite(&mut connection).unwrap();
    (folder, connection)
}

fn all_of_sqlite() -> Vec<String> {
    let shared = shared().into_iter().map(str::to_owned);
    shared.chain(only_sqlite()).map(|text| sqlite::dialect(&text)).collect()
}

#[test]
fn sqlite_prepares_every_statement() {
    let (_folder, connection) = migrated_sqlite();
    for text in all_of_sqlite() {
        if let Err(error) = connection.prepare(&text) {
            panic!("{error}\n{text}");
        }
    }
}

#[tokio::test]
async fn postgresql_prepares_every_statement() {
    let Some(client) = migrated_postgres().await else { return };
    for text in all_of_postgres() {
        if let Err(error) = client.prepare(&text).await {
            panic!("{error:?}\n{text}");
        }
    }
}

/// A schema of its own in the given database, gone with the connection; none where no server is.
pub(crate) async fn migrated_postgres() -> Option<tokio_postgres::Client> {
    let is_demanded = ["DEMANDED", "CI"].iter().any(|name| std::env::var_os(name).is_some());
    let url = std::env::var("DATABASE_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let mut client = match postgres::connect(&postgres::config(&url).unwrap()).await {
        Ok(client) => client,
        Err(fault) if is_demanded => panic!("PostgreSQL is demanded: {fault}"),
        Err(fault) => {
            println!("skipped: PostgreSQL is not reachable: {fault}");
            return None;
        }
    };
    client
        .batch_execute("CREATE TEMPORARY TABLE here (a INT); SET search_path = pg_temp")
        .await
        .unwrap();
    crate::migrate::postgres(&mut client).await.unwrap();
    Some(client)
}

/// What may be read whole: rare calls on small tables, each said by its beginning; rows that the statement itself
/// made; and the one row of the write probe.
const READ_WHOLE: &[(&str, &str)] = &[
    ("SELECT 1 WHERE NOT EXISTS", "SCAN accounts"),
    ("SELECT commits FROM write_probe", "SCAN write_probe"),
    // A rotation of the root key needs every tenant.
    ("SELECT tenant_id, wrapped_key FROM tenants", "SCAN tenants"),
    ("SELECT 1 WHERE (SELECT count", "SCAN tenants USING COVERING INDEX tenants_by_age"),
    ("SELECT 1 WHERE", "SCAN CONSTANT ROW"),
    ("SELECT (SELECT count", "SCAN CONSTANT ROW"),
    ("SELECT DISTINCT c.app_id FROM replicas", "SCAN r"),
    ("DELETE FROM connections", "SCAN connections"),
    ("DELETE FROM connections", "SCAN r"),
    ("DELETE FROM replicas", "SCAN replicas"),
    // When a clock was set: one row for each replica.
    ("UPDATE replicas SET beat_at", "SCAN replicas"),
    ("INSERT INTO alerts", "SCAN CONSTANT ROW"),
    // Once at the start, and when a clock was set: by the index of what is due.
    ("UPDATE deliveries SET due_at = ?1 WHERE", "SCAN deliveries USING INDEX deliveries_due"),
    (
        "SELECT tenant_id, event_no FROM deliveries WHERE due_at > ?1 AND attempts",
        "SCAN deliveries USING INDEX deliveries_due",
    ),
    ("SELECT max(", "SCAN CONSTANT ROW"),
    ("INSERT INTO connections", "SCAN CONSTANT ROW"),
    // Counted up to a bound.
    ("SELECT count(*) FROM (SELECT 1", "SCAN counted"),
    // The terms that the statement names.
    ("INSERT INTO order_terms", "SCAN CONSTANT ROW"),
    ("INSERT INTO order_terms", "SCAN 7-ROW VALUES CLAUSE"),
    ("INSERT INTO order_terms", "SCAN v"),
];

#[test]
fn sqlite_finds_rows_by_keys_and_indexes() {
    let (_folder, connection) = migrated_sqlite();
    let mut searches = 0;
    for text in all_of_sqlite() {
        for step in steps(&connection, &text) {
            let may_scan =
                READ_WHOLE.iter().any(|(start, scan)| text.starts_with(start) && step == *scan);
            assert!(may_scan || !step.starts_with("SCAN"), "{step}\n{text}");
            let is_page = text.contains(" LIMIT ");
            assert!(!is_page || !step.contains("TEMP B-TREE"), "a page is sorted: {step}\n{text}");
            let is_by_keys = text.contains("IN (?2, ?3");
            assert!(!is_by_keys || !step.contains("_due"), "keys are passed over: {step}\n{text}");
            searches += usize::from(step.starts_with("SEARCH"));
        }
    }
    assert!(
        searches > 40,
        "only {searches} searches were seen: does SQLite tell its plans otherwise?"
    );
}

fn steps(connection: &Connection, text: &str) -> Vec<String> {
    let parameters = connection.prepare(text).unwrap().parameter_count();
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
    let nulls = vec![rusqlite::types::Null; parameters];
    let steps = explain.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}
