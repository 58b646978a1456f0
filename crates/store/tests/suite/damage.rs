//! Damage of the embedded database's files: a start that finds less than was acknowledged, or cannot say, is refused,
//! and goes on only when the loss is accepted, which the operator's audit chain says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::audit::OPERATOR;
use store::{Fault, FaultKind, Location, Opening, Store};

use crate::kills::{killed, path_of, rules};
use crate::support::*;

on_both!(an_installation_that_left_traces_is_not_begun_anew);

/// What is done to the files of a killed process, and how the start is refused: the kind, and words of its text.
type Damage = (fn(&Path), FaultKind, &'static str);

const DAMAGES: [Damage; 9] = [
    (|path| remove(path, &["-wal"]), FaultKind::Lost, "-wal is missing"),
    (|path| alter(path, "-wal", Vec::clear), FaultKind::Lost, "-wal is missing"),
    (|path| alter(path, "-wal", cut_in_half), FaultKind::Lost, "-wal ends with commit"),
    (|path| alter(path, "-wal", |bytes| bytes[40] ^= 1), FaultKind::Lost, "-wal ends with commit"),
    (|path| remove(path, &["-mark"]), FaultKind::Lost, "-mark, which"),
    (|path| alter(path, "-mark", |bytes| bytes[17] ^= 1), FaultKind::Lost, "-mark, which"),
    (|path| remove(path, &[""]), FaultKind::Lost, "is missing or empty"),
    (|path| alter(path, "", Vec::clear), FaultKind::Lost, "is missing or empty"),
    (|path| alter(path, "", |bytes| bytes[8_192..].fill(0xa5)), FaultKind::Damaged, "is damaged"),
];

fn remove(path: &Path, suffixes: &[&str]) {
    for suffix in suffixes {
        std::fs::remove_file(beside(path, suffix)).unwrap();
    }
}

fn alter(path: &Path, suffix: &str, change: impl Fn(&mut Vec<u8>)) {
    let file = beside(path, suffix);
    let mut bytes = std::fs::read(&file).unwrap();
    change(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

fn cut_in_half(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() / 2);
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    path.with_file_name(format!("probity.db{suffix}"))
}

/// The files of the folder with what they hold; the index of the WAL is made anew by whoever opens it.
fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let files = files.filter(|file| !file.ends_with("probity.db-shm"));
    files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}

async fn open(path: &Path, may_lose: bool) -> Result<Store, Fault> {
    let opening = Opening { may_lose, ..Opening::default() };
    Store::open_as(&Location::Sqlite(path.to_owned()), root(), NOW, &opening).await
}

async fn losses_told(store: &Store) -> usize {
    let entries = store.list_audit(OPERATOR, 0, 100).await.unwrap();
    entries.iter().filter(|entry| entry.line.contains("data_loss_accepted")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_finds_less_than_was_acknowledged_is_refused() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(true, false).await;
        // Pages in the database's own file, commits in the WAL.
        let order_id = accepted(&world.store, scene.place()).await;
        assert!(world.store.scrub().await.unwrap());
        let later = accepted(&world.store, scene.place()).await;
        accepted(&world.store, scene.progress(order_id, "s1", 100)).await;
        accepted(&world.store, scene.progress(later, "s1", 100)).await;
        for (index, (damage, kind, words)) in DAMAGES.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let path = killed(path_of(world), folder.path());
            damage(&path);
            let before = files(&path);
            for _ in 0..2 {
                let fault = open(&path, false).await.err();
                let fault = fault.unwrap_or_else(|| panic!("{index} is not refused"));
                assert_eq!(fault.kind(), kind, "{index}: {fault}");
                assert!(fault.to_string().contains("probity.db"), "{index}: {fault}");
            }
            let fault = open(&path, false).await.err().unwrap().to_string();
            assert!(fault.contains(words), "{index}: {fault}");
            for (file, bytes) in &before {
                assert!(std::fs::read(file).unwrap() == *bytes, "{index}: {}", file.display());
            }

            let accepted = open(&path, true).await;
            if kind == FaultKind::Damaged {
                assert_eq!(accepted.err().unwrap().kind(), kind, "{index}");
                continue;
            }
            let store = accepted.unwrap();
            assert_eq!(losses_told(&store).await, 1, "{index}");
            store.close().await;
            drop(store);
            let store = open(&path, false).await.unwrap();
            assert_eq!(losses_told(&store).await, 1, "{index}: it is told once");
        }
        // Undamaged, everything is there.
        let folder = tempfile::tempdir().unwrap();
        let path = killed(path_of(world), folder.path());
        let store = open(&path, false).await.unwrap();
        assert_eq!(rules(&store, &scene, later).await, rules(&world.store, &scene, later).await);
        assert_eq!(losses_told(&store).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordered_end_leaves_everything_in_the_database_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probity.db");
    let location = Location::Sqlite(path.clone());
    let store = Arc::new(Store::open(&location, root(), NOW).await.unwrap());
    let world = World::of(Arc::clone(&store), location.clone());
    let scene = world.scene(true, false).await;
    let order_id = accepted(&store, scene.place()).await;
    accepted(&store, scene.progress(order_id, "s1", 100)).await;
    let expected = rules(&store, &scene, order_id).await;
    store.close().await;
    assert!(!beside(&path, "-mark").exists());
    // The database alone, elsewhere.
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("probity.db");
    std::fs::copy(&path, &copy).unwrap();
    let store = Store::open(&Location::Sqlite(copy), root(), NOW).await.unwrap();
    assert_eq!(rules(&store, &scene, order_id).await, expected);
}

/// A loss whose saying was cut off is found again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accepted_loss_is_told_before_it_is_forgotten() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(true, false).await;
        let order_id = accepted(&world.store, scene.place()).await;
        assert!(world.store.scrub().await.unwrap());
        accepted(&world.store, scene.progress(order_id, "s1", 100)).await;
        let folder = tempfile::tempdir().unwrap();
        let path = killed(path_of(world), folder.path());
        remove(&path, &["-wal"]);
        // It accepts the loss, and ends before it could say: under a root key that does not open.
        let opening = Opening { may_lose: true, ..Opening::default() };
        let location = Location::Sqlite(path.clone());
        let wrong = Store::open_as(&location, store::Key::new([8; 32]), NOW, &opening).await;
        assert_eq!(wrong.err().unwrap().kind(), FaultKind::WrongRootKey);
        assert_eq!(open(&path, false).await.err().unwrap().kind(), FaultKind::Lost);
        let store = open(&path, true).await.unwrap();
        assert_eq!(losses_told(&store).await, 1);
    })
    .await;
}

async fn an_installation_that_left_traces_is_not_begun_anew(world: &World) {
    // The same place, as if nothing had been in it.
    let folder = tempfile::tempdir().unwrap();
    let location = match &world.location {
        Location::Sqlite(_) => Location::Sqlite(folder.path().join("probity.db")),
        Location::Postgres(_) => {
            world.raw("DELETE FROM installation").await;
            world.location.clone()
        }
    };
    let traces = vec![PathBuf::from("/data/operator.key"), PathBuf::from("/data/reports")];
    let mut opening = Opening { traces, ..Opening::default() };
    for _ in 0..2 {
        let fault = Store::open_as(&location, root(), NOW, &opening).await.err().unwrap();
        assert_eq!(fault.kind(), FaultKind::Lost);
        let reported = fault.to_string();
        assert!(reported.contains("/data/operator.key, /data/reports are there"), "{reported}");
    }
    if world.is_sqlite() {
        assert!(!folder.path().join("probity.db").exists(), "nothing was begun");
    }
    opening.may_lose = true;
    let store = Store::open_as(&location, root(), NOW, &opening).await.unwrap();
    assert_eq!(losses_told(&store).await, 1);
    opening.may_lose = false;
    store.close().await;
    drop(store);
    // Now it is there.
    Store::open_as(&location, root(), NOW, &opening).await.unwrap();
}
