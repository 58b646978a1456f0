//! The description of the control API: served, committed as `docs/openapi.json`, and readable as a page.
//!
//! `UPDATE_OPENAPI=1 cargo test -p server --test control_openapi` writes the committed file anew.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use std::path::Path;

use harness::{Engine, World};
use serde_json::Value;

#[tokio::test]
async fn the_committed_description_is_the_one_that_is_served() {
    let world = World::on(Engine::Sqlite).await;
    let answer = world.request("GET", "/api/v1/openapi.json", "").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let served = answer.text().await.unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    if std::env::var("UPDATE_OPENAPI").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &served).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == served, "docs/openapi.json is not what is served: write it anew");
}

#[tokio::test]
async fn every_call_says_who_may_make_it_and_how_it_is_refused() {
    let world = World::on(Engine::Sqlite).await;
    let description = world.control("").get_openapi().await.unwrap();
    assert_eq!(description["openapi"], "3.1.0");
    let mut count = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(!operation["security"].as_array().unwrap().is_empty(), "{name}");
            assert!(operation["responses"]["default"].is_object(), "{name}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 10), "{name}");
            let names = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            let has = |name: &str| names.iter().any(|parameter| parameter["name"] == name);
            assert_eq!(has("Idempotency-Key"), method == "post", "{name}");
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
                assert!(has(part.trim_end_matches('}')), "{name}: {part}");
            }
            count += 1;
        }
    }
    assert!(count >= 82, "{count} calls");
}

#[tokio::test]
async fn the_reading_page_shows_every_call_and_runs_nothing() {
    let world = World::on(Engine::Sqlite).await;
    let answer = world.request("GET", "/api/docs", "").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let html = answer.text().await.unwrap();
    for forbidden in ["<script", "<link", "<img", "style=\"", "http://", "https://"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    let description: Value = world.control("").get_openapi().await.unwrap();
    for (path, item) in description["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(html.contains(&format!("<h3 id=\"{id}\">")), "{id}");
        }
        assert!(html.contains(path.as_str()), "{path}");
    }
    for anchor in html.match_indices("href=\"#").map(|(at, found)| &html[at + found.len()..]) {
        let name = anchor.split('"').next().unwrap();
        assert!(html.contains(&format!("id=\"{name}\"")), "#{name} leads nowhere");
    }
}
