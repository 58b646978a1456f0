//! The token calls of self-built apps from outside. Source: contract, sections 1.1, 1.2, 1.5 and 1.6.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use contract::control::CreatedApp;
use harness::wire::{APP_TOKEN, Answer, Ask, TENANT_TOKEN, path};
use harness::{Engine, World};
use serde_json::{Value, json};

const INVALID_PARAM: &str = r#"{"code":10003,"msg":"invalid param","data":{}}"#;

fn good(app: &CreatedApp) -> Value {
    json!({"app_id": app.app.app_id, "app_secret": app.app_secret})
}

async fn ask(world: &World, body: impl Into<Vec<u8>>) -> Answer {
    let answer = world.ask(&Ask::post(TENANT_TOKEN, body).json()).await;
    // Errors too. Source: contract, section 1.1.
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
    answer.log_id();
    answer
}

/// The token and the seconds it has left.
fn token(answer: &Answer) -> (String, u64) {
    let json = answer.json();
    assert_eq!((&json["code"], &json["msg"]), (&json!(0), &json!("ok")));
    let token = json["tenant_access_token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("t-"), "a tenant token");
    (token, json["expire"].as_u64().unwrap())
}

#[tokio::test]
async fn both_calls_give_the_same_token_under_their_names() {
    World::each(async |world| {
        let app = world.create_app(&world.hirer().await, None, false).await;
        let body = good(&app).to_string();
        let (first, expire) = token(&ask(&world, body.as_str()).await);
        assert_eq!(expire, 7_200);
        let expected =
            format!(r#"{{"code":0,"msg":"ok","tenant_access_token":"{first}","expire":7200}}"#);
        assert_eq!(ask(&world, body.as_str()).await.text(), expected);
        let answer = world.ask(&Ask::post(APP_TOKEN, body.as_str()).json()).await;
        let expected = format!(
            r#"{{"code":0,"msg":"ok","app_access_token":"{first}","tenant_access_token":"{first}","expire":7200}}"#
        );
        assert_eq!((answer.status, answer.text()), (200, expected.as_str()));
    })
    .await;
}

#[tokio::test]
async fn a_trailing_slash_any_content_type_and_none_are_taken() {
    World::each(async |world| {
        let app = world.create_app(&world.hirer().await, None, false).await;
        let body = good(&app).to_string();
        let (expected, _) = token(&ask(&world, body.as_str()).await);
        for path in [TENANT_TOKEN, APP_TOKEN] {
            for path in [path.to_owned(), format!("{path}/"), format!("{path}?x=1")] {
                let plain = Ask::post(&path, body.as_str());
                for ask in [
                    plain.clone(),
                    plain.clone().json(),
                    plain.clone().with("Content-Type", "application/json"),
                    plain.clone().with("Content-Type", "text/plain"),
                    plain.clone().with("Content-Type", "application/x-www-form-urlencoded"),
                    plain.clone().with("Content-Type", ""),
                    plain.clone().with("Authorization", "Bearer nonsense"),
                    plain.clone().chunked(),
                ] {
                    assert_eq!(token(&world.ask(&ask).await).0, expected, "{path}");
                }
            }
        }
    })
    .await;
}

/// The Python SDK leaks members of other calls and other apps into the body. Source: contract, section 1.6.
#[tokio::test]
async fn stray_members_are_ignored_whatever_their_type() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, false).await;
        let other = world.create_app(&hirer, None, false).await;
        let (expected, _) = token(&ask(&world, good(&app).to_string()).await);
        for stray in [json!("x"), json!(7), json!(null), json!(true), json!([{}]), json!({"a": []})]
        {
            let mut body = good(&app);
            for name in
                ["app_ticket", "app_access_token", "tenant_key", "grant_type", "AppID", "张"]
            {
                body[name] = stray.clone();
            }
            assert_eq!(token(&ask(&world, body.to_string()).await).0, expected, "{stray}");
        }
        let (of_other, _) = token(&ask(&world, good(&other).to_string()).await);
        assert_ne!(of_other, expected);
    })
    .await;
}

#[tokio::test]
async fn what_is_malformed_is_an_invalid_param() {
    World::each(async |world| {
        let app = world.create_app(&world.hirer().await, None, false).await;
        let text = good(&app).to_string();
        let with = |name: &str, value: Value| {
            let mut body = good(&app);
            body[name] = value;
            body.to_string().into_bytes()
        };
        let app_id = &app.app.app_id;
        let twice = text.replace('{', &format!(r#"{{"app_id":"{app_id}","#));
        let bodies: Vec<Vec<u8>> = vec![
            b"".to_vec(),
            b" ".to_vec(),
            b"{".to_vec(),
            b"{}".to_vec(),
            b"[]".to_vec(),
            b"null".to_vec(),
            b"\"x\"".to_vec(),
            format!("[{text}]").into_bytes(),
            format!("{text}{text}").into_bytes(),
            format!("\u{feff}{text}").into_bytes(),
            format!("app_id={app_id}&app_secret={}", app.app_secret).into_bytes(),
            twice.into_bytes(),
            [&text.as_bytes()[..text.len() - 1], b",\"x\":\"\xff\"}"].concat(),
            format!(
                "{},\"x\":{}{}}}",
                &text[..text.len() - 1],
                "[".repeat(10_000),
                "]".repeat(10_000)
            )
            .into_bytes(),
            vec![b' '; 1024 * 1024 + 1],
            json!({"app_id": app_id}).to_string().into_bytes(),
            json!({"app_secret": app.app_secret}).to_string().into_bytes(),
            json!({"AppID": app_id, "AppSecret": app.app_secret}).to_string().into_bytes(),
            with("app_id", json!(null)),
            with("app_id", json!("")),
            with("app_id", json!(7)),
            with("app_id", json!([app_id])),
            with("app_id", json!(app_id[4..])),
            with("app_id", json!(app_id[..19])),
            with("app_id", json!(format!("{app_id}0"))),
            with("app_id", json!(format!(" {app_id}"))),
            with("app_id", json!(app_id.replace("cli_", "CLI_"))),
            with("app_id", json!("cli_gggggggggggggggg")),
            with("app_id", json!(format!("{}\0", &app_id[..19]))),
            with("app_secret", json!(null)),
            with("app_secret", json!("")),
            with("app_secret", json!(7)),
            with("app_secret", json!({})),
        ];
        let before = world.rows().await;
        for body in bodies {
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!(ask(&world, body).await.text(), INVALID_PARAM, "{shown}");
        }
        assert_eq!(before, world.rows().await, "nothing is stored");
    })
    .await;
}

#[tokio::test]
async fn unknown_wrong_and_disabled_are_told_apart() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, false).await;
        let other = world.create_app(&hirer, None, false).await;
        let with = |name: &str, value: &str| {
            let mut body = good(&app);
            body[name] = json!(value);
            body.to_string()
        };
        let secret = &app.app_secret;
        let wrong = r#"{"code":10014,"msg":"app secret invalid"}"#;
        for (body, expected) in [
            (with("app_id", "cli_0000000000000001"), r#"{"code":10014,"msg":"app id not exists"}"#),
            (with("app_secret", "wrong"), wrong),
            (with("app_secret", &secret[1..]), wrong),
            (with("app_secret", &format!("{secret} ")), wrong),
            (with("app_secret", &secret.to_lowercase().to_uppercase()), wrong),
            (with("app_secret", &other.app_secret), wrong),
            (with("app_secret", &"x".repeat(16_000)), wrong),
            // Bodies of strangers have 16 KiB.
            (with("app_secret", &"x".repeat(100_000)), INVALID_PARAM),
            (with("app_secret", "密\u{0}"), wrong),
        ] {
            assert_eq!(ask(&world, body).await.text(), expected);
        }
        // Who does not know the secret does not learn that the app is disabled.
        world.operator.disable_app(&app.app.app_id).await.unwrap();
        assert_eq!(ask(&world, with("app_secret", "wrong")).await.text(), wrong);
        let disabled = r#"{"code":10014,"msg":"app unauthorized"}"#;
        assert_eq!(ask(&world, good(&app).to_string()).await.text(), disabled);
        world.operator.enable_app(&app.app.app_id).await.unwrap();
        token(&ask(&world, good(&app).to_string()).await);
    })
    .await;
}

/// Contract, section 1.1: 30 minutes or more left: the same; less: a new one, and both are valid.
#[tokio::test]
async fn a_token_is_renewed_in_its_last_30_minutes() {
    World::each(async |world| {
        let app = world.create_app(&world.hirer().await, None, false).await;
        let body = good(&app).to_string();
        let next = async || token(&ask(&world, body.as_str()).await);
        let is_valid = async |token: &str| {
            let ask = Ask::post(path("update_result"), "{").bearer(token);
            world.clock.advance_ms(0);
            match world.ask(&ask).await.outcome().as_str() {
                "400 9499 Bad Request" => true,
                outcome => {
                    assert!(outcome.starts_with("400 99991663 "), "{outcome}");
                    false
                }
            }
        };
        let (first, expire) = next().await;
        assert_eq!(expire, 7_200);
        world.clock.advance_ms(2_633_000);
        assert_eq!(next().await, (first.clone(), 4_567));
        // 30 minutes left, to the millisecond.
        world.clock.advance_ms(7_200_000 - 1_800_000 - 2_633_000);
        assert_eq!(next().await, (first.clone(), 1_800));
        world.clock.advance_ms(1);
        let (second, expire) = next().await;
        assert_ne!(first, second);
        assert_eq!(expire, 7_200);
        assert_eq!(next().await.0, second);
        assert!(is_valid(&first).await && is_valid(&second).await);

        // The first ends when it was said to end, the second lives on.
        world.clock.advance_ms(1_799_998);
        assert!(is_valid(&first).await);
        world.clock.advance_ms(1);
        assert!(!is_valid(&first).await && is_valid(&second).await);
        assert_eq!(next().await.0, second);
        // After a long silence there is simply a new one.
        world.clock.advance_ms(30 * 86_400_000);
        assert!(!is_valid(&second).await);
        let (third, expire) = next().await;
        assert_eq!(expire, 7_200);
        assert!(third != second && third != first && is_valid(&third).await);
    })
    .await;
}

/// Whole seconds are reported, never more than there are.
#[tokio::test]
async fn a_token_never_lives_shorter_than_its_expire_says() {
    World::each(async |world| {
        world.clock.advance_ms(123);
        let app = world.create_app(&world.hirer().await, None, false).await;
        for _ in 0..4 {
            world.clock.advance_ms(333);
            let (current, expire) = token(&ask(&world, good(&app).to_string()).await);
            let ask = Ask::post(path("cancel"), "{").bearer(&current);
            world.clock.advance_ms(expire * 1_000 - 1);
            assert_eq!(world.ask(&ask).await.outcome(), "400 9499 Bad Request", "{expire}");
        }
    })
    .await;
}

#[tokio::test]
async fn two_calls_at_once_get_the_same_token() {
    World::each(async |world| {
        for round in 0..5 {
            let app = world.create_app(&world.hirer().await, None, false).await;
            let body = good(&app).to_string();
            let tokens =
                futures_util::future::join_all((0..16).map(|_| ask(&world, body.as_str())));
            let mut tokens: Vec<_> = tokens.await.iter().map(token).collect();
            tokens.dedup();
            assert_eq!(tokens.len(), 1, "round {round}");
        }
    })
    .await;
}

/// A restart forgets no token: clients keep theirs for up to two hours.
#[tokio::test]
async fn tokens_outlive_a_restart() {
    for engine in Engine::available().await {
        let mut world = World::on(engine).await;
        let app = world.create_app(&world.hirer().await, None, false).await;
        let (before, _) = token(&ask(&world, good(&app).to_string()).await);
        world.restart().await;
        world.clock.advance_ms(1_000);
        let (after, expire) = token(&ask(&world, good(&app).to_string()).await);
        assert_eq!((after, expire), (before.clone(), 7_199));
        let ask = Ask::post(path("cancel"), "{").bearer(&before);
        assert_eq!(world.ask(&ask).await.outcome(), "400 9499 Bad Request");
    }
}
