//! A machine that booted with local time, eight hours ahead, and whose clock is then corrected: what was written
//! meanwhile keeps nobody waiting. Each test sets the clock back and runs the workers once.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod peer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use domain::delivery::DeliveryState;
use domain::event::EventKind;
use domain::report::ReportState;
use domain::{Id, UnixMs};
use harness::wire::{Ask, TENANT_TOKEN};
use harness::{BEGIN, Engine, World};
use peer::{Parties, Peer, Reply, answer, pdf, settings};
use serde_json::json;
use store::deliveries::Delivery;
use system::clock::Clock;

const EIGHT_HOURS_MS: i64 = 8 * 3_600_000;
const AHEAD: UnixMs = UnixMs(BEGIN.0 + EIGHT_HOURS_MS);
const LEASE_MS: i64 = 150_000;

/// A peer that answers with the status that is set.
async fn switched(status: &Arc<AtomicU16>) -> Peer {
    let status = Arc::clone(status);
    Peer::start(move |_, _| Reply::Whole(answer(status.load(Ordering::SeqCst), "", b"{}"))).await
}

#[tokio::test]
async fn a_token_never_has_more_than_two_hours() {
    World::each(async |world| {
        let app = world.create_app(&world.hirer().await, None, false).await;
        let body = json!({"app_id": app.app.app_id, "app_secret": app.app_secret}).to_string();
        let ask = async || {
            let answer = world.ask(&Ask::post(TENANT_TOKEN, body.as_str()).json()).await.json();
            (answer["tenant_access_token"].clone(), answer["expire"].as_i64().unwrap())
        };
        world.clock.set(AHEAD);
        let (ahead, expire) = ask().await;
        assert_eq!(expire, 7_200);
        world.clock.set(BEGIN);
        let (corrected, expire) = ask().await;
        assert_eq!(expire, 7_200, "not the ten hours until the first one ends");
        assert_ne!(corrected, ahead, "a new one, which ends when it says");
        assert_eq!(ask().await, (corrected, 7_200), "and that one is given again");
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_failed_is_tried_again_at_once() {
    World::each(async |world| {
        let status = Arc::new(AtomicU16::new(500));
        let peer = switched(&status).await;
        let parties = world.parties(settings(Some(&peer.url("/hook")), false)).await;
        world.clock.set(AHEAD);
        world.placed(&parties).await;
        world.settle().await;
        let (_, delivery) = world.delivery(&parties, EventKind::OrderCreated).await;
        assert_eq!(delivery.due_at, Some(AHEAD.plus_ms(15_000)));

        world.clock.set(BEGIN);
        status.store(200, Ordering::SeqCst);
        world.settle().await;
        let (_, delivery) = world.delivery(&parties, EventKind::OrderCreated).await;
        assert_eq!(delivery.state, DeliveryState::Delivered);
    })
    .await;
}

#[tokio::test]
async fn a_wait_that_the_schedule_allows_stays() {
    World::each(async |world| {
        let status = Arc::new(AtomicU16::new(500));
        let peer = switched(&status).await;
        let parties = world.parties(settings(Some(&peer.url("/hook")), false)).await;
        world.placed(&parties).await;
        world.settle().await;
        world.clock.advance_ms(15_000);
        world.settle().await;
        let (_, before) = world.delivery(&parties, EventKind::OrderCreated).await;
        assert_eq!((before.attempts.len(), before.state), (2, DeliveryState::Due));
        world.settle().await;
        let (_, after) = world.delivery(&parties, EventKind::OrderCreated).await;
        assert_eq!(
            (after.attempts.len(), after.due_at),
            (2, before.due_at),
            "five minutes after the second try"
        );
    })
    .await;
}

#[tokio::test]
async fn a_report_whose_fetch_died_ahead_of_time_is_fetched_anew() {
    World::each(async |world| {
        let peer = Peer::start(|_, _| Reply::Whole(answer(200, "", &pdf("")))).await;
        let parties = world.parties(settings(None, false)).await;
        let order_id = world.reported(&parties, &[peer.url("/")], false).await;
        // A worker that took it and died, while the clock was ahead.
        let until = AHEAD.plus_ms(LEASE_MS);
        let claimed = world.app.hub.store.claim_reports(AHEAD, until, 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        world.settle().await;
        let order =
            world.app.hub.store.find_order(&parties.tenant, order_id).await.unwrap().unwrap();
        let states: Vec<_> = order.reports.iter().map(|report| report.state).collect();
        assert_eq!(states, [ReportState::Stored]);
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_begins_while_the_clock_is_looked_at_stays() {
    World::each(async |world| {
        let peer = Peer::start(|_, _| Reply::Whole(answer(200, "", &pdf("")))).await;
        let parties = world.parties(settings(Some(&peer.url("/hook")), false)).await;
        world.placed(&parties).await;
        let later = BEGIN.plus_ms(5_000);
        let claimed =
            world.app.hub.store.claim_deliveries(later, later.plus_ms(30_000), 10).await.unwrap();
        assert_eq!(claimed.len(), 2, "of the account and the order");
        world.settle().await;
        let (_, delivery) = world.delivery(&parties, EventKind::OrderCreated).await;
        assert_eq!((delivery.due_at, delivery.attempts.len()), (Some(later.plus_ms(30_000)), 0));
    })
    .await;
}

#[tokio::test]
async fn the_jump_is_counted_and_noticed_while_the_server_runs() {
    for engine in Engine::available().await {
        let world = World::start(engine, Clock::manual(AHEAD), true, |_| {}).await;
        let status = Arc::new(AtomicU16::new(500));
        let peer = switched(&status).await;
        let parties = world.parties(settings(Some(&peer.url("/hook")), false)).await;
        let order_id = world.placed(&parties).await;
        until(&world, &parties, order_id, |delivery| {
            delivery.due_at == Some(AHEAD.plus_ms(15_000))
        })
        .await;
        status.store(200, Ordering::SeqCst);
        world.clock.set(BEGIN);
        until(&world, &parties, order_id, |delivery| delivery.state == DeliveryState::Delivered)
            .await;
        let metrics = world.app.metrics.text();
        assert!(metrics.contains(r#"probity_clock_jumps_total{direction="back"} 1"#), "{metrics}");
    }
}

/// Waits until the delivery of the placed order, whose event has the order's number, is so.
async fn until(world: &World, parties: &Parties, order_id: Id, is_so: impl Fn(&Delivery) -> bool) {
    let find = async || {
        let found = world.app.hub.store.list_deliveries(&parties.tenant, order_id, Some(order_id));
        found.await.unwrap().remove(0)
    };
    let wait = async {
        while !is_so(&find().await) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("a worker does it");
}
