//! Databases of the version before migration 18 (commit a78f28b): they open and go on. The one on SQLite is what `kill -9` left:
//! database, WAL, mark, and batches that stand in that version's redo log alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use contract::evidence::Chain;
use domain::order::{Rule, State};
use domain::{AppId, Id, TenantId};
use store::{Fault, FaultKind, Location, Opening, Store};
use tempfile::TempDir;

use crate::kills::rules;
use crate::support::*;

/// What one of the two installations holds: its tenant, the vendor's app, and seven of its orders, oldest first.
struct Before {
    tenant_key: &'static str,
    app_id: &'static str,
    orders: [i64; 7],
}

const SQLITE: Before = Before {
    tenant_key: "6ddd6a2dd43c1f4d",
    app_id: "cli_038f34383da46690",
    orders: [
        3_647_728_202_618_503_168,
        3_647_728_202_748_526_592,
        3_647_728_202_895_327_232,
        3_647_728_203_025_350_656,
        3_647_728_203_163_762_688,
        3_647_728_203_289_591_808,
        3_647_728_203_415_420_928,
    ],
};
const POSTGRES: Before = Before {
    tenant_key: "ced475a891a233d9",
    app_id: "cli_c9c793903cbf7912",
    orders: [
        3_647_728_149_153_710_080,
        3_647_728_149_342_453_760,
        3_647_728_149_527_003_136,
        3_647_728_149_682_192_384,
        3_647_728_149_954_822_144,
        3_647_728_150_147_760_128,
        3_647_728_150_319_726_592,
    ],
};

/// The rules of each order's timeline as the version before wrote them; on SQLite the fifth has two more in the log.
fn expected(has_log: bool) -> [Vec<Rule>; 7] {
    use Rule::*;
    let reported = vec![Placed, StageReported];
    let returned = vec![Placed, StageReported, ResultAwaitsReview];
    let and = |rules: &[Rule], more: &[Rule]| [rules, more].concat();
    let late: &[Rule] = if has_log { &[StageReported, ResultAwaitsReview] } else { &[] };
    [
        vec![Placed],
        reported,
        returned.clone(),
        and(&returned, &[ReviewApproved]),
        and(&and(&returned, &[ReviewRejected]), late),
        returned,
        vec![Placed, HirerTerminated],
    ]
}

fn unpack() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v0017.tar.gz");
    let mut tar = Command::new("tar");
    assert!(tar.args(["-xzf", archive, "-C"]).arg(folder.path()).status().unwrap().success());
    folder
}

fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("sqlite/probity.db")
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    database.with_file_name(format!("probity.db{suffix}"))
}

async fn open(location: &Location, may_lose: bool) -> Result<Store, Fault> {
    let opening = Opening { may_lose, ..Opening::default() };
    Store::open_as(location, root(), NOW, &opening).await
}

/// Everything is there, and every kind of order goes on.
async fn goes_on(store: &Store, before: &Before, has_log: bool) {
    let tenant_id: TenantId = before.tenant_key.parse().unwrap();
    let tenant = store.find_tenant(tenant_id).await.unwrap().expect("the tenant is there");
    let app_id: AppId = before.app_id.parse().unwrap();
    let scene = Scene { tenant, app_id };
    let orders = before.orders.map(Id);
    for (order_id, expected) in orders.into_iter().zip(expected(has_log)) {
        assert_eq!(rules(store, &scene, order_id).await, expected, "{order_id}");
    }
    let order = store.find_order(&scene.tenant, orders[2]).await.unwrap().unwrap();
    assert_eq!(order.form.candidate.name, "候选人2");
    assert_eq!(order.reports.len(), 1);
    // Instants that were derived from ids are columns now.
    assert_eq!(order.summary.placed_at, orders[2].made_at());
    assert_eq!(order.reports[0].created_at, order.reports[0].report_id.made_at());
    let entries = store.list_audit(tenant_id, 0, 100).await.unwrap();
    let mut chain = Chain::new(before.tenant_key, &[]);
    for entry in &entries {
        chain.take(&entry.line).unwrap();
    }
    chain.end().unwrap();
    assert!(chain.seq() >= 5, "{}", chain.seq());

    // Deliveries were keyed by their event alone.
    let mut tries = 0;
    for event in store.list_events(tenant_id, END, 100).await.unwrap() {
        let (event_no, order_id) = (event.event_id.event_no, event.order_id);
        let found = store.list_deliveries(&scene.tenant, event_no, order_id).await.unwrap();
        let [delivery] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((delivery.endpoint_id, delivery.state), (app_id.into(), event.delivery_state));
        tries += delivery.attempts.iter().filter(|it| !it.exchange.request.is_empty()).count();
    }
    assert!(tries > 0, "tries that were sealed before open");

    accepted(store, scene.progress(orders[0], "first", 1)).await;
    accepted(store, scene.result(orders[1], "绿灯")).await;
    accepted(store, scene.approve(orders[2])).await;
    accepted(store, scene.withdraw(orders[5])).await;
    let state = async |order_id| {
        store.find_order(&scene.tenant, order_id).await.unwrap().unwrap().summary.state
    };
    assert_eq!(state(orders[2]).await, State::Completed);
    assert_eq!(state(orders[6]).await, State::Terminated);
    accepted(store, scene.place()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_sqlite_database_of_before_goes_on() {
    let folder = unpack();
    let path = database(&folder);
    let location = Location::Sqlite(path.clone());
    let store = open(&location, false).await.unwrap();
    for log in ["-redo-0", "-redo-1"] {
        assert!(!beside(&path, log).exists(), "the log is in the database, and gone");
    }
    goes_on(&store, &SQLITE, true).await;
    store.close().await;
    drop(store);
    open(&location, false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_database_of_before_goes_on() {
    let Some(empty) = Database::create().await else { return };
    let dump = std::fs::read_to_string(unpack().path().join("postgres.sql")).unwrap();
    connect(&empty.url).await.unwrap().batch_execute(&dump).await.unwrap();
    let store = open(&Location::Postgres(empty.url.clone()), false).await.unwrap();
    goes_on(&store, &POSTGRES, false).await;
    drop(store);
    empty.destroy().await;
}

fn alter(file: PathBuf, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(&file).unwrap();
    change(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

fn each_log(path: &Path, change: impl Fn(&mut Vec<u8>)) {
    for suffix in ["-redo-0", "-redo-1"] {
        alter(beside(path, suffix), &change);
    }
}

fn remove_logs(path: &Path) {
    for suffix in ["-redo-0", "-redo-1"] {
        std::fs::remove_file(beside(path, suffix)).unwrap();
    }
}

/// What is done to the files, and words of the refusal.
type Damage = (fn(&Path), &'static str);

const DAMAGES: [Damage; 9] = [
    (remove_logs, "redo-0 is missing"),
    (|path| each_log(path, |bytes| bytes.truncate(4_100)), "has 4100 bytes"),
    (|path| each_log(path, |bytes| bytes.fill(0)), "the redo log ("),
    // In the head, and in the first record.
    (|path| each_log(path, |bytes| bytes[20] ^= 1), "the redo log ("),
    (|path| each_log(path, |bytes| bytes[4_200] ^= 1), "the redo log ("),
    (|path| std::fs::remove_file(beside(path, "-mark")).unwrap(), "-mark, which"),
    (|path| alter(beside(path, "-mark"), |bytes| bytes[17] ^= 1), "-mark, which"),
    (|path| std::fs::remove_file(beside(path, "-wal")).unwrap(), "probity.db"),
    (|path| alter(beside(path, "-wal"), |bytes| bytes.truncate(300_000)), "-wal ends with commit"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_of_a_redo_log_is_found() {
    for (index, (damage, words)) in DAMAGES.into_iter().enumerate() {
        let folder = unpack();
        let path = database(&folder);
        damage(&path);
        let files = || {
            let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
            let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
            // An empty WAL, its index and the lock are made by a start that only looks.
            files.retain(|file| !file.ends_with("probity.db-shm"));
            files.retain(|file| std::fs::metadata(file).unwrap().len() > 0);
            files.sort();
            files.into_iter().map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>()
        };
        let before = files();
        let location = Location::Sqlite(path.clone());
        for _ in 0..2 {
            let fault = open(&location, false).await.err().expect("it is refused");
            assert_eq!(fault.kind(), FaultKind::Lost, "{index}: {fault}");
            assert!(fault.to_string().contains(words), "{index}: {fault}");
        }
        assert!(before == files(), "{index}: a refusal changes no file");
        // Without its WAL there is no database to go on with.
        if words == "probity.db" {
            continue;
        }
        let store = open(&location, true).await.unwrap();
        store.close().await;
        drop(store);
        open(&location, false).await.unwrap();
    }
}
