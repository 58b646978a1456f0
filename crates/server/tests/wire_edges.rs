//! What callers send that is not quite as it is documented, and what the answers say them: base URLs with a slash at
//! their end, texts cut in the middle of an emoji, answers that come before a body was read, the way out of a scope
//! error. Source: contract, sections 2.2 and 5.4.

mod harness;

use contract::control::{Order, UpdateApp};
use contract::endpoint::ENDPOINT_PATH;
use harness::scene::Scene;
use harness::wire::{Answer, Ask, TENANT_TOKEN, path};
use harness::{BEGIN, Engine, World};
use serde_json::json;
use system::clock::Clock;

/// The order after a body was taken as it stands.
async fn after(scene: &Scene<'_>, call: &str, body: String) -> Order {
    let answer = scene.send(call, body).await;
    assert_eq!(answer.outcome(), "200 0 success");
    scene.order().await
}

#[tokio::test]
async fn half_a_surrogate_pair_is_read_as_the_replacement_character() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let body = json!({
            "background_check_id": scene.order_id, "result": "CUT", "result_time": "1660123456789",
            "report_file_list": [],
        });
        // In a member that is read, in one that nobody reads, and in a name.
        let body = body.to_string().replace("CUT", r"ok \ud83d");
        let body = body.replacen('{', r#"{"note":"\ude00","\ud83d":[{"\udc00":"\ud83dx"}],"#, 1);
        let order = after(&scene, "update_result", body).await;
        assert_eq!(order.conclusion.as_deref(), Some("ok \u{fffd}"));
    })
    .await;
}

#[tokio::test]
async fn half_a_surrogate_pair_in_the_names_of_a_call_for_a_token_or_an_address_is_no_fault() {
    let world = World::on(Engine::Sqlite).await;
    let seed = world.seed().await;
    let (app_id, secret) = (&seed.app.app.app_id, &seed.app.app_secret);
    let body = format!(r#"{{"app_id":"{app_id}","app_secret":"{secret}","\ud83d":"\ud83d"}}"#);
    assert_eq!(world.ask(&Ask::post(TENANT_TOKEN, body)).await.json()["code"], 0);
    let body = format!(r#"{{"AppID":"{app_id}","AppSecret":"{secret}","\ud83d":"\ud83d"}}"#);
    let answer = world.ask(&Ask::post(ENDPOINT_PATH, body)).await;
    // It is not in that mode; its body was read.
    assert_eq!((answer.status, &answer.json()["code"]), (200, &json!(1_000_040_345)));
}

#[tokio::test]
async fn slashes_before_a_path_count_as_one() {
    let world = World::on(Engine::Sqlite).await;
    let scene = Scene::new(&world).await;
    let body =
        json!({"app_id": scene.seed.app.app.app_id, "app_secret": scene.seed.app.app_secret});
    let body = body.to_string();
    for slashes in ["/", "//", "///"] {
        let answer =
            world.ask(&Ask::post(&format!("{slashes}{TENANT_TOKEN}"), body.as_str())).await;
        assert_eq!((answer.status, &answer.json()["code"]), (200, &json!(0)), "{slashes}");
        let ask = Ask::post(&format!("{slashes}{}", path("cancel")), "{").bearer("t-bad");
        assert!(world.ask(&ask).await.outcome().starts_with("400 99991663 "), "{slashes}");
        let answer = world.ask(&Ask::post(&format!("{slashes}{ENDPOINT_PATH}"), "{}")).await;
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!(9499)), "{slashes}");
        let answer = world.ask(&Ask::new("GET", &format!("{slashes}/api/v1/tenants"))).await;
        assert_eq!(answer.status, 401, "{slashes}");
        let answer = world.ask(&Ask::new("GET", &format!("{slashes}/healthz"))).await;
        assert_eq!((answer.status, answer.text()), (200, "ok\n"), "{slashes}");
    }
    // Inside of a path they stand for what they are.
    for inside in ["/open-apis//auth/v3/tenant_access_token/internal", "/callback//ws/endpoint"] {
        let answer = world.ask(&Ask::post(inside, body.as_str())).await;
        assert_eq!((answer.status, answer.text()), (404, "404 page not found"), "{inside}");
    }
}

/// Whether an answer says that its connection closes.
fn says_close(answer: &Answer) -> bool {
    answer.header("Connection").is_some_and(|word| word.eq_ignore_ascii_case("close"))
}

#[tokio::test]
async fn after_an_answer_that_came_before_its_body_was_read_the_connection_goes_on_or_says_that_it_ends()
 {
    let world = World::on(Engine::Sqlite).await;
    let scene = Scene::new(&world).await;
    let good = || Ask::post(path("cancel"), "{}").bearer(&scene.vendor.token);
    let text = |bytes: usize| format!(r#"{{"x":"{}"}}"#, "a".repeat(bytes));
    for bytes in [10, 20_000, 500_000, 2_000_000] {
        for refused in [
            // Without a token, with a bad one, unknown, another method, the control API without a key.
            Ask::post(path("cancel"), text(bytes)),
            Ask::post(path("cancel"), text(bytes)).bearer("t-bad"),
            Ask::post("/open-apis/hire/v1/nothing", text(bytes)),
            Ask::patch(path("cancel"), text(bytes)).bearer(&scene.vendor.token),
            Ask::get_with("/open-apis/hire/v1/nothing", text(bytes)),
            Ask::post("/api/v1/tenants", text(bytes)),
            Ask::post("/api/v1/nothing", text(bytes)),
            Ask::patch("/callback/ws/endpoint", text(bytes)),
            Ask::post("/healthz", text(bytes)),
            Ask::post("/ws/v2", text(bytes)),
        ] {
            for ask in [refused.clone(), refused.chunked()] {
                world.clock.advance_ms(61);
                let mut line = world.line().await;
                let answer = line.ask(&ask).await;
                assert!((400..500).contains(&answer.status), "{}", answer.status);
                match says_close(&answer) {
                    true => assert!(bytes > 64 * 1024 && line.is_closed().await),
                    false => assert_eq!(line.ask(&good()).await.status, 400, "{bytes}"),
                }
            }
        }
    }
    // Too many calls, then one more on the same connection.
    let mut line = world.line().await;
    let mut statuses = Vec::new();
    for _ in 0..60 {
        let ask = Ask::post(path("update_progress"), text(10)).bearer(&scene.vendor.token);
        statuses.push(line.ask(&ask).await.status);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}

#[tokio::test]
async fn a_scope_error_links_to_a_page_that_says_what_to_grant_and_how() {
    let adjust = |config: &mut server::Config| {
        config.public_url = Some("https://hub.example:8443/".to_owned());
    };
    let world = World::start(Engine::Sqlite, Clock::manual(BEGIN), false, adjust).await;
    let seed = world.seed().await;
    let app_id = &seed.app.app.app_id;
    let vendor = world.caller(&seed.app).await;
    let body = UpdateApp { scopes: Some(vec![]), ..UpdateApp::default() };
    world.update_granted(app_id, &body).await.unwrap();
    let answer = vendor.post("account_fields", "{}").await;
    assert!(answer.outcome().starts_with("400 99991672 "), "{}", answer.outcome());
    let body = answer.json();
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("[hire:background_check_order, hire:exam]"), "{message}");
    let url = body["error"]["helps"][0]["url"].as_str().unwrap();
    assert!(body["msg"].as_str().unwrap().ends_with(url), "{body}");
    let target = url.strip_prefix("https://hub.example:8443").expect("an absolute link");
    let expected = format!(
        "/app/{app_id}/auth?q=hire:background_check_order,hire:exam&op_from=openapi&token_type=tenant"
    );
    assert_eq!(target, expected);

    let page = world.ask(&Ask::new("GET", target)).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("Content-Type"), Some("text/html; charset=utf-8"));
    let policy = page.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    let text = page.text();
    assert!(
        text.contains(&format!("probity app update {app_id} --scope hire:background_check_order"))
    );
    for part in ["<li><code>hire:exam</code></li>", "lacks a scope", "缺少权限", "--tenant"] {
        assert!(text.contains(part), "{part}");
    }
    // Nothing of the address but what is known is shown.
    let odd = format!("/app/{app_id}/auth?q=%3Cscript%3E,hire:exam&x=%3Cscript%3E");
    assert!(!world.ask(&Ask::new("GET", &odd)).await.text().contains("script"));
    for odd in ["/app/%3Cscript%3E/auth?q=hire:exam".to_owned(), format!("/app/{app_id}/auth")] {
        let answer = world.ask(&Ask::new("GET", &odd)).await;
        assert_eq!(answer.status, 404);
        assert!(!answer.text().contains("script"));
    }
}
