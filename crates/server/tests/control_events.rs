//! Events by the control API: what happened, how each delivery went, and sending again.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use contract::control::{DeliveryState, Event, ListEvents, ResendSince, TerminateOrder};
use harness::{Seed, World};
use store::content::HttpExchange;
use store::deliveries::NewAttempt;

async fn list(seed: &Seed, list: ListEvents) -> (Vec<Event>, Option<String>) {
    let page = seed.hirer.control.list_events(&seed.hirer.tenant_key, &list).await.unwrap();
    (page.items, page.next_cursor)
}

fn types(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.event_type.as_str()).collect()
}

async fn terminate(seed: &Seed, order_id: &str) {
    let body = TerminateOrder { reason: "不再需要".to_owned() };
    let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
    control.terminate_order(tenant_key, order_id, &body).await.unwrap();
}

/// Records a try of every due delivery, as the worker does.
async fn deliver(world: &World, seed: &Seed, state: DeliveryState, response: &str) -> usize {
    let (store, now) = (&world.app.hub.store, world.clock.now());
    let tenant = store.find_tenant(seed.hirer.tenant_id).await.unwrap().unwrap();
    let claimed = store.claim_deliveries(now, now.plus_ms(30_000), 100).await.unwrap();
    for delivery in &claimed {
        let attempt = NewAttempt {
            at: now,
            took_ms: 12,
            outcome: if state == DeliveryState::Delivered { "delivered" } else { "answered 500" }
                .to_owned(),
            http_status: Some(if state == DeliveryState::Delivered { 200 } else { 500 }),
            exchange: HttpExchange {
                request: "{}".to_owned(),
                response: response.to_owned(),
                connection_id: None,
            },
        };
        let finished = store.finish_delivery(&tenant, delivery, &attempt, state.into(), None).await;
        assert!(finished.unwrap());
    }
    claimed.len()
}

#[tokio::test]
async fn events_are_listed_newest_first_with_what_they_are_about() {
    World::each(async |world| {
        let seed = world.seed().await;
        let order_id = world.place(&seed).await.order_id;
        let other_id = world.place(&seed).await.order_id;
        terminate(&seed, &order_id).await;
        let (events, end) = list(&seed, ListEvents::default()).await;
        let expected = [
            "hire.eco_background_check.canceled_v1",
            "hire.eco_background_check.created_v1",
            "hire.eco_background_check.created_v1",
            "hire.eco_account.created_v1",
        ];
        assert_eq!((types(&events), end), (expected.to_vec(), None));
        assert!(events.iter().all(|event| event.event_id.len() == 32));
        assert!(events.iter().all(|event| event.app_id == seed.app.app.app_id));
        assert_eq!(events[0].order_id.as_ref(), Some(&order_id));
        assert_eq!(events[0].account_id, None);
        assert_eq!(events[3].account_id.as_ref(), Some(&seed.account.account_id));
        assert_eq!(events[3].order_id, None);

        let first = ListEvents { limit: Some(2), ..ListEvents::default() };
        let (page, cursor) = list(&seed, first).await;
        let (rest, end) = list(&seed, ListEvents { cursor, ..ListEvents::default() }).await;
        assert_eq!(([page, rest].concat(), end), (events.clone(), None));

        let of = |order_id: &str| ListEvents {
            order_id: Some(order_id.to_owned()),
            limit: Some(1),
            ..ListEvents::default()
        };
        let (page, cursor) = list(&seed, of(&order_id)).await;
        assert_eq!(page, events[..1]);
        let (page, end) = list(&seed, ListEvents { cursor, ..of(&order_id) }).await;
        assert_eq!((page, end), (vec![events[2].clone()], None));
        let (page, _) = list(&seed, of(&other_id)).await;
        assert_eq!(page, events[1..2]);
        let (page, _) = list(&seed, of("7000000000000000000")).await;
        assert!(page.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_list_of_events_keeps_to_app_type_and_state_page_by_page() {
    World::each(async |world| {
        let seed = world.seed().await;
        let mut orders = Vec::new();
        for _ in 0..3 {
            orders.push(world.place(&seed).await.order_id);
        }
        deliver(&world, &seed, DeliveryState::Delivered, "").await;
        orders.push(world.place(&seed).await.order_id);
        terminate(&seed, &orders[0]).await;
        let (all, _) = list(&seed, ListEvents::default()).await;
        let types = ["hire.eco_background_check.created_v1", "hire.eco_account.created_v1"];
        let app_id = Some(seed.app.app.app_id.clone());
        let of_type = |event_type: &str| ListEvents {
            event_type: Some(event_type.to_owned()),
            ..ListEvents::default()
        };
        let in_state =
            |state| ListEvents { state: Some(state), app_id: app_id.clone(), ..of_type(types[0]) };
        for (filter, count) in [
            (ListEvents { app_id: app_id.clone(), ..ListEvents::default() }, 6),
            (
                ListEvents { app_id: Some("cli_00000000000000ff".into()), ..ListEvents::default() },
                0,
            ),
            (of_type(types[0]), 4),
            (of_type(types[1]), 1),
            (ListEvents { state: Some(DeliveryState::Delivered), ..ListEvents::default() }, 4),
            (in_state(DeliveryState::Delivered), 3),
            (in_state(DeliveryState::Due), 1),
            (in_state(DeliveryState::Held), 0),
            (ListEvents { order_id: Some(orders[0].clone()), ..in_state(DeliveryState::Due) }, 0),
            (ListEvents { order_id: Some(orders[0].clone()), ..of_type(types[0]) }, 1),
        ] {
            let mut found = Vec::new();
            let mut asked = ListEvents { limit: Some(2), ..filter.clone() };
            loop {
                let (page, cursor) = list(&seed, asked.clone()).await;
                found.extend(page);
                match cursor {
                    Some(cursor) => asked.cursor = Some(cursor),
                    None => break,
                }
            }
            assert_eq!(found.len(), count, "{filter:?}");
            let fits = |event: &&Event| {
                filter.app_id.as_ref().is_none_or(|app_id| *app_id == event.app_id)
                    && filter.event_type.as_ref().is_none_or(|it| *it == event.event_type)
                    && filter.state.is_none_or(|state| state == event.delivery_state)
                    && filter.order_id.as_ref().is_none_or(|id| event.order_id.as_ref() == Some(id))
            };
            let expected: Vec<_> = all.iter().filter(fits).cloned().collect();
            assert_eq!(found, expected, "newest first, none twice, none left out");
        }
        for (wrong, field) in [
            (of_type("created"), "event_type"),
            (ListEvents { app_id: Some("x".into()), ..ListEvents::default() }, "app_id"),
        ] {
            let tenant_key = &seed.hirer.tenant_key;
            let refused = seed.hirer.control.list_events(tenant_key, &wrong).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().errors[0].field, field);
        }
    })
    .await;
}

#[tokio::test]
async fn every_try_is_shown_and_what_was_answered_to_the_tenant_alone() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (events, _) = list(&seed, ListEvents::default()).await;
        let (tenant_key, event_id) = (&seed.hirer.tenant_key, &events[0].event_id);
        let before = seed.hirer.control.list_deliveries(tenant_key, event_id).await.unwrap();
        assert_eq!(before.items[0].state, DeliveryState::Due);
        assert_eq!(before.items[0].next_attempt_at.as_deref(), Some("2026-11-18T12:26:40.000Z"));
        assert_eq!(before.items[0].attempt_count, 0);

        assert_eq!(deliver(&world, &seed, DeliveryState::Exhausted, "张三").await, 1);
        let after = seed.hirer.control.list_deliveries(tenant_key, event_id).await.unwrap();
        let delivery = &after.items[0];
        assert_eq!((delivery.state, delivery.attempt_count), (DeliveryState::Exhausted, 1));
        assert_eq!((&delivery.app_id, &delivery.next_attempt_at), (&seed.app.app.app_id, &None));
        let attempt = &delivery.attempts[0];
        assert_eq!((attempt.attempt, attempt.took_ms, attempt.http_status), (1, 12, Some(500)));
        assert_eq!(
            (attempt.outcome.as_str(), attempt.at.as_str()),
            ("answered 500", "2026-11-18T12:26:40.000Z")
        );
        assert_eq!(attempt.response_excerpt.as_deref(), Some("张三"));

        let auditor = world.control(&world.member_key(&seed.hirer, "auditor").await);
        for control in [&world.operator, &auditor] {
            let seen = control.list_deliveries(tenant_key, event_id).await.unwrap();
            assert_eq!(seen.items[0].attempts[0].response_excerpt, None);
            assert_eq!(seen.items[0].attempts[0].outcome, "answered 500");
        }
        let wrong = "0".repeat(32);
        let refused = seed.hirer.control.list_deliveries(tenant_key, &wrong).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "not_found");
        // The number alone is not the event: its random half counts too.
        let guessed = format!("{}{}", &event_id[..16], "0".repeat(16));
        assert!(seed.hirer.control.list_deliveries(tenant_key, &guessed).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn one_event_is_sent_again_whatever_became_of_it() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (events, _) = list(&seed, ListEvents::default()).await;
        let (tenant_key, event_id) = (&seed.hirer.tenant_key, &events[0].event_id);
        for state in [DeliveryState::Exhausted, DeliveryState::Delivered] {
            assert_eq!(deliver(&world, &seed, state, "").await, 1);
            assert_eq!(deliver(&world, &seed, state, "").await, 0, "nothing is due");
            let resent = seed.hirer.control.resend_event(tenant_key, event_id).await.unwrap();
            assert_eq!(resent.delivery_count, 1);
        }
        assert_eq!(deliver(&world, &seed, DeliveryState::Delivered, "").await, 1);
        let page = world.operator.list_deliveries(tenant_key, event_id).await.unwrap();
        assert_eq!(
            (page.items[0].attempt_count, page.items[0].state),
            (3, DeliveryState::Delivered)
        );
    })
    .await;
}

#[tokio::test]
async fn events_of_an_app_since_an_instant_are_sent_again() {
    World::each(async |world| {
        let seed = world.seed().await;
        world.clock.advance_ms(60_000);
        world.place(&seed).await;
        let foreign = world.seed().await;
        let sent = deliver(&world, &seed, DeliveryState::Delivered, "").await;
        assert_eq!(sent, 3, "two of this app, one of the other");
        let app_id = &seed.app.app.app_id;
        let resend = async |since: &str| {
            let body = ResendSince { since: since.to_owned(), ..ResendSince::default() };
            world.operator.resend_app_events(app_id, &body).await
        };
        let count = async |since: &str| resend(since).await.unwrap().delivery_count;
        assert_eq!(count("2026-11-18T12:27:40.001Z").await, 0);
        assert_eq!(count("9999-12-30T00:00:00Z").await, 0);
        assert_eq!(count("2026-11-18T12:27:40Z").await, 1);
        assert_eq!(count("2026-11-18T20:26:40+08:00").await, 2);
        assert_eq!(count("1969-12-31T00:00:00Z").await, 2);
        for wrong in ["yesterday", "2026-11-18", "2026-11-18T12:27:40", ""] {
            let refused = resend(wrong).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().errors[0].field, "since", "{wrong}");
        }
        assert_eq!(deliver(&world, &seed, DeliveryState::Delivered, "").await, 2);
        drop(foreign);
    })
    .await;
}
