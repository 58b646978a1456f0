//! PostgreSQL behind something: servers that take no writes any more, and poolers.

use std::time::Duration;

use store::{Location, Store};

use crate::cluster::{Cluster, Pooler};
use crate::support::{BY, Database, NOW, Scene, World, accepted, connect, root, until};

/// How soon the store must be back.
const BACK: Duration = Duration::from_secs(10);

async fn open(url: &str) -> Result<World, store::Fault> {
    let location = Location::Postgres(url.to_owned());
    let store = Store::open(&location, root(), NOW).await?;
    Ok(World::of(store.into(), location))
}

/// Why the store does not open.
async fn refusal(url: &str) -> String {
    open(url).await.err().expect("the store opens").to_string()
}

/// Changes a tenant's name, and sees it.
async fn renames(store: &Store, scene: &Scene, name: &str) -> bool {
    let (tenant_id, settings) = (scene.tenant.tenant_id, &scene.tenant.settings);
    let Ok(Some(tenant)) = store.find_tenant(tenant_id).await else { return false };
    let renamed = store.update_tenant(BY, tenant_id, tenant.version, name, settings).await;
    renamed.is_ok_and(|saved| saved == store::Saved::Done)
}

async fn within(time: Duration, what: &str, is_so: impl AsyncFnMut() -> bool) {
    tokio::time::timeout(time, until(what, is_so)).await.expect(what);
}

/// Live sessions and new ones take no writes, or do so again.
async fn set_read_only(cluster: &Cluster, is_read_only: bool) {
    let client = connect(&cluster.url()).await.unwrap();
    let value = if is_read_only { "on" } else { "off" };
    let set = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
    client.batch_execute(&set).await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_of_a_demoted_primary_are_left_for_the_promoted_standby() {
    let Some(primary) = Cluster::start() else { return };
    let standby = primary.standby();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", standby.port, primary.port);
    let world = open(&format!("postgres://postgres@{hosts}/postgres")).await.unwrap();
    let scene = world.scene(false, false).await;
    let mut acknowledged = Vec::new();
    for _ in 0..20 {
        acknowledged.push(accepted(&world.store, scene.place()).await);
    }
    let watch = connect(&standby.url()).await.unwrap();
    until("the standby has everything", async || {
        let count = watch.query_one("SELECT count(*) FROM orders", &[]).await;
        count.is_ok_and(|row| row.get::<_, i64>(0) == 20)
    })
    .await;

    set_read_only(&primary, true).await;
    // Nobody asks for anything meanwhile: the store finds out by itself.
    within(BACK, "that nothing can be written shows", async || !world.store.is_ready().await).await;
    assert!(world.store.command(scene.place()).await.is_err());
    standby.promote();
    within(BACK, "the promoted server is written to", async || world.store.is_ready().await).await;
    for round in 0..20 {
        acknowledged.push(accepted(&world.store, scene.place()).await);
        assert!(renames(&world.store, &scene, &format!("启明{round}")).await, "round {round}");
        assert!(world.store.is_ready().await, "round {round}");
    }
    for order_id in acknowledged {
        assert!(world.store.find_order(&scene.tenant, order_id).await.unwrap().is_some());
    }
    let tells = connect(&standby.url()).await.unwrap();
    let count = tells.query_one("SELECT count(*) FROM orders", &[]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 40, "no order that was not acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demotion_between_two_writes_costs_no_call() {
    let Some(primary) = Cluster::start() else { return };
    let standby = primary.standby();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port, standby.port);
    let world = open(&format!("postgres://postgres@{hosts}/postgres")).await.unwrap();
    let scene = world.scene(false, false).await;
    let watch = connect(&standby.url()).await.unwrap();
    until("the standby has everything", async || {
        let count = watch.query_one("SELECT count(*) FROM tenants", &[]).await;
        count.is_ok_and(|row| row.get::<_, i64>(0) == 1)
    })
    .await;
    standby.promote();
    set_read_only(&primary, true).await;
    let primary_client = connect(&primary.url()).await.unwrap();
    until("the live sessions take no writes", async || {
        let shown = primary_client.query_one("SHOW transaction_read_only", &[]).await.unwrap();
        shown.get::<_, &str>(0) == "on"
    })
    .await;
    for round in 0..10 {
        accepted(&world.store, scene.place()).await;
        assert!(renames(&world.store, &scene, &format!("启明{round}")).await, "round {round}");
        assert!(!world.store.is_failing(), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_writes_for_a_while_is_used_again() {
    let Some(cluster) = Cluster::start() else { return };
    let world = open(&cluster.url()).await.unwrap();
    let scene = world.scene(false, false).await;
    for _ in 0..2 {
        set_read_only(&cluster, true).await;
        within(BACK, "it shows", async || !world.store.is_ready().await).await;
        for _ in 0..5 {
            assert!(world.store.command(scene.place()).await.is_err());
            assert!(!world.store.is_ready().await, "readiness does not flip");
        }
        set_read_only(&cluster, false).await;
        within(BACK, "it is back", async || world.store.is_ready().await).await;
        accepted(&world.store, scene.place()).await;
        within(BACK, "changes are received", async || world.store.listening().0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_alone_is_refused_with_words() {
    let Some(primary) = Cluster::start() else { return };
    let standby = primary.standby();
    let why = refusal(&standby.url()).await;
    assert!(why.contains("does not allow writes"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pgbouncer_in_session_mode_carries_everything() {
    let Some(database) = Database::create().await else { return };
    let Some(pooler) = Pooler::start(&database, "session").await else { return };
    let url = pooler.url(&database);
    let (world, other) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&other.store, scene.result(order_id, "绿灯")).await;
    for store in [&world.store, &other.store] {
        within(BACK, "changes are received", async || store.listening().0).await;
    }
    for round in 0..3 {
        let name = format!("启明{round}");
        assert!(renames(&world.store, &scene, &name).await);
        within(Duration::from_secs(2), "the other one hears", async || {
            let found = other.store.find_tenant(scene.tenant.tenant_id).await;
            found.unwrap().unwrap().name == name
        })
        .await;
    }
    drop((world, other, pooler));
    database.destroy().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_shares_sessions_between_transactions_is_refused_with_words() {
    let Some(database) = Database::create().await else { return };
    for mode in ["transaction", "statement"] {
        let Some(pooler) = Pooler::start(&database, mode).await else { return };
        let url = pooler.url(&database);
        let why = refusal(&url).await;
        assert!(why.contains("pool_mode=session"), "{mode}: {why}");
        let client = connect(&database.url).await.unwrap();
        let left = "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) \
                    + (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')";
        let left = client.query_one(left, &[]).await.unwrap();
        assert_eq!(left.get::<_, i64>(0), 0, "{mode}: nothing was begun");
    }
    database.destroy().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_remembered_while_changes_are_not_heard_of() {
    let Some(database) = Database::create().await else { return };
    let Some(pooler) = Pooler::start(&database, "session").await else { return };
    let direct = open(&database.url).await.unwrap();
    let url = pooler.url(&database);
    let pooled = open(&url).await.unwrap();
    let scene = direct.scene(false, false).await;
    within(BACK, "changes are received", async || pooled.store.listening().0).await;

    // From now on LISTEN is answered and means nothing.
    pooler.set_mode("transaction");
    within(BACK, "deafness is noticed", async || {
        direct.number("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'").await;
        !pooled.store.listening().0
    })
    .await;
    for round in 0..4 {
        let name = format!("启明{round}");
        until("it is changed", async || renames(&direct.store, &scene, &name).await).await;
        within(Duration::from_secs(2), "what is read is true", async || {
            let found = pooled.store.find_tenant(scene.tenant.tenant_id).await;
            found.is_ok_and(|tenant| tenant.unwrap().name == name)
        })
        .await;
    }
    assert!(pooled.store.listening().1 >= 1, "it is counted");
    drop((direct, pooled, pooler));
    database.destroy().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_without_a_session_left_is_told_of_instead_of_waited_for() {
    let Some(database) = Database::create().await else { return };
    let Some(pooler) = Pooler::start(&database, "session").await else { return };
    let url = pooler.url(&database);
    let mut taken = Vec::new();
    for _ in 0..40 {
        let client = connect(&url).await.unwrap();
        client.batch_execute("SELECT 1").await.unwrap();
        taken.push(client);
    }
    let why = refusal(&url).await;
    assert!(why.contains("no session within 5 s"), "{why}");
    drop((taken, pooler));
    database.destroy().await;
}
