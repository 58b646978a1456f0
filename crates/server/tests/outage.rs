//! A receiver that is dead for ten minutes among twenty healthy ones: they notice nothing, it loses nothing, and who
//! de-duplicates by `event_id` sees each event once. Source: product, section 5; reliability, T9.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contract::event::Event;
use domain::Id;
use domain::delivery::DeliveryState;
use harness::{BEGIN, Engine, World};
use peer::{Parties, Peer, Reply, ok, settings};
use system::clock::Clock;

const SECOND: u64 = 1_000;
const HEALTHY: usize = 20;
/// Every 10 s of the outage each app gets an order.
const ROUNDS: usize = 60;

/// Twenty healthy receivers and one that can be dead, each with its parties.
struct Stage {
    healthy: Vec<(Peer, Parties)>,
    dead: Peer,
    silent: Parties,
    is_dead: Arc<AtomicBool>,
}

impl Stage {
    async fn new(world: &World) -> Stage {
        let mut healthy = Vec::new();
        for _ in 0..HEALTHY {
            let peer = Peer::willing().await;
            let parties = world.parties(settings(Some(&peer.url("/")), true)).await;
            healthy.push((peer, parties));
        }
        let is_dead = Arc::new(AtomicBool::new(false));
        let dies = Arc::clone(&is_dead);
        let dead = Peer::start(move |_, _| match dies.load(Ordering::SeqCst) {
            // As a machine that is off, but sooner: what is sent there is lost.
            true => Reply::Last(Vec::new()),
            false => ok(),
        })
        .await;
        let silent = world.parties(settings(Some(&dead.url("/")), true)).await;
        Stage { healthy, dead, silent, is_dead }
    }

    async fn place_everywhere(&self, world: &World) {
        for (_, parties) in &self.healthy {
            world.placed(parties).await;
        }
        world.placed(&self.silent).await;
    }

    /// Waits until every healthy receiver has got so many requests.
    async fn all_told(&self, count: usize) {
        for (number, (peer, _)) in self.healthy.iter().enumerate() {
            let seen = tokio::time::timeout(Duration::from_secs(20), peer.wait_for(count)).await;
            assert_eq!(seen.expect("a healthy receiver waits").len(), count, "receiver {number}");
        }
    }
}

/// Whether every event of the parties is delivered.
async fn all_delivered(world: &World, parties: &Parties) -> bool {
    let tenant_id = parties.tenant.tenant_id;
    let events = world.app.hub.store.list_events(tenant_id, Id(i64::MAX), 1_000).await.unwrap();
    assert_eq!(events.len(), 1 + ROUNDS);
    events.iter().all(|event| event.delivery_state == DeliveryState::Delivered)
}

/// Waits in real time, since the workers do.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        while !is_so().await {
            pace.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect(what);
}

/// How often each event came, by its `event_id`, and which order it is about.
fn events(peer: &Peer) -> HashMap<String, (usize, Option<String>)> {
    let mut events = HashMap::new();
    for request in peer.seen() {
        let plain = contract::seal::decrypt("test key", &request.body).unwrap();
        let (header, event) = contract::event::read(&plain).unwrap();
        let order = match event {
            Event::CheckCreated(created) => Some(created.background_check_id),
            _ => None,
        };
        events.entry(header.event_id).or_insert((0, order)).0 += 1;
    }
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_dead_for_ten_minutes_loses_nothing_and_slows_nobody() {
    for engine in Engine::available().await {
        eprintln!("on {engine:?}");
        let world = World::start(engine, Clock::manual(BEGIN), true, |_| {}).await;
        let stage = Stage::new(&world).await;
        stage.all_told(1).await;
        stage.dead.wait_for(1).await;
        stage.is_dead.store(true, Ordering::SeqCst);
        for round in 0..ROUNDS {
            stage.place_everywhere(&world).await;
            stage.all_told(round + 2).await;
            world.clock.advance_ms(10 * SECOND);
        }
        let tried = stage.dead.seen().len();
        assert!(tried < 16 + 2 * ROUNDS, "a dead receiver is tried now and then: {tried}");

        stage.is_dead.store(false, Ordering::SeqCst);
        // One delivery is tried within 15 s; the receiver answers, and then everything is due.
        let (back_at, clock) = (world.clock.now(), world.clock.clone());
        until("everything arrives", async || {
            clock.advance_ms(SECOND);
            all_delivered(&world, &stage.silent).await
        })
        .await;
        let took_ms = world.clock.now().ms_since(back_at);
        eprintln!("everything arrived {took_ms} ms after the recovery");

        // Every order was notified once, to whoever knows repeats by their event_id.
        let reported = events(&stage.dead);
        assert_eq!(reported.len(), 1 + ROUNDS);
        let orders: std::collections::HashSet<_> =
            reported.values().filter_map(|(_, order)| order.clone()).collect();
        assert_eq!(orders.len(), ROUNDS);
        for (peer, parties) in &stage.healthy {
            let reported = events(peer);
            assert_eq!(reported.len(), 1 + ROUNDS);
            assert!(reported.values().all(|(count, _)| *count == 1), "nothing twice");
            until("each is marked", async || all_delivered(&world, parties).await).await;
            for (_, delivery) in world.deliveries(parties).await {
                assert_eq!(delivery.attempts.len(), 1);
            }
        }
    }
}
