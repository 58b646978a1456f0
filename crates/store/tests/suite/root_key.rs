//! The root key: changed in one transaction, while everybody works, on every replica.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Id, TenantId};
use store::audit::By;
use store::content::VersionFacts;
use store::report_versions::NewContent;
use store::reports::FetchOutcome;
use store::tenants::TenantSettings;
use store::{FaultKind, Key, RootKeys, Saved, Store, root_key_id};

use crate::support::*;

on_both!(
    after_a_rotation_only_the_next_key_opens,
    a_rotation_under_load_stops_nobody,
    a_replica_finds_the_next_key_where_it_was_told_to_look,
    a_replica_without_the_next_key_says_what_it_lacks,
);

fn key(number: u8) -> Key {
    Key::new([number; 32])
}

async fn create_tenant(store: &Store) -> TenantId {
    let tenant_id = TenantId(store.make_id(NOW).0.wrapping_mul(0x9e37_79b9));
    let settings = TenantSettings {
        report_approval: false,
        four_eyes: false,
        retention_days: 365,
        locale: "zh-CN".into(),
        review_hours: None,
    };
    let tenant = new_tenant(store, tenant_id, settings);
    assert_eq!(store.create_tenant(By::system(NOW), &tenant, None).await.unwrap(), Saved::Done);
    tenant_id
}

async fn after_a_rotation_only_the_next_key_opens(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let tokens = world.store.secrets().tokens.bytes().to_owned();
    let before = world.copy().await;
    let rotated = world.store.rotate_root_key(By::system(NOW), &key(9)).await.unwrap();
    assert_eq!((rotated.key_id, rotated.generation), (root_key_id(&key(9)), 1));
    assert_eq!(rotated.tenant_count, 1);
    assert_eq!(world.store.present_root_key_id(), root_key_id(&key(9)));
    let later = create_tenant(&world.store).await;

    let Err(fault) = Store::open(&world.copy().await, root(), NOW).await else {
        panic!("the old key was taken");
    };
    assert_eq!(fault.kind(), FaultKind::WrongRootKey);
    let (expected, found) = (root_key_id(&key(9)), root_key_id(&root()));
    let message = format!(
        "the root key is not the one of this installation: expected the key with the id {expected}, found {found}"
    );
    assert_eq!(fault.to_string(), message);
    // With both at hand, in any order, the right one is found; tokens and orders are as they were.
    for keys in [vec![key(9)], vec![root(), key(9)], vec![key(9), root()]] {
        let again = Store::open(&world.copy().await, RootKeys::new(keys), NOW).await.unwrap();
        assert_eq!(again.secrets().tokens.bytes(), &tokens);
        let tenant = again.find_tenant(scene.tenant.tenant_id).await.unwrap().unwrap();
        assert!(again.find_order(&tenant, order_id).await.unwrap().is_some());
        assert!(again.find_tenant(later).await.unwrap().is_some());
    }
    // A copy of before needs the key of before.
    if world.is_sqlite() {
        assert!(Store::open(&before, key(9), NOW).await.is_err());
        assert!(Store::open(&before, root(), NOW).await.is_ok());
    }
}

/// Ten thousand versions of reports, of one order.
async fn ten_thousand_versions(world: &World, scene: &Scene) -> (Id, Vec<Id>) {
    let order_id = accepted(&world.store, scene.place()).await;
    let reports = vec![report("终版.pdf", "https://v.example/a")];
    accepted(&world.store, scene.result_with(order_id, "绿灯", reports)).await;
    let claimed = world.store.claim_reports(NOW, NOW.plus_ms(1), 10).await.unwrap().remove(0);
    let content = NewContent {
        object_id: Id(1),
        key: key(1),
        size_bytes: 1,
        sha256: [1; 32],
        fetched_at: NOW,
    };
    let outcome = FetchOutcome::Stored { content, facts: VersionFacts::default() };
    assert!(world.store.finish_report(&claimed, &outcome).await.unwrap());
    let numbers = match world.is_sqlite() {
        true => {
            "(WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 10000) SELECT n FROM n)"
        }
        false => "(SELECT generate_series(2, 10000)::bigint AS n)",
    };
    // Rows alone: each as the first one, with a number of its own.
    world
        .raw(&format!(
            "INSERT INTO report_versions (tenant_id, report_id, version, order_id, object_id, size_bytes, sha256, \
             is_flagged, fetched_at, wrapped_key, sealed) SELECT tenant_id, report_id, n, order_id, object_id + n, \
             size_bytes, sha256, is_flagged, fetched_at, wrapped_key, sealed FROM report_versions, {numbers} AS numbers"
        ))
        .await;
    (order_id, vec![claimed.report_id])
}

async fn a_rotation_under_load_stops_nobody(world: &World) {
    let scene = world.scene(false, false).await;
    let (order_id, reports) = ten_thousand_versions(world, &scene).await;
    assert_eq!(world.number("SELECT count(*) FROM report_versions").await, 10_000);
    for _ in 0..20 {
        create_tenant(&world.store).await;
    }
    let is_over = Arc::new(AtomicBool::new(false));
    let mut working = Vec::new();
    for worker in 0..4 {
        let (store, scene) = (Arc::clone(&world.store), scene.clone());
        let (is_over, report_id) = (Arc::clone(&is_over), reports[0]);
        working.push(tokio::spawn(async move {
            let (mut calls, mut tenants) = (0, Vec::new());
            while !is_over.load(Ordering::SeqCst) {
                let placed = accepted(&store, scene.place()).await;
                assert!(store.find_order(&scene.tenant, placed).await.unwrap().is_some());
                let first = store.find_report_version(&scene.tenant, order_id, report_id, 1).await;
                assert!(first.unwrap().unwrap().opened.is_some());
                if worker == 0 {
                    tenants.push(create_tenant(&store).await);
                }
                calls += 3;
            }
            (calls, tenants)
        }));
    }
    for number in 20..30 {
        let rotated = world.store.rotate_root_key(By::system(NOW), &key(number)).await;
        assert_eq!(rotated.unwrap().key_id, root_key_id(&key(number)));
    }
    is_over.store(true, Ordering::SeqCst);
    let (mut calls, mut tenants) = (0, Vec::new());
    for work in working {
        let (done, built) = work.await.unwrap();
        calls += done;
        tenants.extend(built);
    }
    println!("10 rotations beside {calls} calls and {} new tenants", tenants.len());
    assert!(calls > 0 && !tenants.is_empty());
    let again = Store::open(&world.copy().await, key(29), NOW).await.unwrap();
    for tenant_id in tenants {
        assert!(again.find_tenant(tenant_id).await.unwrap().is_some());
    }
    let tenant = again.find_tenant(scene.tenant.tenant_id).await.unwrap().unwrap();
    let versions = again.list_report_versions(&tenant, order_id, reports[0]).await;
    // All but the first were copied from it: their keys are of its place, so they do not open.
    assert!(versions.is_err());
    assert!(again.find_report_version(&tenant, order_id, reports[0], 1).await.unwrap().is_some());
}

async fn a_replica_finds_the_next_key_where_it_was_told_to_look(world: &World) {
    if world.is_sqlite() {
        return; // One process has the database to itself.
    }
    let known = world.scene(false, false).await;
    let keys = RootKeys::new(vec![root()]).reloaded_by(Arc::new(|| vec![root(), key(9)]));
    let replica = Store::open(&world.location, keys, NOW).await.unwrap();
    world.store.rotate_root_key(By::system(NOW), &key(9)).await.unwrap();
    let tenant = replica.find_tenant(known.tenant.tenant_id).await.unwrap();
    assert!(tenant.is_some(), "a tenant that the replica had not read before");
    let built = create_tenant(&replica).await;
    assert_eq!(replica.present_root_key_id(), root_key_id(&key(9)));
    let again = Store::open(&world.location, key(9), NOW).await.unwrap();
    assert!(again.find_tenant(built).await.unwrap().is_some(), "wrapped under the key in force");
}

async fn a_replica_without_the_next_key_says_what_it_lacks(world: &World) {
    if world.is_sqlite() {
        return; // One process has the database to itself.
    }
    let scene = world.scene(false, false).await;
    let replica = Store::open(&world.location, root(), NOW).await.unwrap();
    world.store.rotate_root_key(By::system(NOW), &key(9)).await.unwrap();
    let fault = replica.find_tenant(scene.tenant.tenant_id).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::WrongRootKey);
    assert!(fault.to_string().contains(&root_key_id(&key(9))), "{fault}");
    let tenant_id = TenantId(5);
    let settings = TenantSettings {
        report_approval: false,
        four_eyes: false,
        retention_days: 365,
        locale: "zh-CN".into(),
        review_hours: None,
    };
    let tenant = new_tenant(&replica, tenant_id, settings);
    let fault = replica.create_tenant(By::system(NOW), &tenant, None).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::WrongRootKey, "nothing is wrapped under the old key");
    assert_eq!(world.number("SELECT count(*) FROM tenants WHERE tenant_id = 5").await, 0);
}
