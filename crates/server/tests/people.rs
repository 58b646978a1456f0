//! People of a tenant over the control API: invitations, roles, suspension, and what their keys may do.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;
mod persons;

use client::control::Error;
use contract::check::{OperatorRole, UpdateResult};
use contract::control::{
    ApproveOrder, CreateApiKey, CreateInvitation, CreateServiceAccount, CreateTenant, KeyRole,
    List, UpdateServiceAccount, UpdateUser,
};
use domain::people::{ACCESS_LINK_MS, INVITATION_MS};
use domain::{Id, Role, Roles};
use harness::{Hirer, World, form};
use hub::invitations::Acceptance;
use hub::{invitations, orders, sessions, users};
use persons::*;

fn code(refused: Result<impl Sized, Error>) -> String {
    match refused {
        Ok(_) => "done".to_owned(),
        Err(error) => error.problem().unwrap().code.clone(),
    }
}

/// A key that belongs to somebody.
async fn key_of(
    world: &World,
    hirer: &Hirer,
    owner: Id,
    roles: &[KeyRole],
) -> client::control::Control {
    let body = CreateApiKey {
        name: "ATS".to_owned(),
        owner_id: Some(owner.to_string()),
        roles: roles.to_vec(),
        ..CreateApiKey::default()
    };
    let created = hirer.control.create_api_key(&hirer.tenant_key, &body).await.unwrap();
    assert_eq!(created.key.owner_id, body.owner_id);
    world.control(&created.api_key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_accepted_once_by_the_one_who_was_invited() {
    World::each(async |world| {
        let (hub, hirer) = (&world.app.hub, world.hirer().await);
        let tenant_key = &hirer.tenant_key;
        let body = CreateInvitation {
            email: " New@Qiming.example".trim().to_owned(),
            roles: vec![KeyRole::Recruiter, KeyRole::Auditor],
        };
        let control = hirer.control.with_idempotency_key("invite-1").unwrap();
        let created = control.create_invitation(tenant_key, &body).await.unwrap();
        assert!(created.url.starts_with(&format!("{}/invitation?token=", world.server())));
        let repeat = control.create_invitation(tenant_key, &body).await.unwrap();
        assert_eq!((repeat.invitation, repeat.url), (created.invitation.clone(), String::new()));
        assert!(!format!("{created:?}").contains("token"));
        let token = token(&created.url);
        let offer = invitations::find(hub, &token).await.unwrap().unwrap();
        assert_eq!((offer.email.as_str(), offer.is_known), ("New@Qiming.example", false));
        assert_eq!(offer.tenant_name.as_deref(), Some("星河科技"));
        let accept = || async {
            let acceptance = Acceptance::New(new_person("王小明"));
            invitations::accept(hub, &token, acceptance, origin()).await
        };
        let (one, other) = tokio::join!(accept(), accept());
        let done: Vec<_> = [one, other].into_iter().filter_map(Result::ok).collect();
        assert_eq!(done.len(), 1, "one of two at once");
        assert_eq!(refusal(accept().await.unwrap_err()), "not_found");
        assert!(invitations::find(hub, &token).await.unwrap().is_none());
        let listed = hirer.control.list_users(tenant_key, &List::default()).await.unwrap().items;
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].roles, [KeyRole::Recruiter, KeyRole::Auditor]);
        let invited = hirer.control.list_invitations(tenant_key, &List::default()).await.unwrap();
        assert!(invited.items[0].accepted_at.is_some());
        let id = &created.invitation.invitation_id;
        assert_eq!(code(hirer.control.revoke_invitation(tenant_key, id).await), "illegal_state");
        assert_eq!(code(hirer.control.create_invitation(tenant_key, &body).await), "conflict");

        // One that was taken back, and one that is over.
        let taken = CreateInvitation { email: "b@qiming.example".to_owned(), ..body.clone() };
        let taken = hirer.control.create_invitation(tenant_key, &taken).await.unwrap();
        let id = &taken.invitation.invitation_id;
        for _ in 0..2 {
            hirer.control.revoke_invitation(tenant_key, id).await.unwrap();
        }
        assert!(invitations::find(hub, &persons::token(&taken.url)).await.unwrap().is_none());
        let late = persons::invite(&hirer, "c@qiming.example", &[KeyRole::Auditor]).await;
        advance(&world, INVITATION_MS - 1);
        assert!(invitations::find(hub, &late).await.unwrap().is_some());
        advance(&world, 1);
        let acceptance = Acceptance::New(new_person("王小明"));
        let refused = invitations::accept(hub, &late, acceptance, origin()).await.unwrap_err();
        assert_eq!(refusal(refused), "not_found");
        for wrong in [KeyRole::Operator] {
            let body = CreateInvitation { email: "d@qiming.example".into(), roles: vec![wrong] };
            let refused = hirer.control.create_invitation(tenant_key, &body).await;
            assert_eq!(code(refused), "validation_failed");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_person_joins_another_tenant_while_signed_in() {
    World::each(async |world| {
        let hub = &world.app.hub;
        let (hirer, other) = (world.hirer().await, world.hirer().await);
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Recruiter]).await;
        let stranger = join(&world, &hirer, "b@qiming.example", &[KeyRole::Recruiter]).await;
        let token = invite(&other, "A@qiming.example", &[KeyRole::Admin]).await;
        assert!(invitations::find(hub, &token).await.unwrap().unwrap().is_known);
        // Not by the address alone, and not as somebody else.
        let anew = Acceptance::New(new_person("冒名"));
        let refused = invitations::accept(hub, &token, anew, origin()).await.unwrap_err();
        assert_eq!(refusal(refused), "conflict");
        let session = of(&world, &stranger.cookie).await;
        let refused = invitations::accept(hub, &token, Acceptance::Known(&session), origin()).await;
        assert_eq!(refusal(refused.unwrap_err()), "conflict");
        let session = of(&world, &person.cookie).await;
        let accepted =
            invitations::accept(hub, &token, Acceptance::Known(&session), origin()).await;
        assert!(accepted.unwrap().is_none());
        sessions::choose_tenant(hub, &session, Some(other.tenant_id)).await.unwrap();
        let session = of(&world, &person.cookie).await;
        assert_eq!(session.memberships.len(), 2);
        assert_eq!(session.actor.roles, Roles::of(&[Role::Admin]));
        assert_eq!(session.tenant().unwrap().tenant_id, other.tenant_id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_admin_stays_whoever_asks() {
    World::each(async |world| {
        let (hub, hirer) = (&world.app.hub, world.hirer().await);
        let (control, tenant_key) = (&hirer.control, &hirer.tenant_key);
        let one = join(&world, &hirer, "a@qiming.example", &[KeyRole::Admin]).await;
        let id = one.user_id.to_string();
        let demote = UpdateUser { roles: vec![KeyRole::Auditor] };
        assert_eq!(code(control.update_user(tenant_key, &id, &demote).await), "illegal_state");
        assert_eq!(code(control.suspend_user(tenant_key, &id).await), "illegal_state");
        assert_eq!(code(control.remove_user(tenant_key, &id).await), "illegal_state");
        let other = join(&world, &hirer, "b@qiming.example", &[KeyRole::Admin]).await;
        let (first, second) = (of(&world, &one.cookie).await, of(&world, &other.cookie).await);
        let tenant = first.tenant().unwrap();
        let to = || UpdateUser { roles: vec![KeyRole::Recruiter] }.into();
        let (a, b) = tokio::join!(
            users::update(hub, &first.actor, Some(tenant), other.user_id, to()),
            users::update(hub, &second.actor, Some(tenant), one.user_id, to()),
        );
        let refused: Vec<_> = [a, b].into_iter().filter_map(Result::err).map(refusal).collect();
        assert_eq!(refused, ["illegal_state"], "two that demote each other");
        let listed = control.list_users(tenant_key, &List::default()).await.unwrap().items;
        let admins = listed.iter().filter(|user| user.roles == [KeyRole::Admin]);
        assert_eq!(admins.count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_suspended_or_removed_is_out_at_once_with_session_and_key() {
    World::each(async |world| {
        let (hub, hirer) = (&world.app.hub, world.hirer().await);
        let (control, tenant_key) = (&hirer.control, &hirer.tenant_key);
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Admin]).await;
        join(&world, &hirer, "b@qiming.example", &[KeyRole::Admin]).await;
        let key = key_of(&world, &hirer, person.user_id, &[KeyRole::Admin]).await;
        let id = person.user_id.to_string();
        key.list_users(tenant_key, &List::default()).await.unwrap();
        // A key does no more than its person.
        let roles = UpdateUser { roles: vec![KeyRole::Auditor, KeyRole::Recruiter] };
        control.update_user(tenant_key, &id, &roles).await.unwrap();
        assert_eq!(code(key.list_users(tenant_key, &List::default()).await), "forbidden");
        assert_eq!(code(key.list_orders(tenant_key, &Default::default()).await), "forbidden");
        let roles = UpdateUser { roles: vec![KeyRole::Admin] };
        control.update_user(tenant_key, &id, &roles).await.unwrap();
        key.list_users(tenant_key, &List::default()).await.unwrap();

        let suspended = control.suspend_user(tenant_key, &id).await.unwrap();
        assert!(suspended.suspended_at.is_some());
        assert!(sessions::authenticate(hub, &person.cookie).await.unwrap().is_none());
        assert_eq!(code(key.list_users(tenant_key, &List::default()).await), "unauthenticated");
        assert!(sign_in(&world, &person.email, PASSWORD, origin()).await.is_err());
        assert_eq!(control.suspend_user(tenant_key, &id).await.unwrap(), suspended);
        let resumed = control.resume_user(tenant_key, &id).await.unwrap();
        assert_eq!((resumed.suspended_at, resumed.name.as_str()), (None, "王小明"));
        key.list_users(tenant_key, &List::default()).await.unwrap();
        let back = sign_in(&world, &person.email, PASSWORD, origin()).await.unwrap();

        control.remove_user(tenant_key, &id).await.unwrap();
        assert!(sessions::authenticate(hub, &back.cookie_value).await.unwrap().is_none());
        assert_eq!(code(key.list_users(tenant_key, &List::default()).await), "unauthenticated");
        assert_eq!(code(control.remove_user(tenant_key, &id).await), "not_found");
        assert_eq!(code(control.get_user(tenant_key, &id).await), "not_found");
        let chain = audit(&world, &hirer).await;
        for act in ["user_suspended", "user_resumed", "user_removed", "roles_changed", "signed_in"]
        {
            assert!(chain.contains(act), "{act}");
        }
        assert!(!chain.contains("王小明") && !chain.contains("qiming"), "{chain}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_another_tenant_are_answered_as_absent() {
    World::each(async |world| {
        let (hirer, other) = (world.hirer().await, world.hirer().await);
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Admin]).await;
        let (control, tenant_key) = (&other.control, &other.tenant_key);
        let mut answers = Vec::new();
        for id in [person.user_id.to_string(), "7000000000000000000".to_owned()] {
            let roles = UpdateUser { roles: vec![KeyRole::Auditor] };
            let session = "7000000000000000001";
            answers.push([
                code(control.get_user(tenant_key, &id).await),
                code(control.update_user(tenant_key, &id, &roles).await),
                code(control.suspend_user(tenant_key, &id).await),
                code(control.resume_user(tenant_key, &id).await),
                code(control.remove_user(tenant_key, &id).await),
                code(control.reset_password(tenant_key, &id).await),
                code(control.list_user_sessions(tenant_key, &id).await),
                code(control.revoke_user_sessions(tenant_key, &id).await),
                code(control.revoke_user_session(tenant_key, &id, session).await),
            ]);
        }
        assert_eq!(answers[0], answers[1]);
        assert!(answers[0].iter().all(|code| code == "not_found"), "{answers:?}");
        let body = CreateApiKey {
            name: "ATS".to_owned(),
            owner_id: Some(person.user_id.to_string()),
            roles: vec![KeyRole::Auditor],
            ..CreateApiKey::default()
        };
        assert_eq!(code(control.create_api_key(tenant_key, &body).await), "validation_failed");
        assert!(is_signed_in(&world, &person.cookie).await);
        // What the admin sees of a session is what looks at their tenant.
        join_too(&world, &other, &person, &[KeyRole::Auditor]).await;
        let id = person.user_id.to_string();
        let of = async |hirer: &Hirer| {
            hirer.control.list_user_sessions(&hirer.tenant_key, &id).await.unwrap().items
        };
        assert_eq!((of(&hirer).await.len(), of(&other).await.len()), (1, 0));
        other.control.revoke_user_sessions(&other.tenant_key, &id).await.unwrap();
        assert!(is_signed_in(&world, &person.cookie).await);
        let session = &of(&hirer).await[0];
        let revoked =
            hirer.control.revoke_user_session(&hirer.tenant_key, &id, &session.session_id).await;
        revoked.unwrap();
        assert!(!is_signed_in(&world, &person.cookie).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_by_a_link_opens_no_other_tenant() {
    World::each(async |world| {
        let hub = &world.app.hub;
        let (hirer, other) = (world.hirer().await, world.hirer().await);
        let (control, tenant_key) = (&hirer.control, &hirer.tenant_key);
        let person = join(&world, &hirer, "a@qiming.example", &[KeyRole::Admin]).await;
        let id = person.user_id.to_string();
        let old = token(&control.reset_password(tenant_key, &id).await.unwrap().url);
        let link = token(&control.reset_password(tenant_key, &id).await.unwrap().url);
        let new = "kettle moss umbrella 4";
        let reset = async |token: &str, text: &str| {
            users::reset_password(hub, token, password(text), origin()).await
        };
        assert_eq!(refusal(reset(&old, new).await.unwrap_err()), "not_found");
        assert_eq!(fields(reset(&link, "password1234").await.unwrap_err()), ["password"]);
        let found = users::find_reset(hub, &link).await.unwrap().unwrap();
        assert_eq!(found.email, "a@qiming.example");
        let signed_in = reset(&link, new).await.unwrap();
        assert_eq!(refusal(reset(&link, new).await.unwrap_err()), "not_found", "once");
        assert!(is_signed_in(&world, &signed_in.cookie_value).await);
        assert!(!is_signed_in(&world, &person.cookie).await);
        let late = token(&control.reset_password(tenant_key, &id).await.unwrap().url);
        advance(&world, ACCESS_LINK_MS);
        assert!(users::find_reset(hub, &late).await.unwrap().is_none());

        let back = sign_in(&world, &person.email, new, origin()).await.unwrap();
        let person = Person { cookie: back.cookie_value, ..person };
        join_too(&world, &other, &person, &[KeyRole::Auditor]).await;
        assert_eq!(code(control.reset_password(tenant_key, &id).await), "forbidden");
        let link = world.operator.reset_password(tenant_key, &id).await.unwrap();
        reset(&token(&link.url), PASSWORD).await.unwrap();
        for hirer in [&hirer, &other] {
            assert!(audit(&world, hirer).await.contains("password_reset_offered"));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_a_key_and_a_page_is_one_under_four_eyes() {
    World::each(async |world| {
        let tenant = CreateTenant {
            report_approval: true,
            four_eyes: true,
            ..CreateTenant::named("星河科技")
        };
        let seed = world.seed_with(&tenant, None, false).await;
        let (hub, hirer) = (&world.app.hub, &seed.hirer);
        let roles = [KeyRole::Recruiter, KeyRole::Approver];
        let person = join(&world, hirer, "a@qiming.example", &roles).await;
        let key = key_of(&world, hirer, person.user_id, &roles).await;
        let other = join(&world, hirer, "b@qiming.example", &[KeyRole::Approver]).await;
        let body = form(&seed.account.account_id);
        let order = key.place_order(&hirer.tenant_key, &body).await.unwrap();
        let result = UpdateResult {
            background_check_id: order.order_id.clone(),
            result: "绿灯".to_owned(),
            result_time: 1_795_004_000_000,
            operator_role: OperatorRole::Provider,
            report_file_list: Vec::new(),
        };
        seed.vendor.update_result(&result).await.unwrap();
        let approve = async |cookie: &str| {
            let session = of(&world, cookie).await;
            let tenant = session.tenant().unwrap();
            let order_id: Id = order.order_id.parse().unwrap();
            let body = ApproveOrder::default();
            orders::approve(hub, &session.actor, tenant, order_id, body.into(), None).await
        };
        let refused = approve(&person.cookie).await.unwrap_err();
        assert!(matches!(refused, hub::Error::Order(_)), "{refused}");
        let by_key =
            key.approve_order(&hirer.tenant_key, &order.order_id, &Default::default()).await;
        assert_eq!(code(by_key), "forbidden");
        approve(&other.cookie).await.unwrap();
        let session = of(&world, &other.cookie).await;
        let ids = [person.user_id, other.user_id, Id(7)];
        let names =
            users::names(hub, &session.actor, session.tenant().unwrap(), &ids).await.unwrap();
        assert_eq!(names.len(), 2);
        // And the other way round: placed on a page, decided by a key.
        let session = of(&world, &person.cookie).await;
        let body = form(&seed.account.account_id);
        let tenant = session.tenant().unwrap();
        let placed = orders::place(hub, &session.actor, tenant, body.into(), None).await.unwrap();
        let result = UpdateResult { background_check_id: placed.order_id.clone(), ..result };
        seed.vendor.update_result(&result).await.unwrap();
        let body = ApproveOrder::default();
        let by_key = key.approve_order(&hirer.tenant_key, &placed.order_id, &body).await;
        assert_eq!(code(by_key), "forbidden");
        let chain = audit(&world, hirer).await;
        assert!(chain.contains(&format!(r#""actor":"user","actor_id":"{}""#, other.user_id)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_account_has_keys_and_takes_them_along() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let (control, tenant_key) = (&hirer.control, &hirer.tenant_key);
        let body =
            CreateServiceAccount { name: "招聘系统".to_owned(), description: String::new() };
        let same = control.with_idempotency_key("service-1").unwrap();
        let made = same.create_service_account(tenant_key, &body).await.unwrap();
        assert_eq!(same.create_service_account(tenant_key, &body).await.unwrap(), made);
        let id = &made.service_account_id;
        let key = key_of(&world, &hirer, id.parse().unwrap(), &[KeyRole::Auditor]).await;
        let listed = control.list_api_keys(tenant_key, &List::default()).await.unwrap().items;
        assert_eq!(listed[0].owner.as_deref(), Some("招聘系统"));
        key.list_orders(tenant_key, &Default::default()).await.unwrap();
        let rename = UpdateServiceAccount { name: Some("ATS".into()), ..Default::default() };
        let renamed = control.update_service_account(tenant_key, id, &rename).await.unwrap();
        assert_eq!(control.get_service_account(tenant_key, id).await.unwrap(), renamed);
        let page = control.list_service_accounts(tenant_key, &List::default()).await.unwrap();
        assert_eq!(page.items, [renamed]);
        control.remove_service_account(tenant_key, id).await.unwrap();
        assert_eq!(code(key.list_orders(tenant_key, &Default::default()).await), "unauthenticated");
        assert_eq!(code(control.remove_service_account(tenant_key, id).await), "not_found");
        assert_eq!(code(control.get_service_account(tenant_key, id).await), "not_found");
    })
    .await;
}
