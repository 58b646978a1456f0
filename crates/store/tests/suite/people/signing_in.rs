//! Sessions, second factors, and the tries that fail.

use domain::backoff::{ACCOUNT, PLACE_KNOWN_MS, Tries};
use domain::session::{IDLE_MS, NOTED_EVERY_MS};
use store::sessions::{Factor, Which};

use super::*;

on_both!(
    a_person_signs_in_and_is_found_with_their_tenants,
    sessions_end_one_by_one_and_all_at_once,
    a_changed_password_ends_what_the_old_one_began,
    a_second_factor_is_used_once,
    a_recovery_code_is_used_once,
    tries_are_counted_one_by_one,
);

async fn a_person_signs_in_and_is_found_with_their_tenants(world: &World) {
    let (scene, other) = (world.scene(false, false).await, world.scene(false, false).await);
    let user = join(world, Some(&scene.tenant), 1, "recruiter").await;
    let there = link(world, Some(other.tenant.tenant_id), "person-1@qiming.example", "admin");
    invite(world, [2; 32], &there).await;
    let store = &world.store;
    store.join_known(by(user.user_id), &[2; 32], &there, user.user_id).await.unwrap();
    let new = session(world, user.user_id, 7);
    let begun = store.begin_session(by(user.user_id), &new, PASSWORD, Some(&[1; 32])).await;
    assert_eq!(begun.unwrap(), Saved::Done);
    assert!(!is_signed_in(world, 1).await, "the session before is gone");
    let found = store.find_session(&[7; 32]).await.unwrap().unwrap();
    assert_eq!((found.user_id, found.tenant_id, found.has_totp), (user.user_id, None, false));
    assert_eq!(found.profile, user.profile);
    let places: Vec<_> =
        found.memberships.iter().map(|place| (place.tenant_id.unwrap(), &*place.roles)).collect();
    let expected = [(scene.tenant.tenant_id, "recruiter"), (other.tenant.tenant_id, "admin")];
    assert_eq!(places, expected);
    let chosen = Some(other.tenant.tenant_id);
    store.choose_session_tenant(user.user_id, new.session_id, chosen).await.unwrap();
    store.choose_session_tenant(Id(5), new.session_id, None).await.unwrap();
    assert_eq!(store.find_session(&[7; 32]).await.unwrap().unwrap().tenant_id, chosen);
    for tenant in [&scene.tenant, &other.tenant] {
        assert_eq!(audit(world, tenant.tenant_id).await.matches("signed_in").count(), 1);
    }
    // Written once a minute.
    for (after, expected) in [
        (NOTED_EVERY_MS - 1, 0),
        (NOTED_EVERY_MS, NOTED_EVERY_MS),
        (NOTED_EVERY_MS + 5, NOTED_EVERY_MS),
    ] {
        store.note_session_use(&[7; 32], NOW.plus_ms(after)).await.unwrap();
        let seen = store.find_session(&[7; 32]).await.unwrap().unwrap().last_seen_at;
        assert_eq!(seen.ms_since(NOW), expected);
    }
    store.forget_old_sessions(NOW.plus_ms(IDLE_MS)).await.unwrap();
    assert!(is_signed_in(world, 7).await);
    store.forget_old_sessions(NOW.plus_ms(IDLE_MS + NOTED_EVERY_MS)).await.unwrap();
    assert!(!is_signed_in(world, 7).await);
}

async fn sessions_end_one_by_one_and_all_at_once(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant_id) = (&world.store, scene.tenant.tenant_id);
    let user = join(world, Some(&scene.tenant), 1, "recruiter").await;
    let stranger = join(world, Some(&scene.tenant), 2, "recruiter").await;
    let (me, mut ids) = (user.user_id, Vec::new());
    for number in 10..15 {
        let new = NewSession { tenant_id: Some(tenant_id), ..session(world, me, number) };
        ids.push(new.session_id);
        store.begin_session(by(me), &new, PASSWORD, None).await.unwrap();
    }
    let listed = store.list_sessions(me, NOW).await.unwrap();
    assert_eq!(listed.len(), 6);
    assert_eq!(listed[0].session_id, ids[4], "newest first");
    assert_eq!(listed[0].origin.address, "203.0.113.7");
    assert_eq!(store.list_sessions(me, NOW.plus_ms(IDLE_MS)).await.unwrap(), []);
    let end = async |user_id, which| store.end_sessions(by(me), user_id, which).await.unwrap();
    assert!(!end(stranger.user_id, Which::One(ids[0])).await, "somebody else's");
    assert!(end(me, Which::One(ids[0])).await && !end(me, Which::One(ids[0])).await);
    assert!(!end(me, Which::OneOfTenant(TenantId(5), ids[1])).await);
    assert!(end(me, Which::OneOfTenant(tenant_id, ids[1])).await);
    assert!(end(me, Which::AllBut(ids[2])).await);
    assert_eq!(store.list_sessions(me, NOW).await.unwrap().len(), 1);
    assert!(end(me, Which::OfTenant(TenantId(5))).await);
    assert_eq!(store.list_sessions(me, NOW).await.unwrap().len(), 1);
    assert!(end(me, Which::OfTenant(tenant_id)).await);
    assert_eq!(store.list_sessions(me, NOW).await.unwrap().len(), 0);
    assert!(is_signed_in(world, 2).await, "others stay");
}

async fn a_changed_password_ends_what_the_old_one_began(world: &World) {
    let scene = world.scene(false, false).await;
    let user = join(world, Some(&scene.tenant), 1, "recruiter").await;
    let (store, me) = (&world.store, user.user_id);
    let new = session(world, me, 7);
    let changed = store.set_password(by(me), &user, "$argon2id$other", Some(&new)).await.unwrap();
    assert_eq!(changed, Saved::Done);
    assert!(!is_signed_in(world, 1).await && is_signed_in(world, 7).await);
    // Who checked the old one a moment ago comes too late.
    let late = session(world, me, 8);
    let begun = store.begin_session(by(me), &late, PASSWORD, None).await.unwrap();
    assert_eq!(begun, Saved::Outdated);
    assert!(!is_signed_in(world, 8).await);
    let changed = store.set_password(by(me), &user, "$argon2id$third", None).await.unwrap();
    assert_eq!(changed, Saved::Outdated);
    assert_eq!(audit(world, scene.tenant.tenant_id).await.matches("password_changed").count(), 1);
}

async fn a_second_factor_is_used_once(world: &World) {
    let scene = world.scene(false, false).await;
    let user = with_totp(world, &scene.tenant, &[]).await;
    let (store, me) = (&world.store, user.user_id);
    let totp = user.totp.unwrap();
    assert_eq!((&*totp.secret, totp.on_at, totp.step), (b"secret".as_slice(), Some(NOW), 5));
    for step in [5, 4] {
        assert!(!store.use_totp_step(me, step).await.unwrap(), "{step}");
    }
    let complete = async |waiting: u8, next: u8, step| {
        let half = NewSession { awaits_totp: true, ..session(world, me, waiting) };
        store.begin_session(by(me), &half, PASSWORD, None).await.unwrap();
        let whole = session(world, me, next);
        let factor = Factor::Step(step);
        store.complete_session(by(me), &whole, &[waiting; 32], &factor).await.unwrap()
    };
    assert_eq!(complete(20, 21, 6).await, Saved::Done);
    assert!(!is_signed_in(world, 20).await && is_signed_in(world, 21).await);
    assert_eq!(complete(22, 23, 6).await, Saved::Outdated, "a code that was used");
    assert!(is_signed_in(world, 22).await && !is_signed_in(world, 23).await);
    let (one, other) = tokio::join!(complete(24, 25, 7), complete(26, 27, 7));
    assert_eq!([one, other].iter().filter(|end| **end == Saved::Done).count(), 1);
    assert_eq!(store.end_totp(by(me), me).await.unwrap(), Saved::Done);
    assert_eq!(store.end_totp(by(me), me).await.unwrap(), Saved::Outdated);
    let chain = audit(world, scene.tenant.tenant_id).await;
    assert!(chain.contains("totp_on") && chain.contains("totp_off"));
}

async fn a_recovery_code_is_used_once(world: &World) {
    let scene = world.scene(false, false).await;
    let codes = ["aaaa".to_owned(), "bbbb".to_owned()];
    let user = with_totp(world, &scene.tenant, &codes).await;
    let (store, me) = (&world.store, user.user_id);
    assert_eq!(store.count_recovery_codes(me).await.unwrap(), 2);
    let complete = async |number: u8, code: &str| {
        let half = NewSession { awaits_totp: true, ..session(world, me, number) };
        store.begin_session(by(me), &half, PASSWORD, None).await.unwrap();
        let factor = Factor::RecoveryCode(code.to_owned());
        let whole = session(world, me, number + 1);
        store.complete_session(by(me), &whole, &[number; 32], &factor).await.unwrap()
    };
    assert_eq!(complete(30, "cccc").await, Saved::Outdated);
    let (one, other) = tokio::join!(complete(32, "aaaa"), complete(34, "aaaa"));
    assert_eq!([one, other].iter().filter(|end| **end == Saved::Done).count(), 1);
    assert_eq!(store.count_recovery_codes(me).await.unwrap(), 1);
    store.replace_recovery_codes(by(me), me, &["dddd".to_owned()]).await.unwrap();
    assert_eq!(complete(36, "bbbb").await, Saved::Outdated);
    assert_eq!(complete(38, "dddd").await, Saved::Done);
    assert_eq!(store.count_recovery_codes(me).await.unwrap(), 0);
}

async fn tries_are_counted_one_by_one(world: &World) {
    let store = &world.store;
    let account = store.account_subject("a@qiming.example");
    let address = store.address_subject("203.0.113.7");
    assert_eq!(account, store.account_subject("A@qiming.example "));
    let subjects = [account, address];
    let none = [Tries::default(); 2];
    assert_eq!(store.find_tries(subjects).await.unwrap(), none);
    let one = none.map(|tries| tries.add(ACCOUNT, NOW).unwrap());
    let (a, b) = tokio::join!(
        store.count_tries(subjects, none, one),
        store.count_tries(subjects, none, one)
    );
    assert_eq!([a.unwrap(), b.unwrap()].iter().filter(|is_done| **is_done).count(), 1);
    assert_eq!(store.find_tries(subjects).await.unwrap(), one);
    // One that is not as it was found leaves the other as it is too.
    let half = [Tries::default(), one[1]];
    assert!(!store.count_tries(subjects, half, one).await.unwrap());
    let place = store.place_subject("a@qiming.example", "203.0.113.7");
    assert_eq!(store.find_tries([place]).await.unwrap(), [Tries::default()]);
    store.succeed_sign_in(account, address, place, NOW).await.unwrap();
    let [of_account, of_address] = store.find_tries(subjects).await.unwrap();
    assert_eq!((of_account.count, of_address.count), (0, 0));
    let known = Tries { last_at: NOW, ..Tries::default() };
    assert_eq!(store.find_tries([place]).await.unwrap(), [known]);
    store.succeed_tries(address).await.unwrap();
    store.forget_old_tries(NOW.plus_ms(PLACE_KNOWN_MS - 1)).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM sign_in_tries").await, 1);
    store.forget_old_tries(NOW.plus_ms(PLACE_KNOWN_MS)).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM sign_in_tries").await, 0);
}
