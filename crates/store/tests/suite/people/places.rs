//! How people come to be: by an invitation, or as the first one; and what is readable of them.

use domain::UnixMs;
use store::audit::OPERATOR;
use store::set_up::FirstTenant;
use store::tenants::TenantSettings;

use super::*;

on_both!(
    a_person_joins_once_by_an_invitation,
    an_invitation_is_used_by_one_of_two_at_once,
    the_first_person_is_made_once,
    nothing_about_people_is_readable,
    members_of_others_are_absent,
);

async fn a_person_joins_once_by_an_invitation(world: &World) {
    let scene = world.scene(false, false).await;
    assert!(!world.store.has_users().await.unwrap());
    let user = join(world, Some(&scene.tenant), 1, "recruiter auditor").await;
    assert!(world.store.has_users().await.unwrap());
    assert_eq!(user.profile, profile("person-1@qiming.example"));
    let found = world.store.find_user_by_mail(" Person-1@QIMING.example ").await.unwrap();
    assert_eq!(found.as_ref(), Some(&user));
    let used = world.store.find_one_time_link(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(used.used_at, Some(NOW));
    let again = new_user(world, "another@qiming.example");
    let session = session(world, again.user_id, 9);
    let store = &world.store;
    let joined = store.join(by(again.user_id), &[1; 32], &used, &again, &session).await.unwrap();
    assert_eq!(joined, Joined::LinkGone);
    assert_eq!(store.find_user(again.user_id).await.unwrap(), None);
    // An address that somebody has already makes no second person, and the invitation stays good.
    let other = link(world, Some(scene.tenant.tenant_id), "person-1@qiming.example", "admin");
    invite(world, [2; 32], &other).await;
    let twin = new_user(world, "PERSON-1@qiming.example");
    let session = self::session(world, twin.user_id, 9);
    let joined = store.join(by(twin.user_id), &[2; 32], &other, &twin, &session).await.unwrap();
    assert_eq!(joined, Joined::Known);
    assert!(store.find_one_time_link(&[2; 32]).await.unwrap().unwrap().is_good(NOW));
    // A member is not made one twice.
    let joined = store.join_known(by(user.user_id), &[2; 32], &other, user.user_id).await.unwrap();
    assert_eq!(joined, Joined::Known);
    let elsewhere = world.scene(false, false).await;
    let there = link(world, Some(elsewhere.tenant.tenant_id), "person-1@qiming.example", "admin");
    invite(world, [3; 32], &there).await;
    let joined = store.join_known(by(user.user_id), &[3; 32], &there, user.user_id).await.unwrap();
    assert_eq!(joined, Joined::Done);
    assert_eq!(store.list_memberships(user.user_id).await.unwrap().len(), 2);
    let chain = audit(world, scene.tenant.tenant_id).await;
    assert_eq!(chain.matches("user_invited").count(), 2);
    assert_eq!(chain.matches("user_joined").count(), 1);
    assert!(!chain.contains("qiming") && !chain.contains("王小明"), "{chain}");
}

async fn an_invitation_is_used_by_one_of_two_at_once(world: &World) {
    let scene = world.scene(false, false).await;
    for round in 0..6 {
        let email = format!("twice-{round}@qiming.example");
        let link = link(world, Some(scene.tenant.tenant_id), &email, "auditor");
        invite(world, [round; 32], &link).await;
        let (one, other) = (new_user(world, &email), new_user(world, &email));
        let sessions =
            [session(world, one.user_id, 100 + round), session(world, other.user_id, 200 + round)];
        let (store, token) = (&world.store, [round; 32]);
        let (a, b) = tokio::join!(
            store.join(by(one.user_id), &token, &link, &one, &sessions[0]),
            store.join(by(other.user_id), &token, &link, &other, &sessions[1]),
        );
        let mut ends = [a.unwrap(), b.unwrap()];
        ends.sort_by_key(|end| *end != Joined::Done);
        assert_eq!(ends, [Joined::Done, Joined::LinkGone], "round {round}");
    }
    let members = world.store.list_members(Some(scene.tenant.tenant_id), END, 100).await.unwrap();
    assert_eq!(members.len(), 6);
}

async fn the_first_person_is_made_once(world: &World) {
    let store = &world.store;
    let set_up_link = |email: &str| OneTimeLink {
        kind: OneTimeLinkKind::SetUp,
        ..link(world, None, email, "operator")
    };
    invite(world, [1; 32], &set_up_link("")).await;
    invite(world, [2; 32], &set_up_link("")).await;
    assert_eq!(store.find_one_time_link(&[1; 32]).await.unwrap(), None, "a newer one is there");
    let tenant = FirstTenant {
        tenant_id: TenantId(42),
        name: "启明科技".into(),
        settings: TenantSettings { retention_days: 365, ..TenantSettings::default() },
    };
    let make = async |number: u8| {
        let user = new_user(world, &format!("first-{number}@qiming.example"));
        let session = session(world, user.user_id, number);
        store.set_up(by(user.user_id), &[2; 32], &user, Some(&tenant), &session).await.unwrap()
    };
    let (one, other) = tokio::join!(make(3), make(4));
    assert_eq!([one, other].iter().filter(|end| **end == Saved::Done).count(), 1);
    assert_eq!(make(5).await, Saved::Outdated);
    assert_eq!(world.number("SELECT count(*) FROM users").await, 1);
    let made = store.find_tenant(TenantId(42)).await.unwrap().unwrap();
    assert_eq!(made.name, "启明科技");
    assert_eq!(store.list_api_keys(Some(&made), END, 9).await.unwrap(), []);
    let number = if is_signed_in(world, 3).await { 3 } else { 4 };
    let found = store.find_session(&[number; 32]).await.unwrap().unwrap();
    let mut places: Vec<_> =
        found.memberships.iter().map(|place| (place.tenant_id, &*place.roles)).collect();
    places.sort();
    assert_eq!(places, [(None, "operator"), (Some(TenantId(42)), "admin")]);
    assert!(audit(world, OPERATOR).await.contains("user_joined"));
    assert!(audit(world, TenantId(42)).await.contains("user_joined"));
    // A link that is good makes nobody the first any more.
    invite(world, [9; 32], &set_up_link("")).await;
    let user = new_user(world, "late@qiming.example");
    let session = session(world, user.user_id, 9);
    let late = store.set_up(by(user.user_id), &[9; 32], &user, None, &session).await.unwrap();
    assert_eq!(late, Saved::Outdated);
}

async fn nothing_about_people_is_readable(world: &World) {
    let scene = world.scene(false, false).await;
    let user = with_totp(world, &scene.tenant, &["recovery-code".to_owned()]).await;
    super::keys::make_service(world, &scene.tenant).await;
    invite(world, [3; 32], &link(world, None, "secret@qiming.example", "operator")).await;
    assert!(!format!("{user:?}").contains("王小明"));
    let mut seen = 0;
    for table in [
        "users",
        "recovery_codes",
        "memberships",
        "user_sessions",
        "one_time_links",
        "service_accounts",
    ] {
        for row in world.raw(&format!("SELECT * FROM {table}")).await {
            for column in row {
                let text = String::from_utf8_lossy(&column);
                for secret in
                    ["王小明", "qiming", "203.0.113.7", "招聘系统", "recovery-code", "secret"]
                {
                    assert!(!text.contains(secret), "{secret} in {table}: {text}");
                }
            }
            seen += 1;
        }
    }
    assert!(seen >= 7, "only {seen} rows");
    let replica = world.replica().await;
    let found = replica.find_user_by_mail("person-1@qiming.example").await.unwrap();
    assert_eq!(found, world.store.find_user(user.user_id).await.unwrap());
}

async fn members_of_others_are_absent(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    let user = join(world, Some(&scene.tenant), 1, "admin").await;
    let operator = join(world, None, 2, "operator").await;
    let store = &world.store;
    let strangers = [Some(other.tenant.tenant_id), None];
    for stranger in strangers {
        assert_eq!(store.find_member(stranger, user.user_id).await.unwrap(), None);
        for to in [Change::Roles("auditor"), Change::Suspend, Change::Resume, Change::Remove] {
            let changed =
                store.change_member(BY, stranger, user.user_id, "admin", to).await.unwrap();
            assert_eq!(changed, MemberChange::NotFound);
        }
    }
    assert_eq!(store.list_members(Some(other.tenant.tenant_id), END, 9).await.unwrap(), []);
    let operators = store.list_members(None, END, 9).await.unwrap();
    assert_eq!(operators.len(), 1);
    assert_eq!(operators[0].user, operator);
    let invitation = link(world, Some(scene.tenant.tenant_id), "b@qiming.example", "auditor");
    invite(world, [5; 32], &invitation).await;
    for stranger in strangers {
        let found = store.get_invitation(stranger, invitation.link_id).await.unwrap();
        assert_eq!(found, None);
        let revoked = store.revoke_invitation(BY, stranger, invitation.link_id).await.unwrap();
        assert_eq!(revoked, Saved::Outdated);
    }
    let own = Some(scene.tenant.tenant_id);
    let listed = store.list_invitations(own, END, 9).await.unwrap();
    assert_eq!(listed.len(), 2, "the one that was used is listed too");
    assert_eq!(store.revoke_invitation(BY, own, invitation.link_id).await.unwrap(), Saved::Done);
    let again = store.revoke_invitation(BY, own, invitation.link_id).await.unwrap();
    assert_eq!(again, Saved::Outdated);
    let late = NOW.plus_ms(INVITATION_MS);
    store.forget_old_links(UnixMs(late.0 - 1)).await.unwrap();
    assert_eq!(store.list_invitations(own, END, 9).await.unwrap().len(), 2);
    store.forget_old_links(late).await.unwrap();
    assert_eq!(store.list_invitations(own, END, 9).await.unwrap().len(), 0);
}
