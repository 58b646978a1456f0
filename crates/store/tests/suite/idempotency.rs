//! Idempotency-Keys: the first answer stands, in the same commit as what it is about.

use domain::{Id, TenantId};
use store::answers::StoredAnswer;
use store::order_pages::OrderFilter;
use store::tenants::TenantSettings;
use store::{CommandResult, IdempotencyKey, Saved};

use crate::support::*;
use crate::tenancy::{new_account, new_app};

on_every_desk!(
    an_order_is_placed_once_under_one_key,
    the_same_key_with_another_request_is_taken,
    a_refused_command_leaves_its_key_free,
    one_key_at_once_places_one_order,
    a_key_of_a_program_of_before_counts,
    an_answer_is_kept_with_what_it_tells_of,
    a_taken_key_writes_nothing,
    a_key_is_free_again_after_a_day,
);

const DAY_MS: i64 = 86_400_000;

fn key(scene: &Scene, number: u8) -> IdempotencyKey {
    IdempotencyKey {
        tenant_id: scene.tenant.tenant_id,
        actor_id: Id(900),
        key_digest: [number; 16],
        request_digest: [1; 16],
    }
}

fn answer(key: IdempotencyKey, body: &str) -> StoredAnswer {
    StoredAnswer { key, http_status: 201, body: body.into(), at: NOW }
}

async fn place(world: &World, scene: &Scene, key: IdempotencyKey) -> CommandResult {
    let mut index = scene.place();
    index.idempotency = Some(key);
    world.store.command(index).await.unwrap()
}

async fn an_order_is_placed_once_under_one_key(world: &World) {
    let scene = world.scene(false, false).await;
    let CommandResult::Accepted(order_id) = place(world, &scene, key(&scene, 1)).await else {
        panic!()
    };
    for _ in 0..3 {
        assert_eq!(place(world, &scene, key(&scene, 1)).await, CommandResult::Accepted(order_id));
    }
    let used = world.store.find_used_key(&key(&scene, 1), NOW).await.unwrap().unwrap();
    assert_eq!((used.order_id, used.request_digest), (Some(order_id), [1; 16]));
    assert_eq!((used.http_status, used.body), (200, None));
    let counts = world.counts().await;
    assert_eq!((counts.orders, counts.events), (1, 1));
    let CommandResult::Accepted(other) = place(world, &scene, key(&scene, 2)).await else {
        panic!()
    };
    assert_ne!(order_id, other);
    let mut terminate = scene.terminate(order_id, "岗位取消");
    terminate.idempotency = Some(key(&scene, 3));
    assert_eq!(world.store.command(terminate).await.unwrap(), CommandResult::Accepted(order_id));
    let mut again = scene.terminate(order_id, "岗位取消");
    again.idempotency = Some(key(&scene, 3));
    assert_eq!(world.store.command(again).await.unwrap(), CommandResult::Accepted(order_id));
}

async fn the_same_key_with_another_request_is_taken(world: &World) {
    let scene = world.scene(false, false).await;
    place(world, &scene, key(&scene, 1)).await;
    let other_request = IdempotencyKey { request_digest: [2; 16], ..key(&scene, 1) };
    assert_eq!(place(world, &scene, other_request).await, CommandResult::KeyTaken);
    assert_eq!(world.counts().await.orders, 1);
    let other_caller = IdempotencyKey { actor_id: Id(901), ..other_request };
    assert!(matches!(place(world, &scene, other_caller).await, CommandResult::Accepted(_)));
    // A key of another call, whose answer was stored, is taken for orders too.
    let account = new_account(&world.store, scene.app_id);
    world
        .store
        .bind_account(BY, &scene.tenant, &account, Some(&answer(key(&scene, 5), "{}")))
        .await
        .unwrap();
    let command = IdempotencyKey { request_digest: [2; 16], ..key(&scene, 5) };
    assert_eq!(place(world, &scene, command).await, CommandResult::KeyTaken);
}

async fn a_refused_command_leaves_its_key_free(world: &World) {
    let scene = world.scene(true, false).await;
    let order_id = accepted(&world.store, scene.place()).await;
    let approve = || {
        let mut approve = scene.approve(order_id);
        approve.idempotency = Some(key(&scene, 1));
        approve
    };
    refused(&world.store, approve()).await;
    assert_eq!(world.store.find_used_key(&key(&scene, 1), NOW).await.unwrap(), None);
    accepted(&world.store, scene.result(order_id, "绿灯")).await;
    accepted(&world.store, approve()).await;
}

/// Before keys had tenants, they were written without.
async fn a_key_of_a_program_of_before_counts(world: &World) {
    let scene = world.scene(false, false).await;
    let placed = place(world, &scene, key(&scene, 1)).await;
    world.raw("UPDATE idempotency SET tenant_id = 0").await;
    assert!(world.store.find_used_key(&key(&scene, 1), NOW).await.unwrap().is_some());
    assert_eq!(place(world, &scene, key(&scene, 1)).await, placed);
    let other = IdempotencyKey { request_digest: [2; 16], ..key(&scene, 1) };
    assert_eq!(place(world, &scene, other).await, CommandResult::KeyTaken);
    assert_eq!(world.counts().await.orders, 1);
}

async fn one_key_at_once_places_one_order(world: &World) {
    let scene = world.scene(false, false).await;
    let indexes = (0..64).map(|number| {
        let request_digest = [1 + u8::from(number % 4 == 3); 16];
        place(world, &scene, IdempotencyKey { request_digest, ..key(&scene, 1) })
    });
    let outcomes = futures_util::future::join_all(indexes).await;
    let placed = list(&world.store, &scene.tenant, &OrderFilter::default()).await;
    let order_id = CommandResult::Accepted(placed[0]);
    let accepted = outcomes.iter().filter(|outcome| **outcome == order_id).count();
    let taken = outcomes.iter().filter(|outcome| **outcome == CommandResult::KeyTaken).count();
    assert!((accepted, taken) == (48, 16) || (accepted, taken) == (16, 48), "{accepted}, {taken}");
    assert_eq!(world.counts().await.orders, 1);
}

async fn an_answer_is_kept_with_what_it_tells_of(world: &World) {
    let scene = world.scene(false, false).await;
    let app = new_app(&world.store, scene.app_id, None);
    let stored = answer(key(&scene, 1), "{\"app_secret\":\"张\"}");
    assert_eq!(world.store.create_app(BY, &app, Some(&stored)).await.unwrap(), Saved::Done);
    let used = world.store.find_used_key(&key(&scene, 1), NOW).await.unwrap().unwrap();
    assert_eq!((used.http_status, used.order_id), (201, None));
    assert_eq!(used.body, Some(stored.body));
    assert_eq!(used.request_digest, [1; 16]);
}

async fn a_taken_key_writes_nothing(world: &World) {
    let scene = world.scene(false, false).await;
    let first = new_account(&world.store, scene.app_id);
    let stored = answer(key(&scene, 1), "first");
    assert_eq!(
        world.store.bind_account(BY, &scene.tenant, &first, Some(&stored)).await.unwrap(),
        Saved::Done
    );
    let before = world.counts().await;
    let second = new_account(&world.store, scene.app_id);
    let late = answer(key(&scene, 1), "second");
    let saved = world.store.bind_account(BY, &scene.tenant, &second, Some(&late)).await.unwrap();
    assert_eq!(saved, Saved::KeyTaken);
    assert_eq!(world.store.find_account(&scene.tenant, second.account_id).await.unwrap(), None);
    let settings = scene.tenant.settings.clone();
    let tenant =
        new_tenant(&world.store, TenantId(4), TenantSettings { four_eyes: true, ..settings });
    assert_eq!(world.store.create_tenant(BY, &tenant, Some(&late)).await.unwrap(), Saved::KeyTaken);
    assert!(world.store.find_tenant(TenantId(4)).await.unwrap().is_none());
    assert_eq!(world.store.find_api_key(&tenant.api_key_hash, NOW).await.unwrap(), None);
    let app = new_app(&world.store, scene.app_id, None);
    assert_eq!(world.store.create_app(BY, &app, Some(&late)).await.unwrap(), Saved::KeyTaken);
    assert!(world.store.find_app(app.app_id).await.unwrap().is_none());
    assert_eq!(world.counts().await, before);
    let used = world.store.find_used_key(&key(&scene, 1), NOW).await.unwrap().unwrap();
    assert_eq!(used.body, Some(b"first".to_vec()));
}

async fn a_key_is_free_again_after_a_day(world: &World) {
    let scene = world.scene(false, false).await;
    let day_after = NOW.plus_ms(DAY_MS);
    let first = new_account(&world.store, scene.app_id);
    let stored = answer(key(&scene, 1), "first");
    world.store.bind_account(BY, &scene.tenant, &first, Some(&stored)).await.unwrap();
    assert!(
        world.store.find_used_key(&key(&scene, 1), day_after.plus_ms(-1)).await.unwrap().is_some()
    );
    assert_eq!(world.store.find_used_key(&key(&scene, 1), day_after).await.unwrap(), None);
    // Also before the old answers are cleared away.
    let second = new_account(&world.store, scene.app_id);
    let later = StoredAnswer { at: day_after, ..answer(key(&scene, 1), "second") };
    let saved = world.store.bind_account(BY, &scene.tenant, &second, Some(&later)).await.unwrap();
    assert_eq!(saved, Saved::Done);
    let used = world.store.find_used_key(&key(&scene, 1), day_after).await.unwrap().unwrap();
    assert_eq!(used.body, Some(b"second".to_vec()));

    place(world, &scene, key(&scene, 2)).await;
    world.store.forget_old_answers(day_after.plus_ms(-1)).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM idempotency").await, 2);
    world.store.forget_old_answers(day_after).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM idempotency").await, 1);
    let outcome = place(world, &scene, key(&scene, 2)).await;
    assert!(matches!(outcome, CommandResult::Accepted(_)));
    assert_eq!(world.counts().await.orders, 2);
}
