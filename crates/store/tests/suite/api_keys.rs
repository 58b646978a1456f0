//! Keys of the control API: found by their hash while they are in force, and by nothing else.

use domain::{Id, UnixMs};
use store::Saved;
use store::api_keys::{ApiKeyLabel, KeyChange, KeyOwner, NewApiKey};
use store::tenants::Tenant;

use crate::support::*;

on_both!(
    keys_are_found_by_their_hash,
    a_key_ends_when_it_was_told_to,
    a_replaced_key_stays_what_it_is,
    a_revoked_key_is_nobodys_on_every_replica,
    the_last_key_that_makes_keys_stays,
    two_that_revoke_each_other_leave_one,
    keys_of_others_are_neither_seen_nor_changed,
    names_and_owners_are_sealed,
    the_last_use_goes_on_and_never_back,
    operator_keys_are_replaced_all_at_once,
);

const ADMIN: &str = "admin";

fn new_key(world: &World, number: u8, roles: &str) -> NewApiKey {
    NewApiKey {
        key_id: world.store.make_id(NOW),
        hash: [number; 32],
        roles: roles.into(),
        owner: KeyOwner::Itself,
        label: ApiKeyLabel { name: "招聘系统".into(), owner: "王小明".into() },
        expires_at: None,
    }
}

async fn add(world: &World, tenant: Option<&Tenant>, key: &NewApiKey) -> Id {
    assert_eq!(world.store.create_api_key(BY, tenant, key, None).await.unwrap(), Saved::Done);
    key.key_id
}

async fn is_found(world: &World, number: u8, at: UnixMs) -> bool {
    world.store.find_api_key(&[number; 32], at).await.unwrap().is_some()
}

/// The id of the tenant's first key.
async fn first_key(world: &World, tenant: &Tenant) -> Id {
    let keys = world.store.list_api_keys(Some(tenant), END, 100).await.unwrap();
    keys.last().unwrap().key_id
}

async fn keys_are_found_by_their_hash(world: &World) {
    assert!(!world.store.has_operator_key().await.unwrap());
    let scene = world.scene(false, false).await;
    assert!(!world.store.has_operator_key().await.unwrap(), "a tenant's key is no operator's");
    let operator = world.store.create_operator_key(&[8; 32], NOW).await.unwrap();
    assert!(world.store.has_operator_key().await.unwrap());
    let found = world.store.find_api_key(&[8; 32], NOW).await.unwrap().unwrap();
    assert_eq!((found.key_id, found.tenant_id, found.roles.as_str()), (operator, None, "operator"));
    let key_id = add(world, Some(&scene.tenant), &new_key(world, 9, "recruiter approver")).await;
    let found = world.store.find_api_key(&[9; 32], NOW).await.unwrap().unwrap();
    assert_eq!((found.key_id, found.tenant_id), (key_id, Some(scene.tenant.tenant_id)));
    assert_eq!(found.roles, "recruiter approver");
    assert_eq!(world.store.find_api_key(&[10; 32], NOW).await.unwrap(), None);
}

async fn a_key_ends_when_it_was_told_to(world: &World) {
    let scene = world.scene(false, false).await;
    let expires_at = Some(NOW.plus_ms(1_000));
    let key = NewApiKey { expires_at, ..new_key(world, 9, "auditor") };
    let key_id = add(world, Some(&scene.tenant), &key).await;
    assert!(is_found(world, 9, NOW.plus_ms(999)).await);
    assert!(!is_found(world, 9, NOW.plus_ms(1_000)).await);
    let facts = world.store.get_api_key(Some(&scene.tenant), key_id).await.unwrap().unwrap();
    assert_eq!((facts.expires_at, facts.revoked_at), (expires_at, None));
    let late = store::audit::By::system(NOW.plus_ms(1_000));
    let store = &world.store;
    let replaced =
        store.replace_api_key(late, Some(&scene.tenant), key_id, &[10; 32], None, None).await;
    assert_eq!(replaced.unwrap(), KeyChange::NotInForce, "an ended key is not brought back");
}

async fn a_replaced_key_stays_what_it_is(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant = Some(scene.tenant.as_ref());
    let key_id = add(world, tenant, &new_key(world, 9, "recruiter")).await;
    let (store, until) = (&world.store, Some(NOW.plus_ms(500)));
    let replaced = store.replace_api_key(BY, tenant, key_id, &[10; 32], until, None).await;
    assert_eq!(replaced.unwrap(), KeyChange::Done);
    let found = store.find_api_key(&[10; 32], NOW).await.unwrap().unwrap();
    assert_eq!((found.key_id, found.roles.as_str()), (key_id, "recruiter"));
    assert_eq!(store.find_api_key(&[9; 32], NOW).await.unwrap(), Some(found));
    assert!(!is_found(world, 9, NOW.plus_ms(500)).await, "its grace time is over");
    let replaced = store.replace_api_key(BY, tenant, key_id, &[11; 32], None, None).await;
    assert_eq!(replaced.unwrap(), KeyChange::Done);
    assert!(is_found(world, 11, NOW).await);
    assert!(!is_found(world, 10, NOW).await && !is_found(world, 9, NOW).await);
    // Not even a clock that was set back brings it back.
    assert!(!is_found(world, 10, NOW.plus_ms(-1_000_000)).await);
}

async fn a_revoked_key_is_nobodys_on_every_replica(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant = Some(scene.tenant.as_ref());
    let key_id = add(world, tenant, &new_key(world, 9, "approver")).await;
    let other = if world.is_sqlite() { None } else { Some(world.replica().await) };
    if let Some(other) = &other {
        assert!(other.find_api_key(&[9; 32], NOW).await.unwrap().is_some());
    }
    let store = &world.store;
    store
        .replace_api_key(BY, tenant, key_id, &[10; 32], Some(NOW.plus_ms(9_000)), None)
        .await
        .unwrap();
    let revoked = store.revoke_api_key(BY, tenant, key_id, ADMIN).await.unwrap();
    assert_eq!(revoked, KeyChange::Done);
    for number in [9, 10] {
        assert!(!is_found(world, number, NOW).await, "{number}");
        if let Some(other) = &other {
            assert!(other.find_api_key(&[number; 32], NOW).await.unwrap().is_none());
        }
    }
    let again = store.revoke_api_key(BY, tenant, key_id, ADMIN).await.unwrap();
    assert_eq!(again, KeyChange::NotInForce);
    let facts = store.get_api_key(tenant, key_id).await.unwrap().unwrap();
    assert_eq!(facts.revoked_at, Some(NOW));
    let hash = contract::hex::to_hex(&[10; 32]);
    let (hex, number) = if world.is_sqlite() { ("hex", "") } else { ("encode", ", 'hex'") };
    let sql = format!(
        "SELECT count(*) FROM api_keys WHERE lower({hex}(key_hash{number})) = '{hash}' \
         OR lower({hex}(old_key_hash{number})) = '{hash}'"
    );
    assert_eq!(world.number(&sql).await, 0, "nothing of it is kept");
}

async fn the_last_key_that_makes_keys_stays(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant = Some(scene.tenant.as_ref());
    let store = &world.store;
    let first = first_key(world, &scene.tenant).await;
    let recruiter = add(world, tenant, &new_key(world, 9, "recruiter")).await;
    let expires_at = Some(NOW.plus_ms(1_000));
    add(world, tenant, &NewApiKey { expires_at, ..new_key(world, 10, "admin") }).await;
    let revoke = async |key_id| store.revoke_api_key(BY, tenant, key_id, ADMIN).await.unwrap();
    assert_eq!(revoke(first).await, KeyChange::Last, "the other admin's key ends");
    assert_eq!(revoke(recruiter).await, KeyChange::Done);
    let second = add(world, tenant, &new_key(world, 11, "recruiter admin")).await;
    assert_eq!(revoke(first).await, KeyChange::Done);
    assert_eq!(revoke(second).await, KeyChange::Last);
    assert_eq!(revoke(Id(7)).await, KeyChange::NotInForce);
}

async fn two_that_revoke_each_other_leave_one(world: &World) {
    for round in 0..8 {
        let scene = world.scene(false, false).await;
        let tenant = Some(scene.tenant.as_ref());
        let first = first_key(world, &scene.tenant).await;
        let second = add(world, tenant, &new_key(world, 20 + round, "admin")).await;
        let revoke = |key_id| world.store.revoke_api_key(BY, tenant, key_id, ADMIN);
        let (one, other) = tokio::join!(revoke(first), revoke(second));
        let mut ends = [one.unwrap(), other.unwrap()];
        ends.sort_by_key(|end| *end == KeyChange::Last);
        assert_eq!(ends, [KeyChange::Done, KeyChange::Last], "round {round}");
    }
}

async fn keys_of_others_are_neither_seen_nor_changed(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    let tenant = Some(scene.tenant.as_ref());
    let key_id = add(world, tenant, &new_key(world, 9, "auditor")).await;
    add(world, Some(&other.tenant), &new_key(world, 10, "admin")).await;
    add(world, None, &new_key(world, 11, "operator")).await;
    let store = &world.store;
    for stranger in [None, Some(other.tenant.as_ref())] {
        assert_eq!(store.get_api_key(stranger, key_id).await.unwrap(), None);
        let listed = store.list_api_keys(stranger, END, 100).await.unwrap();
        assert!(listed.iter().all(|facts| facts.key_id != key_id));
        let replaced = store.replace_api_key(BY, stranger, key_id, &[12; 32], None, None).await;
        assert_eq!(replaced.unwrap(), KeyChange::NotInForce);
        let revoked = store.revoke_api_key(BY, stranger, key_id, ADMIN).await.unwrap();
        assert_eq!(revoked, KeyChange::NotInForce);
    }
    assert!(is_found(world, 9, NOW).await);
    let pages = [store.list_api_keys(tenant, END, 1).await.unwrap().remove(0)];
    assert_eq!(pages[0].key_id, key_id, "newest first");
    let rest = store.list_api_keys(tenant, key_id, 100).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].label, None, "the first key");
}

async fn names_and_owners_are_sealed(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant = Some(scene.tenant.as_ref());
    let key = new_key(world, 9, "auditor");
    let key_id = add(world, tenant, &key).await;
    add(world, None, &new_key(world, 10, "operator")).await;
    let facts = world.store.get_api_key(tenant, key_id).await.unwrap().unwrap();
    assert_eq!(facts.label, Some(key.label));
    for row in world.raw("SELECT sealed FROM api_keys WHERE sealed IS NOT NULL").await {
        let text = String::from_utf8_lossy(&row[0]).into_owned();
        assert!(!text.contains("王小明") && !text.contains("招聘系统"), "{text}");
    }
}

async fn the_last_use_goes_on_and_never_back(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant = Some(scene.tenant.as_ref());
    let key_id = add(world, tenant, &new_key(world, 9, "auditor")).await;
    let used = async || {
        let facts = world.store.get_api_key(tenant, key_id).await.unwrap();
        facts.unwrap().last_used_at
    };
    assert_eq!(used().await, None);
    for (at, expected) in [(NOW, NOW), (NOW.plus_ms(-5), NOW), (NOW.plus_ms(5), NOW.plus_ms(5))] {
        world.store.note_key_uses(&[(key_id, at), (Id(7), at)]).await.unwrap();
        assert_eq!(used().await, Some(expected));
    }
}

async fn operator_keys_are_replaced_all_at_once(world: &World) {
    let scene = world.scene(false, false).await;
    add(world, Some(&scene.tenant), &new_key(world, 7, "admin")).await;
    world.store.create_operator_key(&[8; 32], NOW).await.unwrap();
    add(world, None, &new_key(world, 9, "operator")).await;
    let key_id = world.store.replace_operator_keys(&[10; 32], NOW).await.unwrap();
    assert!(!is_found(world, 8, NOW).await && !is_found(world, 9, NOW).await);
    assert!(is_found(world, 7, NOW).await, "tenants' keys stay");
    let found = world.store.find_api_key(&[10; 32], NOW).await.unwrap().unwrap();
    assert_eq!((found.key_id, found.tenant_id, found.roles.as_str()), (key_id, None, "operator"));
    let lines = world.store.list_audit(store::audit::OPERATOR, 0, 100).await.unwrap();
    let revoked = lines.iter().filter(|entry| entry.line.contains("api_key_revoked")).count();
    assert_eq!(revoked, 2);
    assert!(lines.last().unwrap().line.contains("api_key_made"));
}
