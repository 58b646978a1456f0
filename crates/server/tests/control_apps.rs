//! Apps and accounts by the control API.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use contract::control::{
    AppKind, CreateAccount, CreateApp, DeliveryState, EventMode, FieldValue, List, UpdateApp,
};
use contract::scope::Scope;
use harness::{Engine, World};

fn named(tenant_key: &str) -> CreateApp {
    CreateApp {
        name: "诚信背调".to_owned(),
        tenant_key: Some(tenant_key.to_owned()),
        scopes: vec![Scope::BackgroundCheckOrder.as_str().to_owned()],
        ..CreateApp::default()
    }
}

fn fields(refused: &client::control::Error) -> Vec<String> {
    let problem = refused.problem().unwrap();
    problem.errors.iter().map(|fault| fault.field.clone()).collect()
}

#[tokio::test]
async fn an_app_shows_its_secrets_once() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let created = world.create_granted(&named(&hirer.tenant_key)).await.unwrap();
        assert!(created.app.app_id.starts_with("cli_") && created.app.enabled);
        for secret in [&created.app_secret, &created.verification_token, &created.encrypt_key] {
            assert_eq!(secret.len(), 32);
        }
        let path = format!("/api/v1/apps/{}", created.app.app_id);
        let answer = world.request("GET", &path, &world.operator_key).send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(!text.contains(&created.app_secret) && !text.contains(&created.encrypt_key));
        assert_eq!(world.operator.get_app(&created.app.app_id).await.unwrap(), created.app);
        let page = world.operator.list_apps(&List::default()).await.unwrap();
        assert_eq!(page.items, std::slice::from_ref(&created.app));
        world.vendor(&created).tenant_access_token().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_store_app_belongs_to_no_tenant() {
    let world = World::on(Engine::Sqlite).await;
    let body = CreateApp { name: "a".to_owned(), kind: AppKind::Store, ..CreateApp::default() };
    let created = world.create_granted(&body).await.unwrap();
    assert_eq!((created.app.kind, created.app.tenant_key), (AppKind::Store, None));
    let body = UpdateApp { event_mode: Some(EventMode::LongConnection), ..UpdateApp::default() };
    let refused = world.update_granted(&created.app.app_id, &body).await.unwrap_err();
    assert_eq!(fields(&refused), ["event_mode"]);
}

#[tokio::test]
async fn everything_wrong_with_an_app_is_named_at_once() {
    let world = World::start(
        Engine::Sqlite,
        system::clock::Clock::manual(harness::BEGIN),
        false,
        |config| config.allow_outbound.clear(),
    )
    .await;
    let body = CreateApp {
        scopes: vec!["hire:background_check_order".to_owned(), "hire:everything".to_owned()],
        callback_url: Some("http://127.0.0.1:8080/events".to_owned()),
        ip_allowlist: vec!["x".to_owned()],
        ..named("0123456789abcdef")
    };
    let refused = world.create_granted(&body).await.unwrap_err();
    assert_eq!(fields(&refused), ["ip_allowlist[0]", "scopes[1]", "callback_url", "tenant_key"]);

    let hirer = world.hirer().await;
    let created = world.create_granted(&named(&hirer.tenant_key)).await.unwrap();
    for url in ["http://10.0.0.1/", "http://localhost/", "https://[::1]/", "http://printer/"] {
        let body = UpdateApp { callback_url: Some(Some(url.to_owned())), ..UpdateApp::default() };
        let refused = world.update_granted(&created.app.app_id, &body).await.unwrap_err();
        assert_eq!(fields(&refused), ["callback_url"], "{url}");
    }
    let url = "https://vendor.example/events";
    let body = UpdateApp { callback_url: Some(Some(url.to_owned())), ..UpdateApp::default() };
    let changed = world.update_granted(&created.app.app_id, &body).await.unwrap();
    assert_eq!(changed.callback_url.as_deref(), Some(url));
    let body = UpdateApp { callback_url: Some(None), ..UpdateApp::default() };
    let changed = world.update_granted(&created.app.app_id, &body).await.unwrap();
    assert_eq!((changed.callback_url, changed.name.as_str()), (None, "诚信背调"));
}

#[tokio::test]
async fn a_disabled_app_gets_no_token_until_it_is_enabled() {
    World::each(async |world| {
        let seed = world.seed().await;
        let app_id = &seed.app.app.app_id;
        for _ in 0..2 {
            assert!(!world.operator.disable_app(app_id).await.unwrap().enabled);
        }
        let refused = world.vendor(&seed.app).tenant_access_token().await.unwrap_err();
        assert!(refused.refusal().is_some());
        for _ in 0..2 {
            assert!(world.operator.enable_app(app_id).await.unwrap().enabled);
        }
        world.vendor(&seed.app).tenant_access_token().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_app_is_deleted_when_no_account_is_bound_to_it() {
    World::each(async |world| {
        let seed = world.seed().await;
        let app_id = &seed.app.app.app_id;
        let refused = world.operator.delete_app(app_id).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "conflict");
        let (tenant_key, account_id) = (&seed.hirer.tenant_key, &seed.account.account_id);
        seed.hirer.control.delete_account(tenant_key, account_id).await.unwrap();
        let refused = seed.hirer.control.delete_account(tenant_key, account_id).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "not_found");
        world.operator.delete_app(app_id).await.unwrap();
        let refused = world.operator.delete_app(app_id).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "not_found");
        assert!(world.vendor(&seed.app).tenant_access_token().await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_repeated_app_is_the_same_without_its_secrets() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let operator = world.operator.with_idempotency_key("one").unwrap();
        let first = operator.create_app(&named(&hirer.tenant_key)).await.unwrap();
        let again = operator.create_app(&named(&hirer.tenant_key)).await.unwrap();
        assert!(!first.app_secret.is_empty());
        assert_eq!(again, first.without_secret());
        let path = format!("/api/v1/apps/{}/disable", first.app.app_id);
        let request = world.request("POST", &path, &world.operator_key);
        let answer = request.header("idempotency-key", "one").send().await.unwrap();
        assert_eq!(answer.status(), 422, "the key belongs to another request");
        assert!(world.operator.get_app(&first.app.app_id).await.unwrap().enabled);
    })
    .await;
}

#[tokio::test]
async fn a_bound_account_is_told_to_the_vendor_and_shows_what_was_published() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (tenant_key, account) = (&seed.hirer.tenant_key, &seed.account);
        assert_eq!(account.packages[0].id, harness::PACKAGE);
        assert_eq!(account.additional_items[0].id, harness::ITEM);
        let page = seed.hirer.control.list_accounts(tenant_key, &List::default()).await.unwrap();
        assert_eq!(page.items, std::slice::from_ref(account));
        let events = seed.hirer.control.list_events(tenant_key, &Default::default()).await.unwrap();
        assert_eq!(events.items.len(), 1);
        let event = &events.items[0];
        assert_eq!(event.event_type, "hire.eco_account.created_v1");
        assert_eq!(event.account_id.as_ref(), Some(&account.account_id));
        assert_eq!(event.delivery_state, DeliveryState::Due);
    })
    .await;
}

#[tokio::test]
async fn an_account_is_bound_to_an_app_of_its_own_tenant_only() {
    World::each(async |world| {
        let (one, other) = (world.hirer().await, world.hirer().await);
        let foreign = world.create_app(&other, None, false).await;
        for app_id in [foreign.app.app_id.as_str(), "cli_0123456789abcdef"] {
            let body = CreateAccount::new(app_id, "");
            let refused = one.control.create_account(&one.tenant_key, &body).await.unwrap_err();
            assert_eq!(fields(&refused), ["account_name", "app_id"]);
        }
        let app = world.create_app(&one, None, false).await;
        let value = FieldValue { key: "branch".to_owned(), value: "华东".to_owned() };
        let body = CreateAccount {
            usage_list: vec![2],
            custom_field_list: vec![value],
            ..CreateAccount::new(&app.app.app_id, "华东区")
        };
        let bound = one.control.create_account(&one.tenant_key, &body).await.unwrap();
        assert_eq!((bound.usage_list.as_slice(), bound.packages.len()), (&[2][..], 0));
        let read = one.control.get_account(&one.tenant_key, &bound.account_id).await.unwrap();
        assert_eq!(read, bound);
        assert_eq!(read.custom_field_list, body.custom_field_list);
    })
    .await;
}
