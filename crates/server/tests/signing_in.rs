//! Signing in: passwords, tries, sessions and second factors, by the use cases that pages call.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;
mod persons;

use contract::control::{KeyRole, List, UpdateTenant, UserSession};
use domain::backoff::WAIT_MS_MAX;
use domain::session::{IDLE_MS, SECOND_FACTOR_MS, WHOLE_MS};
use domain::{Act, Roles};
use futures_util::future::join_all;
use harness::World;
use hub::sessions::{SessionState, SignIn};
use hub::{Error, sessions, setup, users};
use persons::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_person_sets_up_and_nobody_else_does() {
    World::each(async |world| {
        let hub = &world.app.hub;
        assert!(setup::is_needed(hub).await.unwrap());
        let old = token(&setup::begin(hub).await.unwrap().unwrap());
        let address = setup::begin(hub).await.unwrap().unwrap();
        assert!(address.starts_with(&format!("{}/setup?token=", world.server())), "{address}");
        let token = token(&address);
        let set_up = |email: &str, text: &str| setup::SetUp {
            tenant_name: Some("启明科技".to_owned()),
            name: "王小明".to_owned(),
            email: email.to_owned(),
            password: password(text),
            locale: Some("en".to_owned()),
        };
        assert!(
            !setup::is_open(hub, &old).await.unwrap() && setup::is_open(hub, &token).await.unwrap()
        );
        let wrong = setup::SetUp {
            tenant_name: Some(String::new()),
            name: " ".to_owned(),
            email: "nobody".to_owned(),
            password: password("password1234"),
            locale: Some("fr".to_owned()),
        };
        let refused = setup::complete(hub, &token, wrong, origin()).await.unwrap_err();
        assert_eq!(fields(refused), ["name", "email", "locale", "tenant_name", "password"]);
        let good = || set_up("first@qiming.example", PASSWORD);
        let refused = setup::complete(hub, &old, good(), origin()).await.unwrap_err();
        assert_eq!(refusal(refused), "not_found");
        let (one, other) = tokio::join!(
            setup::complete(hub, &token, good(), origin()),
            setup::complete(hub, &token, set_up("second@qiming.example", PASSWORD), origin()),
        );
        let done: Vec<_> = [one, other].into_iter().filter_map(Result::ok).collect();
        assert_eq!(done.len(), 1, "one of two at once");
        assert!(!setup::is_needed(hub).await.unwrap());
        assert_eq!(setup::begin(hub).await.unwrap(), None);
        let session = session(hub, &done[0]).await;
        assert_eq!((session.state, session.memberships.len()), (SessionState::Full, 1));
        assert_eq!(session.tenant.as_ref().unwrap().name, "启明科技");
        assert!(session.actor.roles.may(Act::ManageUsers));
        assert!(!session.actor.roles.may(Act::ManageTenants), "the tenant is looked at");
        assert!(session.operator.unwrap().roles.may(Act::ManageTenants));
        sessions::choose_tenant(hub, &session, None).await.unwrap();
        let session = of(&world, &done[0].cookie_value).await;
        assert!(session.tenant.is_none() && session.actor.roles.may(Act::ManageTenants));
        assert!(!session.actor.roles.may(Act::SeeOrders));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_person_and_a_wrong_password_answer_alike() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Recruiter]).await;
        let suspended = join(&world, &hirer, "b@qiming.example", &[KeyRole::Recruiter]).await;
        let user_id = suspended.user_id.to_string();
        hirer.control.suspend_user(&hirer.tenant_key, &user_id).await.unwrap();
        let huge = "a".repeat(5_000_000);
        let mut answers = Vec::new();
        for (email, text) in [
            ("a@qiming.example", "wrong-wrong-wrong"),
            ("a@qiming.example", ""),
            ("a@qiming.example", &huge),
            ("nobody@qiming.example", PASSWORD),
            ("b@qiming.example", PASSWORD),
            (&huge, PASSWORD),
            ("", ""),
        ] {
            let refused = sign_in(&world, email, text, origin()).await.unwrap_err();
            answers.push(refused.to_string());
            assert_eq!(refusal(refused), "unauthenticated");
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let signed_in = sign_in(&world, " A@Qiming.example ", PASSWORD, origin()).await.unwrap();
        assert_ne!(signed_in.cookie_value, person.cookie);
        let session = of(&world, &signed_in.cookie_value).await;
        assert_eq!(session.user.user_id, person.user_id);
        assert_eq!(session.actor.roles, Roles::of(&[KeyRole::Recruiter]));
        assert!(!format!("{session:?} {signed_in:?}").contains("qiming.example"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_have_to_wait_also_many_at_once_and_on_another_replica() {
    World::each(async |mut world| {
        let hirer = world.hirer().await;
        join(&world, &hirer, "a@qiming.example", &[KeyRole::Recruiter]).await;
        // From many addresses, so that the account alone counts.
        let tries = (0..40).map(|number| {
            sign_in(
                &world,
                "a@qiming.example",
                "wrong-wrong-wrong",
                from(&format!("198.51.100.{number}")),
            )
        });
        let ends = join_all(tries).await;
        let checked = ends
            .into_iter()
            .filter(|end| matches!(end, Err(error) if !matches!(error, Error::TooSoon(_))));
        assert!((1..=6).contains(&checked.count()), "more tries were checked than are free");
        let far = || from("192.0.2.1");
        let mut waits = Vec::new();
        loop {
            match sign_in(&world, "a@qiming.example", "wrong-wrong-wrong", far()).await {
                Err(Error::TooSoon(seconds)) => {
                    waits.push(seconds);
                    world.clock.advance_ms(seconds * 1_000);
                }
                Err(_) => {}
                Ok(_) => panic!("a wrong password"),
            }
            if waits.len() == 6 {
                break;
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32]);
        // The right password waits too, and what was counted outlives a restart.
        sign_in(&world, "a@qiming.example", "wrong-wrong-wrong", far()).await.unwrap_err();
        world.restart().await;
        let refused = sign_in(&world, "a@qiming.example", PASSWORD, far()).await.unwrap_err();
        assert!(matches!(refused, Error::TooSoon(64)), "{refused}");
        advance(&world, WAIT_MS_MAX);
        sign_in(&world, "a@qiming.example", PASSWORD, far()).await.unwrap();
        for _ in 0..5 {
            let refused = sign_in(&world, "a@qiming.example", "wrong-wrong-wrong", far()).await;
            assert_eq!(refusal(refused.unwrap_err()), "unauthenticated", "a success forgets");
        }
        let chain = audit(&world, &hirer).await;
        let failed = chain.matches("sign_in_failed").count();
        assert!((2..=4).contains(&failed), "{failed} entries for all of these tries");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_from_one_address_at_many_accounts_have_to_wait() {
    World::each(async |world| {
        let mut refused = Vec::new();
        for number in 0..22 {
            let email = format!("{number}@qiming.example");
            let error = sign_in(&world, &email, PASSWORD, from("192.0.2.9")).await.unwrap_err();
            refused.push(refusal(error));
        }
        assert_eq!(refused.iter().filter(|code| **code == "unauthenticated").count(), 21);
        assert_eq!(refused[21], "rate_limited");
        let elsewhere = sign_in(&world, "x@qiming.example", PASSWORD, origin()).await.unwrap_err();
        assert_eq!(refusal(elsewhere), "unauthenticated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_when_it_is_idle_old_or_revoked() {
    World::each(async |world| {
        let (hub, hirer) = (&world.app.hub, world.hirer().await);
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Recruiter]).await;
        for wrong in ["", "a", &person.cookie[1..], &format!("{}a", person.cookie), &"a".repeat(43)]
        {
            assert!(sessions::authenticate(hub, wrong).await.unwrap().is_none(), "{wrong}");
        }
        advance(&world, IDLE_MS);
        assert!(!is_signed_in(&world, &person.cookie).await);
        let cookie = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap().cookie_value;
        let mut lived_ms = 0;
        while is_signed_in(&world, &cookie).await {
            advance(&world, IDLE_MS - 60_000);
            lived_ms += IDLE_MS - 60_000;
        }
        assert!((WHOLE_MS..WHOLE_MS + IDLE_MS).contains(&lived_ms), "{lived_ms}");
        // The value changes with each sign-in, and what came along is good no more.
        let first = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();
        let input = SignIn { email: person.email.clone(), password: password(PASSWORD) };
        let before = Some(first.cookie_value.as_str());
        let second = sessions::sign_in(hub, input, origin(), before).await.unwrap();
        assert!(!is_signed_in(&world, &first.cookie_value).await);
        let third = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();
        let session = session(hub, &third).await;
        let listed = sessions::list(hub, &session).await.unwrap();
        assert_eq!(listed.iter().map(|own| own.is_this).collect::<Vec<_>>(), [true, false]);
        assert_eq!(listed[0].view.client, "Firefox");
        sessions::revoke_all(hub, &session).await.unwrap();
        assert!(!is_signed_in(&world, &second.cookie_value).await);
        assert!(is_signed_in(&world, &third.cookie_value).await);
        sessions::revoke(hub, &session, session.session_id).await.unwrap();
        assert!(!is_signed_in(&world, &third.cookie_value).await);
        let fourth = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();
        sessions::sign_out(hub, &fourth.cookie_value).await.unwrap();
        assert!(!is_signed_in(&world, &fourth.cookie_value).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_ends_every_session() {
    World::each(async |world| {
        let (hub, hirer) = (&world.app.hub, world.hirer().await);
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Recruiter]).await;
        let other = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();
        let session = of(&world, &person.cookie).await;
        let change = async |old: &str, new: &str| {
            users::change_password(hub, &session, password(old), password(new), origin()).await
        };
        let new = "kettle moss umbrella 4";
        let refused = change("wrong-wrong-wrong", new).await.unwrap_err();
        assert_eq!(fields(refused), ["old_password"]);
        let refused = change(PASSWORD, "a@qiming.example").await.unwrap_err();
        assert_eq!(fields(refused), ["password"]);
        let signed_in = change(PASSWORD, new).await.unwrap();
        assert!(is_signed_in(&world, &signed_in.cookie_value).await);
        for cookie in [&person.cookie, &other.cookie_value] {
            assert!(!is_signed_in(&world, cookie).await);
        }
        let refused = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap_err();
        assert_eq!(refusal(refused), "unauthenticated");
        sign_in(&world, &person.email, new, origin()).await.unwrap();
        assert_eq!(audit(&world, &hirer).await.matches("password_changed").count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_signed_in_session_does_nothing_but_show_its_second_factor() {
    World::each(async |world| {
        let (hub, hirer) = (&world.app.hub, world.hirer().await);
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Admin]).await;
        let session = of(&world, &person.cookie).await;
        let set_up = users::begin_totp(hub, &session).await.unwrap();
        let now = || world.clock.now();
        let refused = users::confirm_totp(hub, &session, "000000").await.unwrap_err();
        assert_eq!(fields(refused), ["code"]);
        let used = code(&set_up.secret, now());
        let codes = users::confirm_totp(hub, &session, &used).await.unwrap();
        assert_eq!(codes.len(), 10);
        let half = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();
        assert!(half.awaits_totp);
        let session = persons::session(hub, &half).await;
        assert_eq!(session.state, SessionState::AwaitsTotp);
        assert!(session.memberships.is_empty() && session.tenant.is_none());
        assert!(session.actor.roles.is_empty() && session.operator.is_none());
        let tenant = hub.store.find_tenant(hirer.tenant_id).await.unwrap().unwrap();
        let listed = users::list(hub, &session.actor, Some(&tenant), List::default().into()).await;
        assert_eq!(refusal(listed.unwrap_err()), "forbidden");
        let chosen = sessions::choose_tenant(hub, &session, Some(hirer.tenant_id)).await;
        assert_eq!(refusal(chosen.unwrap_err()), "forbidden");
        assert!(sessions::list(hub, &session).await.is_err());
        assert!(users::begin_totp(hub, &session).await.is_err());
        assert!(users::disable_totp(hub, &session, password(PASSWORD)).await.is_err());

        let confirm = async |cookie: &str, code: &str| {
            sessions::confirm_totp(hub, cookie, code, origin()).await
        };
        let cookie = &half.cookie_value;
        assert_eq!(
            refusal(confirm(cookie, &used).await.unwrap_err()),
            "unauthenticated",
            "a replay"
        );
        advance(&world, 30_000);
        let fresh = code(&set_up.secret, now());
        let whole = confirm(cookie, &fresh).await.unwrap();
        assert!(!whole.awaits_totp && whole.cookie_value != *cookie);
        assert!(sessions::authenticate(hub, cookie).await.unwrap().is_none());
        assert_eq!(persons::session(hub, &whole).await.state, SessionState::Full);
        assert!(confirm(&whole.cookie_value, &fresh).await.is_err(), "a whole one does not wait");

        // A recovery code, once; and tries that have to wait.
        let half = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();
        let typed = codes[0].to_uppercase().replace('-', " ");
        let whole = confirm(&half.cookie_value, &typed).await.unwrap();
        let session = persons::session(hub, &whole).await;
        assert_eq!(users::count_recovery_codes(hub, &session).await.unwrap(), 9);
        let half = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();
        let again = confirm(&half.cookie_value, &codes[0]).await.unwrap_err();
        assert_eq!(refusal(again), "unauthenticated");
        for _ in 0..5 {
            confirm(&half.cookie_value, "123456").await.unwrap_err();
        }
        let refused = confirm(&half.cookie_value, &codes[1]).await.unwrap_err();
        assert_eq!(refusal(refused), "rate_limited");
        advance(&world, SECOND_FACTOR_MS);
        let refused = confirm(&half.cookie_value, &codes[1]).await.unwrap_err();
        assert_eq!(refusal(refused), "unauthenticated", "it waited too long");
        let half = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();
        let whole = confirm(&half.cookie_value, &codes[1]).await.unwrap();
        let session = persons::session(hub, &whole).await;
        let renewed = users::renew_recovery_codes(hub, &session, password(PASSWORD)).await.unwrap();
        assert_eq!(renewed.len(), 10);
        users::disable_totp(hub, &session, password(PASSWORD)).await.unwrap();
        assert!(!sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap().awaits_totp);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_demands_a_second_factor_gives_nothing_without() {
    World::each(async |world| {
        let (hub, hirer) = (&world.app.hub, world.hirer().await);
        let other = world.hirer().await;
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Admin]).await;
        join_too(&world, &other, &person, &[KeyRole::Auditor]).await;
        let demand = UpdateTenant { totp_required: Some(true), ..UpdateTenant::default() };
        hirer.control.update_tenant(&hirer.tenant_key, &demand).await.unwrap();
        let session = of(&world, &person.cookie).await;
        assert_eq!(session.state, SessionState::MustSetUpTotp);
        assert!(session.actor.roles.is_empty());
        let changed = users::change_password(
            hub,
            &session,
            password(PASSWORD),
            password("kettle moss umbrella 4"),
            origin(),
        );
        assert_eq!(refusal(changed.await.unwrap_err()), "forbidden");
        // The other tenant does not demand it.
        sessions::choose_tenant(hub, &session, Some(other.tenant_id)).await.unwrap();
        assert_eq!(of(&world, &person.cookie).await.state, SessionState::Full);
        sessions::choose_tenant(hub, &session, Some(hirer.tenant_id)).await.unwrap();
        let session = of(&world, &person.cookie).await;
        let set_up = users::begin_totp(hub, &session).await.unwrap();
        let code = code(&set_up.secret, world.clock.now());
        users::confirm_totp(hub, &session, &code).await.unwrap();
        let session = of(&world, &person.cookie).await;
        assert_eq!(session.state, SessionState::Full);
        assert!(session.actor.roles.may(Act::ManageUsers));
        let foreign = domain::TenantId(5);
        let chosen = sessions::choose_tenant(hub, &session, Some(foreign)).await.unwrap_err();
        assert_eq!(refusal(chosen), "not_found");
        let listed: Vec<UserSession> = {
            let user_id = person.user_id.to_string();
            hirer.control.list_user_sessions(&hirer.tenant_key, &user_id).await.unwrap().items
        };
        assert_eq!(listed.len(), 1);
    })
    .await;
}
