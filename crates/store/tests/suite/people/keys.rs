//! Keys of people and of service accounts.

use store::api_keys::{ApiKeyLabel, KeyChange, KeyOwner, NewApiKey};
use store::service_accounts::{Removed, ServiceAccount, ServiceAccountLabel};

use super::*;

on_both!(
    a_key_of_a_person_ends_with_the_person,
    a_service_account_takes_its_keys_along,
    an_admin_person_makes_the_last_key_dispensable,
);

fn new_key(world: &World, number: u8, owner: KeyOwner) -> NewApiKey {
    NewApiKey {
        key_id: world.store.make_id(NOW),
        hash: [number; 32],
        roles: "admin approver".into(),
        owner,
        label: ApiKeyLabel { name: "招聘系统".into(), owner: String::new() },
        expires_at: None,
    }
}

pub(super) async fn make_service(world: &World, tenant: &Tenant) -> Id {
    let account = ServiceAccount {
        service_account_id: world.store.make_id(NOW),
        label: ServiceAccountLabel { name: "招聘系统".into(), description: String::new() },
        created_at: NOW,
    };
    let made = world.store.create_service_account(BY, tenant, &account, None).await.unwrap();
    assert_eq!(made, Saved::Done);
    let found = world.store.find_service_account(tenant, account.service_account_id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&account));
    account.service_account_id
}

async fn a_key_of_a_person_ends_with_the_person(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let user = join(world, Some(tenant), 1, "approver").await;
    let key = new_key(world, 9, KeyOwner::Person(user.user_id));
    assert_eq!(store.create_api_key(BY, Some(tenant), &key, None).await.unwrap(), Saved::Done);
    let find = async || store.find_api_key(&[9; 32], NOW).await.unwrap();
    let found = find().await.unwrap();
    assert_eq!((found.owner_id, found.member_roles.as_deref()), (user.user_id, Some("approver")));
    assert_eq!(change(world, tenant, &user, Change::Suspend).await, MemberChange::Done);
    assert_eq!(find().await, None);
    let late = new_key(world, 10, KeyOwner::Person(user.user_id));
    let made = store.create_api_key(BY, Some(tenant), &late, None).await.unwrap();
    assert_eq!(made, Saved::Outdated, "a suspended person gets no key");
    change(world, tenant, &user, Change::Resume).await;
    assert!(find().await.is_some());
    change(world, tenant, &user, Change::Remove).await;
    assert_eq!(find().await, None);
    let facts = store.get_api_key(Some(tenant), key.key_id).await.unwrap().unwrap();
    assert_eq!((facts.revoked_at, facts.owner), (Some(NOW), KeyOwner::Person(user.user_id)));
    assert!(audit(world, tenant.tenant_id).await.contains("api_key_revoked"));
    // Of no other tenant's people.
    let other = world.scene(false, false).await;
    let stranger = join(world, Some(&other.tenant), 2, "admin").await;
    let key = new_key(world, 11, KeyOwner::Person(stranger.user_id));
    assert_eq!(store.create_api_key(BY, Some(tenant), &key, None).await.unwrap(), Saved::Outdated);
}

async fn a_service_account_takes_its_keys_along(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    let (store, tenant) = (&world.store, &scene.tenant);
    let id = make_service(world, tenant).await;
    let key = new_key(world, 9, KeyOwner::ServiceAccount(id));
    assert_eq!(store.create_api_key(BY, Some(tenant), &key, None).await.unwrap(), Saved::Done);
    let found = store.find_api_key(&[9; 32], NOW).await.unwrap().unwrap();
    assert_eq!((found.owner_id, found.member_roles), (id, None));
    let strange = new_key(world, 10, KeyOwner::ServiceAccount(id));
    let made = store.create_api_key(BY, Some(&other.tenant), &strange, None).await.unwrap();
    assert_eq!(made, Saved::Outdated);
    let label = ServiceAccountLabel { name: "ATS".into(), description: "orders".into() };
    let renamed = store.update_service_account(BY, &other.tenant, id, &label).await.unwrap();
    assert_eq!(renamed, Saved::Outdated);
    store.update_service_account(BY, tenant, id, &label).await.unwrap();
    assert_eq!(store.list_service_accounts(tenant, END, 10).await.unwrap()[0].label, label);
    let remove = async |tenant: &Tenant| {
        store.remove_service_account(BY, tenant, id, "admin").await.unwrap()
    };
    assert_eq!(remove(&other.tenant).await, Removed::NotFound);
    // It has the only key left that makes keys.
    let first = store.list_api_keys(Some(tenant), END, 9).await.unwrap().last().unwrap().key_id;
    let revoked = store.revoke_api_key(BY, Some(tenant), first, "admin").await.unwrap();
    assert_eq!(revoked, KeyChange::Done);
    assert_eq!(remove(tenant).await, Removed::LastKey);
    let spare = new_key(world, 11, KeyOwner::Itself);
    store.create_api_key(BY, Some(tenant), &spare, None).await.unwrap();
    assert_eq!(remove(tenant).await, Removed::Done);
    assert_eq!(remove(tenant).await, Removed::NotFound);
    assert_eq!(store.find_api_key(&[9; 32], NOW).await.unwrap(), None);
    let chain = audit(world, tenant.tenant_id).await;
    for act in ["service_account_made", "service_account_changed", "service_account_removed"] {
        assert_eq!(chain.matches(act).count(), 1, "{act}");
    }
}

async fn an_admin_person_makes_the_last_key_dispensable(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, scene.tenant.as_ref());
    let first = store.list_api_keys(Some(tenant), END, 9).await.unwrap()[0].key_id;
    let revoke = async || store.revoke_api_key(BY, Some(tenant), first, "admin").await.unwrap();
    assert_eq!(revoke().await, KeyChange::Last);
    let recruiter = join(world, Some(tenant), 1, "recruiter").await;
    // A person's key is none that can be relied on: it does what the person may.
    let key = new_key(world, 9, KeyOwner::Person(recruiter.user_id));
    store.create_api_key(BY, Some(tenant), &key, None).await.unwrap();
    assert_eq!(revoke().await, KeyChange::Last);
    join(world, Some(tenant), 2, "admin").await;
    assert_eq!(revoke().await, KeyChange::Done);
}
