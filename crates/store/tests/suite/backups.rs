//! Backups of the embedded database: what stands in which file, and what a restore brings back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use contract::evidence::ErasureRule;
use domain::retention::DAY_MS;
use store::backup::{DATA_FILE, KEYS_FILE, back_up, destroy, keys_expire_at, restore};
use store::erasing::Why;
use store::{FaultKind, Location, Store};

use crate::support::*;

struct Scratch {
    folder: tempfile::TempDir,
    database: PathBuf,
}

impl Scratch {
    fn new(world: &World) -> Scratch {
        let Location::Sqlite(database) = &world.location else { unreachable!() };
        Scratch { folder: tempfile::tempdir().unwrap(), database: database.clone() }
    }

    fn take(&self, name: &str, at: domain::UnixMs) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        back_up(&self.database, &folder, at).unwrap();
        folder
    }

    async fn open(
        &self,
        name: &str,
        data: &Path,
        keys: &Path,
    ) -> (Arc<Store>, store::backup::Restored) {
        let target = self.folder.path().join(name);
        let restored = restore(&data.join(DATA_FILE), &keys.join(KEYS_FILE), &target, NOW).unwrap();
        let store = Store::open(&Location::Sqlite(target), root(), NOW).await.unwrap();
        (Arc::new(store), restored)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_brings_back_what_was_not_erased_since() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(false, false).await;
        let (store, tenant) = (&world.store, &scene.tenant);
        let scratch = Scratch::new(world);
        let mut orders = Vec::new();
        for _ in 0..3 {
            let order_id = accepted(store, scene.place()).await;
            accepted(store, scene.progress(order_id, "s1", 100)).await;
            orders.push(order_id);
        }
        accepted(store, scene.cancel(orders[0])).await;
        let key = world
            .raw(&format!("SELECT wrapped_key FROM orders WHERE order_id = {}", orders[0].0))
            .await;
        let key = key[0][0].clone();
        store.is_ready().await;
        let early = scratch.take("early", NOW);
        let holds = |path: &Path| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(key.len()).any(|part| part == key)
        };
        assert!(!holds(&early.join(DATA_FILE)) && holds(&early.join(KEYS_FILE)));
        assert_eq!(std::fs::read_dir(&early).unwrap().count(), 2, "nothing else is left");
        assert_eq!(keys_expire_at(&early.join(KEYS_FILE)).unwrap(), Some(NOW.plus_ms(7 * DAY_MS)));

        let (whole, restored) = scratch.open("whole.db", &early, &early).await;
        assert_eq!((restored.orders, restored.erased), (3, 0));
        for order_id in &orders {
            let found = whole.find_order(tenant, *order_id).await.unwrap();
            assert_eq!(found, store.find_order(tenant, *order_id).await.unwrap());
        }
        let rule = Why::Retention(ErasureRule::TenantRetention { days: 1 });
        store.erase_order(BY, tenant, orders[0], &rule).await.unwrap().unwrap();
        let later = scratch.take("later", NOW.plus_ms(DAY_MS));
        assert!(!holds(&later.join(KEYS_FILE)) && !holds(&later.join(DATA_FILE)));

        // The old data with the keys of now.
        let (old, restored) = scratch.open("old.db", &early, &later).await;
        assert_eq!((restored.orders, restored.erased), (2, 1));
        let gone = old.find_order(tenant, orders[0]).await.unwrap().unwrap();
        assert!(gone.summary.is_erased && gone.form.candidate.name.is_empty());
        assert!(!old.find_order(tenant, orders[1]).await.unwrap().unwrap().summary.is_erased);
        let query = domain::search::Query::new("张小鱼");
        let by_name = store::order_pages::OrderFilter { query, ..Default::default() };
        assert_eq!(list(&old, tenant, &by_name).await, [orders[2], orders[1]]);
        let terms = format!("SELECT count(*) FROM order_terms WHERE order_id = {}", orders[0].0);
        let of_old =
            World::of(Arc::clone(&old), Location::Sqlite(scratch.folder.path().join("old.db")));
        assert_eq!(of_old.number(&terms).await, 0);
        accepted(&old, scene.result(orders[1], "绿灯")).await;
        assert!(!holds(&scratch.folder.path().join("old.db")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_do_not_fit_bring_nothing_back() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(false, false).await;
        let scratch = Scratch::new(world);
        accepted(&world.store, scene.place()).await;
        let early = scratch.take("early", NOW);
        accepted(&world.store, scene.place()).await;
        let late = scratch.take("late", NOW.plus_ms(1));
        let target = scratch.folder.path().join("target.db");
        let refusal = |data: &Path, keys: &Path, now| {
            let (data, keys) = (data.join(DATA_FILE), keys.join(KEYS_FILE));
            let fault = restore(&data, &keys, &target, now).unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Schema);
            assert!(!target.exists() && !target.with_extension("restoring").exists());
            fault.to_string()
        };
        assert!(refusal(&late, &early, NOW).contains("of a later one"));
        let expired = NOW.plus_ms(7 * DAY_MS);
        assert!(refusal(&early, &early, expired).contains("7 days"));
        World::on_sqlite(async |other: &World| {
            let foreign = Scratch::new(other).take_into(&scratch, "foreign");
            assert!(refusal(&early, &foreign, NOW).contains("of this installation"));
        })
        .await;
        let again = back_up(&scratch.database, &early, NOW).unwrap_err();
        assert!(again.to_string().contains("data.db"), "{again}");
        destroy(&early.join(KEYS_FILE)).unwrap();
        assert!(!early.join(KEYS_FILE).exists());
    })
    .await;
}

impl Scratch {
    fn take_into(&self, other: &Scratch, name: &str) -> PathBuf {
        let folder = other.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        back_up(&self.database, &folder, NOW.plus_ms(1)).unwrap();
        folder
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_without_a_server_holds_the_last_commit() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(false, false).await;
        let order_id = accepted(&world.store, scene.place()).await;
        accepted(&world.store, scene.progress(order_id, "s1", 100)).await;
        world.store.close().await;
        let scratch = Scratch::new(world);
        let folder = scratch.take("closed", NOW);
        let (store, _) = scratch.open("closed.db", &folder, &folder).await;
        let order = store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
        assert_eq!(order.timeline.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_brings_people_back_and_none_of_their_ways_in() {
    World::on_sqlite(async |world: &World| {
        let scene = world.scene(false, false).await;
        let user = crate::people::join(world, Some(&scene.tenant), 1, "admin").await;
        let scratch = Scratch::new(world);
        let folder = scratch.take("people", NOW);
        let (store, _) = scratch.open("people.db", &folder, &folder).await;
        assert_eq!(store.find_user(user.user_id).await.unwrap(), Some(user));
        assert_eq!(store.find_session(&[1; 32]).await.unwrap(), None);
        assert_eq!(store.find_one_time_link(&[1; 32]).await.unwrap(), None);
        assert!(world.store.find_session(&[1; 32]).await.unwrap().is_some());
    })
    .await;
}
