//! Members, of whom the last admin stays.

use super::*;

on_both!(
    the_last_admin_stays,
    two_admins_that_demote_each_other_leave_one,
    a_person_who_is_nowhere_any_more_is_forgotten,
);

async fn the_last_admin_stays(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant = &scene.tenant;
    let admin = join(world, Some(tenant), 1, "auditor admin").await;
    let recruiter = join(world, Some(tenant), 2, "recruiter").await;
    for last in [Change::Roles("auditor"), Change::Suspend, Change::Remove] {
        assert_eq!(change(world, tenant, &admin, last).await, MemberChange::Last, "{last:?}");
    }
    assert_eq!(change(world, tenant, &admin, Change::Roles("admin")).await, MemberChange::Done);
    assert_eq!(change(world, tenant, &recruiter, Change::Suspend).await, MemberChange::Done);
    assert_eq!(change(world, tenant, &recruiter, Change::Suspend).await, MemberChange::Done);
    assert!(!is_signed_in(world, 2).await, "suspended people are signed out");
    let suspended = change(world, tenant, &recruiter, Change::Roles("admin")).await;
    assert_eq!(suspended, MemberChange::Done);
    assert_eq!(change(world, tenant, &admin, Change::Suspend).await, MemberChange::Last);
    assert_eq!(change(world, tenant, &recruiter, Change::Resume).await, MemberChange::Done);
    assert_eq!(change(world, tenant, &admin, Change::Remove).await, MemberChange::Done);
    assert_eq!(change(world, tenant, &admin, Change::Resume).await, MemberChange::NotFound);
    let chain = audit(world, tenant.tenant_id).await;
    for (act, count) in
        [("roles_changed", 2), ("user_suspended", 1), ("user_resumed", 1), ("user_removed", 1)]
    {
        assert_eq!(chain.matches(act).count(), count, "{act}: {chain}");
    }
}

async fn two_admins_that_demote_each_other_leave_one(world: &World) {
    for round in 0..6_u8 {
        let scene = world.scene(false, false).await;
        let tenant = &scene.tenant;
        let one = join(world, Some(tenant), 10 + 2 * round, "admin").await;
        let other = join(world, Some(tenant), 11 + 2 * round, "admin").await;
        let changes = [Change::Roles("auditor"), Change::Suspend, Change::Remove];
        let to = changes[usize::from(round) % 3];
        let (a, b) =
            tokio::join!(change(world, tenant, &one, to), change(world, tenant, &other, to));
        let mut ends = [a, b];
        ends.sort_by_key(|end| *end != MemberChange::Done);
        assert_eq!(ends, [MemberChange::Done, MemberChange::Last], "round {round}");
    }
}

async fn a_person_who_is_nowhere_any_more_is_forgotten(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    let codes = ["aaaa".to_owned()];
    let user = with_totp(world, &scene.tenant, &codes).await;
    let there = link(world, Some(other.tenant.tenant_id), "person-1@qiming.example", "auditor");
    invite(world, [2; 32], &there).await;
    let store = &world.store;
    store.join_known(by(user.user_id), &[2; 32], &there, user.user_id).await.unwrap();
    assert_eq!(change(world, &scene.tenant, &user, Change::Remove).await, MemberChange::Done);
    assert!(store.find_user(user.user_id).await.unwrap().is_some(), "in another tenant still");
    assert_eq!(store.count_recovery_codes(user.user_id).await.unwrap(), 1);
    assert!(!is_signed_in(world, 1).await);
    assert_eq!(change(world, &other.tenant, &user, Change::Remove).await, MemberChange::Done);
    assert_eq!(store.find_user(user.user_id).await.unwrap(), None);
    assert_eq!(world.number("SELECT count(*) FROM users").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM recovery_codes").await, 0);
    // The address is nobody's again.
    let user = new_user(world, "person-1@qiming.example");
    let back = link(world, Some(scene.tenant.tenant_id), "person-1@qiming.example", "auditor");
    invite(world, [4; 32], &back).await;
    let session = session(world, user.user_id, 4);
    let joined = store.join(by(user.user_id), &[4; 32], &back, &user, &session).await.unwrap();
    assert_eq!(joined, Joined::Done);
}
