//! The rows of contract §1.5: token calls. All have HTTP 200 and no error object.

use contract::code;
use contract::control::CreatedApp;
use serde_json::{Value, json};

use super::book::{Beside, Book};
use super::harness::World;
use super::harness::store_app::{RESEND_TICKET, STORE_APP_TOKEN, STORE_TENANT_TOKEN};
use super::harness::wire::{APP_TOKEN, Answer, Ask, TENANT_TOKEN};

/// The calls by which an app proves itself with its secret.
const BY_SECRET: [&str; 4] = [TENANT_TOKEN, APP_TOKEN, RESEND_TICKET, STORE_APP_TOKEN];

async fn ask(world: &World, path: &str, body: &Value) -> Answer {
    world.ask(&Ask::post(path, body.to_string()).json()).await
}

/// What the app says at any of the calls; each reads what it needs.
async fn says(world: &World, app: &CreatedApp) -> Value {
    json!({
        "app_id": app.app.app_id,
        "app_secret": app.app_secret,
        "app_ticket": world.ticket(app).await,
    })
}

fn with(mut body: Value, name: &str, value: &str) -> Value {
    body[name] = json!(value);
    body
}

pub(super) async fn rows(world: &World, book: &mut Book) {
    let hirer = world.hirer().await;
    let own = world.create_app(&hirer, None, false).await;
    let store_app = world.create_store_app(None, false).await;
    world.install(&store_app, &hirer, None).await;
    let app_token = world.app_token(&store_app).await;
    let of_path = async |path| match path {
        TENANT_TOKEN | APP_TOKEN => says(world, &own).await,
        _ => says(world, &store_app).await,
    };
    for path in BY_SECRET {
        let good = of_path(path).await;
        for malformed in ["", "{", "[]", "{}", r#"{"app_id":7,"app_secret":"x","app_ticket":"x"}"#]
        {
            let answer = world.ask(&Ask::post(path, malformed)).await;
            book.row(&code::TOKEN_INVALID_PARAM, &[], &answer, Beside::Data);
        }
        let shape = ask(world, path, &with(good.clone(), "app_id", "cli_1")).await;
        book.row(&code::TOKEN_INVALID_PARAM, &[], &shape, Beside::Data);
        let unknown = with(good.clone(), "app_id", "cli_0000000000000001");
        let answer = ask(world, path, &unknown).await;
        book.row(&code::APP_ID_NOT_EXISTS, &[], &answer, Beside::Nothing);
        let answer = ask(world, path, &with(good, "app_secret", "wrong")).await;
        book.row(&code::APP_SECRET_INVALID, &[], &answer, Beside::Nothing);
    }
    let malformed = ask(world, STORE_TENANT_TOKEN, &json!({"app_access_token": app_token})).await;
    book.row(&code::TOKEN_INVALID_PARAM, &[], &malformed, Beside::Data);

    // The other kind of app.
    for (path, body) in [
        (TENANT_TOKEN, says(world, &store_app).await),
        (APP_TOKEN, says(world, &store_app).await),
        (STORE_APP_TOKEN, says(world, &own).await),
    ] {
        let answer = ask(world, path, &body).await;
        book.row(&code::APP_ID_UNAUTHORIZED, &[], &answer, Beside::Nothing);
    }
    let answer = ask(world, RESEND_TICKET, &says(world, &own).await).await;
    book.row(&code::APP_RESEND_FAILED, &[], &answer, Beside::Nothing);

    // A ticket that is wrong, of another app, or old.
    let other = world.create_store_app(None, false).await;
    let old = world.ticket(&store_app).await;
    world.clock.advance_ms(12 * 3_600_000 + 1_000);
    for ticket in ["x", &world.ticket(&other).await, &old] {
        let body = with(says(world, &store_app).await, "app_ticket", ticket);
        let answer = ask(world, STORE_APP_TOKEN, &body).await;
        book.row(&code::APP_TICKET_INVALID, &[], &answer, Beside::Nothing);
    }

    // An app token that is wrong or old, a tenant that nobody knows, one without the app.
    let fresh = world.app_token(&store_app).await;
    let stranger = world.hirer().await;
    for (token, tenant_key) in [
        ("x", &*hirer.tenant_key),
        (&*app_token, &hirer.tenant_key),
        (&world.caller(&own).await.token, &hirer.tenant_key),
        (&fresh, "0123456789abcdef"),
        (&fresh, "x"),
    ] {
        let body = json!({"app_access_token": token, "tenant_key": tenant_key});
        let answer = ask(world, STORE_TENANT_TOKEN, &body).await;
        book.row(&code::TENANT_TOKEN_FAILED, &[], &answer, Beside::Nothing);
    }
    let body = json!({"app_access_token": fresh, "tenant_key": stranger.tenant_key});
    let answer = ask(world, STORE_TENANT_TOKEN, &body).await;
    book.row(&code::TENANT_APP_NOT_INSTALLED, &[], &answer, Beside::Nothing);

    // Storage fails under each of the calls.
    let for_tenant = json!({"app_access_token": fresh, "tenant_key": hirer.tenant_key});
    for (path, body, table) in [
        (TENANT_TOKEN, says(world, &own).await, "tokens"),
        (APP_TOKEN, says(world, &own).await, "tokens"),
        (STORE_APP_TOKEN, says(world, &store_app).await, "tokens"),
        (STORE_TENANT_TOKEN, for_tenant.clone(), "tokens"),
        (RESEND_TICKET, says(world, &store_app).await, "app_tickets"),
    ] {
        world.execute(&format!("ALTER TABLE {table} RENAME TO away")).await;
        let answer = ask(world, path, &body).await;
        world.execute(&format!("ALTER TABLE away RENAME TO {table}")).await;
        book.row(&code::TOKEN_INTERNAL, &[], &answer, Beside::Nothing);
        let answer = ask(world, path, &body).await.json();
        assert_eq!(answer["code"], 0, "{path} after the fault");
    }

    for app in [&own, &store_app] {
        world.operator.disable_app(&app.app.app_id).await.unwrap();
    }
    for path in BY_SECRET {
        let answer = ask(world, path, &of_path(path).await).await;
        book.row(&code::APP_UNAUTHORIZED, &[], &answer, Beside::Nothing);
    }
    let answer = ask(world, STORE_TENANT_TOKEN, &for_tenant).await;
    book.row(&code::APP_UNAUTHORIZED, &[], &answer, Beside::Nothing);
}
