//! Events stand with their change; deliveries are claimed under a lease and every try is stored.

use std::time::Duration;

use domain::delivery::DeliveryState;
use domain::event::{EventId, EventKind};
use domain::{AppId, EndpointId, Id};
use store::FaultKind;
use store::claims::ClaimedDelivery;
use store::content::HttpExchange;
use store::deliveries::NewAttempt;

use crate::endpoints::hold;
use crate::support::*;
use crate::tenancy::new_account;

on_every_desk!(
    events_stand_with_their_change_and_no_other,
    a_due_delivery_is_claimed_once_until_its_lease_ends,
    a_delivered_event_is_done_and_its_try_is_kept,
    a_failed_try_is_repeated_when_it_is_due,
    a_lost_lease_records_nothing,
    created_is_sent_before_canceled,
    apps_are_claimed_apart_and_deliveries_put_back,
    a_claim_brings_what_the_event_tells,
    an_event_is_sent_again_on_request,
    a_damaged_event_spoils_no_claim,
    a_claim_takes_no_more_than_asked,
    a_commit_with_an_event_wakes_the_workers,
    events_are_listed_newest_first,
    what_is_kept_about_an_account_is_opened_by_its_tenant,
);

pub(crate) const LEASE_MS: i64 = 60_000;

pub(crate) async fn claim(world: &World, ms: i64, limit: u32) -> Vec<ClaimedDelivery> {
    let now = NOW.plus_ms(ms);
    world.store.claim_deliveries(now, now.plus_ms(LEASE_MS), limit).await.unwrap()
}

pub(crate) fn attempt(outcome: &str, status: u16) -> NewAttempt {
    let exchange =
        HttpExchange { request: "{\"张\":1}".into(), response: "好".into(), connection_id: None };
    let (at, outcome) = (NOW.plus_ms(5), outcome.into());
    NewAttempt { at, took_ms: 20, outcome, http_status: Some(status), exchange }
}

pub(crate) async fn deliver(world: &World, scene: &Scene, claimed: &ClaimedDelivery) {
    let (tried, delivered) = (attempt("delivered", 200), DeliveryState::Delivered);
    let done = world.store.finish_delivery(&scene.tenant, claimed, &tried, delivered, None);
    assert!(done.await.unwrap());
}

pub(crate) fn orders(claimed: &[ClaimedDelivery]) -> Vec<(EventKind, Id)> {
    claimed.iter().map(|delivery| (delivery.kind, delivery.order_id.unwrap())).collect()
}

async fn events_stand_with_their_change_and_no_other(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    for (command, is_notified) in [
        (scene.progress(order_id, "s1", 1), false),
        (scene.progress(order_id, "s1", 1), false),
        (scene.result(order_id, "绿灯"), false),
        (scene.reject(order_id, "缺学历"), false),
        (scene.result(order_id, "黄灯"), false),
        (scene.withdraw(order_id), false),
        (scene.terminate(order_id, "岗位取消"), true),
        (scene.cancel(order_id), false),
    ] {
        let before = world.counts().await;
        accepted(&world.store, command).await;
        let after = world.counts().await;
        assert_eq!(after.events, before.events + i64::from(is_notified));
        assert_eq!(after.deliveries, after.events);
    }
    let canceled = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.cancel(canceled)).await;
    let listed = world.store.list_events(scene.tenant.tenant_id, END, 10).await.unwrap();
    let content: Vec<_> = listed.iter().map(|event| (event.kind, event.order_id)).collect();
    let expected = [
        (EventKind::OrderCreated, Some(canceled)),
        (EventKind::OrderCanceled, Some(order_id)),
        (EventKind::OrderCreated, Some(order_id)),
    ];
    assert_eq!(content, expected);
    let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    assert_eq!(listed[1].event_id.event_no, order.timeline.last().unwrap().entry_id);
    assert_eq!(listed[2].event_id.event_no, order_id);
    assert!(listed.iter().all(|event| event.app_id == scene.app_id));
    assert!(listed.iter().all(|event| event.delivery_state == DeliveryState::Due));
    for event in &listed {
        let tenant_id = scene.tenant.tenant_id;
        let found = world.store.find_event(tenant_id, event.event_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(event));
        let guessed = EventId { tag: [0; 8], ..event.event_id };
        assert_eq!(world.store.find_event(tenant_id, guessed).await.unwrap(), None);
        let caused = world.store.find_event_of(tenant_id, event.event_id.event_no).await.unwrap();
        assert_eq!(caused.as_ref(), Some(event));
    }
}

async fn a_due_delivery_is_claimed_once_until_its_lease_ends(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    assert!(claim(world, -1, 10).await.is_empty());
    let claimed = claim(world, 0, 10).await;
    let [delivery] = claimed.as_slice() else { panic!("expected one, found {}", claimed.len()) };
    let event = world.store.find_event_of(scene.tenant.tenant_id, order_id).await.unwrap().unwrap();
    assert_eq!(delivery.tenant_id, scene.tenant.tenant_id);
    assert_eq!(delivery.event_id, event.event_id);
    assert_eq!((delivery.kind, delivery.app_id), (EventKind::OrderCreated, scene.app_id));
    assert_eq!((delivery.order_id, delivery.created_at), (Some(order_id), NOW));
    assert_eq!((delivery.attempt, delivery.lease_until), (1, NOW.plus_ms(LEASE_MS)));
    assert!(claim(world, LEASE_MS - 1, 10).await.is_empty(), "it is leased");
    let again = claim(world, LEASE_MS, 10).await;
    assert_eq!((again.len(), again[0].attempt), (1, 2));
    assert_eq!(again[0].event_id, event.event_id, "an event keeps its id");
}

async fn a_delivered_event_is_done_and_its_try_is_kept(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let claimed = claim(world, 0, 10).await.remove(0);
    deliver(world, &scene, &claimed).await;
    assert!(claim(world, 100 * LEASE_MS, 10).await.is_empty());
    let (event_no, order) = (claimed.event_id.event_no, Some(order_id));
    let delivery =
        world.store.list_deliveries(&scene.tenant, event_no, order).await.unwrap().remove(0);
    assert_eq!((delivery.state, delivery.due_at), (DeliveryState::Delivered, None));
    let [stored] = delivery.attempts.as_slice() else { panic!("expected one try") };
    let expected = attempt("delivered", 200);
    assert_eq!((stored.attempt, stored.at, stored.took_ms), (1, expected.at, 20));
    assert_eq!((stored.outcome.as_str(), stored.http_status), ("delivered", Some(200)));
    assert_eq!(stored.exchange, expected.exchange);
}

async fn a_failed_try_is_repeated_when_it_is_due(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    for number in 1..=5_u32 {
        let ms = i64::from(number) * 15_000;
        let claimed = claim(world, ms, 10).await.remove(0);
        assert_eq!(claimed.attempt, number);
        let (state, due_at) = match number {
            5 => (DeliveryState::Exhausted, None),
            _ => (DeliveryState::Due, Some(NOW.plus_ms(ms + 15_000))),
        };
        let failed = attempt("answered 500", 500);
        let done = world.store.finish_delivery(&scene.tenant, &claimed, &failed, state, due_at);
        assert!(done.await.unwrap());
        assert!(claim(world, ms + 14_999, 10).await.is_empty());
    }
    let delivery = world.store.list_deliveries(&scene.tenant, order_id, Some(order_id)).await;
    let delivery = delivery.unwrap().remove(0);
    assert_eq!(delivery.state, DeliveryState::Exhausted);
    let numbers: Vec<_> = delivery.attempts.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

async fn a_lost_lease_records_nothing(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let late = claim(world, 0, 10).await.remove(0);
    let holder = claim(world, LEASE_MS, 10).await.remove(0);
    let (tried, exhausted) = (attempt("late", 500), DeliveryState::Exhausted);
    let done = world.store.finish_delivery(&scene.tenant, &late, &tried, exhausted, None);
    assert!(!done.await.unwrap());
    hold(world, &late, None).await;
    deliver(world, &scene, &holder).await;
    let delivery = world.store.list_deliveries(&scene.tenant, order_id, Some(order_id)).await;
    let delivery = delivery.unwrap().remove(0);
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 1));
    assert_eq!(delivery.attempts[0].attempt, 2);
}

async fn created_is_sent_before_canceled(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.terminate(order_id, "岗位取消")).await;
    let created = claim(world, 0, 10).await;
    assert_eq!(orders(&created), [(EventKind::OrderCreated, order_id)]);
    assert!(claim(world, 1, 10).await.is_empty(), "the first try is under way");
    let (failed, due_at) = (attempt("answered 500", 500), Some(NOW.plus_ms(15_000)));
    let state = DeliveryState::Due;
    let done = world.store.finish_delivery(&scene.tenant, &created[0], &failed, state, due_at);
    assert!(done.await.unwrap());
    let canceled = claim(world, 2, 10).await;
    assert_eq!(orders(&canceled), [(EventKind::OrderCanceled, order_id)]);
    deliver(world, &scene, &canceled[0]).await;
    let again = claim(world, 15_000, 10).await;
    assert_eq!(orders(&again), [(EventKind::OrderCreated, order_id)]);
}

async fn apps_are_claimed_apart_and_deliveries_put_back(world: &World) {
    let scene = world.scene(false, false).await;
    let others = Scene { app_id: AppId(-7), ..scene.clone() };
    let order_id = accepted(&world.store, scene.place()).await;
    let other_id = accepted(&world.store, others.place()).await;
    let lease = NOW.plus_ms(LEASE_MS);
    let due = async |ms| world.store.list_due_endpoints(NOW.plus_ms(ms)).await.unwrap();
    let both = [others.app_id, scene.app_id].map(EndpointId::from);
    assert_eq!((due(0).await, due(-1).await), (both.to_vec(), vec![]));
    let claim_of =
        async |app_id: AppId| world.store.claim_deliveries_of(app_id.into(), NOW, lease, 10).await;
    assert!(claim_of(AppId(7)).await.unwrap().is_empty());
    let claimed = claim_of(others.app_id).await.unwrap();
    assert_eq!(orders(&claimed), [(EventKind::OrderCreated, other_id)]);
    assert_eq!(due(0).await, [scene.app_id.into()]);
    let claimed = claim_of(scene.app_id).await.unwrap();
    assert_eq!(orders(&claimed), [(EventKind::OrderCreated, order_id)]);
    world.store.put_back_deliveries(&claimed, NOW.plus_ms(50)).await.unwrap();
    assert!(claim(world, 49, 10).await.is_empty());
    let again = claim(world, 50, 10).await;
    assert_eq!((orders(&again), again[0].attempt), (orders(&claimed), 1));
}

async fn a_claim_brings_what_the_event_tells(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let created = claim(world, 0, 10).await.remove(0);
    let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    assert_eq!(created.form(&created.key(&scene.tenant).unwrap()).unwrap(), order.form);
    let content = created.content.as_ref().unwrap();
    assert_eq!(content.account_id, order.summary.account_id);
    assert_eq!(content.package_id, order.summary.package_id);
    deliver(world, &scene, &created).await;
    accepted(&world.store, scene.terminate(order_id, "岗位取消")).await;
    let canceled = claim(world, 0, 10).await.remove(0);
    assert_eq!(canceled.words(&canceled.key(&scene.tenant).unwrap()).unwrap().text, "岗位取消");
    let stranger = world.scene(false, false).await;
    let fault = canceled.key(&stranger.tenant).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Damaged);
}

async fn an_event_is_sent_again_on_request(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let claimed = claim(world, 0, 10).await.remove(0);
    deliver(world, &scene, &claimed).await;
    let stranger = world.scene(false, false).await.tenant.tenant_id;
    let at = NOW.plus_ms(100);
    let (tenant_id, endpoint_id) = (scene.tenant.tenant_id, scene.app_id.into());
    assert!(!world.store.resend_event(stranger, order_id, endpoint_id, at).await.unwrap());
    assert!(world.store.resend_event(tenant_id, order_id, endpoint_id, at).await.unwrap());
    let again = claim(world, 100, 10).await.remove(0);
    assert_eq!((again.event_id, again.attempt), (claimed.event_id, 2));
    assert_eq!(again.scheduled_try(), 1, "the schedule begins anew");
    deliver(world, &scene, &again).await;
    let delivery = world.store.list_deliveries(&scene.tenant, order_id, Some(order_id)).await;
    assert_eq!(delivery.unwrap().remove(0).attempts.len(), 2);
}

async fn a_damaged_event_spoils_no_claim(world: &World) {
    let scene = world.scene(false, false).await;
    let damaged = accepted(&world.store, scene.place()).await;
    let whole = accepted(&world.store, scene.place()).await;
    world.raw(&format!("UPDATE events SET kind = 99 WHERE event_no = {}", damaged.0)).await;
    assert_eq!(orders(&claim(world, 0, 10).await), [(EventKind::OrderCreated, whole)]);
}

async fn a_claim_takes_no_more_than_asked(world: &World) {
    let scene = world.scene(false, false).await;
    for _ in 0..7 {
        accepted(&world.store, scene.place()).await;
    }
    let sizes = [
        claim(world, 0, 3).await.len(),
        claim(world, 0, 3).await.len(),
        claim(world, 0, 3).await.len(),
    ];
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE attempts = 1").await, 7);
}

async fn a_commit_with_an_event_wakes_the_workers(world: &World) {
    let scene = world.scene(false, false).await;
    accepted(&world.store, scene.place()).await;
    let woken = tokio::time::timeout(Duration::from_secs(5), world.store.deliveries_due());
    woken.await.expect("the signal was kept");
    if !world.is_sqlite() {
        let replica = world.replica().await;
        until("another replica hears of work", async || {
            accepted(&world.store, scene.place()).await;
            let wait = Duration::from_millis(50);
            tokio::time::timeout(wait, replica.deliveries_due()).await.is_ok()
        })
        .await;
    }
}

async fn events_are_listed_newest_first(world: &World) {
    let scene = world.scene(false, false).await;
    let stranger = world.scene(false, false).await;
    let mut placed = Vec::new();
    for _ in 0..10 {
        placed.insert(0, accepted(&world.store, scene.place()).await);
        accepted(&world.store, stranger.place()).await;
    }
    let (mut seen, mut before) = (Vec::new(), END);
    loop {
        let page = world.store.list_events(scene.tenant.tenant_id, before, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        before = last.event_id.event_no;
        seen.extend(page.iter().map(|event| event.order_id.unwrap()));
    }
    assert_eq!(seen, placed);
}

async fn what_is_kept_about_an_account_is_opened_by_its_tenant(world: &World) {
    let scene = world.scene(false, false).await;
    let account = new_account(&world.store, scene.app_id);
    world.store.bind_account(BY, &scene.tenant, &account, None).await.unwrap();
    let claimed = claim(world, 0, 10).await.remove(0);
    assert_eq!((claimed.kind, claimed.order_id), (EventKind::AccountCreated, None));
    assert_eq!(claimed.event_id.event_no, account.account_id);
    deliver(world, &scene, &claimed).await;
    let delivery = world.store.list_deliveries(&scene.tenant, account.account_id, None).await;
    assert_eq!(delivery.unwrap().remove(0).attempts[0].exchange, attempt("", 0).exchange);
}
