//! The gateway from outside: the order of its checks, every wrong shape of `Authorization`, its headers, and the
//! error matrix of update_result line by line. Source: contract, sections 2 and 8.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use contract::control::{CreateApp, CreatedApp, OrderState, UpdateApp};
use harness::wire::{Answer, Ask, CALLS, Caller, TENANT_TOKEN, path};
use harness::{Engine, Hirer, Seed, World};
use serde_json::json;

const MISSING: &str = "400 99991661 Missing access token for authorization. Please make a request with token attached.";
const INVALID: &str = "400 99991663 Invalid access token for authorization. Please make a request with token attached.";
const APP_TOKEN: &str = "400 99991664 invalid app token";
const USER_TOKEN: &str = "400 99991668 user access token not support";
const PREFIX: &str = "400 99991671 Invalid token: must start with t-/u-";
const DISABLED: &str = "400 99991662 app not in use";
const NOT_EXIST: &str = "400 1002862 background check order not exist";
const TOO_FAST: &str = "429 99991400 request trigger frequency limit";
const DONE: &str = "200 0 success";

fn result(order_id: &str) -> String {
    json!({"background_check_id": order_id, "result": "无差异", "result_time": "1660123456789"})
        .to_string()
}

/// An app with these scopes that may call from these addresses.
async fn app_with(world: &World, hirer: &Hirer, scopes: &[&str], from: &[&str]) -> CreatedApp {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let body = CreateApp {
        name: "诚信背调".to_owned(),
        tenant_key: Some(hirer.tenant_key.clone()),
        scopes: texts(scopes),
        ip_allowlist: texts(from),
        ..CreateApp::default()
    };
    world.create_granted(&body).await.unwrap()
}

#[tokio::test]
async fn the_error_matrix_of_update_result_holds() {
    World::each(async |world| {
        let seed = world.seed().await;
        let order = world.place(&seed).await;
        let body = result(&order.order_id);
        let vendor = world.caller(&seed.app).await;
        let update = async |body: &str| vendor.post("update_result", body).await.outcome();

        // no/ill-formed Authorization
        let ask = Ask::post(path("update_result"), body.as_str()).json();
        assert_eq!(world.ask(&ask).await.outcome(), MISSING);
        // bad or expired tenant token
        assert_eq!(world.ask(&ask.clone().bearer("t-bad")).await.outcome(), INVALID);
        // token without known prefix
        assert_eq!(world.ask(&ask.clone().bearer("bad")).await.outcome(), PREFIX);
        // user token
        assert_eq!(world.ask(&ask.clone().bearer("u-bad")).await.outcome(), USER_TOKEN);
        // scope missing
        let poor = app_with(&world, &seed.hirer, &[], &[]).await;
        let answer = world.caller(&poor).await.post("update_result", body.as_str()).await;
        let start = "400 99991672 Access denied. One of the following scopes is required: \
            [hire:background_check_order].";
        assert!(answer.outcome().starts_with(start), "{}", answer.outcome());
        // body not JSON
        assert_eq!(update("background_check_id=7").await, "400 9499 Bad Request");
        // wrong JSON type
        let mistyped = body.replace("\"1660123456789\"", "1660123456789");
        let expected = "400 9499 Invalid parameter type in json: result_time. \
            Invalid parameter value: 1660123456789. Please check and modify accordingly.";
        assert_eq!(update(&mistyped).await, expected);
        // required member missing
        let expected =
            "400 99992402 field validation failed | result_time: result_time is required";
        assert_eq!(update(&body.replace("result_time", "result_times")).await, expected);
        // enum wrong
        let wrong = body.replace('{', r#"{"operator_role":3,"#);
        let expected = "400 99992402 field validation failed | operator_role=3: \
            operator_role is optional, options: [1,2]";
        assert_eq!(update(&wrong).await, expected);
        // unknown order
        assert_eq!(update(&result("6931286400470354183")).await, NOT_EXIST);
        // one of another app
        let other_app = world.create_app(&seed.hirer, None, false).await;
        let other = world.caller(&other_app).await;
        assert_eq!(other.post("update_result", body.as_str()).await.outcome(), NOT_EXIST);
        // one of another tenant
        let foreign = world.seed().await;
        let foreign = world.caller(&foreign.app).await;
        assert_eq!(foreign.post("update_result", body.as_str()).await.outcome(), NOT_EXIST);
        // ok
        assert_eq!(update(&body).await, DONE);
        // order finished
        let other = body.replace("无差异", "红灯");
        assert_eq!(update(&other).await, "400 1002858 illegal order status");
        // order terminated
        let order = world.place(&seed).await;
        let cancel = json!({"background_check_id": order.order_id}).to_string();
        assert_eq!(vendor.post("cancel", cancel).await.outcome(), DONE);
        assert_eq!(update(&result(&order.order_id)).await, "400 1002858 illegal order status");
        // order under approval
        let reviewed = world.seed_with_approval().await;
        let order = world.place(&reviewed).await;
        let reviewed = world.caller(&reviewed.app).await;
        let body = result(&order.order_id);
        assert_eq!(reviewed.post("update_result", body.as_str()).await.outcome(), DONE);
        let other = body.replace("无差异", "红灯");
        let expected = "500 1002863 background order is being approved";
        assert_eq!(reviewed.post("update_result", other).await.outcome(), expected);
        // too fast
        let mut last = String::new();
        for _ in 0..51 {
            last = world.ask(&ask.clone().bearer(&vendor.token)).await.outcome();
        }
        assert_eq!(last, TOO_FAST);
    })
    .await;
}

/// Contract, section 2.1: of two faults the one that is checked earlier is reported.
#[tokio::test]
async fn checks_are_made_in_the_documented_order() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let scope = ["hire:background_check_order"];
        // Each of these apps fails at one check and at all later ones.
        let disabled = app_with(&world, &hirer, &[], &["192.0.2.1"]).await;
        let elsewhere = app_with(&world, &hirer, &[], &["192.0.2.1"]).await;
        let poor = app_with(&world, &hirer, &[], &[]).await;
        let busy = app_with(&world, &hirer, &scope, &[]).await;
        let calm = app_with(&world, &hirer, &scope, &[]).await;
        let disabled_token = world.caller(&disabled).await.token;
        world.operator.disable_app(&disabled.app.app_id).await.unwrap();

        let bad = Ask::post(path("update_result"), "{");
        // 1. Path and method known?
        for ask in [Ask::post("/open-apis/hire/v1/nothing", "{"), Ask::new("GET", path("cancel"))] {
            let answer = world.ask(&ask).await;
            assert_eq!((answer.status, answer.text()), (404, "404 page not found"));
        }
        // 2. Authorization present? Also with no body at all.
        assert_eq!(world.ask(&bad).await.outcome(), MISSING);
        assert_eq!(world.ask(&Ask::new("POST", path("update_result"))).await.outcome(), MISSING);
        // 3. Token valid, of the right kind?
        assert_eq!(world.ask(&bad.clone().bearer("t-bad")).await.outcome(), INVALID);
        // 4. App enabled, then its list of addresses.
        assert_eq!(world.ask(&bad.clone().bearer(&disabled_token)).await.outcome(), DISABLED);
        let elsewhere = world.caller(&elsewhere).await;
        let expected = "400 99991401 ip 127.0.0.1 is denied by app setting";
        assert_eq!(elsewhere.ask(bad.clone()).await.outcome(), expected);
        // 5. Scope, before the rate limit: 60 calls at once.
        let poor = world.caller(&poor).await;
        for _ in 0..60 {
            let outcome = world.ask(&bad.clone().bearer(&poor.token)).await.outcome();
            assert!(outcome.starts_with("400 99991672 "), "{outcome}");
        }
        // 6. Rate limit, before the body.
        let busy = world.caller(&busy).await;
        let mut outcomes = Vec::new();
        for _ in 0..51 {
            outcomes.push(world.ask(&bad.clone().bearer(&busy.token)).await.outcome());
        }
        assert_eq!(outcomes.pop().unwrap(), TOO_FAST);
        // 7. Body.
        assert!(outcomes.iter().all(|outcome| outcome == "400 9499 Bad Request"), "{outcomes:?}");
        let calm = world.caller(&calm).await;
        let nowhere = r#"{"background_check_id":"6931286400470354183","result":"x"}"#;
        let expected =
            "400 99992402 field validation failed | result_time: result_time is required";
        assert_eq!(calm.post("update_result", nowhere).await.outcome(), expected);
        // 8. Business rules.
        let nowhere = result("6931286400470354183");
        assert_eq!(calm.post("update_result", nowhere).await.outcome(), NOT_EXIST);
    })
    .await;
}

#[tokio::test]
async fn every_wrong_shape_of_authorization_has_its_code() {
    World::each(async |world| {
        let seed = world.seed().await;
        let order = world.place(&seed).await;
        let good = world.caller(&seed.app).await.token;
        let flipped: String = good.chars().map(flip_case).collect();
        let upper = good.to_uppercase();
        let forged = format!("t-{}", "A".repeat(good.len() - 2));
        let mut last_altered = good.clone();
        let last = if last_altered.pop() == Some('A') { 'B' } else { 'A' };
        last_altered.push(last);
        let cut = &good[..good.len() - 1];
        let longer = format!("{good}A");
        let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiI3In0.c2lnbmF0dXJl";

        let is = |value: &str, expected: &'static str| (value.as_bytes().to_vec(), expected);
        let bearer = |token: &str, expected| is(&format!("Bearer {token}"), expected);
        let cases = [
            is("", MISSING),
            is(" ", MISSING),
            is("Bearer", MISSING),
            is("Bearer ", MISSING),
            is("Bearer   ", MISSING),
            is(&format!("bearer {good}"), MISSING),
            is(&format!("BEARER {good}"), MISSING),
            is(&format!("Bearer{good}"), MISSING),
            is(&format!("Bearer\t{good}"), MISSING),
            is(&format!("Token {good}"), MISSING),
            is("Basic dXNlcjpwYXNz", MISSING),
            is(&good, MISSING),
            is(&format!("\"Bearer {good}\""), MISSING),
            ("Bearer t-张三".as_bytes().to_vec(), MISSING),
            (b"Bearer t-\xff\xfe".to_vec(), MISSING),
            bearer("a-6U1SbDiM6XIH2DcTCPyeub", APP_TOKEN),
            bearer("u-7f1bcd13fc57d46bac21793a18e560", USER_TOKEN),
            bearer(jwt, USER_TOKEN),
            bearer("t-", INVALID),
            bearer("t-7f1bcd13fc57d46bac21793a18e560", INVALID),
            bearer(&forged, INVALID),
            bearer(&last_altered, INVALID),
            bearer(cut, INVALID),
            bearer(&longer, INVALID),
            bearer(&format!("{good} {good}"), INVALID),
            bearer(&format!("{good},"), INVALID),
            bearer(&good[..1], PREFIX),
            bearer(&good[2..], PREFIX),
            bearer(&flipped, PREFIX),
            bearer(&upper, PREFIX),
            bearer(&format!("t-{}", &flipped[2..]), INVALID),
            bearer(&format!("Bearer {good}"), PREFIX),
            bearer(&seed.app.app_secret, PREFIX),
            bearer(&seed.hirer.key, PREFIX),
        ];
        let ask = |call| Ask::post(path(call), result(&order.order_id)).json();
        for (value, expected) in cases {
            let shown = String::from_utf8_lossy(&value).into_owned();
            let answer = world.ask(&ask("update_result").with("Authorization", value)).await;
            assert_eq!(answer.outcome(), expected, "{shown}");
        }
        // None, and more than one: of two nobody can say which counts.
        assert_eq!(world.ask(&ask("update_result")).await.outcome(), MISSING);
        for (first, second) in [(&*good, &*good), ("t-bad", &good), (&good, "t-bad"), (&good, "")] {
            let answer = world.ask(&ask("update_result").bearer(first).bearer(second)).await;
            assert_eq!(answer.outcome(), MISSING);
        }
        // Names of headers have no case, and the token counts wherever the header stands.
        let early =
            Ask::post(path("update_result"), "{").with("AUTHORIZATION", format!("Bearer {good}"));
        assert_eq!(world.ask(&early.json()).await.outcome(), "400 9499 Bad Request");
        let now =
            seed.hirer.control.get_order(&seed.hirer.tenant_key, &order.order_id).await.unwrap();
        assert_eq!(now.state, OrderState::Arranged, "nothing of this reached the order");
        // The same on every call.
        for (call, _) in CALLS {
            assert_eq!(world.ask(&ask(call)).await.outcome(), MISSING, "{call}");
            assert_eq!(world.ask(&ask(call).bearer(&forged)).await.outcome(), INVALID, "{call}");
        }
    })
    .await;
}

fn flip_case(letter: char) -> char {
    match letter.is_ascii_lowercase() {
        true => letter.to_ascii_uppercase(),
        false => letter.to_ascii_lowercase(),
    }
}

#[tokio::test]
async fn a_token_ends_with_its_life() {
    World::each(async |world| {
        let seed = world.seed().await;
        let vendor = world.caller(&seed.app).await;
        let ask = Ask::post(path("update_result"), "{").bearer(&vendor.token);
        world.clock.advance_ms(7_199_999);
        assert_eq!(world.ask(&ask).await.outcome(), "400 9499 Bad Request");
        world.clock.advance_ms(1);
        assert_eq!(world.ask(&ask).await.outcome(), INVALID);
        world.clock.advance_ms(10 * 365 * 86_400_000);
        assert_eq!(world.ask(&ask).await.outcome(), INVALID);
    })
    .await;
}

#[tokio::test]
async fn the_token_of_another_installation_is_none_here() {
    World::each(async |world| {
        // The other one knows the very same tenant and app, so that only its key differs.
        let other = World::on(Engine::Sqlite).await;
        let (here, there) = (world.seed().await, other.seed().await);
        let ask = Ask::post(path("update_result"), "{");
        let foreign = other.caller(&there.app).await.token;
        assert_eq!(world.ask(&ask.clone().bearer(&foreign)).await.outcome(), INVALID);
        let own = world.caller(&here.app).await.token;
        assert_eq!(other.ask(&ask.clone().bearer(&own)).await.outcome(), INVALID);
        assert_eq!(world.ask(&ask.bearer(&own)).await.outcome(), "400 9499 Bad Request");
    })
    .await;
}

#[tokio::test]
async fn a_disabled_app_is_told_so_until_it_is_enabled() {
    World::each(async |world| {
        let seed = world.seed().await;
        let vendor = world.caller(&seed.app).await;
        let app_id = &seed.app.app.app_id;
        world.operator.disable_app(app_id).await.unwrap();
        for (call, _) in CALLS {
            assert_eq!(vendor.post(call, "{}").await.outcome(), DISABLED, "{call}");
        }
        world.operator.enable_app(app_id).await.unwrap();
        let vendor = world.caller(&seed.app).await;
        assert_eq!(vendor.post("update_result", "{").await.outcome(), "400 9499 Bad Request");
    })
    .await;
}

#[tokio::test]
async fn scopes_count_from_the_moment_they_are_changed() {
    World::each(async |world| {
        let seed = world.seed().await;
        let vendor = world.caller(&seed.app).await;
        let app_id = &seed.app.app.app_id;
        let grant = async |scopes: &[&str]| {
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            let body = UpdateApp { scopes: Some(scopes), ..UpdateApp::default() };
            world.update_granted(app_id, &body).await.unwrap();
        };
        grant(&["hire:background_check_order:readonly"]).await;
        for (call, _) in CALLS {
            let answer = vendor.post(call, "{}").await;
            assert!(answer.outcome().starts_with("400 99991672 "), "{call}");
            assert!(answer.json()["error"].get("helps").is_none(), "no address is known: no link");
            assert!(!answer.text().contains("/auth?"), "{}", answer.text());
        }
        grant(&["hire:background_check_order"]).await;
        assert_eq!(vendor.post("update_result", "{").await.outcome(), "400 9499 Bad Request");
    })
    .await;
}

#[tokio::test]
async fn an_app_with_a_list_of_addresses_calls_from_these_alone() {
    World::each(async |world| {
        let seed = world.seed().await;
        let vendor = world.caller(&seed.app).await;
        let denied = "400 99991401 ip 127.0.0.1 is denied by app setting";
        let taken = "400 9499 Bad Request";
        for (list, expected) in [
            (&["192.0.2.1"][..], denied),
            (&["192.0.2.0/24", "2001:db8::/32"], denied),
            (&["127.0.0.2"], denied),
            (&["::1"], denied),
            (&["127.0.0.1"], taken),
            (&["192.0.2.1", "127.0.0.0/8"], taken),
            (&[], taken),
        ] {
            let list = list.iter().map(|range| (*range).to_owned()).collect();
            let body = UpdateApp { ip_allowlist: Some(list), ..UpdateApp::default() };
            world.update_granted(&seed.app.app.app_id, &body).await.unwrap();
            let forwarded = Ask::post(path("update_result"), "{")
                .with("X-Forwarded-For", "127.0.0.1")
                .with("X-Real-Ip", "127.0.0.1")
                .with("Forwarded", "for=127.0.0.1");
            assert_eq!(vendor.ask(forwarded).await.outcome(), expected);
        }
    })
    .await;
}

/// Contract, section 2.5: the Python SDK looks names up case-sensitively.
#[tokio::test]
async fn every_answer_has_a_log_id_and_title_case_names() {
    World::each(async |world| {
        let Places { seed, vendor } = Places::new(&world).await;
        let order = world.place(&seed).await;
        let app = json!({"app_id": seed.app.app.app_id, "app_secret": seed.app.app_secret});
        let mut answers = vec![
            world.ask(&Ask::post(TENANT_TOKEN, app.to_string())).await,
            world.ask(&Ask::post(TENANT_TOKEN, "{")).await,
            world.ask(&Ask::new("GET", TENANT_TOKEN)).await,
            world.ask(&Ask::post(path("update_result"), "{}")).await,
            world.ask(&Ask::post(path("update_result"), "{}").bearer("x")).await,
            vendor.post("update_result", "{").await,
            vendor.post("update_result", "{}").await,
            vendor.post("update_result", result("7")).await,
            vendor.post("update_result", result(&order.order_id)).await,
            vendor.post("update_result", vec![b' '; 1024 * 1024 + 1]).await,
            world.ask(&Ask::post("/open-apis", "")).await,
            world.ask(&Ask::post("/open-apis/", "")).await,
            world.ask(&Ask::post("/open-apis/nothing", "")).await,
        ];
        for _ in 0..51 {
            let fast = Ask::post(path("cancel"), "{}").bearer(&vendor.token);
            answers.push(world.ask(&fast).await);
        }
        let mut log_ids: Vec<&str> = Vec::new();
        for answer in &answers {
            for (name, _) in &answer.headers {
                let title: Vec<String> = name.split('-').map(title_case).collect();
                assert_eq!(*name, title.join("-"));
            }
            log_ids.push(answer.log_id());
            match answer.status {
                404 => assert_eq!(answer.header("Content-Type"), Some("text/plain")),
                _ => {
                    let kind = Some("application/json; charset=utf-8");
                    assert_eq!(answer.header("Content-Type"), kind);
                    if let Some(log_id) = answer.json()["error"]["log_id"].as_str() {
                        assert_eq!(log_id, answer.log_id());
                    }
                }
            }
        }
        assert!(answers.iter().any(|answer| answer.status == 429));
        // 2026-11-18 12:26:40 and a little.
        assert!(log_ids.iter().all(|log_id| log_id.starts_with("20261118122")), "{log_ids:?}");
        log_ids.sort_unstable();
        log_ids.dedup();
        assert_eq!(log_ids.len(), answers.len(), "each answer has its own");
    })
    .await;
}

fn title_case(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect()
}

/// A seed and its vendor.
struct Places<'w> {
    seed: Seed,
    vendor: Caller<'w>,
}

impl<'w> Places<'w> {
    async fn new(world: &'w World) -> Places<'w> {
        let seed = world.seed().await;
        let vendor = world.caller(&seed.app).await;
        Places { seed, vendor }
    }
}

/// Contract, section 7, Q21: as the real platform, not as its table.
#[tokio::test]
async fn an_unknown_path_and_a_wrong_method_are_answered_alike_and_not_in_json() {
    World::each(async |world| {
        let Places { vendor, .. } = Places::new(&world).await;
        let result = path("update_result");
        let asks = [
            Ask::new("GET", result),
            Ask::new("PUT", result),
            Ask::new("DELETE", result),
            Ask::new("PATCH", result),
            Ask::new("OPTIONS", result),
            Ask::new("post", result),
            Ask::new("TRACE", TENANT_TOKEN),
            Ask::new("GET", TENANT_TOKEN),
            Ask::post(&format!("{result}/"), "{}"),
            Ask::post(&format!("{result}//"), "{}"),
            Ask::post(&format!("{TENANT_TOKEN}//"), "{}"),
            Ask::post(&result.to_uppercase(), "{}"),
            Ask::post(&result.replace("hire", "%68ire"), "{}"),
            Ask::post(&result.replace("/hire", "//hire"), "{}"),
            Ask::post(&result.replace("/hire", "/x/../hire"), "{}"),
            Ask::post("/open-apis/hire/v1/eco_background_checks", "{}"),
            Ask::post("/open-apis/hire/v2/eco_background_checks/update_result", "{}"),
            Ask::post("/open-apis/", "{}"),
            Ask::post("/open-apis", "{}"),
            Ask::new("GET", "/open-apis/hire/v1/eco_background_check_packages"),
        ];
        for ask in asks {
            for answer in [world.ask(&ask).await, vendor.ask(ask.clone()).await] {
                assert_eq!((answer.status, answer.text()), (404, "404 page not found"));
                assert_eq!(answer.header("Content-Type"), Some("text/plain"));
            }
        }
        // A query is no part of the path.
        let answer = vendor.ask(Ask::post(&format!("{result}?a=b&a=c"), "{")).await;
        assert_eq!(answer.outcome(), "400 9499 Bad Request");
    })
    .await;
}

/// A refusal costs the connection nothing: the next call goes over the same one.
#[tokio::test]
async fn a_connection_is_kept_from_call_to_call() {
    World::each(async |world| {
        let Places { seed, vendor } = Places::new(&world).await;
        let order = world.place(&seed).await;
        let mut line = world.line().await;
        let ask = |body: &str| Ask::post(path("update_result"), body).json();
        let mut outcome = async |ask: Ask| -> String { Answer::outcome(&line.ask(&ask).await) };
        assert_eq!(outcome(ask("{}")).await, MISSING);
        assert_eq!(outcome(ask("{").bearer(&vendor.token)).await, "400 9499 Bad Request");
        let good = ask(&result(&order.order_id)).bearer(&vendor.token);
        assert_eq!(outcome(good.clone()).await, DONE);
        assert_eq!(outcome(good).await, DONE, "and again");
    })
    .await;
}
