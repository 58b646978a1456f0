//! Faults: nothing is acknowledged that is not durable, one's fault is not another's, and it comes back by itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::TenantId;
use domain::order::Rule;
use store::{CommandResult, FaultKind, Location, Store};
use tokio::task::JoinSet;

use crate::support::*;

on_every_desk!(
    a_taken_id_spoils_no_batch,
    one_members_fault_is_its_own,
    a_text_that_cannot_be_stored_spoils_no_batch,
    a_fault_tells_no_value,
);

async fn a_taken_id_spoils_no_batch(world: &World) {
    let scene = world.scene(false, false).await;
    let next = world.store.make_id(NOW).0;
    // The entries of some of the commands below will meet these.
    for id in [next + 3, next + 7] {
        let row = format!(
            "INSERT INTO timeline_entries (tenant_id, entry_id, order_id, entry_before, rule, \
             from_state, to_state, actor_kind, actor_id, at, report_count, digest, sealed) \
             SELECT {}, {id}, 1, 0, 0, 0, 2, 2, 1, 1, 0, wrapped_key, wrapped_key FROM tenants",
            scene.tenant.tenant_id.0
        );
        world.raw(&row).await;
    }
    let indexes = (0..20).map(|_| accepted(&world.store, scene.place()));
    let placed = futures_util::future::join_all(indexes).await;
    for order_id in placed {
        let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
        assert_eq!(order.timeline.len(), 1);
    }
    let counts = world.counts().await;
    assert_eq!((counts.orders, counts.entries, counts.events), (20, 22, 20));
    assert!(!world.store.is_failing());
}

async fn one_members_fault_is_its_own(world: &World) {
    let scene = world.scene(false, false).await;
    let mut commands: Vec<_> = (0..20).map(|_| scene.place()).collect();
    // A vendor may not place an order; that is decided before it comes here, so it is a fault.
    commands[7].actor = scene.vendor();
    let again = new_tenant(&world.store, scene.tenant.tenant_id, scene.tenant.settings.clone());
    let orders = futures_util::future::join_all(
        commands.into_iter().map(|command| world.store.command(command)),
    );
    let (outcomes, created) = tokio::join!(orders, world.store.create_tenant(BY, &again, None));
    assert_eq!(created.unwrap_err().kind(), FaultKind::Constraint);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match index {
            7 => assert_eq!(outcome.unwrap_err().kind(), FaultKind::Constraint),
            _ => assert!(matches!(outcome.unwrap(), CommandResult::Accepted(_))),
        }
    }
    assert_eq!(world.counts().await.orders, 19);
    assert!(!world.store.is_failing());
    assert!(world.store.is_ready().await);
}

/// PostgreSQL keeps no NUL in a text. None comes here from outside, but if one does it harms nobody else.
async fn a_text_that_cannot_be_stored_spoils_no_batch(world: &World) {
    let scene = world.scene(false, false).await;
    let mut commands: Vec<_> = (0..8).map(|_| scene.place()).collect();
    let store::Request::Place { package_id, .. } = &mut commands[3].request else { unreachable!() };
    *package_id = "a\0b".into();
    let outcomes = futures_util::future::join_all(
        commands.into_iter().map(|command| world.store.command(command)),
    )
    .await;
    let faults: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    if world.is_sqlite() {
        assert!(faults.is_empty());
    } else {
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].kind(), FaultKind::Constraint);
    }
    assert!(!world.store.is_failing());
}

async fn a_fault_tells_no_value(world: &World) {
    let scene = world.scene(false, false).await;
    let mut tenant =
        new_tenant(&world.store, scene.tenant.tenant_id, scene.tenant.settings.clone());
    tenant.name = "canary-tenant".into();
    let fault = world.store.create_tenant(BY, &tenant, None).await.unwrap_err();
    let reported = [fault.to_string(), format!("{fault:?}")].concat();
    for value in ["canary-tenant", &scene.tenant.tenant_id.0.to_string(), &NOW.0.to_string()] {
        assert!(!reported.contains(value), "{reported}");
    }
    assert!(reported.contains("tenants"), "the table is told: {reported}");
}

/// A small disk of its own, taken away when dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// None, with the reason, where no disk may be mounted.
    fn mount(size: &str) -> Option<Disk> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={size}");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .output();
        let why = match mount {
            Ok(done) if done.status.success() => return Some(Disk { folder }),
            Ok(done) => String::from_utf8_lossy(&done.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(!is_demanded(), "a disk that can be filled is demanded: {why}");
        println!("skipped: no disk can be mounted: {why}");
        None
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Fills the disk to the last byte.
    fn fill(&self) {
        use std::io::Write as _;
        let mut filler = std::fs::File::create(self.path("filler")).unwrap();
        for size in [65_536, 4_096, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.path("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Threads of the store may still be closing their files.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_acknowledges_nothing_and_heals_by_itself() {
    let Some(disk) = Disk::mount("16m") else { return };
    let location = Location::Sqlite(disk.path("probity.db"));
    let store = Arc::new(Store::open(&location, root(), NOW).await.unwrap());
    let world = World::of(Arc::clone(&store), location);
    let scene = world.scene(false, false).await;
    let mut acknowledged = Vec::new();
    for _ in 0..20 {
        acknowledged.push(accepted(&store, scene.place()).await);
    }
    let ended = acknowledged[0];
    accepted(&store, scene.cancel(ended)).await;
    for round in 0..3 {
        disk.fill();
        // What the WAL has room for may still be accepted.
        let mut fault = None;
        for _ in 0..10_000 {
            match store.command(scene.place()).await {
                Ok(CommandResult::Accepted(order_id)) => acknowledged.push(order_id),
                Ok(other) => panic!("{other:?}"),
                Err(found) => {
                    fault = Some(found);
                    break;
                }
            }
        }
        assert_eq!(fault.expect("the disk is full").kind(), FaultKind::Storage, "round {round}");
        assert!(store.is_failing());
        assert!(!store.is_ready().await);
        // Neither commands nor what needs no room: nothing is accepted until a real commit works.
        let (repeat, index) =
            tokio::join!(store.command(scene.cancel(ended)), store.command(scene.place()));
        assert_eq!(repeat.unwrap_err().kind(), FaultKind::Storage);
        assert_eq!(index.unwrap_err().kind(), FaultKind::Storage);
        assert!(
            store
                .create_tenant(
                    BY,
                    &new_tenant(&store, TenantId(round + 1), scene.tenant.settings.clone()),
                    None
                )
                .await
                .is_err()
        );
        assert!(store.is_failing());
        // Reading goes on.
        assert!(store.find_order(&scene.tenant, ended).await.unwrap().is_some());
        disk.free();
        until("the store heals by itself", async || store.is_ready().await).await;
        assert!(!store.is_failing());
        for _ in 0..5 {
            acknowledged.push(accepted(&store, scene.place()).await);
        }
    }
    assert_eq!(world.raw("PRAGMA integrity_check").await, [[b"ok".to_vec()]]);
    for order_id in &acknowledged {
        assert!(store.find_order(&scene.tenant, *order_id).await.unwrap().is_some());
    }
    let counts = world.counts().await;
    assert_eq!(
        counts.orders,
        i64::try_from(acknowledged.len()).unwrap(),
        "no order that was not acknowledged"
    );
    assert_eq!((counts.entries, counts.events), (counts.orders + 1, counts.orders));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_connections_lose_nothing_that_was_acknowledged() {
    World::on_postgres(async |world: &World| {
        let scene = world.scene(false, false).await;
        let stop = Arc::new(AtomicBool::new(false));
        let (faults, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let (store, scene) = (Arc::clone(&world.store), scene.clone());
            let (stop, faults, done) = (Arc::clone(&stop), Arc::clone(&faults), Arc::clone(&done));
            tasks.spawn(async move {
                let mut acknowledged = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let Ok(CommandResult::Accepted(order_id)) = store.command(scene.place()).await
                    else {
                        faults.fetch_add(1, Ordering::Relaxed);
                        continue;
                    };
                    let is_returned = match store.command(scene.result(order_id, "绿灯")).await {
                        Ok(outcome) => {
                            assert_eq!(outcome, CommandResult::Accepted(order_id));
                            true
                        }
                        Err(_) => false,
                    };
                    acknowledged.push((order_id, is_returned));
                    done.fetch_add(1, Ordering::Relaxed);
                }
                acknowledged
            });
        }
        let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        // Some kills come between two batches, where nobody notices.
        let mut rounds = 0;
        while rounds < 4 || faults.load(Ordering::Relaxed) < 20 {
            rounds += 1;
            assert!(rounds < 100, "the kills are never noticed");
            let target = done.load(Ordering::Relaxed) + 100;
            until("work goes on", async || done.load(Ordering::Relaxed) >= target).await;
            assert!(world.number(kill).await >= 2, "round {rounds}");
        }
        until("the store heals by itself", async || world.store.is_ready().await).await;
        stop.store(true, Ordering::Relaxed);
        let acknowledged: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        for (order_id, is_returned) in &acknowledged {
            let order = world.store.find_order(&scene.tenant, *order_id).await.unwrap().unwrap();
            let is_recorded =
                order.timeline.iter().any(|entry| entry.rule == Rule::ResultCompletes);
            assert!(is_recorded || !is_returned, "an acknowledged result is lost");
        }
        let counts = world.counts().await;
        assert!(counts.orders >= i64::try_from(acknowledged.len()).unwrap());
        assert_eq!((counts.events, counts.deliveries), (counts.orders, counts.orders));
        let placed = "SELECT count(*) FROM timeline_entries WHERE rule = 0";
        assert_eq!(world.number(placed).await, counts.orders);
        let results = "SELECT count(*) FROM timeline_entries WHERE rule = 2";
        let completed = "SELECT count(*) FROM orders WHERE state = 3";
        assert_eq!(world.number(results).await, world.number(completed).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_whose_connections_were_killed_hears_of_changes_again() {
    World::on_postgres(async |world: &World| {
        let scene = world.scene(false, false).await;
        let (tenant_id, settings) = (scene.tenant.tenant_id, &scene.tenant.settings);
        let replica = world.replica().await;
        let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
        for version in 1..4 {
            assert_eq!(replica.find_tenant(tenant_id).await.unwrap().unwrap().version, version);
            world.number(kill).await;
            until("a change goes through", async || {
                world.store.update_tenant(BY, tenant_id, version, "改", settings).await.is_ok()
            })
            .await;
            let seen = until("the change is seen", async || {
                let found = replica.find_tenant(tenant_id).await;
                found.is_ok_and(|tenant| tenant.unwrap().version > version)
            });
            tokio::time::timeout(Duration::from_secs(2), seen).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wal_stays_bounded_and_shrinks_after_a_long_reader() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(false, false).await;
        let Location::Sqlite(path) = &world.location else { unreachable!() };
        let size = || std::fs::metadata(wal_of(path)).unwrap().len();
        let order_id = accepted(&world.store, scene.place()).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut readers = JoinSet::new();
        for _ in 0..2 {
            let (store, scene, stop) = (Arc::clone(&world.store), scene.clone(), Arc::clone(&stop));
            readers.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    assert!(store.find_order(&scene.tenant, order_id).await.unwrap().is_some());
                }
            });
        }
        // A WAL file does not shrink by itself: what it is now is the most that it was.
        write_much(world, &scene, 50).await;
        assert!(size() <= WAL_MAX, "the WAL grew to {} bytes", size());

        let backup = rusqlite::Connection::open(path).unwrap();
        backup.execute_batch("BEGIN; SELECT count(*) FROM orders").unwrap();
        write_much(world, &scene, 40).await;
        assert!(size() > WAL_MAX, "the reader holds nothing up: {} bytes", size());
        backup.execute_batch("COMMIT").unwrap();
        until("the WAL shrinks", async || {
            accepted(&world.store, scene.place()).await;
            size() <= WAL_MAX
        })
        .await;
        stop.store(true, Ordering::Relaxed);
        readers.join_all().await;
    })
    .await;
}

const WAL_MAX: u64 = 64 << 20;

/// Many writers without a pause, about 2 MB for each of `rounds`.
async fn write_much(world: &World, scene: &Scene, rounds: usize) {
    let comment = "长".repeat(20_000);
    let mut writers = JoinSet::new();
    for _ in 0..32 {
        let (store, scene, comment) = (Arc::clone(&world.store), scene.clone(), comment.clone());
        writers.spawn(async move {
            for _ in 0..rounds {
                accepted(&store, place_with(&scene, &comment)).await;
            }
        });
    }
    writers.join_all().await;
}

fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn place_with(scene: &Scene, comment: &str) -> store::OrderCommand {
    let mut index = scene.place();
    let store::Request::Place { content, .. } = &mut index.request else { unreachable!() };
    *content = store::content::to_text(&store::content::Form { comment: comment.into(), ..form() });
    index
}
