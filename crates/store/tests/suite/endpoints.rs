//! Apps without an endpoint, with a failing one, and paused: what waits for them, and what is sent again.

use domain::delivery::DeliveryState;
use domain::event::EventKind;
use domain::{AppId, EndpointId, TenantId};
use store::claims::ClaimedDelivery;
use store::deliveries::{After, EndpointNote, NewAttempt};
use store::pauses::{AlertKind, Pause};
use store::resend::ResendFilter;
use store::{FaultKind, Saved};

use crate::deliveries::{LEASE_MS, attempt, claim, deliver, orders};
use crate::support::*;
use crate::tenancy::new_app;

on_both!(
    what_is_held_waits_for_a_endpoint,
    a_delivery_is_held_only_while_its_app_is_as_it_was,
    what_is_due_is_set_aside_and_a_lease_is_not,
    what_a_receiver_missed_is_retried_now_and_a_lease_is_not,
    a_failing_endpoint_is_noted_since_its_first_failure,
    a_paused_app_resumes_with_what_was_paused,
    events_of_a_span_are_sent_again,
    a_long_span_is_sent_again_page_by_page,
    an_event_goes_to_each_of_its_endpoints_on_its_own,
);

pub(crate) async fn hold(
    world: &World,
    claimed: &ClaimedDelivery,
    app_version: Option<i64>,
) -> bool {
    let held = DeliveryState::Held;
    world.store.set_delivery_aside(claimed, held, app_version).await.unwrap()
}

async fn what_is_held_waits_for_a_endpoint(world: &World) {
    let scene = world.scene(false, false).await;
    let mut app = new_app(&world.store, scene.app_id, Some(scene.tenant.tenant_id));
    app.settings.callback_url = None;
    world.store.create_app(BY, &app, None).await.unwrap();
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.terminate(order_id, "岗位取消")).await;
    let claimed = claim(world, 0, 10).await.remove(0);
    hold(world, &claimed, None).await;
    let held = world.store.list_deliveries(&scene.tenant, order_id, Some(order_id)).await;
    let held = held.unwrap().remove(0);
    assert_eq!((held.state, held.due_at), (DeliveryState::Held, None));
    // The next of the order is claimed then, and held as well.
    let canceled = claim(world, 1, 10).await.remove(0);
    assert_eq!(canceled.kind, EventKind::OrderCanceled);
    hold(world, &canceled, None).await;
    assert!(claim(world, 100 * LEASE_MS, 10).await.is_empty());

    let mut settings = app.settings.clone();
    settings.name = "still without a sink".into();
    let saved = world.store.update_app(BY, app.app_id, 1, &settings).await.unwrap();
    assert_eq!(saved, Saved::Done);
    assert!(claim(world, 100 * LEASE_MS, 10).await.is_empty());
    settings.callback_url = Some("https://hook.example/".into());
    world.store.update_app(BY, app.app_id, 2, &settings).await.unwrap();
    let claimed = claim(world, 0, 10).await;
    assert_eq!(orders(&claimed), [(EventKind::OrderCreated, order_id)]);
    assert_eq!(claimed[0].attempt, 1, "what was not tried counts as no try");
    deliver(world, &scene, &claimed[0]).await;
    assert_eq!(orders(&claim(world, 0, 10).await), [(EventKind::OrderCanceled, order_id)]);
}

async fn a_delivery_is_held_only_while_its_app_is_as_it_was(world: &World) {
    let scene = world.scene(false, false).await;
    let mut app = new_app(&world.store, scene.app_id, None);
    app.settings.callback_url = None;
    world.store.create_app(BY, &app, None).await.unwrap();
    accepted(&world.store, scene.place()).await;
    let claimed = claim(world, 0, 10).await.remove(0);
    world.store.update_app(BY, app.app_id, 1, &app.settings).await.unwrap();
    assert!(!hold(world, &claimed, Some(1)).await);
    assert!(hold(world, &claimed, Some(2)).await);
    let found = world.store.find_event_of(scene.tenant.tenant_id, claimed.event_id.event_no).await;
    assert_eq!(found.unwrap().unwrap().delivery_state, DeliveryState::Held);
    let app = world.store.find_app(app.app_id).await.unwrap().unwrap();
    assert_eq!(app.version, 2, "holding is no change of the app");
}

async fn what_is_due_is_set_aside_and_a_lease_is_not(world: &World) {
    let scene = world.scene(false, false).await;
    for _ in 0..3 {
        accepted(&world.store, scene.place()).await;
    }
    let leased = claim(world, 0, 1).await.remove(0);
    let aside = async |version| {
        let (app_id, held) = (scene.app_id, DeliveryState::Held);
        world.store.set_due_aside(app_id, held, version, NOW).await.unwrap()
    };
    assert_eq!(aside(Some(1)).await, 0, "there is no such app");
    assert_eq!((aside(None).await, aside(None).await), (2, 0));
    assert!(claim(world, 1, 10).await.is_empty());
    deliver(world, &scene, &leased).await;
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE state = 1").await, 2);
    let untried = "SELECT count(*) FROM deliveries WHERE state = 1 AND attempts = 0";
    assert_eq!(world.number(untried).await, 2);
}

async fn what_a_receiver_missed_is_retried_now_and_a_lease_is_not(world: &World) {
    let scene = world.scene(false, false).await;
    for _ in 0..2 {
        accepted(&world.store, scene.place()).await;
    }
    let claimed = claim(world, 0, 10).await;
    let (failed, due_at) = (attempt("no answer", 0), Some(NOW.plus_ms(3_600_000)));
    let state = DeliveryState::Due;
    let done = world.store.finish_delivery(&scene.tenant, &claimed[0], &failed, state, due_at);
    assert!(done.await.unwrap());
    let (after, now) = (NOW.plus_ms(LEASE_MS), NOW.plus_ms(10));
    world.store.retry_deliveries_now(scene.app_id.into(), after, now).await.unwrap();
    assert!(claim(world, 9, 10).await.is_empty());
    let again = claim(world, 10, 10).await;
    assert_eq!((again.len(), again[0].event_id, again[0].attempt), (1, claimed[0].event_id, 2));
    deliver(world, &scene, &claimed[1]).await;
}

async fn a_failing_endpoint_is_noted_since_its_first_failure(world: &World) {
    let scene = world.scene(false, false).await;
    let app = new_app(&world.store, scene.app_id, None);
    world.store.create_app(BY, &app, None).await.unwrap();
    let mut since = Vec::new();
    for (hour, endpoint) in [
        (0, EndpointNote::Failed),
        (1, EndpointNote::Failed),
        (2, EndpointNote::Delivered),
        (3, EndpointNote::Failed),
        (4, EndpointNote::Taken),
        (5, EndpointNote::Failed),
    ] {
        accepted(&world.store, scene.place()).await;
        let claimed = claim(world, 0, 1).await.remove(0);
        let tried = NewAttempt { at: NOW.plus_ms(hour), ..attempt("", 500) };
        let after = After { state: DeliveryState::Delivered, due_at: None, endpoint };
        let key = claimed.key(&scene.tenant).unwrap();
        let done = world.store.finish_try(&key, &claimed, &tried, after).await.unwrap();
        assert!(done.is_mine);
        since.push(done.failing_since.map(|at| at.ms_since(NOW)));
    }
    assert_eq!(since, [Some(0), Some(0), None, Some(0), None, Some(5)]);
}

async fn a_paused_app_resumes_with_what_was_paused(world: &World) {
    let scene = world.scene(false, false).await;
    let app = new_app(&world.store, scene.app_id, None);
    world.store.create_app(BY, &app, None).await.unwrap();
    let store = &world.store;
    let pause = Pause { since: NOW, reason: "no event was taken for 5 days".into() };
    let detail = Some("status 500");
    let paused =
        async |version| store.pause_app(app.app_id, version, &pause, detail).await.unwrap();
    assert_eq!((paused(1).await, paused(1).await), (Saved::Done, Saved::Outdated));
    let found = store.find_app(app.app_id).await.unwrap().unwrap();
    assert_eq!((found.version, &found.pause), (2, &Some(pause.clone())));
    accepted(store, scene.place()).await;
    let state = DeliveryState::Paused;
    assert_eq!(store.set_due_aside(app.app_id, state, Some(2), NOW).await.unwrap(), 1);
    let mut settings = app.settings.clone();
    settings.name = "an update releases what is held alone".into();
    assert_eq!(store.update_app(BY, app.app_id, 2, &settings).await.unwrap(), Saved::Done);
    assert!(claim(world, LEASE_MS, 10).await.is_empty());

    let alerts = store.list_alerts(END, 10).await.unwrap();
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((alert.app_id, alert.kind), (Some(app.app_id), AlertKind::SinkPaused));
    assert_eq!(
        (alert.detail.as_str(), alert.created_at, alert.ended_at),
        ("status 500", NOW, None)
    );
    let at = NOW.plus_ms(7);
    assert_eq!(store.resume_app(app.app_id, 2, at).await.unwrap(), Saved::Outdated);
    assert_eq!(store.resume_app(app.app_id, 3, at).await.unwrap(), Saved::Done);
    assert_eq!(store.find_app(app.app_id).await.unwrap().unwrap().pause, None);
    assert_eq!(store.list_alerts(END, 10).await.unwrap()[0].ended_at, Some(at));
    assert!(store.list_alerts(alert.alert_id, 10).await.unwrap().is_empty());
    assert!(claim(world, 6, 10).await.is_empty());
    assert_eq!(claim(world, 7, 10).await[0].attempt, 1, "a pause is no try");
}

async fn events_of_a_span_are_sent_again(world: &World) {
    let scene = world.scene(false, false).await;
    let others = Scene { app_id: AppId(78), ..scene.clone() };
    let mut placed = Vec::new();
    for second in 0..4 {
        for from in [&scene, &others] {
            let mut index = from.place();
            index.at = NOW.plus_ms(second * 1_000);
            placed.push(accepted(&world.store, index).await);
        }
    }
    for claimed in claim(world, 10_000, 100).await {
        let is_last = claimed.order_id == Some(placed[6]);
        let state = if is_last { DeliveryState::Exhausted } else { DeliveryState::Delivered };
        let tried = attempt("", 500);
        let done = world.store.finish_delivery(&scene.tenant, &claimed, &tried, state, None);
        assert!(done.await.unwrap());
    }
    let exhausted = vec![DeliveryState::Exhausted];
    for (since, until, states, expected) in [
        (2_000, None, vec![], vec![placed[4], placed[6]]),
        (2_001, None, vec![], vec![placed[6]]),
        (0, Some(2_000), vec![], vec![placed[0], placed[2]]),
        (0, Some(0), vec![], vec![]),
        (0, None, exhausted.clone(), vec![placed[6]]),
        (0, Some(3_000), exhausted, vec![]),
    ] {
        let at = NOW.plus_ms(20_000);
        let until = until.map(|ms| NOW.plus_ms(ms));
        let filter = ResendFilter { since: NOW.plus_ms(since), until, states };
        let stranger = TenantId(99);
        let of = async |tenant_id| {
            world.store.resend_span(tenant_id, scene.app_id, &filter, at).await.unwrap()
        };
        assert_eq!(of(stranger).await, 0);
        assert_eq!(of(scene.tenant.tenant_id).await, expected.len(), "{filter:?}");
        let again = claim(world, 20_000, 100).await;
        let ids: Vec<_> = again.iter().map(|delivery| delivery.order_id.unwrap()).collect();
        assert_eq!(ids, expected, "{filter:?}");
        for claimed in again {
            let is_last = claimed.order_id == Some(placed[6]);
            let state = if is_last { DeliveryState::Exhausted } else { DeliveryState::Delivered };
            let tried = attempt("", 500);
            let done = world.store.finish_delivery(&scene.tenant, &claimed, &tried, state, None);
            assert!(done.await.unwrap());
        }
    }
}

async fn a_long_span_is_sent_again_page_by_page(world: &World) {
    let scene = world.scene(false, false).await;
    for _ in 0..1_101 {
        accepted(&world.store, scene.place()).await;
    }
    let (app_id, tenant_id) = (scene.app_id, scene.tenant.tenant_id);
    let held = DeliveryState::Held;
    assert_eq!(world.store.set_due_aside(app_id, held, None, NOW).await.unwrap(), 1_000);
    let filter = ResendFilter { since: NOW, until: None, states: vec![held] };
    let count = world.store.resend_span(tenant_id, app_id, &filter, NOW).await.unwrap();
    assert_eq!(count, 1_000);
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE state = 2").await, 1_101);
}

/// Two endpoints of one event: the order's app takes it, the other one fails, is paused, resumed and sent it again.
async fn an_event_goes_to_each_of_its_endpoints_on_its_own(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let app = new_app(store, AppId(78), None);
    store.create_app(BY, &app, None).await.unwrap();
    let (own, other) = (EndpointId::from(scene.app_id), EndpointId::from(app.app_id));
    let order_id = accepted(store, scene.place()).await;
    world
        .raw(
            "INSERT INTO deliveries (tenant_id, event_no, endpoint_id, order_id, state, attempts, due_at) \
             SELECT tenant_id, event_no, 78, order_id, state, attempts, due_at FROM deliveries",
        )
        .await;
    let claim_of = async |endpoint_id, ms| {
        let now = NOW.plus_ms(ms);
        store.claim_deliveries_of(endpoint_id, now, now.plus_ms(LEASE_MS), 10).await.unwrap()
    };
    let finish = async |claimed: &ClaimedDelivery, state, due_ms: Option<i64>| {
        let (due_at, tried) = (due_ms.map(|ms| NOW.plus_ms(ms)), attempt("status 500", 500));
        let done = store.finish_delivery(tenant, claimed, &tried, state, due_at);
        assert!(done.await.unwrap());
    };
    let list = async || {
        let found = store.list_deliveries(tenant, order_id, Some(order_id)).await.unwrap();
        found.iter().map(|it| (it.endpoint_id, it.state, it.attempts.len())).collect::<Vec<_>>()
    };

    let delivered = (own, DeliveryState::Delivered, 1);
    let claimed = claim_of(own, 0).await.remove(0);
    assert_eq!((claimed.endpoint_id, claimed.attempt), (own, 1));
    assert_eq!(store.list_due_endpoints(NOW).await.unwrap(), [other]);
    finish(&claimed, DeliveryState::Delivered, None).await;
    assert_eq!(list().await, [delivered, (other, DeliveryState::Due, 0)]);

    let failed = claim_of(other, 0).await.remove(0);
    assert_eq!((failed.endpoint_id, failed.app_id, failed.attempt), (other, scene.app_id, 1));
    finish(&failed, DeliveryState::Due, Some(15_000)).await;
    assert!(claim(world, 14_999, 10).await.is_empty());
    let again = claim(world, 15_000, 10).await.remove(0);
    assert_eq!((again.endpoint_id, again.attempt), (other, 2));
    store.put_back_deliveries(&[again], NOW.plus_ms(15_000)).await.unwrap();

    let pause = Pause { since: NOW, reason: "status 500".into() };
    store.pause_app(app.app_id, 1, &pause, None).await.unwrap();
    let at = NOW.plus_ms(15_000);
    let paused = store.set_due_aside(app.app_id, DeliveryState::Paused, Some(2), at).await;
    assert_eq!(paused.unwrap(), 1);
    assert_eq!(list().await, [delivered, (other, DeliveryState::Paused, 1)]);
    assert_eq!(store.resume_app(app.app_id, 2, at).await.unwrap(), Saved::Done);
    let exhausted = claim(world, 15_000, 10).await.remove(0);
    finish(&exhausted, DeliveryState::Exhausted, None).await;
    assert_eq!(list().await, [delivered, (other, DeliveryState::Exhausted, 2)]);

    assert!(store.resend_event(tenant.tenant_id, order_id, other, at).await.unwrap());
    let resent = claim(world, 15_000, 10).await;
    assert_eq!((resent.len(), resent[0].endpoint_id, resent[0].scheduled_try()), (1, other, 1));
    finish(&resent[0], DeliveryState::Delivered, None).await;
    assert_eq!(list().await, [delivered, (other, DeliveryState::Delivered, 3)]);
    let listed = store.list_events(tenant.tenant_id, END, 10).await.unwrap();
    assert_eq!(listed.len(), 1, "one event, however many endpoints it has");

    // A try is sealed for its endpoint.
    world
        .raw(
            "UPDATE attempts SET sealed = (SELECT a.sealed FROM attempts a WHERE a.endpoint_id = 77) \
             WHERE endpoint_id = 78 AND attempt = 1",
        )
        .await;
    let fault = store.list_deliveries(tenant, order_id, Some(order_id)).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Damaged);
}
