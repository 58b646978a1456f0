//! What waits for a decision, and how many orders there are in each state: as a look at all orders says.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::order::{Refusal, Rule, State};
use domain::{Actor, Id, Roles, UnixMs};
use store::order_pages::OrderFilter;
use store::reviews::ReviewFilter;
use store::{IdempotencyKey, OrderCommand, Request, Store};

use crate::support::*;

on_every_desk!(
    what_waits_is_what_is_in_review,
    four_eyes_leave_own_orders_out,
    a_decision_names_the_result_that_was_seen,
    a_review_is_overdue_once_for_each_result,
    counts_are_exact_whenever_they_are_moved,
    counts_stay_exact_while_orders_change,
    lists_of_open_reviews_are_whole,
);

const MINUTE_MS: i64 = 60_000;
const JOB: Actor = Actor::job();

fn at(command: OrderCommand, at: UnixMs) -> OrderCommand {
    OrderCommand { at, ..command }
}

async fn waiting(store: &Store, scene: &Scene) -> Vec<Id> {
    let found =
        store.list_waiting_reviews(&scene.tenant, ReviewFilter::default(), Id(0), 100).await;
    found.unwrap().iter().map(|review| review.summary.order_id).collect()
}

async fn what_waits_is_what_is_in_review(world: &World) {
    let (scene, other) = (world.scene(true, false).await, world.scene(true, false).await);
    let store = &world.store;
    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(accepted(store, scene.place()).await);
    }
    let foreign = accepted(store, other.place()).await;
    accepted(store, other.result(foreign, "绿灯")).await;
    assert!(waiting(store, &scene).await.is_empty());
    // The oldest result first, whatever the order's age.
    for (minute, index) in [3, 1, 0, 2, 5].into_iter().enumerate() {
        let now = NOW.plus_ms((minute as i64 + 1) * MINUTE_MS);
        accepted(store, at(scene.result(orders[index], "红灯"), now)).await;
    }
    assert_eq!(waiting(store, &scene).await, [3, 1, 0, 2, 5].map(|index| orders[index]));
    accepted(store, at(scene.progress(orders[3], "late", 9), NOW.plus_ms(6 * MINUTE_MS))).await;
    accepted(store, scene.approve(orders[1])).await;
    accepted(store, scene.reject(orders[0], "不全")).await;
    accepted(store, scene.withdraw(orders[2])).await;
    accepted(store, scene.terminate(orders[5], "不再需要")).await;
    assert_eq!(waiting(store, &scene).await, [orders[3]]);
    let later = NOW.plus_ms(10 * MINUTE_MS);
    accepted(store, at(scene.result(orders[0], "绿灯"), later)).await;
    let found = store.list_waiting_reviews(&scene.tenant, ReviewFilter::default(), Id(0), 9).await;
    let found = found.unwrap();
    let said: Vec<_> = found
        .iter()
        .map(|review| (review.summary.order_id, review.result_number, review.returned_at))
        .collect();
    let first = (orders[3], 1, NOW.plus_ms(MINUTE_MS));
    assert_eq!(said, [first, (orders[0], 2, later)]);
    let next =
        store.list_waiting_reviews(&scene.tenant, ReviewFilter::default(), found[0].result_id, 9);
    assert_eq!(next.await.unwrap(), found[1..]);
    assert_eq!(store.count_waiting_reviews(&scene.tenant, None, 100).await.unwrap(), 2);
    assert_eq!(store.count_waiting_reviews(&scene.tenant, None, 1).await.unwrap(), 1);
    let of_ids = store.list_waiting(scene.tenant.tenant_id, &orders).await.unwrap();
    assert_eq!(of_ids.len(), 2);
    // Nothing is left of what is over.
    let rows = "SELECT count(*) FROM open_reviews";
    assert_eq!(world.number(rows).await, 2 + 1 + 1, "in review, withdrawn, and the other tenant's");
}

async fn four_eyes_leave_own_orders_out(world: &World) {
    let scene = world.scene(true, true).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.result(order_id, "绿灯")).await;
    for (placer, count) in [(PLACER.owner, 0), (APPROVER.owner, 1)] {
        let filter = ReviewFilter { not_placed_by: Some(placer), ..ReviewFilter::default() };
        let found =
            world.store.list_waiting_reviews(&scene.tenant, filter, Id(0), 9).await.unwrap();
        assert_eq!(found.len(), count);
        let counted = world.store.count_waiting_reviews(&scene.tenant, Some(placer), 9).await;
        assert_eq!(counted.unwrap() as usize, count);
    }
}

fn approve(scene: &Scene, order_id: Id, result_number: i64) -> OrderCommand {
    let request =
        Request::Approve { result_number: Some(result_number), content: words("可以录用") };
    scene.command(order_id, APPROVER, request)
}

async fn a_decision_names_the_result_that_was_seen(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    accepted(&world.store, scene.result(order_id, "红灯")).await;
    accepted(&world.store, scene.withdraw(order_id)).await;
    accepted(&world.store, scene.result(order_id, "绿灯")).await;
    let superseded = Refusal::ResultSuperseded(2);
    assert_eq!(refused(&world.store, approve(&scene, order_id, 1)).await, superseded);
    let request =
        Request::Reject { result_number: Some(1), returned_event: false, content: words("不全") };
    let reject = scene.command(order_id, APPROVER, request);
    assert_eq!(refused(&world.store, reject).await, superseded);
    // Two approvers at once: one decides.
    let outcomes = [approve(&scene, order_id, 2), approve(&scene, order_id, 2)];
    let [one, other] = outcomes.map(|command| world.store.command(command));
    let (one, other) = tokio::join!(one, other);
    let accepted = [one.unwrap(), other.unwrap()]
        .into_iter()
        .filter(|outcome| matches!(outcome, store::CommandResult::Accepted(_)));
    assert_eq!(accepted.count(), 1);
}

fn note_overdue(scene: &Scene, order_id: Id, result_number: i64) -> OrderCommand {
    at(scene.command(order_id, JOB, Request::NoteOverdue { result_number }), NOW.plus_ms(MINUTE_MS))
}

async fn a_review_is_overdue_once_for_each_result(world: &World) {
    let scene = world.scene(true, false).await;
    let store = &world.store;
    let order_id = accepted(store, scene.place()).await;
    accepted(store, scene.result(order_id, "红灯")).await;
    let overdue = async |since: UnixMs| {
        let filter = ReviewFilter { overdue_since: Some(since), ..ReviewFilter::default() };
        store.list_waiting_reviews(&scene.tenant, filter, Id(0), 9).await.unwrap().len()
    };
    assert_eq!((overdue(NOW.plus_ms(-1)).await, overdue(NOW).await), (0, 1));
    // Two replicas find it at once: their commands carry the same key.
    let key = IdempotencyKey {
        tenant_id: scene.tenant.tenant_id,
        actor_id: Id(0),
        key_digest: [7; 16],
        request_digest: [7; 16],
    };
    let note = || OrderCommand { idempotency: Some(key), ..note_overdue(&scene, order_id, 1) };
    let entries = || async {
        store.find_order(&scene.tenant, order_id).await.unwrap().unwrap().timeline.len()
    };
    let before = entries().await;
    tokio::join!(accepted(store, note()), accepted(store, note()));
    assert_eq!(entries().await, before + 1);
    assert_eq!(overdue(NOW).await, 0, "it is noted");
    let found = store.list_waiting(scene.tenant.tenant_id, &[order_id]).await.unwrap();
    assert_eq!(found[0].overdue_at, Some(NOW.plus_ms(MINUTE_MS)));
    let order = store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    let last = order.timeline.last().unwrap();
    assert_eq!((last.rule, last.actor, last.to), (Rule::ReviewOverdue, JOB.id, State::InReview));
    // Progress does not change that, another result does.
    accepted(store, scene.progress(order_id, "late", 9)).await;
    assert_eq!(overdue(NOW).await, 0);
    accepted(store, scene.reject(order_id, "不全")).await;
    let refusal = refused(store, note_overdue(&scene, order_id, 1)).await;
    assert_eq!(refusal, Refusal::IllegalStatus(State::Rejected));
    accepted(store, scene.result(order_id, "绿灯")).await;
    assert_eq!(overdue(NOW).await, 1);
    let refusal = refused(store, note_overdue(&scene, order_id, 1)).await;
    assert_eq!(refusal, Refusal::ResultSuperseded(2));
    accepted(store, scene.approve(order_id)).await;
    assert_eq!(world.number("SELECT count(*) FROM open_reviews").await, 0);
}

/// As a look at all orders says, those of a placer where one is given.
async fn counted(world: &World, scene: &Scene, placed_by: Option<Id>) -> BTreeMap<i64, i64> {
    let mut counts = BTreeMap::new();
    for row in world.raw("SELECT tenant_id, placed_by, state FROM orders").await {
        let [tenant_id, placer, state] = [0, 1, 2]
            .map(|column: usize| String::from_utf8(row[column].clone()).unwrap().parse().unwrap());
        if tenant_id == scene.tenant.tenant_id.0 && placed_by.is_none_or(|it| it.0 == placer) {
            *counts.entry(state).or_default() += 1;
        }
    }
    counts
}

async fn check_counts(world: &World, scene: &Scene) {
    for placed_by in [None, Some(PLACER.owner), Some(Id(12)), Some(Id(99))] {
        let counts = world.store.count_orders(&scene.tenant, placed_by).await.unwrap();
        let expected = counted(world, scene, placed_by).await;
        for state in State::ALL {
            let expected = expected.get(&state.number()).copied().unwrap_or_default();
            assert_eq!(counts.of(*state), expected.unsigned_abs(), "{state:?} of {placed_by:?}");
        }
    }
}

/// Orders in every state, of two placers, at an instant.
async fn orders_in_every_state(store: &Store, scene: &Scene, now: UnixMs) {
    let another = Actor::api_key(Id(12), Id(12), Roles::NONE);
    for number in 0..14_usize {
        let mut place = at(scene.place(), now);
        place.actor = if number % 2 == 0 { PLACER } else { another };
        let order_id = accepted(store, place).await;
        let result = scene.result(order_id, "绿灯");
        let commands = match number % 7 {
            0 => vec![],
            1 => vec![scene.progress(order_id, "s", 1)],
            2 => vec![result],
            3 => vec![result, scene.reject(order_id, "不全")],
            4 => vec![result, scene.withdraw(order_id)],
            5 => vec![result, scene.approve(order_id)],
            _ => vec![scene.cancel(order_id)],
        };
        for command in commands {
            accepted(store, at(command, now)).await;
        }
    }
}

async fn counts_are_exact_whenever_they_are_moved(world: &World) {
    let (scene, other) = (world.scene(true, false).await, world.scene(true, false).await);
    let store = &world.store;
    check_counts(world, &scene).await;
    orders_in_every_state(store, &other, NOW).await;
    for round in 0..6 {
        let now = NOW.plus_ms(round * 45_000);
        orders_in_every_state(store, &scene, now).await;
        check_counts(world, &scene).await;
        store.move_order_counts(&scene.tenant, now).await.unwrap();
        check_counts(world, &scene).await;
        store.move_order_counts(&scene.tenant, now).await.unwrap();
    }
    check_counts(world, &scene).await;
    // A count that is wrong for whatever reason is made anew after a day; on SQLite it cannot become wrong.
    if !world.is_sqlite() {
        world.raw("UPDATE order_counts SET orders = orders + 1").await;
        let tomorrow = NOW.plus_ms(25 * 60 * MINUTE_MS);
        store.move_order_counts(&scene.tenant, tomorrow).await.unwrap();
        check_counts(world, &scene).await;
    }
    check_counts(world, &other).await;
}

async fn counts_stay_exact_while_orders_change(world: &World) {
    let scene = world.scene(true, false).await;
    let changing = (0..4).map(|task| {
        let (store, scene) = (Arc::clone(&world.store), scene.clone());
        tokio::spawn(async move {
            for round in 0..8 {
                let now = NOW.plus_ms((task + round) * 20_000);
                orders_in_every_state(&store, &scene, now).await;
            }
        })
    });
    let changing: Vec<_> = changing.collect();
    let moving = {
        let (store, scene) = (Arc::clone(&world.store), scene.clone());
        tokio::spawn(async move {
            for round in 0..40 {
                let now = NOW.plus_ms(round * 3_000);
                let total = |counts: &store::order_counts::OrderCounts| {
                    State::ALL.iter().map(|state| counts.of(*state)).sum::<u64>()
                };
                let before = total(&store.count_orders(&scene.tenant, None).await.unwrap());
                let (one, other) = tokio::join!(
                    store.move_order_counts(&scene.tenant, now),
                    store.move_order_counts(&scene.tenant, now),
                );
                one.unwrap();
                other.unwrap();
                let after = total(&store.count_orders(&scene.tenant, None).await.unwrap());
                assert!(before <= after, "orders do not become fewer: {before}, {after}");
            }
        })
    };
    for task in changing {
        task.await.unwrap();
    }
    moving.await.unwrap();
    check_counts(world, &scene).await;
    let filter = ReviewFilter::default();
    let waiting =
        world.store.list_waiting_reviews(&scene.tenant, filter, Id(0), 200).await.unwrap();
    let counts = world.store.count_orders(&scene.tenant, None).await.unwrap();
    assert_eq!(waiting.len() as u64, counts.of(State::InReview));
}

async fn lists_of_open_reviews_are_whole(world: &World) {
    let scene = world.scene(true, false).await;
    for _ in 0..3 {
        orders_in_every_state(&world.store, &scene, NOW).await;
    }
    let all = list(&world.store, &scene.tenant, &OrderFilter::default()).await;
    use State::{InReview, Rejected, ReviewWithdrawn};
    for states in
        [vec![InReview], vec![Rejected, InReview], vec![InReview, Rejected, ReviewWithdrawn]]
    {
        for placed_by in [None, Some(Id(12)), Some(Id(99))] {
            let mut expected = Vec::new();
            for order_id in &all {
                let found = world.store.find_order_summary(scene.tenant.tenant_id, *order_id).await;
                let summary = found.unwrap().unwrap();
                let fits = states.contains(&summary.state);
                if fits && placed_by.is_none_or(|placer| placer == summary.placed_by) {
                    expected.push(*order_id);
                }
            }
            let filter =
                OrderFilter { states: states.clone(), placed_by, ..OrderFilter::default() };
            assert_eq!(list(&world.store, &scene.tenant, &filter).await, expected, "{filter:?}");
        }
    }
}
