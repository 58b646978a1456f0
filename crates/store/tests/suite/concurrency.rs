//! Many at once: of simultaneous commands exactly one legal sequence is recorded, on any number of replicas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::order::{self, Action, Command, Decision, Refusal, Rule, Settings, StageMark, State};
use domain::{Actor, Id, Roles, UnixMs};
use store::orders::{EntryContent, Order};
use store::{CommandResult, OrderCommand, Store};
use tokio::task::JoinSet;

use crate::support::*;

on_every_desk!(
    racing_commands_leave_one_legal_sequence,
    identical_results_at_once_are_one_result,
    differing_results_at_once_have_one_winner,
    stages_at_once_are_told_apart,
    deliveries_are_claimed_once,
    reports_are_claimed_once,
    readers_that_give_up_take_nothing_with_them,
    replicas_never_make_the_same_id,
);

/// The store, and on PostgreSQL a second one on the same database.
async fn replicas(world: &World) -> Vec<Arc<Store>> {
    let mut stores = vec![Arc::clone(&world.store)];
    if !world.is_sqlite() {
        stores.push(Arc::new(world.replica().await));
    }
    stores
}

/// Gives all commands at once, each from a task of its own.
async fn race(stores: &[Arc<Store>], commands: Vec<OrderCommand>) -> Vec<CommandResult> {
    let mut tasks = JoinSet::new();
    for (index, command) in commands.into_iter().enumerate() {
        let store = Arc::clone(&stores[index % stores.len()]);
        tasks.spawn(async move { store.command(command).await.unwrap() });
    }
    tasks.join_all().await
}

async fn racing_commands_leave_one_legal_sequence(world: &World) {
    const TASKS: usize = 32;
    const STEPS: usize = 20;
    let scene = world.scene(true, false).await;
    let stores = replicas(world).await;
    let mut orders = Vec::new();
    for _ in 0..5 {
        orders.push(accepted(&world.store, scene.place()).await);
    }
    let stage_time_ms = Arc::new(AtomicI64::new(0));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (store, scene) = (Arc::clone(&stores[task % stores.len()]), scene.clone());
        let (orders, stage_time_ms) = (orders.clone(), Arc::clone(&stage_time_ms));
        tasks.spawn(async move {
            let mut answers = Vec::new();
            for step in 0..STEPS {
                let number = task * STEPS + step;
                let order_id = orders[number % orders.len()];
                let name = format!("{task}/{step}");
                // Two orders end early, the others hardly ever.
                let ends = order_id == orders[0] || order_id == orders[1];
                let command = match number * 7 % 13 {
                    0..=3 => {
                        let time_ms = stage_time_ms.fetch_add(1, Ordering::Relaxed) + 1;
                        scene.progress(order_id, &name, time_ms)
                    }
                    4..=6 => scene.result(order_id, &name),
                    7..=8 => scene.reject(order_id, &name),
                    9..=10 => scene.withdraw(order_id),
                    11 if ends => scene.approve(order_id),
                    12 if ends => scene.terminate(order_id, &name),
                    _ => scene.reject(order_id, &name),
                };
                let rules = rules_of(&command);
                if let CommandResult::Accepted(_) = store.command(command).await.unwrap() {
                    answers.push((order_id, rules));
                }
            }
            answers
        });
    }
    let mut acknowledged: BTreeMap<(Id, &str), usize> = BTreeMap::new();
    for answer in tasks.join_all().await.into_iter().flatten() {
        *acknowledged.entry(answer).or_default() += 1;
    }
    let mut recorded: BTreeMap<(Id, &str), usize> = BTreeMap::new();
    for order_id in &orders {
        let order = world.store.find_order(&scene.tenant, *order_id).await.unwrap().unwrap();
        is_legal(&order);
        for entry in &order.timeline[1..] {
            *recorded.entry((*order_id, rule_name(entry.rule))).or_default() += 1;
        }
    }
    assert_eq!(recorded, acknowledged, "each acknowledged command is recorded once, and no other");
    let stages: usize =
        acknowledged.iter().filter(|((_, rule), _)| *rule == "stage").map(|(_, n)| n).sum();
    let counts = world.counts().await;
    assert_eq!(counts.stages, i64::try_from(stages).unwrap());
    let ended = acknowledged.iter().filter(|((_, rule), _)| *rule == "terminate").count();
    assert_eq!(counts.events, i64::try_from(orders.len() + ended).unwrap());
    assert_eq!(counts.deliveries, counts.events);
    assert!(recorded.values().sum::<usize>() > 50, "too little happened: {recorded:?}");
}

fn rules_of(command: &OrderCommand) -> &'static str {
    match command.request {
        store::Request::Progress { .. } => "stage",
        store::Request::Result { .. } => "result",
        store::Request::Approve { .. } => "approve",
        store::Request::Reject { .. } => "reject",
        store::Request::Withdraw => "withdraw",
        store::Request::Terminate { .. } => "terminate",
        store::Request::Cancel
        | store::Request::Place { .. }
        | store::Request::NoteOverdue { .. } => unreachable!("not in this race"),
    }
}

fn rule_name(rule: Rule) -> &'static str {
    match rule {
        Rule::StageReported => "stage",
        Rule::ResultAwaitsReview | Rule::ResultCompletes => "result",
        Rule::ReviewApproved => "approve",
        Rule::ReviewRejected => "reject",
        Rule::ReviewWithdrawn => "withdraw",
        Rule::HirerTerminated => "terminate",
        Rule::Placed | Rule::VendorCanceled | Rule::ReviewOverdue => {
            unreachable!("not in this race")
        }
    }
}

/// The timeline is what the rules give, entry after entry.
fn is_legal(order: &Order) {
    let settings = Settings { report_approval: true, four_eyes: false, returned_event: false };
    let mut standing = None;
    for (entry, number) in order.timeline.iter().zip(0_u64..) {
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        let action = match (entry.rule, &entry.content) {
            (Rule::Placed, _) => Action::Place { vendor: order.summary.app_id },
            (Rule::StageReported, EntryContent::Stage(stage)) => {
                Action::Progress(StageMark { stage: digest, stage_time_ms: stage.stage_time_ms })
            }
            (Rule::ResultAwaitsReview, _) => Action::Result,
            (Rule::ReviewApproved, _) => Action::Approve,
            (Rule::ReviewRejected, _) => Action::Reject,
            (Rule::ReviewWithdrawn, _) => Action::Withdraw,
            (Rule::HirerTerminated, _) => Action::Terminate,
            other => panic!("{other:?} is not in this race"),
        };
        let actor = Actor { id: entry.actor, owner: entry.actor.id, roles: Roles::NONE };
        let command = Command { actor, action, digest, result_number: None };
        let Ok(Decision::Change(change)) = order::decide(standing.as_ref(), &command, settings)
        else {
            panic!("entry {number} is not legal: {entry:?}");
        };
        assert_eq!((change.from, change.to, change.rule), (entry.from, entry.to, entry.rule));
        standing = Some(order::apply(standing, &command, &change));
    }
    assert_eq!(standing.unwrap().state, order.summary.state);
    assert!(order.timeline.is_sorted_by_key(|entry| entry.entry_id));
}

async fn identical_results_at_once_are_one_result(world: &World) {
    for report_approval in [false, true] {
        let scene = world.scene(report_approval, false).await;
        let stores = replicas(world).await;
        let order_id = accepted(&world.store, scene.place()).await;
        let before = world.counts().await;
        let result =
            || scene.result_with(order_id, "绿灯", vec![report("a", "https://v.example/a")]);
        let outcomes = race(&stores, (0..64).map(|_| result()).collect()).await;
        assert_eq!(outcomes, [CommandResult::Accepted(order_id); 64]);
        let after = world.counts().await;
        assert_eq!(after.entries, before.entries + 1);
        assert_eq!(after.reports, before.reports + 1);
        assert_eq!(after.events, before.events);
    }
}

async fn differing_results_at_once_have_one_winner(world: &World) {
    let scene = world.scene(false, false).await;
    let stores = replicas(world).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let results = (0..64).map(|number| scene.result(order_id, &format!("结果 {number}"))).collect();
    let outcomes = race(&stores, results).await;
    let refusal = CommandResult::Refused(Refusal::IllegalStatus(State::Completed));
    let won =
        outcomes.iter().filter(|outcome| **outcome == CommandResult::Accepted(order_id)).count();
    let lost = outcomes.iter().filter(|outcome| **outcome == refusal).count();
    assert_eq!((won, lost), (1, 63));
    let order = world.store.find_order(&scene.tenant, order_id).await.unwrap().unwrap();
    assert_eq!(order.timeline.len(), 2);
}

async fn stages_at_once_are_told_apart(world: &World) {
    let scene = world.scene(false, false).await;
    let stores = replicas(world).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let identical = (0..64).map(|_| scene.progress(order_id, "s1", 100)).collect();
    assert_eq!(race(&stores, identical).await, [CommandResult::Accepted(order_id); 64]);
    let differing = (0..64).map(|number| scene.progress(order_id, "s2", 200 + number)).collect();
    let outcomes = race(&stores, differing).await;
    let taken = CommandResult::Refused(Refusal::StageIdTaken);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == taken).count(), 63);
    let counts = world.counts().await;
    assert_eq!((counts.entries, counts.stages), (3, 2));
}

async fn deliveries_are_claimed_once(world: &World) {
    let scene = world.scene(false, false).await;
    let stores = replicas(world).await;
    let placed = race(&stores, (0..150).map(|_| scene.place()).collect()).await;
    let mut claims = JoinSet::new();
    for task in 0..8 {
        let store = Arc::clone(&stores[task % stores.len()]);
        claims.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let some = store.claim_deliveries(NOW, NOW.plus_ms(60_000), 7).await.unwrap();
                assert!(some.len() <= 7, "more than asked: {}", some.len());
                if some.is_empty() {
                    return claimed;
                }
                claimed.extend(some.into_iter().map(|delivery| delivery.order_id.unwrap()));
            }
        });
    }
    let claimed: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<_> = claimed.iter().copied().collect();
    assert_eq!((claimed.len(), distinct.len()), (placed.len(), placed.len()));
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE attempts = 1").await, 150);
}

async fn reports_are_claimed_once(world: &World) {
    let scene = world.scene(false, false).await;
    let stores = replicas(world).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let reports =
        (0..50).map(|number| report(&number.to_string(), "https://v.example/a")).collect();
    accepted(&world.store, scene.result_with(order_id, "绿灯", reports)).await;
    let mut claims = JoinSet::new();
    for task in 0..6 {
        let store = Arc::clone(&stores[task % stores.len()]);
        claims.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let some = store.claim_reports(NOW, NOW.plus_ms(60_000), 4).await.unwrap();
                if some.is_empty() {
                    return claimed;
                }
                claimed.extend(some.into_iter().map(|report| report.source.name));
            }
        });
    }
    let claimed: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (50, 50));
}

/// Callers that go away in the middle of a read, as a closed connection's do.
async fn readers_that_give_up_take_nothing_with_them(world: &World) {
    let scene = world.scene(false, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let mut readers = JoinSet::new();
    for _ in 0..40 {
        let (store, tenant) = (Arc::clone(&world.store), Arc::clone(&scene.tenant));
        readers.spawn(async move {
            loop {
                assert!(store.find_order(&tenant, order_id).await.unwrap().is_some());
            }
        });
    }
    for _ in 0..40 {
        assert!(world.store.find_order(&scene.tenant, order_id).await.unwrap().is_some());
        // Each read of the others is somewhere else when it is cut off.
        let (store, tenant) = (Arc::clone(&world.store), Arc::clone(&scene.tenant));
        let handle = readers.spawn(async move {
            loop {
                assert!(store.find_order(&tenant, order_id).await.unwrap().is_some());
            }
        });
        tokio::task::yield_now().await;
        handle.abort();
    }
    readers.abort_all();
    while let Some(ended) = readers.join_next().await {
        assert!(ended.unwrap_err().is_cancelled(), "a reader found no connection");
    }
    for _ in 0..20 {
        assert!(world.store.find_order(&scene.tenant, order_id).await.unwrap().is_some());
    }
}

async fn replicas_never_make_the_same_id(world: &World) {
    let stores = replicas(world).await;
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let store = Arc::clone(&stores[task % stores.len()]);
        tasks.spawn(
            async move { (0..5_000).map(|_| store.make_id(UnixMs(NOW.0))).collect::<Vec<_>>() },
        );
    }
    let ids: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
}
