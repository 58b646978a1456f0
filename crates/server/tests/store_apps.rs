//! Store apps from outside: tickets, app tokens, tenant tokens in several tenants, what they are refused, and their
//! events. Source: contract, sections 1.1, 1.3 to 1.5 and 5.1.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
#[path = "store_apps/installations.rs"]
mod installations;
mod peer;

use contract::control::{AppKind, CreateApp, CreatedApp, PutInstallation, UpdateApp};
use contract::event::{AppTicket, read_ticket, render_ticket};
use contract::seal;
use harness::wire::{Answer, Ask, TENANT_TOKEN as INTERNAL, path};
use harness::{Engine, Hirer, World};
use peer::{Peer, Reply, answer};
use serde_json::{Value, json};

const RESEND: &str = "/open-apis/auth/v3/app_ticket/resend";
const APP_TOKEN: &str = "/open-apis/auth/v3/app_access_token";
const TENANT_TOKEN: &str = "/open-apis/auth/v3/tenant_access_token";
const SCOPES: [&str; 2] = ["hire:background_check_order", "hire:background_check_order:readonly"];
const HOUR: u64 = 3_600_000;

async fn store_app(world: &World, callback_url: Option<String>, encrypted: bool) -> CreatedApp {
    let body = CreateApp {
        name: "诚信背调".to_owned(),
        kind: AppKind::Store,
        scopes: SCOPES.map(str::to_owned).to_vec(),
        callback_url,
        encrypted,
        ..CreateApp::default()
    };
    world.create_granted(&body).await.unwrap()
}

async fn install(world: &World, app: &CreatedApp, hirer: &Hirer, scopes: Option<&[&str]>) {
    let scopes = scopes.map(|scopes| scopes.iter().map(|&scope| scope.to_owned()).collect());
    let body = PutInstallation { scopes };
    let put = world.install_granted(&app.app.app_id, &hirer.tenant_key, &body);
    put.await.unwrap();
}

/// A token call; every answer has HTTP 200.
async fn ask(world: &World, path: &str, body: &Value) -> Answer {
    let answer = world.ask(&Ask::post(path, body.to_string()).json()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
    answer.log_id();
    answer
}

fn secret(app: &CreatedApp) -> Value {
    json!({"app_id": app.app.app_id, "app_secret": app.app_secret})
}

/// The tickets that reached the app, in plain text, which must be printed as we print them.
fn tickets(peer: &Peer) -> Vec<AppTicket> {
    let seen = peer.seen();
    let plain = seen.iter().filter_map(|seen| Some((read_ticket(&seen.body).ok()?, &seen.body)));
    plain
        .map(|(ticket, body)| {
            assert_eq!(render_ticket(&ticket), *body);
            ticket
        })
        .collect()
}

async fn app_token(world: &World, app: &CreatedApp, ticket: &str) -> Result<(String, u64), Value> {
    let mut body = secret(app);
    body["app_ticket"] = json!(ticket);
    token(&ask(world, APP_TOKEN, &body).await, "app_access_token")
}

async fn tenant_token(
    world: &World,
    app_token: &str,
    tenant_key: &str,
) -> Result<(String, u64), Value> {
    let body = json!({"app_access_token": app_token, "tenant_key": tenant_key});
    token(&ask(world, TENANT_TOKEN, &body).await, "tenant_access_token")
}

fn token(answer: &Answer, name: &str) -> Result<(String, u64), Value> {
    let json = answer.json();
    if json["code"] != 0 {
        return Err(json);
    }
    assert_eq!(json["msg"], "success");
    let token = json[name].as_str().unwrap().to_owned();
    let expire = json["expire"].as_u64().unwrap();
    let expected = format!(r#"{{"code":0,"msg":"success","{name}":"{token}","expire":{expire}}}"#);
    assert_eq!(answer.text(), expected, "flat, and nothing else");
    Ok((token, expire))
}

/// What a call with this token is answered that does not get beyond its body.
async fn outcome(world: &World, token: &str) -> String {
    world.clock.advance_ms(61);
    let ask = Ask::post(path("update_result"), "{").json().bearer(token);
    world.ask(&ask).await.outcome()
}

const REACHED: &str = "400 9499 Bad Request";

#[tokio::test]
async fn a_ticket_buys_an_app_token_which_buys_a_tenant_token() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/hook")), false).await;
        let (one, other) = (world.hirer().await, world.hirer().await);
        install(&world, &app, &one, None).await;
        install(&world, &app, &other, None).await;
        world.settle().await;
        let [ticket] = &tickets(&peer)[..] else { panic!("one ticket") };
        assert_eq!(ticket.app_id, app.app.app_id);
        assert_eq!(ticket.token, app.verification_token);
        assert_eq!(ticket.issued_at, harness::BEGIN.0);
        assert_eq!(ticket.uuid.len(), 32);
        let seen = peer.seen().remove(0);
        assert_eq!(seen.line, "POST /hook HTTP/1.1");
        assert_eq!(seen.header("Content-Type"), Some("application/json; charset=utf-8"));

        let (of_app, expire) = app_token(&world, &app, &ticket.app_ticket).await.unwrap();
        assert!(of_app.starts_with("a-") && expire == 7_200, "{expire}");
        let (first, expire) = tenant_token(&world, &of_app, &one.tenant_key).await.unwrap();
        assert!(first.starts_with("t-") && expire == 7_200, "{expire}");
        let (second, _) = tenant_token(&world, &of_app, &other.tenant_key).await.unwrap();
        assert_ne!(first, second);
        for token in [&first, &second] {
            assert_eq!(outcome(&world, token).await, REACHED);
        }
        // The app token itself opens nothing.
        assert_eq!(outcome(&world, &of_app).await, "400 99991664 invalid app token");
        let renamed = of_app.replacen("a-", "t-", 1);
        let invalid = "400 99991663 Invalid access token for authorization. \
            Please make a request with token attached.";
        assert_eq!(outcome(&world, &renamed).await, invalid);
    })
    .await;
}

/// Contract, section 1.4: every hour, and after each resend; the old ones stay good for 12 hours.
#[tokio::test]
async fn tickets_come_every_hour_and_on_demand_and_are_good_side_by_side() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        world.settle().await;
        world.clock.advance_ms(HOUR - 1);
        world.settle().await;
        assert_eq!(tickets(&peer).len(), 1);
        world.clock.advance_ms(1);
        world.settle().await;
        assert_eq!(tickets(&peer).len(), 2);
        let answer = ask(&world, RESEND, &secret(&app)).await;
        assert_eq!(answer.text(), r#"{"code":0,"msg":"success"}"#);
        let answer = ask(&world, &format!("{RESEND}/"), &secret(&app)).await;
        assert_eq!(answer.text(), r#"{"code":0,"msg":"success"}"#);
        world.settle().await;
        let all = tickets(&peer);
        assert_eq!(all.len(), 3, "of two that are asked for before one is sent, the newer is sent");
        let (first, second, third) = (&all[0].app_ticket, &all[1].app_ticket, &all[2].app_ticket);
        assert!(first != second && second != third && all[0].uuid != all[1].uuid);
        let (token, _) = app_token(&world, &app, first).await.unwrap();
        for ticket in [second, third] {
            assert_eq!(app_token(&world, &app, ticket).await.unwrap().0, token);
        }
        // An hour after the last one, not after the one before.
        world.clock.advance_ms(HOUR - 1);
        world.settle().await;
        assert_eq!(tickets(&peer).len(), 3);
        world.clock.advance_ms(1);
        world.settle().await;
        assert_eq!(tickets(&peer).len(), 4);

        world.clock.advance_ms(10 * HOUR);
        app_token(&world, &app, first).await.unwrap();
        world.clock.advance_ms(1_000);
        let refused = app_token(&world, &app, first).await.unwrap_err();
        assert_eq!(refused, json!({"code": 10012, "msg": "get app access token fail"}));
        app_token(&world, &app, second).await.unwrap();
        // What was missed meanwhile is not made up for.
        world.settle().await;
        assert_eq!(tickets(&peer).len(), 5);
    })
    .await;
}

#[tokio::test]
async fn tickets_are_encrypted_and_signed_as_every_event() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), true).await;
        world.settle().await;
        // The check of the URL went before it.
        let seen = peer.seen().pop().unwrap();
        let header = |name| seen.header(name).unwrap();
        let (time, nonce) = (header("X-Lark-Request-Timestamp"), header("X-Lark-Request-Nonce"));
        assert!(seal::verify(
            header("X-Lark-Signature"),
            time,
            nonce,
            &app.encrypt_key,
            &seen.body
        ));
        let plain = seal::decrypt(&app.encrypt_key, &seen.body).unwrap();
        let ticket = read_ticket(&plain).unwrap();
        app_token(&world, &app, &ticket.app_ticket).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_was_away_gets_the_newest_ticket_alone() {
    World::each(async |world| {
        let peer = Peer::start(|_, number| match number {
            1 | 2 => Reply::Whole(answer(500, "", b"no")),
            _ => peer::ok(),
        })
        .await;
        let app = store_app(&world, None, false).await;
        world.settle().await;
        world.clock.advance_ms(HOUR);
        world.settle().await;
        assert!(peer.seen().is_empty(), "they wait for a receiver");
        let body = UpdateApp { callback_url: Some(Some(peer.url("/"))), ..UpdateApp::default() };
        world.update_granted(&app.app.app_id, &body).await.unwrap();
        world.settle().await;
        let first = tickets(&peer);
        assert_eq!((first.len(), first[0].issued_at), (1, harness::BEGIN.0 + 3_600_000));
        // Tried again, with the same uuid and ticket.
        world.clock.advance_ms(15_000);
        world.settle().await;
        assert_eq!(tickets(&peer)[1], first[0]);
        // The next one takes its place.
        world.clock.advance_ms(HOUR - 15_000);
        world.settle().await;
        world.clock.advance_ms(10 * 60_000);
        world.settle().await;
        let all = tickets(&peer);
        assert_eq!(all.len(), 3);
        assert_ne!(all[2].app_ticket, first[0].app_ticket);
    })
    .await;
}

#[tokio::test]
async fn app_and_tenant_tokens_are_renewed_in_their_last_30_minutes() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        let hirer = world.hirer().await;
        install(&world, &app, &hirer, None).await;
        world.settle().await;
        let ticket = tickets(&peer).remove(0).app_ticket;
        let (of_app, _) = app_token(&world, &app, &ticket).await.unwrap();
        let (of_tenant, _) = tenant_token(&world, &of_app, &hirer.tenant_key).await.unwrap();
        world.clock.advance_ms(5_400_000);
        assert_eq!(app_token(&world, &app, &ticket).await.unwrap(), (of_app.clone(), 1_800));
        let again = tenant_token(&world, &of_app, &hirer.tenant_key).await.unwrap();
        assert_eq!(again, (of_tenant.clone(), 1_800));
        world.clock.advance_ms(1);
        let (new_app, expire) = app_token(&world, &app, &ticket).await.unwrap();
        assert!(new_app != of_app && expire == 7_200);
        // The old app token buys the new tenant token while it lives.
        let (new_tenant, expire) = tenant_token(&world, &of_app, &hirer.tenant_key).await.unwrap();
        assert!(new_tenant != of_tenant && expire == 7_200);
        assert_eq!(outcome(&world, &of_tenant).await, REACHED);
        assert_eq!(outcome(&world, &new_tenant).await, REACHED);
        world.clock.advance_ms(1_800_000);
        let refused = tenant_token(&world, &of_app, &hirer.tenant_key).await.unwrap_err();
        assert_eq!(refused, json!({"code": 10013, "msg": "get tenant access token fail"}));
        tenant_token(&world, &new_app, &hirer.tenant_key).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_malformed_or_wrong_has_its_code() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        let hirer = world.hirer().await;
        install(&world, &app, &hirer, None).await;
        let other = store_app(&world, Some(peer.url("/other")), false).await;
        let own = world.create_app(&hirer, None, false).await;
        world.settle().await;
        let mut found = tickets(&peer).into_iter();
        let ticket = found.find(|it| it.app_id == app.app.app_id).unwrap().app_ticket;
        let foreign = tickets(&peer).into_iter().find(|it| it.app_id == other.app.app_id).unwrap();
        let (of_app, _) = app_token(&world, &app, &ticket).await.unwrap();

        let with = |mut body: Value, name: &str, value: Value| {
            body[name] = value;
            body
        };
        let for_app = with(secret(&app), "app_ticket", json!(ticket));
        let for_tenant = json!({"app_access_token": of_app, "tenant_key": hirer.tenant_key});
        let malformed = json!({"code": 10003, "msg": "invalid param", "data": {}});
        let calls = [
            (RESEND, &secret(&app), ["app_id", "app_secret"].as_slice()),
            (APP_TOKEN, &for_app, &["app_id", "app_secret", "app_ticket"]),
            (TENANT_TOKEN, &for_tenant, &["app_access_token", "tenant_key"]),
        ];
        let before = world.rows().await;
        for (path, good, names) in calls {
            for name in names {
                for wrong in [json!(null), json!(""), json!(7), json!([good[*name]]), json!({})] {
                    let body = with(good.clone(), name, wrong);
                    assert_eq!(ask(&world, path, &body).await.json(), malformed, "{path} {body}");
                }
                let mut body = good.clone();
                body.as_object_mut().unwrap().remove(*name);
                assert_eq!(ask(&world, path, &body).await.json(), malformed, "{path} {body}");
            }
            for body in ["", "{", "[]", "null", "a=b", "{\"app_id\":"] {
                let answer = world.ask(&Ask::post(path, body)).await;
                assert_eq!((answer.status, answer.json()), (200, malformed.clone()), "{path}");
            }
        }
        assert_eq!(before, world.rows().await, "nothing is stored");

        let is = |code: u32, msg: &str| json!({"code": code, "msg": msg});
        let unknown = json!("cli_0000000000000001");
        let refusals = [
            (RESEND, with(secret(&app), "app_id", unknown.clone()), is(10014, "app id not exists")),
            (RESEND, with(secret(&app), "app_secret", json!("x")), is(10014, "app secret invalid")),
            (RESEND, secret(&own), is(10016, "app resend fail")),
            (APP_TOKEN, with(for_app.clone(), "app_id", unknown), is(10014, "app id not exists")),
            (
                APP_TOKEN,
                with(for_app.clone(), "app_secret", json!("x")),
                is(10014, "app secret invalid"),
            ),
            (
                APP_TOKEN,
                with(for_app.clone(), "app_ticket", json!("x")),
                is(10012, "get app access token fail"),
            ),
            (
                APP_TOKEN,
                with(for_app.clone(), "app_ticket", json!(foreign.app_ticket)),
                is(10012, "get app access token fail"),
            ),
            (
                APP_TOKEN,
                with(secret(&own), "app_ticket", json!(ticket)),
                is(10005, "app id unauthorized"),
            ),
            (INTERNAL, secret(&app), is(10005, "app id unauthorized")),
        ];
        for (path, body, expected) in refusals {
            assert_eq!(ask(&world, path, &body).await.json(), expected, "{path}");
        }
        let fails = is(10013, "get tenant access token fail");
        let internal = world.caller(&own).await.token;
        for token in ["a-", "a-x", "t-x", &of_app[1..], &internal] {
            let refused = tenant_token(&world, token, &hirer.tenant_key).await.unwrap_err();
            assert_eq!(refused, fails, "{token}");
        }
        for tenant_key in ["0000000000000000", "0123456789abcdef", "x", "张"] {
            let refused = tenant_token(&world, &of_app, tenant_key).await.unwrap_err();
            assert_eq!(refused, fails, "{tenant_key}");
        }
        let stranger = world.hirer().await;
        let refused = tenant_token(&world, &of_app, &stranger.tenant_key).await.unwrap_err();
        assert_eq!(refused, is(20009, "tenant app not installed"));
        world.operator.disable_app(&app.app.app_id).await.unwrap();
        for (path, body, _) in calls {
            let refused = ask(&world, path, body).await.json();
            assert_eq!(refused, is(10014, "app unauthorized"), "{path}");
        }
    })
    .await;
}

/// Contract, section 1.6: clients leak the members of their other calls, and of other apps, into the body.
#[tokio::test]
async fn stray_members_are_ignored_whatever_their_type() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        let hirer = world.hirer().await;
        install(&world, &app, &hirer, None).await;
        let own = world.create_app(&hirer, None, false).await;
        world.settle().await;
        let ticket = tickets(&peer).remove(0).app_ticket;
        let (of_app, _) = app_token(&world, &app, &ticket).await.unwrap();
        let mut all = secret(&app);
        all["app_ticket"] = json!(ticket);
        all["app_access_token"] = json!(of_app);
        all["tenant_key"] = json!(hirer.tenant_key);
        for path in [RESEND, APP_TOKEN, TENANT_TOKEN] {
            assert_eq!(ask(&world, path, &all).await.json()["code"], 0, "{path}");
        }
        // A self-built app's call with everything of a store app in it.
        all["app_id"] = json!(own.app.app_id);
        all["app_secret"] = json!(own.app_secret);
        assert_eq!(ask(&world, INTERNAL, &all).await.json()["code"], 0);
        for stray in [json!(null), json!(7), json!({"a": [1]})] {
            let body = json!({
                "app_access_token": of_app, "tenant_key": hirer.tenant_key,
                "app_id": stray, "app_secret": stray, "app_ticket": stray,
            });
            assert_eq!(ask(&world, TENANT_TOKEN, &body).await.json()["code"], 0, "{stray}");
        }
    })
    .await;
}

/// A restart forgets neither tickets nor tokens, nor when the next ticket is due.
#[tokio::test]
async fn tickets_and_tokens_outlive_a_restart() {
    for engine in Engine::available().await {
        let mut world = World::on(engine).await;
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        let hirer = world.hirer().await;
        install(&world, &app, &hirer, None).await;
        world.settle().await;
        let ticket = tickets(&peer).remove(0).app_ticket;
        let (before, _) = app_token(&world, &app, &ticket).await.unwrap();
        world.restart().await;
        world.settle().await;
        assert_eq!(tickets(&peer).len(), 1);
        assert_eq!(app_token(&world, &app, &ticket).await.unwrap().0, before);
        let (token, _) = tenant_token(&world, &before, &hirer.tenant_key).await.unwrap();
        assert_eq!(outcome(&world, &token).await, REACHED);
        world.clock.advance_ms(HOUR);
        world.settle().await;
        assert_eq!(tickets(&peer).len(), 2);
    }
}

/// Neither database nor files hold a ticket or a token.
#[tokio::test]
async fn tickets_and_tokens_are_not_stored() {
    World::each(async |world| {
        let peer = Peer::willing().await;
        let app = store_app(&world, Some(peer.url("/")), false).await;
        world.settle().await;
        let ticket = tickets(&peer).remove(0).app_ticket;
        let (token, _) = app_token(&world, &app, &ticket).await.unwrap();
        for (table, rows) in world.rows().await {
            for secret in [&ticket, &token, &app.app_secret] {
                assert!(!rows.iter().any(|row| row.contains(secret.as_str())), "{table}");
            }
        }
    })
    .await;
}
