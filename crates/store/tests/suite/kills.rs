//! A SQLite database whose process is killed: what was acknowledged stands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::Id;
use domain::order::Rule;
use store::{FaultKind, Location, Store};

use crate::support::*;

pub(crate) fn path_of(world: &World) -> &PathBuf {
    let Location::Sqlite(path) = &world.location else { unreachable!() };
    path
}

/// The files as a process leaves them that is killed now.
pub(crate) fn killed(path: &Path, folder: &Path) -> PathBuf {
    for suffix in ["", "-wal", "-mark"] {
        let name = format!("probity.db{suffix}");
        let from = path.with_file_name(&name);
        if from.exists() {
            std::fs::copy(from, folder.join(name)).unwrap();
        }
    }
    folder.join("probity.db")
}

pub(crate) async fn rules(store: &Store, scene: &Scene, order_id: Id) -> Vec<Rule> {
    let order = store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    order.timeline.iter().map(|entry| entry.rule).collect()
}

const WHOLE: [Rule; 5] = [
    Rule::Placed,
    Rule::ResultAwaitsReview,
    Rule::ReviewRejected,
    Rule::StageReported,
    Rule::ResultAwaitsReview,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_stands_after_a_kill() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(true, false).await;
        let order_id = accepted(&world.store, scene.place()).await;
        let folder = tempfile::tempdir().unwrap();
        accepted(&world.store, scene.result(order_id, "绿灯")).await;
        accepted(&world.store, scene.reject(order_id, "缺学历")).await;
        accepted(&world.store, scene.progress(order_id, "s1", 100)).await;
        accepted(&world.store, scene.result(order_id, "蓝灯")).await;
        accepted(&world.store, scene.progress(order_id, "s1", 100)).await;
        let path = killed(path_of(world), folder.path());
        accepted(&world.store, scene.result(order_id, "蓝灯")).await;
        assert_eq!(rules(&world.store, &scene, order_id).await, WHOLE);

        let location = Location::Sqlite(path);
        for _ in 0..2 {
            let store = Arc::new(Store::open(&location, root(), NOW).await.unwrap());
            let revived = World::of(Arc::clone(&store), location.clone());
            assert_eq!(rules(&store, &scene, order_id).await, WHOLE);
            assert_eq!(revived.counts().await, world.counts().await);
            let found = store.find_order(&scene.tenant, order_id).await.unwrap();
            assert_eq!(found, world.store.find_order(&scene.tenant, order_id).await.unwrap());
            // Ids go on above those that are there.
            assert!(store.make_id(NOW) > found.unwrap().timeline.last().unwrap().entry_id);
            assert_eq!(revived.raw("PRAGMA integrity_check").await, [[b"ok".to_vec()]]);
        }
        let revived = Store::open(&location, root(), NOW).await.unwrap();
        accepted(&revived, scene.approve(order_id)).await;
        revived.close().await;
        let late = revived.command(scene.withdraw(order_id)).await.unwrap_err();
        assert_eq!(late.kind(), FaultKind::WriterGone);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_has_one_process_at_a_time() {
    World::on_sqlite(async |world: &World| {
        let fault = Store::open(&world.location, root(), NOW).await.err().unwrap();
        assert_eq!(fault.kind(), FaultKind::Schema);
        assert!(fault.to_string().contains("for this process alone"), "{fault}");
    })
    .await;
}
