//! Where tables are distributed by tenant, the desk works tenant by tenant. No such cluster runs here: the extension stands in
//! the catalogue alone, which is all that the start asks for; that it acts on it is seen in the rows themselves.

use futures_util::future::join_all;
use store::{Location, OrderCommand, Store};

use crate::support::*;

/// Orders of different tenants that one transaction wrote.
const SHARED: &str = "SELECT count(*) FROM orders a JOIN orders b ON a.xmin = b.xmin \
     AND a.tenant_id < b.tenant_id";

/// Places many orders of each tenant at once.
async fn place_at_once(store: &Store, scenes: &[Scene]) {
    let places: Vec<OrderCommand> =
        scenes.iter().cycle().take(40 * scenes.len()).map(Scene::place).collect();
    for placed in join_all(places.into_iter().map(|place| store.command(place))).await {
        placed.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_citus_each_transaction_of_the_desk_is_of_one_tenant() {
    World::on_postgres(async |world: &World| {
        let mut scenes = Vec::new();
        for _ in 0..10 {
            scenes.push(world.scene(false, false).await);
        }
        place_at_once(&world.store, &scenes).await;
        assert!(world.number(SHARED).await > 0, "a single server commits orders of many tenants at once");
        world.raw("DELETE FROM orders").await;

        let install = "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion) \
                       VALUES (99999, 'citus', 10, 11, false, '13')";
        let Location::Postgres(url) = &world.location else { panic!("it stands on PostgreSQL") };
        let client = connect(url).await.unwrap();
        client.batch_execute(&format!("SET allow_system_table_mods = on; {install}")).await.unwrap();
        let replica = world.replica().await;
        place_at_once(&replica, &scenes).await;
        assert_eq!(world.number("SELECT count(*) FROM orders").await, 400);
        assert_eq!(world.number(SHARED).await, 0);
    })
    .await;
}
