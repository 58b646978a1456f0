//! The rows of contract §2.3: the gateway.

use contract::code;
use contract::control::UpdateApp;
use contract::scope::Scope;
use domain::{AppId, TenantId};

use super::book::{Beside, Book};
use super::harness::scene::Scene;
use super::harness::wire::{Ask, path};
use super::harness::{Seed, World};

pub(super) async fn rows(world: &World, book: &mut Book) {
    kinds_of_tokens(world, book).await;
    apps_and_installations(world, book).await;
    limits_and_bodies(world, book).await;
    unknown_paths(world, book).await;
    data_that_are_gone(world, book).await;
}

async fn kinds_of_tokens(world: &World, book: &mut Book) {
    let store_app = world.create_store_app(None, false).await;
    let app_token = world.app_token(&store_app).await;
    let ask = Ask::post(path("update_result"), "{}").json();
    for wrong in ["", "Bearer", "Bearer ", "bearer t-1", "Basic dXNlcjpwYXNz", "t-1"] {
        let answer = world.ask(&ask.clone().with("Authorization", wrong)).await;
        book.row(&code::MISSING_ACCESS_TOKEN, &[], &answer, Beside::Trace);
    }
    book.row(&code::MISSING_ACCESS_TOKEN, &[], &world.ask(&ask).await, Beside::Trace);
    for (token, code) in [
        ("t-bad", &code::INVALID_ACCESS_TOKEN),
        ("a-bad", &code::INVALID_APP_TOKEN),
        (&app_token, &code::INVALID_APP_TOKEN),
        ("u-bad", &code::USER_TOKEN_NOT_SUPPORTED),
        ("eyJhbGciOiJFUzI1NiJ9.e30.c2ln", &code::USER_TOKEN_NOT_SUPPORTED),
        ("bad", &code::INVALID_TOKEN_PREFIX),
    ] {
        book.row(code, &[], &world.ask(&ask.clone().bearer(token)).await, Beside::Trace);
    }
}

async fn apps_and_installations(world: &World, book: &mut Book) {
    let Seed { hirer, app, .. } = world.seed().await;
    let store_app = world.create_store_app(None, false).await;
    world.install(&store_app, &hirer, Some(&[Scope::Exam])).await;
    let of_store = world.store_token(&store_app, &hirer).await;
    let caller = world.caller(&app).await;
    let ask = Ask::post(path("update_result"), "{}").json();
    let (app_id, store_id) = (&app.app.app_id, &store_app.app.app_id);
    // Not granted by the tenant; not asked for by the app.
    let missing = "hire:background_check_order";
    let scopes = [Scope::BackgroundCheckOrder];
    let answer = world.ask(&ask.clone().bearer(&of_store)).await;
    book.row(&code::SCOPE_MISSING, &[missing], &answer, Beside::Scopes(store_id, &scopes));
    let none = UpdateApp { scopes: Some(Vec::new()), ..UpdateApp::default() };
    world.update_granted(app_id, &none).await.unwrap();
    let answer = caller.ask(ask.clone()).await;
    book.row(&code::SCOPE_MISSING, &[missing], &answer, Beside::Scopes(app_id, &scopes));

    let ip_allowlist = Some(vec!["192.0.2.1".to_owned()]);
    let elsewhere = UpdateApp { ip_allowlist, ..UpdateApp::default() };
    world.update_granted(app_id, &elsewhere).await.unwrap();
    let answer = caller.ask(ask.clone()).await;
    book.row(&code::IP_DENIED, &["127.0.0.1"], &answer, Beside::Trace);

    world.operator.disable_app(app_id).await.unwrap();
    let answer = caller.ask(ask.clone()).await;
    book.row(&code::APP_NOT_IN_USE, &[], &answer, Beside::Trace);
    world.operator.delete_installation(store_id, &hirer.tenant_key).await.unwrap();
    let answer = world.ask(&ask.clone().bearer(&of_store)).await;
    book.row(&code::UNAUTHORIZED_APP, &[], &answer, Beside::Trace);
}

async fn limits_and_bodies(world: &World, book: &mut Book) {
    let scene = Scene::new(world).await;
    for body in ["", "{", "[]", "null", "a=b"] {
        let answer = scene.send("update_result", body).await;
        book.row(&code::BAD_REQUEST, &[], &answer, Beside::Trace);
    }
    let huge = scene.send("update_result", vec![b' '; 1024 * 1024 + 1]).await;
    let limit = Beside::Fields(&[("body", None, "expected at most 1048576 bytes")]);
    book.row(&code::BAD_REQUEST, &[], &huge, limit);

    let mut body = scene.body("update_result");
    body["result_time"] = serde_json::json!(7);
    let answer = scene.send("update_result", body.to_string()).await;
    book.row(&code::INVALID_PARAMETER_TYPE, &["result_time", "7"], &answer, Beside::Trace);
    // Every fault at once, in the order of the members.
    let answer = scene.send("update_result", r#"{"operator_role":3}"#).await;
    let fields = [
        ("background_check_id", None, "background_check_id is required"),
        ("result", None, "result is required"),
        ("result_time", None, "result_time is required"),
        ("operator_role", Some("3"), "operator_role is optional, options: [1,2]"),
    ];
    book.row(&code::FIELD_VALIDATION_FAILED, &[], &answer, Beside::Fields(&fields));

    let ask = Ask::post(path("cancel"), "{").bearer(&scene.vendor.token);
    for _ in 0..50 {
        assert_eq!(world.ask(&ask).await.status, 400);
    }
    let answer = world.ask(&ask).await;
    book.row(&code::RATE_LIMITED, &[], &answer, Beside::Nothing);
    let headers = ["X-Ogw-Ratelimit-Limit", "X-Ogw-Ratelimit-Reset"];
    assert_eq!(headers.map(|name| answer.header(name)), [Some("50"), Some("2")]);
}

/// Where the operator switched them to JSON. Contract, section 7, question 21.
async fn unknown_paths(world: &World, book: &mut Book) {
    for path in ["/open-apis", "/open-apis/", "/open-apis/hire/v1/nothing", "/nothing"] {
        let answer = world.ask(&Ask::post(path, "{}")).await;
        book.row(&code::RESOURCE_NOT_FOUND, &[], &answer, Beside::Trace);
    }
    for ask in [
        Ask::new("GET", path("update_result")),
        Ask::new("DELETE", path("cancel")),
        Ask::new("PUT", super::harness::wire::TENANT_TOKEN),
        Ask::new("GET", &format!("{}/", super::harness::wire::APP_TOKEN)),
    ] {
        book.row(&code::METHOD_MISMATCH, &[], &world.ask(&ask).await, Beside::Trace);
    }
}

/// The token is good, but storage cannot be asked, or what it names is not there any more.
async fn data_that_are_gone(world: &World, book: &mut Book) {
    let Seed { hirer, app, .. } = world.seed().await;
    let caller = world.caller(&app).await;
    let app_id: AppId = app.app.app_id.parse().unwrap();
    let ask = Ask::post(path("update_result"), "{}").json();
    let by = store::audit::By::system(world.clock.now());
    // Whoever changes a row makes the server ask storage for it.
    let forget_app = async || {
        let found = world.app.hub.store.find_app(app_id).await.unwrap().unwrap();
        let changed = world.app.hub.store.update_app(by, app_id, found.version, &found.settings);
        changed.await.unwrap();
    };
    forget_app().await;
    world.execute("ALTER TABLE apps RENAME TO away").await;
    let answer = caller.ask(ask.clone()).await;
    world.execute("ALTER TABLE away RENAME TO apps").await;
    book.row(&code::GATEWAY_INTERNAL, &[], &answer, Beside::Trace);

    let tenant_id: TenantId = hirer.tenant_id;
    let found = world.app.hub.store.find_tenant(tenant_id).await.unwrap().unwrap();
    let (version, name, settings) = (found.version, &found.name, &found.settings);
    let changed = world.app.hub.store.update_tenant(by, tenant_id, version, name, settings);
    changed.await.unwrap();
    world.execute(&format!("DELETE FROM tenants WHERE tenant_id = {}", tenant_id.0)).await;
    let answer = caller.ask(ask.clone()).await;
    book.row(&code::INVALID_TENANT_CODE, &[], &answer, Beside::Trace);

    forget_app().await;
    world.execute(&format!("DELETE FROM apps WHERE app_id = {}", app_id.0)).await;
    let answer = caller.ask(ask).await;
    book.row(&code::INVALID_ACCESS_TOKEN, &[], &answer, Beside::Trace);
}
