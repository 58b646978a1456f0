//! Whose a tenant's data are to give: what the operator prepares of an app takes effect by an act of the tenant's admin
//! alone, and stands in the tenant's chain. Source: product, section 8.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;
mod peer;

use contract::check::ReportUrlType;
use contract::control::{
    CreateApp, CreatedApp, DeliveryState, EventMode, GrantApp, GrantState, List, ListAudit,
    ListEvents, ResendSince, RotateSecret, SecretKind, UpdateApp,
};
use contract::scope::Scope;
use harness::filed::Filed;
use harness::wire::Ask;
use harness::{Hirer, Seed, World};
use peer::Peer;
use serde_json::{Value, json};

const UNGRANTED: &str = r#"{"code":10014,"msg":"app unauthorized"}"#;

fn all_scopes() -> Vec<String> {
    Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect()
}

/// An app that the operator prepares by itself.
async fn prepared(world: &World, hirer: &Hirer, callback_url: Option<String>) -> CreatedApp {
    let body = CreateApp {
        name: "审计接口".to_owned(),
        tenant_key: Some(hirer.tenant_key.clone()),
        scopes: all_scopes(),
        callback_url,
        ..CreateApp::default()
    };
    world.operator.create_app(&body).await.unwrap()
}

/// The tenant's admin grants what it sees.
async fn grant(hirer: &Hirer, app_id: &str) {
    let granted = hirer.control.grant_prepared(&hirer.tenant_key, app_id).await.unwrap();
    assert_eq!((granted.state, granted.waiting.len()), (GrantState::Granted, 0));
}

async fn waiting(hirer: &Hirer, app_id: &str) -> Vec<String> {
    hirer.control.get_grant(&hirer.tenant_key, app_id).await.unwrap().waiting
}

/// The outcome of the call that reads an order.
async fn read(world: &World, token: &str, order_id: &str) -> String {
    world.clock.advance_ms(100);
    let body = json!({"background_check_order_id_list": [order_id]});
    let path = "/open-apis/hire/v1/background_check_orders/batch_query";
    let ask = Ask::post(path, body.to_string()).json().bearer(token);
    let answer = world.ask(&ask).await.outcome();
    answer.split("SUCCESS").next().unwrap().trim().to_owned()
}

async fn rotate(world: &World, app_id: &str, secret: SecretKind, seconds: u32) -> String {
    let body = RotateSecret { secret, grace_seconds: Some(seconds) };
    world.operator.rotate_secret(app_id, &body).await.unwrap().value
}

/// The newest event of the tenant, where its delivery stands, and what it waits for.
async fn newest(seed: &Seed) -> (String, DeliveryState, Option<String>) {
    let (control, key) = (&seed.hirer.control, &seed.hirer.tenant_key);
    let event = control.list_events(key, &ListEvents::default()).await.unwrap().items.remove(0);
    let delivery = control.list_deliveries(key, &event.event_id).await.unwrap().items.remove(0);
    (event.event_id, delivery.state, delivery.hold_reason)
}

async fn chain(hirer: &Hirer) -> Vec<Value> {
    let list = ListAudit { after: None, limit: Some(1_000) };
    let text = hirer.control.list_audit(&hirer.tenant_key, &list).await.unwrap();
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"].take()).collect()
}

#[tokio::test]
async fn an_app_that_the_operator_makes_reads_nothing_until_the_tenant_grants_it() {
    World::each(async |world| {
        let mut filed = Filed::new(&world, ReportUrlType::Download).await;
        filed.store().await;
        let (hirer, order_id) = (&filed.seed.hirer, &filed.order_id);
        let app = prepared(&world, hirer, None).await;
        let app_id = &app.app.app_id;
        assert_eq!(world.ask_token(&app).await.text(), UNGRANTED);
        let seen = hirer.control.get_grant(&hirer.tenant_key, app_id).await.unwrap();
        assert_eq!((seen.state, seen.granted), (GrantState::Waiting, None));
        assert_eq!(seen.prepared.scopes, all_scopes());
        assert!(seen.prepared_by.is_some());
        grant(hirer, app_id).await;
        let token = world.caller(&app).await.token;
        assert_eq!(read(&world, &token, order_id).await, "200 0");

        // What the operator adds later gives no more; what it takes away is gone at once.
        let scopes = |names: &[&str]| UpdateApp {
            scopes: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            ..UpdateApp::default()
        };
        let narrow = scopes(&["hire:exam"]);
        world.operator.update_app(app_id, &narrow).await.unwrap();
        assert!(read(&world, &token, order_id).await.starts_with("400 99991672"));
        grant(hirer, app_id).await;
        let wide = scopes(&["hire:exam", "hire:background_check_order"]);
        world.operator.update_app(app_id, &wide).await.unwrap();
        assert!(read(&world, &token, order_id).await.starts_with("400 99991672"));
        assert_eq!(waiting(hirer, app_id).await, ["scopes"]);
        grant(hirer, app_id).await;
        assert_eq!(read(&world, &token, order_id).await, "200 0");

        // Addresses too: both lists count.
        let from = |ranges: &[&str]| UpdateApp {
            ip_allowlist: Some(ranges.iter().map(|range| (*range).to_owned()).collect()),
            ..UpdateApp::default()
        };
        world.operator.update_app(app_id, &from(&["192.0.2.1"])).await.unwrap();
        grant(hirer, app_id).await;
        for ranges in [&[][..], &["127.0.0.1"], &["0.0.0.0/0"]] {
            world.operator.update_app(app_id, &from(ranges)).await.unwrap();
            assert!(read(&world, &token, order_id).await.starts_with("400 99991401"));
            assert_eq!(waiting(hirer, app_id).await, ["ip_allowlist"]);
        }
        grant(hirer, app_id).await;
        assert_eq!(read(&world, &token, order_id).await, "200 0");

        // Taken back: for good.
        let key = &hirer.tenant_key;
        hirer.control.take_grant_back(key, app_id).await.unwrap();
        assert_eq!(read(&world, &token, order_id).await, "400 99991673 unauthorized app");
        assert!(hirer.control.take_grant_back(key, app_id).await.is_err(), "nothing is granted");
        grant(hirer, app_id).await;
        assert!(read(&world, &token, order_id).await.starts_with("400 99991663"));
        assert_eq!(read(&world, &world.caller(&app).await.token, order_id).await, "200 0");
    })
    .await;
}

#[tokio::test]
async fn events_go_where_the_tenant_granted_and_wait_else_also_when_resent() {
    World::each(async |world| {
        let (vendors, operators) = (Peer::willing().await, Peer::willing().await);
        let tenant = contract::control::CreateTenant::named("星河科技");
        let seed = world.seed_with(&tenant, Some(&vendors.url("/")), true).await;
        let (hirer, app_id) = (&seed.hirer, &seed.app.app.app_id);
        world.settle().await;
        world.place(&seed).await;
        world.settle().await;
        let before = vendors.seen().len();
        assert_eq!(before, 3, "the challenge, an account and an order");

        let to = |url: String| UpdateApp { callback_url: Some(Some(url)), ..UpdateApp::default() };
        world.operator.update_app(app_id, &to(operators.url("/"))).await.unwrap();
        let challenges = operators.seen().len();
        let since = "2026-11-18T00:00:00Z".to_owned();
        let body = ResendSince { since, ..ResendSince::default() };
        assert_eq!(
            world.operator.resend_app_events(app_id, &body).await.unwrap().delivery_count,
            2
        );
        world.place(&seed).await;
        world.settle().await;
        let (event_id, state, reason) = newest(&seed).await;
        assert_eq!(state, DeliveryState::Held);
        let expected = "an admin of the tenant has to grant the app's new callback_url";
        assert_eq!(reason.as_deref(), Some(expected));
        world.operator.resend_event(&hirer.tenant_key, &event_id).await.unwrap();
        world.settle().await;
        assert_eq!(operators.seen().len(), challenges, "nothing reached the operator's address");
        assert_eq!(waiting(hirer, app_id).await, ["callback_url"]);

        // Plain instead of encrypted waits as well, and so does another way.
        world.operator.update_app(app_id, &to(vendors.url("/"))).await.unwrap();
        world.settle().await;
        assert_eq!(
            vendors.seen().len(),
            before + 1 + 3,
            "held until the address is the granted one again"
        );
        for (change, term) in [
            (UpdateApp { encrypted: Some(false), ..UpdateApp::default() }, "encrypted"),
            (
                UpdateApp { event_mode: Some(EventMode::LongConnection), ..UpdateApp::default() },
                "event_mode",
            ),
        ] {
            world.operator.update_app(app_id, &change).await.unwrap();
            world.place(&seed).await;
            world.settle().await;
            let (_, state, reason) = newest(&seed).await;
            assert_eq!(state, DeliveryState::Held);
            assert!(reason.unwrap().ends_with(&format!("new {term}")) || term == "event_mode");
            let back = UpdateApp {
                encrypted: Some(true),
                event_mode: Some(EventMode::Webhook),
                ..UpdateApp::default()
            };
            world.operator.update_app(app_id, &back).await.unwrap();
            world.settle().await;
            assert_eq!(newest(&seed).await.1, DeliveryState::Delivered);
        }
        world.operator.update_app(app_id, &to(operators.url("/"))).await.unwrap();
        grant(hirer, app_id).await;
        let before = operators.seen().len();
        world.place(&seed).await;
        world.settle().await;
        assert_eq!(operators.seen().len(), before + 1, "granted");
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_the_operator_rotated_in_is_none_until_the_tenant_grants_it() {
    World::each(async |world| {
        let vendors = Peer::willing().await;
        let tenant = contract::control::CreateTenant::named("星河科技");
        let seed = world.seed_with(&tenant, Some(&vendors.url("/")), true).await;
        let (hirer, app_id) = (&seed.hirer, &seed.app.app.app_id);
        let order_id = world.place(&seed).await.order_id;
        world.settle().await;
        let app_secret = rotate(&world, app_id, SecretKind::AppSecret, 600).await;
        let new = CreatedApp { app_secret, ..seed.app.clone() };
        assert_eq!(world.ask_token(&new).await.text(), UNGRANTED);
        let old_token = world.caller(&seed.app).await.token;
        assert_eq!(read(&world, &old_token, &order_id).await, "200 0", "its vendor works on");
        assert_eq!(waiting(hirer, app_id).await, ["app_secret"]);
        grant(hirer, app_id).await;
        let new_token = world.caller(&new).await.token;
        assert_eq!(read(&world, &new_token, &order_id).await, "200 0");
        assert_ne!(old_token, new_token);
        // What was bought with the old secret ends with it.
        world.clock.advance_ms(600_000);
        assert!(read(&world, &old_token, &order_id).await.starts_with("400 99991663"));
        assert_eq!(read(&world, &new_token, &order_id).await, "200 0");

        // An encrypt key: the old one while it is granted and good, then nothing.
        rotate(&world, app_id, SecretKind::EncryptKey, 600).await;
        world.place(&seed).await;
        world.settle().await;
        let seen = vendors.seen();
        let body = &seen.last().unwrap().body;
        assert!(contract::seal::decrypt(&seed.app.encrypt_key, body).is_ok());
        world.clock.advance_ms(600_000);
        world.place(&seed).await;
        world.settle().await;
        assert_eq!(vendors.seen().len(), seen.len());
        assert_eq!(newest(&seed).await.1, DeliveryState::Held);
        assert_eq!(waiting(hirer, app_id).await, ["encrypt_key"]);
        grant(hirer, app_id).await;
        world.settle().await;
        assert_eq!(vendors.seen().len(), seen.len() + 1);
    })
    .await;
}

#[tokio::test]
async fn a_grant_names_what_was_seen_and_only_the_tenants_admin_gives_it() {
    World::each(async |world| {
        let (hirer, other) = (world.hirer().await, world.hirer().await);
        let key = &hirer.tenant_key;
        let app = prepared(&world, &hirer, None).await;
        let app_id = &app.app.app_id;
        let seen = hirer.control.get_grant(key, app_id).await.unwrap();
        let encrypted = UpdateApp { encrypted: Some(true), ..UpdateApp::default() };
        world.operator.update_app(app_id, &encrypted).await.unwrap();
        let body = GrantApp { revision: seen.revision.clone() };
        let refused = hirer.control.grant_app(key, app_id, &body).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "conflict");
        let now = world.operator.get_grant(key, app_id).await.unwrap();
        assert_ne!(now.revision, seen.revision);
        let body = GrantApp { revision: now.revision };
        for control in [
            &world.operator,
            &world.control(&world.member_key(&hirer, "privacy_officer").await),
            &world.control(&world.member_key(&hirer, "recruiter").await),
        ] {
            let refused = control.grant_app(key, app_id, &body).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().code, "forbidden");
        }
        for (control, tenant_key) in [(&other.control, key), (&other.control, &other.tenant_key)] {
            let refused = control.grant_app(tenant_key, app_id, &body).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().code, "not_found");
        }
        assert_eq!(world.ask_token(&app).await.text(), UNGRANTED);
        let granted = hirer.control.grant_app(key, app_id, &body).await.unwrap();
        assert_eq!(granted.state, GrantState::Granted);
        assert!(granted.granted_by.is_some());
        assert_ne!(granted.granted_by, granted.prepared_by);
        let again = hirer.control.grant_app(key, app_id, &body).await.unwrap();
        assert_eq!(again, granted, "a repeat changes nothing");
        assert_eq!(hirer.control.list_grants(key).await.unwrap().items, [granted]);
        assert_eq!(other.control.list_grants(&other.tenant_key).await.unwrap().items, []);

        let mut entries = chain(&hirer).await;
        entries.retain(|entry| entry["act"] != "api_key_made");
        let acts: Vec<_> = entries.iter().map(|entry| entry["act"].as_str().unwrap()).collect();
        assert_eq!(acts[acts.len() - 3..], ["app_created", "app_changed", "app_granted"]);
        let [created, changed, granted] = &entries[entries.len() - 3..] else { unreachable!() };
        assert!(entries.iter().rev().take(3).all(|entry| entry["app_id"] == json!(app_id)));
        assert_eq!(created["actor_id"], changed["actor_id"]);
        assert_ne!(granted["actor_id"], changed["actor_id"], "who prepared, and who granted");
        let details = (&changed["details"]["encrypted_before"], &changed["details"]["encrypted"]);
        assert_eq!(details, (&json!("false"), &json!("true")));
        assert!(chain(&other).await.iter().all(|entry| entry["app_id"] != json!(app_id)));
    })
    .await;
}

/// Each tenant of a store app grants for itself.
#[tokio::test]
async fn a_store_app_gets_of_each_tenant_what_that_one_granted() {
    World::each(async |world| {
        let (vendors, operators) = (Peer::willing().await, Peer::willing().await);
        let app = world.create_store_app(Some(&vendors.url("/")), false).await;
        let app_id = &app.app.app_id;
        let (one, other) = (world.hirer().await, world.hirer().await);
        for hirer in [&one, &other] {
            let body = Default::default();
            world.operator.put_installation(app_id, &hirer.tenant_key, &body).await.unwrap();
        }
        let token = async |hirer: &Hirer| {
            let body = json!({
                "app_access_token": world.app_token(&app).await,
                "tenant_key": hirer.tenant_key,
            });
            let path = harness::store_app::STORE_TENANT_TOKEN;
            world.ask(&Ask::post(path, body.to_string()).json()).await.json()["code"].clone()
        };
        assert_eq!(token(&one).await, json!(20009));
        grant(&one, app_id).await;
        assert_eq!((token(&one).await, token(&other).await), (json!(0), json!(20009)));
        grant(&other, app_id).await;

        // A new address: the events of who granted it go there, those of the other wait.
        let url = Some(Some(operators.url("/")));
        let body = UpdateApp { callback_url: url, ..UpdateApp::default() };
        world.operator.update_app(app_id, &body).await.unwrap();
        world.settle().await;
        grant(&one, app_id).await;
        let before = operators.seen().len();
        for hirer in [&one, &other] {
            let body = contract::control::CreateAccount::new(app_id, "华东区");
            hirer.control.create_account(&hirer.tenant_key, &body).await.unwrap();
        }
        world.settle().await;
        let seen = operators.seen();
        assert_eq!(seen.len(), before + 1);
        assert_eq!(seen[before].event().0.tenant_key, one.tenant_key);

        // A new secret: for who granted it.
        let app_secret = rotate(&world, app_id, SecretKind::AppSecret, 0).await;
        let app = CreatedApp { app_secret, ..app.clone() };
        let token = async |hirer: &Hirer| {
            let body = json!({
                "app_access_token": world.app_token(&app).await,
                "tenant_key": hirer.tenant_key,
            });
            let path = harness::store_app::STORE_TENANT_TOKEN;
            world.ask(&Ask::post(path, body.to_string()).json()).await.json()["code"].clone()
        };
        assert_eq!((token(&one).await, token(&other).await), (json!(20009), json!(20009)));
        grant(&one, app_id).await;
        assert_eq!((token(&one).await, token(&other).await), (json!(0), json!(20009)));
        for hirer in [&one, &other] {
            let rotated = chain(hirer).await.into_iter().filter(|it| it["act"] == "app_rotated");
            assert_eq!(rotated.count(), 1);
        }
    })
    .await;
}

/// A link says whose it is, and ends with what its app was given it by.
#[tokio::test]
async fn a_link_names_its_app_and_ends_with_the_apps_access() {
    World::each(async |world| {
        let mut filed = Filed::new(&world, ReportUrlType::Download).await;
        filed.store().await;
        let (seed, order_id) = (filed.seed.clone(), filed.order_id.clone());
        let (hirer, app_id) = (&seed.hirer, &seed.app.app.app_id);
        let link = async || {
            world.clock.advance_ms(100);
            let body = json!({"background_check_order_id_list": [order_id]});
            let path = "/open-apis/hire/v1/background_check_orders/batch_query";
            let token = world.caller(&seed.app).await.token;
            let answer = world.ask(&Ask::post(path, body.to_string()).json().bearer(&token)).await;
            let answer = answer.json();
            let url = answer.pointer("/data/items/0/feedback_info_list/0/attachment_url");
            url.and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned()
        };
        let status = async |url: &str| world.http.get(url).send().await.unwrap().status().as_u16();
        let url = link().await;
        assert_eq!(status(&url).await, 200);
        let report_id = &filed.report.report_id;
        let list = List::default();
        let views = hirer.control.list_report_views(&hirer.tenant_key, &order_id, report_id, &list);
        let view = views.await.unwrap().items.remove(0);
        assert_eq!(view.app_id.as_ref(), Some(app_id));
        let entry = chain(hirer).await.pop().unwrap();
        assert_eq!((&entry["act"], &entry["app_id"]), (&json!("report_viewed"), &json!(app_id)));

        world.operator.disable_app(app_id).await.unwrap();
        assert_eq!(status(&url).await, 403);
        world.operator.enable_app(app_id).await.unwrap();
        assert_eq!(status(&url).await, 403, "for good");
        let url = link().await;
        assert_eq!(status(&url).await, 200);
        hirer.control.take_grant_back(&hirer.tenant_key, app_id).await.unwrap();
        grant(hirer, app_id).await;
        assert_eq!(status(&url).await, 403);
        let url = link().await;
        rotate(&world, app_id, SecretKind::AppSecret, 0).await;
        assert_eq!(status(&url).await, 403);
    })
    .await;
}
