//! The control half against canned answers: what is sent, and what becomes of each kind of answer.

use std::fs;
use std::path::Path;

use crate::harness::{Canned, Server, json};
use client::TransportError;
use client::control::{Control, Error};
use contract::control::{CreateTenant, ListOrders, OrderState, Problem, ProblemCode};
use serde_json::Value;

const TENANT: &str = r#"{"tenant_key":"0000000000000001","name":"a","report_approval":false,
    "four_eyes":false,"retention_days":365,"locale":"zh-CN","created_at":"2026-03-01T08:00:00.000Z",
    "api_key":"pbt_secret","later_member":1}"#;

fn problem(code: ProblemCode, header: Option<(&'static str, &'static str)>) -> Canned {
    let body = serde_json::to_string(&Problem::new(code, "because")).unwrap();
    Canned(code.status(), "application/problem+json", header, body)
}

#[tokio::test]
async fn a_post_carries_key_body_and_a_fresh_idempotency_key() {
    let server = Server::start([json(201, TENANT), json(201, TENANT), json(201, TENANT)]).await;
    let control = Control::new(&server.url, "pbo_x").unwrap();
    let created = control.create_tenant(&CreateTenant::named("a")).await.unwrap();
    assert_eq!(created.api_key, "pbt_secret");
    control.create_tenant(&CreateTenant::named("a")).await.unwrap();
    let same = control.with_idempotency_key("mine").unwrap();
    same.create_tenant(&CreateTenant::named("a")).await.unwrap();

    let asked = server.asked();
    assert_eq!(asked[0].line, "POST /api/v1/tenants");
    assert_eq!(asked[0].header("authorization"), "Bearer pbo_x");
    assert_eq!(asked[0].header("content-type"), "application/json");
    let keys: Vec<&str> = asked.iter().map(|asked| asked.header("idempotency-key")).collect();
    assert_eq!(keys[0].len(), 32);
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys[2], "mine");
}

#[tokio::test]
async fn lists_send_their_filters_as_query() {
    let server = Server::start([json(200, r#"{"items":[],"next_cursor":"n"}"#)]).await;
    let control = Control::new(&format!("{}/below/", server.url), "pbt_x").unwrap();
    let list = ListOrders {
        state: Some(OrderState::InReview),
        cursor: Some("a b&c".into()),
        limit: Some(2),
        ..ListOrders::default()
    };
    let page = control.list_orders("0000000000000001", &list).await.unwrap();
    assert_eq!(page.next_cursor.as_deref(), Some("n"));
    let expected = "GET /below/api/v1/tenants/0000000000000001/orders\
                    ?state=in_review&cursor=a+b%26c&limit=2";
    assert_eq!(server.lines(), [expected]);
}

#[tokio::test]
async fn problems_become_refusals_with_their_words() {
    let limited = problem(ProblemCode::RateLimited, Some(("retry-after", "7")));
    let server = Server::start([problem(ProblemCode::NotFound, None), limited]).await;
    let control = Control::new(&server.url, "pbt_x").unwrap();
    let error = control.get_tenant("0000000000000001").await.unwrap_err();
    assert_eq!(error.problem().unwrap().kind(), Some(ProblemCode::NotFound));
    assert_eq!(error.to_string(), "because");
    let error = control.get_tenant("0000000000000001").await.unwrap_err();
    assert!(matches!(error, Error::Refused { retry_after_seconds: Some(7), .. }), "{error:?}");
}

#[tokio::test]
async fn answers_of_something_else_are_unreadable_and_quote_nothing() {
    let page = || Canned(200, "text/html", None, "<html>张三</html>".into());
    let moved = Canned(302, "text/html", Some(("location", "http://127.0.0.1:1/")), String::new());
    let server = Server::start([page(), moved]).await;
    let control = Control::new(&server.url, "pbt_x").unwrap();
    for status in [200, 302, 500] {
        let error = control.get_tenant("0000000000000001").await.unwrap_err();
        let Error::Transport(TransportError::Unreadable { status: came, .. }) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(*came, status);
        assert!(!format!("{error} {error:?}").contains("张三"));
    }
}

#[tokio::test]
async fn no_server_is_unreachable_and_the_key_stays_hidden() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let control = Control::new(&url, "pbt_secret").unwrap();
    let error = control.get_order("0000000000000001", "7").await.unwrap_err();
    assert!(matches!(error, Error::Transport(TransportError::Unreachable { .. })), "{error:?}");
    assert!(!format!("{control:?} {error:?} {error}").contains("pbt_secret"));
}

#[tokio::test]
async fn content_is_read_in_chunks_and_a_refusal_is_a_problem() {
    let body = "x".repeat(300_000);
    let stored = Canned(200, "application/pdf", None, body.clone());
    let server = Server::start([stored, problem(ProblemCode::Gone, None)]).await;
    let control = Control::new(&server.url, "pbt_x").unwrap();
    let content = control.get_report_content("t", "o", "r").await.unwrap();
    assert_eq!(content.size_bytes(), Some(300_000));
    assert_eq!(content.bytes().await.unwrap(), body.as_bytes());
    let error = control.get_report_content("t", "o", "r").await.unwrap_err();
    assert_eq!(error.problem().unwrap().status, 410);
    assert_eq!(server.lines()[0], "GET /api/v1/tenants/t/orders/o/reports/r/content");
}

#[tokio::test]
async fn keys_of_another_shape_are_refused_before_anything_is_sent() {
    let control = Control::new("http://127.0.0.1:1", "pbt_x").unwrap();
    for wrong in ["", "a b", "é", &"x".repeat(256)] {
        assert!(control.with_idempotency_key(wrong).is_err(), "{wrong:?}");
    }
    assert!(Control::new("http://127.0.0.1:1", "pbt\n").is_err());
    assert!(Control::new("127.0.0.1:1", "pbt_x").is_err());
}

/// By the names in the committed description, which the server's table of calls makes.
#[test]
fn every_call_of_the_control_api_has_a_method() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut source = String::new();
    for file in fs::read_dir(root.join("src/control")).unwrap() {
        source += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    let description = fs::read_to_string(root.join("../../docs/openapi.json")).unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let paths = description["paths"].as_object().unwrap().values();
    let calls: Vec<_> = paths
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|call| call["operationId"].as_str().unwrap())
        .collect();
    assert!(calls.len() > 80, "{}", calls.len());
    for call in calls {
        // A hold is of an order when one is named.
        let method = call.replace("_tenant_hold", "_hold").replace("_order_hold", "_hold");
        assert!(source.contains(&format!("pub async fn {method}(")), "{call}");
    }
}
