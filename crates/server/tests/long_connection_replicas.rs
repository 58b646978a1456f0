//! Several replicas on one PostgreSQL share an app's long connections: whoever holds one delivers, the limit is one
//! for all, and each lists what all hold. Source: design, section 4; decision 020.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod line;

use std::net::SocketAddr;

use contract::endpoint::ENDPOINT_PATH;
use domain::Id;
use domain::delivery::DeliveryState;
use domain::event::EventKind;
use harness::{BEGIN, Engine, Seed, World};
use line::Socket;
use serde_json::{Value, json};
use server::{Config, Server, SharedApp};
use system::clock::Clock;
use tokio::sync::oneshot;

/// Another server on the World's database, without workers of its own.
struct Replica {
    app: SharedApp,
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Replica {
    async fn start(world: &World) -> Replica {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = Config { listen, ..world.app.config.clone() };
        let server = Server::bind(config, world.clock.clone()).await.unwrap();
        let (app, address) = (SharedApp::clone(&server.app), server.address());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server.run_without_workers(async { stopped.await.unwrap_or_default() }));
        Replica { app, address, _stop: stop }
    }

    async fn ask_endpoint(&self, world: &World, seed: &Seed) -> Value {
        let body = json!({"AppID": seed.app.app.app_id, "AppSecret": seed.app.app_secret});
        let url = format!("http://{}{ENDPOINT_PATH}", self.address);
        let answer = world.http.post(url).body(body.to_string()).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn connect(&self, world: &World, seed: &Seed) -> Socket {
        let answer = self.ask_endpoint(world, seed).await;
        let mut socket = Socket::open(answer["data"]["URL"].as_str().unwrap()).await.unwrap();
        socket.ping().await;
        socket
    }

    async fn work(&self) {
        let settled = tokio::time::timeout(line::PATIENCE, hub::work::settle(&self.app.hub));
        settled.await.expect("the workers become idle").unwrap();
    }
}

/// Runs `test` with two replicas, where PostgreSQL is.
async fn with_two(test: impl AsyncFnOnce(World, Replica)) {
    if Engine::available().await.contains(&Engine::Postgres) {
        let world = World::start(Engine::Postgres, Clock::manual(BEGIN), false, |config| {
            config.long_connection.connections_per_app = 3;
        });
        let world = world.await;
        let other = Replica::start(&world).await;
        test(world, other).await;
    }
}

#[tokio::test]
async fn the_replica_that_is_connected_delivers() {
    with_two(async |world, other| {
        let seed = world.seed_connected().await;
        world.work().await;
        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!(delivery.state, DeliveryState::Held, "nobody is connected anywhere");

        let mut there = other.connect(&world, &seed).await;
        world.work().await;
        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Due, 0));
        let (ids, ()) = tokio::join!(there.take(1), other.work());
        let (event, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!(
            (&ids[0], delivery.state),
            (&event.event_id.to_string(), DeliveryState::Delivered)
        );

        // Connected here and there: each takes what it claims.
        let mut here = world.connect(&seed.app).await;
        world.place(&seed).await;
        tokio::join!(here.take(1), world.work());
        world.place(&seed).await;
        tokio::join!(there.take(1), other.work());

        // And what waits for who has gone goes to who is left.
        drop(there);
        let gone = async {
            while other
                .app
                .hub
                .store
                .list_connections(seed.app.app.app_id.parse().unwrap(), world.clock.now())
                .await
                .unwrap()
                .len()
                > 1
            {
                other.work().await;
            }
        };
        tokio::time::timeout(line::PATIENCE, gone).await.expect("it is noted that it has gone");
        world.place(&seed).await;
        other.work().await;
        tokio::join!(here.take(1), world.work());
    })
    .await;
}

#[tokio::test]
async fn the_limit_is_one_for_all_and_each_lists_what_all_hold() {
    with_two(async |world, other| {
        let seed = world.seed_connected().await;
        let app_id = &seed.app.app.app_id;
        let mut first = world.connect(&seed.app).await;
        let spare = world.url(&seed.app).await;
        let mut sockets =
            vec![other.connect(&world, &seed).await, other.connect(&world, &seed).await];
        let listed = world.operator.list_app_connections(app_id).await.unwrap().items;
        let mut expected: Vec<_> =
            sockets.iter().map(|socket| socket.connection_id.clone()).collect();
        expected.push(first.connection_id.clone());
        expected.sort_unstable();
        let mut ids: Vec<_> = listed.iter().map(|it| it.connection_id.clone()).collect();
        ids.sort_unstable();
        assert_eq!(ids, expected);

        let refused = Socket::open(&spare).await.err().expect("there are three");
        assert_eq!(refused.headers()["handshake-autherrcode"], "1000040350");
        // The other's heart is seen to beat while this one asks: it is sure, and said for good.
        let beat = async {
            for _ in 0..20 {
                other.work().await;
                let _ = tokio::time::timeout(line::PATIENCE / 80, first.ping()).await;
                other.app.hub.store.beat(replica_of(&other), world.clock.now(), &[]).await.unwrap();
            }
        };
        let (refused, ()) = tokio::join!(world.ask_endpoint(&seed.app), beat);
        assert_eq!(refused.json()["code"], 1_000_040_350);
        // It is not: nothing is sure, and clients try again.
        let refused = world.ask_endpoint(&seed.app).await.json();
        assert_eq!(refused, json!({"code": 1_000_040_343, "msg": "internal error", "data": {}}));
        // Its beat is old: its connections count for nothing.
        world.clock.advance_ms(7_001);
        assert_eq!(world.ask_endpoint(&seed.app).await.json()["code"], 0);
        let listed = world.operator.list_app_connections(app_id).await.unwrap().items;
        assert_eq!(listed.len(), 1, "what is here");
        sockets.clear();
    })
    .await;
}

/// The replica under which the other server's connections stand.
fn replica_of(replica: &Replica) -> i64 {
    replica.app.hub.connections.replica_id()
}

#[tokio::test]
async fn a_ticket_is_good_at_any_replica_once() {
    with_two(async |world, other| {
        let seed = world.seed_connected().await;
        let here = world.url(&seed.app).await;
        let there = here.replace(&world.address.to_string(), &other.address.to_string());
        Socket::open(&there).await.unwrap().ping().await;
        let refused = Socket::open(&here).await.err().expect("it was used there");
        assert_eq!(refused.headers()["handshake-msg"], "expected a ticket that was not used");
        let events = world.app.hub.store.list_events(seed.hirer.tenant_id, Id(i64::MAX), 9).await;
        assert_eq!(events.unwrap().len(), 1);
    })
    .await;
}
