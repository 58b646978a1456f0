//! Long connections: one use per id, a limit per app over all replicas that live, and nothing set aside beside one.

use contract::control::EventMode;
use domain::delivery::DeliveryState;
use domain::{AppId, Id};
use store::connections::{BEAT_AGE_MAX_MS, ConnectionNews, Holder, NewConnection, Opened};

use crate::support::*;
use crate::tenancy::new_app;

on_both!(
    a_connection_opens_once_and_stays_known_when_it_ends,
    an_app_has_its_limit_of_connections_on_all_replicas_together,
    racing_for_the_last_place_has_one_winner,
    the_connections_of_a_dead_replica_count_for_nothing,
    a_delivery_is_set_aside_only_where_nobody_is_connected,
    an_app_by_long_connection_gets_what_was_held_when_it_is_enabled,
    a_changed_app_opens_no_connection,
    what_is_new_of_a_connection_is_listed,
);

const APP: AppId = AppId(77);

fn new(world: &World, replica_id: i64, ms: i64) -> NewConnection {
    NewConnection {
        connection_id: world.store.make_id(NOW),
        app_id: APP,
        replica_id,
        client: "192.0.2.7:5000 oapi-sdk".into(),
        opened_at: NOW.plus_ms(ms),
    }
}

async fn app(world: &World) {
    let mut app = new_app(&world.store, APP, None);
    app.settings.event_mode = EventMode::LongConnection;
    app.settings.callback_url = None;
    world.store.create_app(BY, &app, None).await.unwrap();
}

async fn open(world: &World, new: &NewConnection) -> Opened {
    world.store.open_connection(new, 1, 3).await.unwrap()
}

async fn listed(world: &World, ms: i64) -> Vec<Id> {
    let listed = world.store.list_connections(APP, NOW.plus_ms(ms)).await.unwrap();
    let mut ids: Vec<Id> = listed.iter().map(|connection| connection.connection_id).collect();
    ids.sort_unstable_by_key(|id| id.0);
    ids
}

async fn a_connection_opens_once_and_stays_known_when_it_ends(world: &World) {
    app(world).await;
    let first = new(world, 1, 0);
    assert_eq!(open(world, &first).await, Opened::Done);
    assert_eq!(open(world, &first).await, Opened::Used);
    assert_eq!(listed(world, 0).await, [first.connection_id]);
    world.store.close_connections(&[first.connection_id], NOW).await.unwrap();
    assert_eq!(listed(world, 0).await, []);
    assert_eq!(open(world, &first).await, Opened::Used, "a ticket is good for one connection");
    world.store.forget_connections(NOW).await.unwrap();
    assert_eq!(open(world, &first).await, Opened::Used);
    world.store.forget_connections(NOW.plus_ms(1)).await.unwrap();
    assert_eq!(open(world, &first).await, Opened::Done, "its ticket is void by then");
}

async fn an_app_has_its_limit_of_connections_on_all_replicas_together(world: &World) {
    app(world).await;
    let opened = [new(world, 1, 0), new(world, 2, 0), new(world, 2, 0)];
    for connection in &opened {
        assert_eq!(open(world, connection).await, Opened::Done);
    }
    for replica_id in [1, 2, 3] {
        assert_eq!(open(world, &new(world, replica_id, 0)).await, Opened::Full);
    }
    let mut holders = world.store.list_holders(APP, NOW).await.unwrap();
    holders.sort_unstable_by_key(|holder| holder.replica_id);
    let holder =
        |replica_id, connections| Holder { replica_id, beats: i64::from(connections), connections };
    assert_eq!(holders, [holder(1, 1), holder(2, 2)]);
    world.store.close_connections(&[opened[0].connection_id], NOW).await.unwrap();
    assert_eq!(open(world, &new(world, 3, 0)).await, Opened::Done);
    let elsewhere =
        async |replica_id| world.store.list_connected_elsewhere(replica_id, NOW).await.unwrap();
    assert_eq!(elsewhere(1).await, [APP]);
    assert_eq!(elsewhere(9).await, [APP]);
    world
        .store
        .close_connections(&[opened[1].connection_id, opened[2].connection_id], NOW)
        .await
        .unwrap();
    assert_eq!((elsewhere(3).await, elsewhere(2).await), (vec![], vec![APP]));
}

async fn racing_for_the_last_place_has_one_winner(world: &World) {
    app(world).await;
    let racers: Vec<_> = (0..8).map(|replica_id| new(world, replica_id, 0)).collect();
    let races = racers.into_iter().map(|connection| {
        let store = std::sync::Arc::clone(&world.store);
        tokio::spawn(async move { store.open_connection(&connection, 1, 3).await.unwrap() })
    });
    let mut opened = 0;
    for race in races.collect::<Vec<_>>() {
        opened += usize::from(race.await.unwrap() == Opened::Done);
    }
    assert_eq!((opened, listed(world, 0).await.len()), (3, 3));
}

async fn the_connections_of_a_dead_replica_count_for_nothing(world: &World) {
    app(world).await;
    for _ in 0..3 {
        assert_eq!(open(world, &new(world, 1, 0)).await, Opened::Done);
    }
    let late = BEAT_AGE_MAX_MS;
    assert_eq!(open(world, &new(world, 2, late - 1)).await, Opened::Full);
    world.store.beat(1, NOW.plus_ms(late - 1), &[]).await.unwrap();
    assert_eq!(open(world, &new(world, 2, late)).await, Opened::Full, "it lives");
    let dead = 2 * late;
    assert_eq!(listed(world, dead).await, []);
    assert_eq!(open(world, &new(world, 1, dead)).await, Opened::Full, "its own count for itself");
    assert_eq!(world.store.list_connected_elsewhere(2, NOW.plus_ms(dead)).await.unwrap(), []);
    for _ in 0..3 {
        assert_eq!(open(world, &new(world, 2, dead)).await, Opened::Done);
    }
    world.store.forget_connections(NOW.plus_ms(dead)).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM connections").await, 3);
    assert_eq!(world.number("SELECT count(*) FROM replicas").await, 1);
}

async fn a_delivery_is_set_aside_only_where_nobody_is_connected(world: &World) {
    let scene = world.scene(false, false).await;
    app(world).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let connection = new(world, 1, 0);
    assert_eq!(open(world, &connection).await, Opened::Done);
    let hold = async |version| world.store.set_unconnected_aside(APP, version, NOW).await.unwrap();
    assert_eq!(hold(1).await, 0, "somebody is connected");
    world.store.close_connections(&[connection.connection_id], NOW).await.unwrap();
    assert_eq!((hold(2).await, hold(1).await), (0, 1));
    let held = world.store.list_deliveries(&scene.tenant, order_id, Some(order_id)).await;
    assert_eq!(held.unwrap().remove(0).state, DeliveryState::Held);
    world.store.release_held(APP, NOW).await.unwrap();
    let claimed = world.store.claim_deliveries(NOW, NOW.plus_ms(60_000), 10).await.unwrap();
    assert_eq!((claimed.len(), claimed[0].attempt), (1, 1), "what was not tried counts as no try");
}

async fn an_app_by_long_connection_gets_what_was_held_when_it_is_enabled(world: &World) {
    let scene = world.scene(false, false).await;
    app(world).await;
    accepted(&world.store, scene.place()).await;
    assert_eq!(world.store.set_unconnected_aside(APP, 1, NOW).await.unwrap(), 1);
    let mut settings = world.store.find_app(APP).await.unwrap().unwrap().settings.clone();
    for (version, is_enabled, due) in [(1, false, 0), (2, true, 1)] {
        settings.is_enabled = is_enabled;
        world.store.update_app(BY, APP, version, &settings).await.unwrap();
        let claimed = world.store.claim_deliveries(NOW, NOW.plus_ms(60_000), 10).await.unwrap();
        assert_eq!(claimed.len(), due);
    }
}

async fn a_changed_app_opens_no_connection(world: &World) {
    app(world).await;
    let connection = new(world, 1, 0);
    assert_eq!(world.store.open_connection(&connection, 2, 3).await.unwrap(), Opened::AppChanged);
    let of_nobody = NewConnection { app_id: AppId(78), ..connection.clone() };
    assert_eq!(open(world, &of_nobody).await, Opened::AppChanged);
    assert_eq!(open(world, &connection).await, Opened::Done, "nothing was used up");
}

async fn what_is_new_of_a_connection_is_listed(world: &World) {
    app(world).await;
    let connection = new(world, 1, 0);
    open(world, &connection).await;
    let read = async || world.store.list_connections(APP, NOW).await.unwrap().remove(0);
    let listed = read().await;
    assert_eq!((listed.replica_id, listed.opened_at), (1, NOW));
    assert_eq!((listed.client.as_str(), listed.last_ping_at), (connection.client.as_str(), None));
    let (connection_id, last_ping_at) = (connection.connection_id, Some(NOW.plus_ms(9)));
    let news = ConnectionNews { connection_id, last_ping_at, in_flight: 7 };
    world.store.beat(1, NOW, &[news]).await.unwrap();
    let listed = read().await;
    assert_eq!((listed.last_ping_at, listed.in_flight), (last_ping_at, 7));
}
