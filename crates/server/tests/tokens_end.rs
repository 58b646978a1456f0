//! Tokens, tickets and long connections end with the secret, the app or the tenant's grant that they go back to, and do
//! not come back with it. Source: product, section 8.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;
mod line;

use contract::control::{CreatedApp, RotateSecret, SecretKind};
use harness::store_app::{STORE_APP_TOKEN, STORE_TENANT_TOKEN};
use harness::wire::{Ask, path};
use harness::{Engine, Hirer, World};
use line::Socket;
use serde_json::json;

const REACHED: &str = "400 9499 Bad Request";

/// What a call with the token comes to: a body that is none reaches the last check.
async fn call(world: &World, token: &str) -> String {
    world.clock.advance_ms(200);
    world.ask(&Ask::post(path("update_result"), "{").json().bearer(token)).await.outcome()
}

async fn rotate(world: &World, app: &CreatedApp, seconds: u32) -> CreatedApp {
    let body = RotateSecret { secret: SecretKind::AppSecret, grace_seconds: Some(seconds) };
    let rotated = world.operator.rotate_secret(&app.app.app_id, &body).await.unwrap();
    world.grant(&app.app.app_id).await;
    CreatedApp { app_secret: rotated.value, ..app.clone() }
}

async fn switch(world: &World, app: &CreatedApp) {
    world.operator.disable_app(&app.app.app_id).await.unwrap();
    world.operator.enable_app(&app.app.app_id).await.unwrap();
}

#[tokio::test]
async fn tokens_of_a_self_built_app_end_for_good() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, false).await;
        let first = world.caller(&app).await.token;
        assert_eq!(call(&world, &first).await, REACHED);
        let app = rotate(&world, &app, 0).await;
        assert!(call(&world, &first).await.starts_with("400 99991663"));
        let second = world.caller(&app).await.token;
        assert_eq!(call(&world, &second).await, REACHED);
        world.operator.disable_app(&app.app.app_id).await.unwrap();
        assert_eq!(call(&world, &second).await, "400 99991662 app not in use");
        world.operator.enable_app(&app.app.app_id).await.unwrap();
        assert!(call(&world, &second).await.starts_with("400 99991663"));
        let third = world.caller(&app).await.token;
        assert_eq!(call(&world, &third).await, REACHED);
        assert!(call(&world, &first).await.starts_with("400 99991663"), "nor the first");
        world.operator.delete_app(&app.app.app_id).await.unwrap();
        assert!(call(&world, &third).await.starts_with("400 99991663"));
    })
    .await;
}

#[tokio::test]
async fn a_token_lives_no_longer_than_the_secret_that_bought_it() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, false).await;
        let before = world.caller(&app).await.token;
        let new = rotate(&world, &app, 600).await;
        let answer = world.ask_token(&app).await.json();
        assert_eq!(answer["expire"], json!(600), "what the old secret buys ends with it");
        let old = answer["tenant_access_token"].as_str().unwrap().to_owned();
        let of_new = world.caller(&new).await.token;
        for token in [&before, &old, &of_new] {
            assert_eq!(call(&world, token).await, REACHED);
        }
        // Rotated again: the first secret is out before its time, the second has its grace.
        let newest = rotate(&world, &new, 600).await;
        for (token, expected) in
            [(&before, "400 99991663"), (&old, "400 99991663"), (&of_new, REACHED)]
        {
            assert!(call(&world, token).await.starts_with(expected));
        }
        world.clock.advance_ms(600_000);
        assert!(call(&world, &of_new).await.starts_with("400 99991663"));
        assert_eq!(call(&world, &world.caller(&newest).await.token).await, REACHED);
    })
    .await;
}

#[tokio::test]
async fn tokens_and_tickets_of_a_store_app_end_for_good() {
    World::each(async |world| {
        let (one, other) = (world.hirer().await, world.hirer().await);
        let app = world.create_store_app(None, false).await;
        world.install(&app, &one, None).await;
        world.install(&app, &other, None).await;
        let buys = async |app: &CreatedApp, ticket: &str| {
            let body = json!({
                "app_id": app.app.app_id,
                "app_secret": app.app_secret,
                "app_ticket": ticket,
            });
            world.ask(&Ask::post(STORE_APP_TOKEN, body.to_string()).json()).await.json()["code"]
                .clone()
        };
        let exchanges = async |app_token: &str, hirer: &Hirer| {
            let body = json!({"app_access_token": app_token, "tenant_key": hirer.tenant_key});
            world.ask(&Ask::post(STORE_TENANT_TOKEN, body.to_string()).json()).await.json()["code"]
                .clone()
        };
        let (in_one, in_other) =
            (world.store_token(&app, &one).await, world.store_token(&app, &other).await);
        // Uninstalled and installed again: in that tenant alone.
        world.operator.delete_installation(&app.app.app_id, &one.tenant_key).await.unwrap();
        assert_eq!(call(&world, &in_one).await, "400 99991673 unauthorized app");
        world.install(&app, &one, None).await;
        assert!(call(&world, &in_one).await.starts_with("400 99991663"));
        assert_eq!(call(&world, &in_other).await, REACHED);

        let (mut app, mut in_other) = (app, in_other);
        for is_rotated in [true, false] {
            let (ticket, app_token) = (world.ticket(&app).await, world.app_token(&app).await);
            let token = world.store_token(&app, &one).await;
            assert_eq!(buys(&app, &ticket).await, json!(0));
            assert_eq!(exchanges(&app_token, &one).await, json!(0));
            assert_eq!(call(&world, &token).await, REACHED);
            if is_rotated {
                app = rotate(&world, &app, 0).await;
            } else {
                switch(&world, &app).await;
            }
            assert_eq!(buys(&app, &ticket).await, json!(10012));
            assert_eq!(exchanges(&app_token, &one).await, json!(10013));
            for ended in [&token, &in_other] {
                assert!(call(&world, ended).await.starts_with("400 99991663"));
            }
            in_other = world.store_token(&app, &other).await;
            assert_eq!(call(&world, &in_other).await, REACHED);
        }
    })
    .await;
}

/// The worker that looks after connections takes a step, and none of the app's is left.
async fn ended(world: &World, app: &CreatedApp) {
    world.work().await;
    let gone = async {
        while world.app.hub.connections.count_of(app.app.app_id.parse().unwrap()) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone).await.expect("it ends");
}

#[tokio::test]
async fn a_long_connection_ends_with_what_it_was_opened_by() {
    for engine in Engine::available().await {
        let world = World::on(engine).await;
        let seed = world.seed_connected().await;
        let (hirer, app_id) = (&seed.hirer, &seed.app.app.app_id);
        let mut socket = world.connect(&seed.app).await;
        tokio::join!(socket.take(1), world.work());
        let app = rotate(&world, &seed.app, 60).await;
        world.work().await;
        socket.ping().await;
        world.clock.advance_ms(60_000);
        ended(&world, &app).await;

        let unused = world.url(&app).await;
        let mut socket = world.connect(&app).await;
        socket.ping().await;
        switch(&world, &app).await;
        ended(&world, &app).await;
        assert!(Socket::open(&unused).await.is_err(), "nor a ticket of before");

        let mut socket = world.connect(&app).await;
        socket.ping().await;
        hirer.control.take_grant_back(&hirer.tenant_key, app_id).await.unwrap();
        ended(&world, &app).await;
        let refused = world.ask_endpoint(&app).await.json();
        let msg = "app_id or app_secret is invalid: expected an app, event mode and secret that \
            the tenant granted";
        assert_eq!(refused["msg"], json!(msg));
        world.grant(app_id).await;
        let mut socket = world.connect(&app).await;
        socket.ping().await;
        let body = RotateSecret { secret: SecretKind::AppSecret, grace_seconds: Some(0) };
        world.operator.rotate_secret(app_id, &body).await.unwrap();
        ended(&world, &app).await;
    }
}
