//! What holds for every call of the control API: keys, media types, sizes, unknown paths, problem documents.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use contract::control::{Problem, ProblemCode};
use harness::{Engine, World};
use reqwest::Response;

/// The problem of a refusal, after what holds for all of them.
async fn problem(answer: Response, code: ProblemCode) -> Problem {
    assert_eq!(answer.status().as_u16(), code.status());
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/problem+json");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let problem: Problem = answer.json().await.unwrap();
    assert_eq!(problem.kind(), Some(code), "{problem:?}");
    assert_eq!(problem.status, code.status());
    assert!(!problem.detail.is_empty());
    problem
}

#[tokio::test]
async fn a_started_server_is_ready_on_every_engine() {
    World::each(async |world| {
        let answer = world.request("GET", "/readyz", "").send().await.unwrap();
        assert_eq!(answer.status(), 200);
    })
    .await;
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_without_a_key() {
    let world = World::on(Engine::Sqlite).await;
    for path in ["", "/", "/nothing", "/tenants/", "/tenants/a/b/c", "/apps/x/nothing", "/%ff"] {
        let answer = world.request("GET", &format!("/api/v1{path}"), "").send().await.unwrap();
        problem(answer, ProblemCode::NotFound).await;
    }
    let answer = world.request("PUT", "/api/v1/tenants", "").send().await.unwrap();
    let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allow.contains("GET") && allow.contains("POST") && !allow.contains("PUT"), "{allow}");
    problem(answer, ProblemCode::MethodNotAllowed).await;
}

#[tokio::test]
async fn without_a_known_key_nothing_is_answered() {
    let world = World::on(Engine::Sqlite).await;
    let operator = world.operator_key.as_str();
    let swapped = operator.replacen("pbo_", "pbt_", 1);
    let longer = format!("{operator}x");
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Basic cGJvX2E6",
        operator,
        &format!("Bearer {swapped}"),
        &format!("Bearer {longer}"),
        &format!("Bearer {}", operator.to_uppercase()),
        &format!("Token {operator}"),
        &format!("Bearer {operator}, Bearer {operator}"),
        "Bearer t-12345",
    ] {
        let request = world.request("GET", "/api/v1/tenants", "");
        let answer = request.header("authorization", authorization).send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{authorization}");
        let problem = problem(answer, ProblemCode::Unauthenticated).await;
        assert!(!format!("{problem:?}").contains(operator));
    }
    let request = world.request("GET", "/api/v1/tenants", "");
    let twice = request.bearer_auth(operator).header("authorization", format!("Bearer {operator}"));
    problem(twice.send().await.unwrap(), ProblemCode::Unauthenticated).await;
    let request = world.request("GET", "/api/v1/tenants", "");
    let answer = request.header("authorization", format!("bearer {operator}")).send().await;
    assert_eq!(answer.unwrap().status(), 200, "a scheme has no case");
}

#[tokio::test]
async fn a_body_is_json_of_at_most_1_mib() {
    let world = World::on(Engine::Sqlite).await;
    let post = |body: Vec<u8>, media_type: &str| {
        let request = world.request("POST", "/api/v1/tenants", &world.operator_key).body(body);
        match media_type {
            "" => request,
            media_type => request.header("content-type", media_type),
        }
    };
    let good = || br#"{"name":"a"}"#.to_vec();
    for media_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let answer = post(good(), media_type).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{media_type}");
    }
    for media_type in ["", "text/plain", "application/jsonx", "application/x-www-form-urlencoded"] {
        let answer = post(good(), media_type).send().await.unwrap();
        problem(answer, ProblemCode::UnsupportedMediaType).await;
    }
    let packed = post(good(), "application/json").header("content-encoding", "gzip");
    problem(packed.send().await.unwrap(), ProblemCode::UnsupportedMediaType).await;

    let mut large = br#"{"name":""#.to_vec();
    large.resize(1024 * 1024 + 1, b'a');
    let answer = post(large, "application/json").send().await.unwrap();
    problem(answer, ProblemCode::PayloadTooLarge).await;

    for broken in [
        &b"{"[..],
        b"[]",
        b"\xef\xbb\xbf{}",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"a\"}{}",
        b"null",
    ] {
        let answer = post(broken.to_vec(), "application/json").send().await.unwrap();
        let problem = problem(answer, ProblemCode::Malformed).await;
        assert!(problem.errors.is_empty());
    }
    let deep = [&b"{\"name\":"[..], &b"[".repeat(10_000)].concat();
    let answer = post(deep, "application/json").send().await.unwrap();
    assert_eq!(answer.status(), 400);

    // An empty body has no members.
    let answer = post(Vec::new(), "").send().await.unwrap();
    let problem = problem(answer, ProblemCode::ValidationFailed).await;
    assert_eq!(problem.errors[0].field, "name");
}

#[tokio::test]
async fn bodies_and_queries_are_read_strictly_and_all_their_faults_are_named() {
    let world = World::on(Engine::Sqlite).await;
    let key = &world.operator_key;
    let body = r#"{"name":7,"colour":"red","scopes":["a",{}],"kind":"x","kind":"store"}"#;
    let in_body = [
        "name: expected a string",
        "colour: expected no member of this name",
        "scopes[1]: expected a string",
        "kind: expected self_built or store",
        "kind: expected no member twice",
    ];
    let in_query = [
        "limit: expected a whole number",
        "colour: expected no member of this name",
        "cursor: expected no member twice",
    ];
    let query = "/api/v1/tenants?limit=x&colour=1&cursor=a&cursor=b";
    for (request, expected) in [
        (world.request("POST", "/api/v1/apps", key).body(body), &in_body[..]),
        (world.request("GET", query, key), &in_query),
    ] {
        let request = request.header("content-type", "application/json");
        let problem = problem(request.send().await.unwrap(), ProblemCode::ValidationFailed).await;
        let faults = problem.errors.iter().map(|it| format!("{}: {}", it.field, it.message));
        assert_eq!(faults.collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn every_fault_is_named_at_once_and_unknown_members_are_refused() {
    let world = World::on(Engine::Sqlite).await;
    let post = |body: &'static str| {
        let request = world.request("POST", "/api/v1/tenants", &world.operator_key);
        request.header("content-type", "application/json").body(body).send()
    };
    let answer = post(r#"{"name":"","retention_days":0,"locale":"fr"}"#).await.unwrap();
    let faults = problem(answer, ProblemCode::ValidationFailed).await.errors;
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["name", "retention_days", "locale"]);
    for (body, field) in [
        (r#"{"name":"a","colour":"red"}"#, "colour"),
        (r#"{"name":"a","name":"b"}"#, "name"),
        (r#"{"name":{}}"#, "name"),
    ] {
        let faults = problem(post(body).await.unwrap(), ProblemCode::ValidationFailed).await.errors;
        assert_eq!((faults.len(), faults[0].field.as_str()), (1, field), "{body}");
    }
}

#[tokio::test]
async fn queries_are_read_strictly() {
    let world = World::on(Engine::Sqlite).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("colour=red", "colour"),
        ("cursor=", "cursor"),
        ("cursor=abc", "cursor"),
        ("limit=1&limit=2", "limit"),
    ] {
        let path = format!("/api/v1/tenants?{query}");
        let answer = world.request("GET", &path, &world.operator_key).send().await.unwrap();
        let problem = problem(answer, ProblemCode::ValidationFailed).await;
        assert_eq!(problem.errors[0].field, field, "{query}: {problem:?}");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_1_to_255_visible_characters() {
    let world = World::on(Engine::Sqlite).await;
    let post = |key: String| {
        let request = world.request("POST", "/api/v1/tenants", &world.operator_key);
        let request = request.header("content-type", "application/json");
        request.header("idempotency-key", key).body(r#"{"name":"a"}"#).send()
    };
    assert_eq!(post("k".repeat(255)).await.unwrap().status(), 201);
    for key in [String::new(), "k".repeat(256), "a b".to_owned()] {
        problem(post(key).await.unwrap(), ProblemCode::Malformed).await;
    }
}

#[tokio::test]
async fn a_head_is_answered_as_a_get_without_its_body() {
    let world = World::on(Engine::Sqlite).await;
    let answer =
        world.request("HEAD", "/api/v1/tenants", &world.operator_key).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.unwrap().is_empty());
    let answer = world.request("HEAD", "/api/v1/tenants", "").send().await.unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn a_key_makes_so_many_calls_in_a_minute_and_is_told_how_many_are_left() {
    let mut world = World::on(Engine::Sqlite).await;
    let hirer = world.hirer().await;
    world.restart_with(|config| config.key_calls_per_minute = 3).await;
    let path = format!("/api/v1/tenants/{}", hirer.tenant_key);
    let ask = async |key: &str| world.request("GET", &path, key).send().await.unwrap();
    let header =
        |answer: &Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    for left in [2, 1, 0] {
        let answer = ask(&hirer.key).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"key\";q=3;w=60");
        assert_eq!(header(&answer, "ratelimit"), format!("\"key\";r={left};t=61"));
    }
    let refused = ask(&hirer.key).await;
    assert_eq!(header(&refused, "retry-after"), "61");
    assert_eq!(header(&refused, "ratelimit"), "\"key\";r=0;t=61");
    let problem = problem(refused, ProblemCode::RateLimited).await;
    assert_eq!(
        problem.detail,
        "expected at most 3 calls of a key in a minute, the next one in 61 s"
    );
    // Another key has calls of its own, an unknown one none, and after the minute there is room again.
    assert_eq!(ask(&world.operator_key).await.status(), 200);
    let unknown = ask("pbt_unknown").await;
    assert_eq!(unknown.status(), 401);
    assert!(!unknown.headers().contains_key("ratelimit"));
    world.clock.advance_ms(60_001);
    assert_eq!(ask(&hirer.key).await.status(), 200);
}
