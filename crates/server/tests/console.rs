//! The console from outside: who may see which page, how people sign in and out, and what happens to forms.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;
mod visitors;

use std::fmt::Write;

use contract::check::{OperatorRole, UpdateResult};
use contract::control::{CreateTenant, KeyRole, OrderState};
use harness::{Engine, Hirer, Seed, World};
use reqwest::{Response, StatusCode};
use visitors::{PASSWORD, Person, invite};

const ROLES: [KeyRole; 5] = [
    KeyRole::Admin,
    KeyRole::Recruiter,
    KeyRole::Approver,
    KeyRole::PrivacyOfficer,
    KeyRole::Auditor,
];

/// A tenant whose results wait for an approver, with an order in review.
async fn in_review(world: &World) -> (Seed, String) {
    let seed = world.seed_with_approval().await;
    let order_id = world.place(&seed).await.order_id;
    return_result(&seed, &order_id, "蓝灯").await;
    (seed, order_id)
}

async fn return_result(seed: &Seed, order_id: &str, words: &str) {
    let result = UpdateResult {
        background_check_id: order_id.to_owned(),
        result: words.to_owned(),
        result_time: 1_795_004_000_000,
        operator_role: OperatorRole::Provider,
        report_file_list: Vec::new(),
    };
    seed.vendor.update_result(&result).await.unwrap();
}

async fn state(hirer: &Hirer, order_id: &str) -> OrderState {
    hirer.control.get_order(&hirer.tenant_key, order_id).await.unwrap().state
}

fn location(answer: &Response) -> &str {
    answer.headers().get("location").map_or("", |value| value.to_str().unwrap())
}

/// The path of a row with an order in it.
fn path(row: &str, order_id: &str) -> String {
    row.replace("{order_id}", order_id).replace("{report_id}", order_id)
}

#[tokio::test]
async fn the_table_of_pages_is_the_one_that_was_decided() {
    let mut table = String::new();
    for (method, path, who) in server::console_pages() {
        let _ = writeln!(table, "{method:4} {path}: {who}");
    }
    insta::assert_snapshot!(table);
}

#[tokio::test]
async fn nobody_sees_a_page_of_a_tenant_without_a_session() {
    let world = World::on(Engine::Sqlite).await;
    let stranger = Person::stranger(&world);
    for (method, row, who) in server::console_pages() {
        if who == "anyone" {
            continue;
        }
        let path = path(row, "7000000000000000000");
        if method == "GET" {
            let answer = stranger.get(&path).await;
            assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
            assert!(location(&answer).starts_with("/sign-in"), "{path}");
        } else {
            let answer = stranger.post(&path, &[("words", "geschrieben")]).await;
            let page = answer.text().await.unwrap();
            assert!(page.contains("name=\"password\"") && page.contains("geschrieben"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_role_sees_what_the_table_says_and_nothing_else() {
    let world = World::on(Engine::Sqlite).await;
    let hirer = world.hirer().await;
    for role in ROLES {
        let email = format!("{}@example.com", role.as_str());
        let person = Person::join(&world, &hirer, "王敏", &email, &[role]).await;
        for (method, row, who) in server::console_pages() {
            let roles: Vec<_> = who.split(' ').collect();
            let is_tenants = roles.iter().any(|it| ROLES.iter().any(|role| role.as_str() == *it));
            // What ends or changes the walking person's own session is tried elsewhere.
            if !is_tenants || method != "GET" {
                continue;
            }
            let path = path(row, "7000000000000000000");
            let status = person.get(&path).await.status();
            let is_allowed = roles.contains(&role.as_str());
            let name = format!("{}: {path} answered {status}", role.as_str());
            assert_eq!(status == StatusCode::FORBIDDEN, !is_allowed, "{name}");
            assert!(status.as_u16() < 500, "{name}");
        }
        let refused =
            person.post("/orders/7000000000000000000/terminate", &[("reason", "x")]).await;
        let may_end = [KeyRole::Admin, KeyRole::Recruiter].contains(&role);
        assert_eq!(refused.status() == StatusCode::FORBIDDEN, !may_end);
    }
}

#[tokio::test]
async fn an_order_of_another_tenant_is_answered_as_one_that_is_absent() {
    World::each(async |world| {
        let (seed, foreign) = in_review(&world).await;
        let other = world.hirer().await;
        let person =
            Person::join(&world, &other, "王敏", "admin@example.com", &[KeyRole::Admin]).await;
        for (method, row, _) in server::console_pages() {
            if !row.contains("{order_id}") {
                continue;
            }
            let mut answers = Vec::new();
            for order_id in [&*foreign, "7000000000000000000", "x"] {
                let path = path(row, order_id);
                let answer = match &*method {
                    "GET" => person.get(&path).await,
                    _ => person.post(&path, &[("reason", "x"), ("words", "x")]).await,
                };
                let status = answer.status();
                let text = answer.text().await.unwrap().replace(order_id, "");
                answers.push((status, text));
            }
            assert_eq!(answers[0].0, StatusCode::NOT_FOUND, "{row}");
            assert!(answers[0] == answers[1] && answers[1].0 == answers[2].0, "{row}");
        }
        assert_eq!(state(&seed.hirer, &foreign).await, OrderState::InReview);
    })
    .await;
}

#[tokio::test]
async fn a_form_that_another_site_sent_is_refused() {
    let world = World::on(Engine::Sqlite).await;
    let (seed, order_id) = in_review(&world).await;
    let admin =
        Person::join(&world, &seed.hirer, "王敏", "admin@example.com", &[KeyRole::Admin]).await;
    let path = format!("/review/{order_id}/approve");
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("x-nothing", ""),
    ] {
        let answer = admin.ask("POST", &path).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(state(&seed.hirer, &order_id).await, OrderState::InReview);
    let origin = world.server();
    let answer = admin.ask("POST", &path).header("origin", origin).send().await.unwrap();
    assert_eq!(location(&answer), "/review?done=approved");
    assert_eq!(state(&seed.hirer, &order_id).await, OrderState::Completed);
}

#[tokio::test]
async fn pages_are_guarded_and_assets_stay() {
    let world = World::on(Engine::Sqlite).await;
    let stranger = Person::stranger(&world);
    let answer = stranger.get("/sign-in").await;
    let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("referrer-policy"), "same-origin");
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap();
    let (mut bytes, mut requests) = (page.len(), 1);
    for part in page.split('"').filter(|it| it.starts_with("/assets/")) {
        let path = part.split('#').next().unwrap();
        let asset = stranger.get(path).await;
        assert_eq!(asset.status(), StatusCode::OK, "{path}");
        let stored = asset.headers()["cache-control"].to_str().unwrap();
        assert_eq!(stored, "public, max-age=31536000, immutable");
        requests += 1;
        bytes += asset.bytes().await.unwrap().len();
    }
    assert!(bytes <= 100 * 1_024 && requests <= 6, "{bytes} bytes in {requests} requests");
    assert_eq!(stranger.get("/assets/console.0000000000000000.css").await.status(), 404);
}

#[tokio::test]
async fn a_session_begins_and_ends_with_its_cookie() {
    let world = World::on(Engine::Sqlite).await;
    let hirer = world.hirer().await;
    let first =
        Person::join(&world, &hirer, "王敏", "wang@example.com", &[KeyRole::Approver]).await;
    let mut second = first.elsewhere();
    // A value that somebody else put there is not the one that counts afterwards.
    second.cookie = format!("probity={}", "A".repeat(43));
    let before = second.cookie.clone();
    let answer = second.sign_in().await;
    assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, "/"));
    assert_ne!(second.cookie, before);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    // Loopback without TLS: browsers would drop `__Host-` and `Secure`.
    assert!(
        cookie.starts_with("probity=") && cookie.contains("HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    assert!(second.page("/").await.contains("王敏"));
    let mut stolen = second.elsewhere();
    stolen.cookie = second.cookie.clone();
    let answer = second.post("/sign-out", &[]).await;
    assert!(answer.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(location(&stolen.get("/").await), "/sign-in");
    assert!(first.page("/").await.contains("王敏"));
}

#[tokio::test]
async fn over_tls_the_cookie_is_bound_to_host_and_tls() {
    let world = World::start(
        Engine::Sqlite,
        system::clock::Clock::manual(harness::BEGIN),
        false,
        |config| {
            config.public_url = Some("https://probity.example".to_owned());
        },
    )
    .await;
    let hirer = world.hirer().await;
    let path = invite(&world, &hirer, "wang@example.com", &[KeyRole::Admin]).await;
    let answer =
        Person::stranger(&world).post(&path, &[("name", "王敏"), ("password", PASSWORD)]).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-probity="), "{cookie}");
    assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
}

#[tokio::test]
async fn signing_in_leads_to_own_pages_only() {
    let world = World::on(Engine::Sqlite).await;
    let hirer = world.hirer().await;
    let person = Person::join(&world, &hirer, "王敏", "wang@example.com", &[KeyRole::Admin]).await;
    for (then, expected) in [
        ("/orders?state=in_review", "/orders?state=in_review"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ] {
        let fields = [("email", &*person.email), ("password", PASSWORD), ("then", then)];
        let answer = person.elsewhere().post("/sign-in", &fields).await;
        assert_eq!(location(&answer), expected, "{then}");
    }
    let fields = [("email", &*person.email), ("password", "wrong"), ("then", "/orders")];
    let answer = person.elsewhere().post("/sign-in", &fields).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let page = answer.text().await.unwrap();
    assert!(page.contains("value=\"wang@example.com\"") && page.contains("value=\"/orders\""));
    assert!(!page.contains("wrong"));
}

#[tokio::test]
async fn what_was_typed_outlives_the_session() {
    let world = World::on(Engine::Sqlite).await;
    let (seed, order_id) = in_review(&world).await;
    let person =
        Person::join(&world, &seed.hirer, "王敏", "wang@example.com", &[KeyRole::Approver]).await;
    let path = format!("/review/{order_id}/reject");
    let mut late = person.elsewhere();
    let answer = late.post(&path, &[("words", "请补充 \"离职\" 证明")]).await;
    let page = answer.text().await.unwrap();
    let typed = page.split("name=\"typed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let typed = typed.replace("&#38;", "&");
    let fields =
        [("email", &*person.email), ("password", PASSWORD), ("then", &*path), ("typed", &*typed)];
    let answer = late.post("/sign-in", &fields).await;
    late.take_cookie(&answer);
    let page = answer.text().await.unwrap();
    assert!(page.contains(&format!("action=\"{path}\"")), "{page}");
    assert!(page.contains("value=\"请补充 &#34;离职&#34; 证明\""), "{page}");
    assert_eq!(state(&seed.hirer, &order_id).await, OrderState::InReview);
    let answer = late.post(&path, &[("words", "请补充 \"离职\" 证明")]).await;
    assert_eq!(location(&answer), "/review?done=rejected");
    assert_eq!(state(&seed.hirer, &order_id).await, OrderState::Rejected);
}

#[tokio::test]
async fn a_decision_opens_the_next_report_and_comes_too_late_with_its_words() {
    World::each(async |world| {
        let (seed, first) = in_review(&world).await;
        world.clock.advance_ms(60_000);
        let second = world.place(&seed).await.order_id;
        return_result(&seed, &second, "绿灯").await;
        let hirer = &seed.hirer;
        let join = async |name: &'static str, email: &'static str| {
            Person::join(&world, hirer, name, email, &[KeyRole::Approver]).await
        };
        let (wang, li) =
            (join("王敏", "wang@example.com").await, join("李红", "li@example.com").await);
        // The one that waits longest is open.
        let page = wang.page("/review").await;
        assert!(page.contains(&format!("/review/{first}/approve")), "{page}");

        let lacking = wang.post(&format!("/review/{first}/reject"), &[("words", " ")]).await;
        assert!(lacking.text().await.unwrap().contains("aria-invalid"));
        assert_eq!(state(hirer, &first).await, OrderState::InReview);

        let approve = format!("/review/{first}/approve");
        let answer = wang.post(&approve, &[("words", "同意录用")]).await;
        assert_eq!(location(&answer), "/review?done=approved");
        assert!(
            wang.page("/review?done=approved").await.contains(&format!("/review/{second}/approve"))
        );

        let late = li.post(&format!("/review/{first}/reject"), &[("words", "请补充说明")]).await;
        let page = late.text().await.unwrap();
        assert!(
            page.contains("王敏") && page.contains("同意录用") && page.contains("请补充说明"),
            "{page}"
        );
        assert_eq!(state(hirer, &first).await, OrderState::Completed);
    })
    .await;
}

#[tokio::test]
async fn with_four_eyes_who_placed_an_order_is_told_that_somebody_else_decides() {
    let world = World::on(Engine::Sqlite).await;
    let body =
        CreateTenant {
            report_approval: true, four_eyes: true, ..CreateTenant::named("星河科技")
        };
    let seed = world.seed_with(&body, None, false).await;
    let order_id = world.place(&seed).await.order_id;
    return_result(&seed, &order_id, "蓝灯").await;
    let other =
        Person::join(&world, &seed.hirer, "王敏", "wang@example.com", &[KeyRole::Admin]).await;
    // A key placed it, so that the person may decide.
    assert!(other.page(&format!("/review/{order_id}")).await.contains("/approve\""));
}

#[tokio::test]
async fn scripts_in_names_and_reasons_run_nowhere() {
    const CANARY: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let world = World::on(Engine::Sqlite).await;
    let seed = world.seed_with_approval().await;
    let mut form = harness::form(&seed.account.account_id);
    form.candidate_info.name = CANARY.to_owned();
    form.comment = CANARY.to_owned();
    form.application_id = Some(CANARY.to_owned());
    let hirer = &seed.hirer;
    let order = hirer.control.place_order(&hirer.tenant_key, &form).await.unwrap();
    return_result(&seed, &order.order_id, CANARY).await;
    let person = Person::join(&world, hirer, CANARY, "wang@example.com", &[KeyRole::Admin]).await;
    let order_page = format!("/orders/{}", order.order_id);
    let late =
        person.post(&format!("/review/{}/reject", order.order_id), &[("words", CANARY)]).await;
    assert_eq!(location(&late), "/review?done=rejected");
    for language in ["zh-CN", "en"] {
        person.post("/language", &[("language", language), ("then", "/")]).await;
        for path in [
            "/",
            "/orders",
            "/review",
            "/account",
            &order_page,
            &format!("{order_page}?part=sent"),
            &format!("{order_page}?part=deliveries"),
            &format!("{order_page}?part=views"),
            &format!("{order_page}/terminate"),
            &format!("/review/{}", order.order_id),
        ] {
            let page = person.page(path).await;
            assert!(!page.contains("<script>") && !page.contains("<img"), "{path}: {page}");
        }
    }
}

#[tokio::test]
async fn a_search_finds_by_name_and_its_words_stand_in_no_address() {
    World::each(async |world| {
        let (seed, order_id) = in_review(&world).await;
        let join = async |email: &'static str, role| {
            Person::join(&world, &seed.hirer, "王敏", email, &[role]).await
        };
        let admin = join("admin@example.com", KeyRole::Admin).await;
        for q in ["张三", "三", "13800000000", &order_id, "7000000000000000001"] {
            let page = admin.post("/orders/search", &[("q", q)]).await.text().await.unwrap();
            assert!(page.contains(&format!("href=\"/orders/{order_id}\"")), "{q}: {page}");
            assert!(!page.contains("?q=") && page.contains(&format!("value=\"{q}\"")), "{page}");
        }
        for q in ["李四光", "!?", "<script>"] {
            let answer = admin.post("/orders/search", &[("q", q)]).await;
            assert_eq!(answer.status(), StatusCode::OK, "{q}");
            let page = answer.text().await.unwrap();
            assert!(!page.contains(&order_id) && !page.contains("<script>"), "{q}: {page}");
        }
        let auditor = join("auditor@example.com", KeyRole::Auditor).await;
        assert_eq!(auditor.post("/orders/search", &[("q", "张三")]).await.status(), 403);
        assert!(!auditor.page("/orders").await.contains("张三"));
    })
    .await;
}

#[tokio::test]
async fn filters_stand_in_the_address_and_wrong_ones_find_nothing() {
    let world = World::on(Engine::Sqlite).await;
    let (seed, order_id) = in_review(&world).await;
    let admin =
        Person::join(&world, &seed.hirer, "王敏", "admin@example.com", &[KeyRole::Admin]).await;
    let has = async |query: &str| admin.page(&format!("/orders{query}")).await.contains(&order_id);
    assert!(has("").await && has("?state=in_review").await && has("?package=pkg-a").await);
    assert!(!has("?state=completed").await && !has("?package=pkg-b").await);
    for wrong in ["?account=x", "?cursor=x", "?placed_by=1", "?package=%00"] {
        let status = admin.get(&format!("/orders{wrong}")).await.status();
        assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status), "{wrong}: {status}");
    }
}

#[tokio::test]
async fn an_export_is_narrowed_as_the_list_and_recorded() {
    let world = World::on(Engine::Sqlite).await;
    let (seed, order_id) = in_review(&world).await;
    let admin =
        Person::join(&world, &seed.hirer, "王敏", "admin@example.com", &[KeyRole::Admin]).await;
    let answer = admin.post("/orders/export", &[("state", "in_review")]).await;
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    assert!(answer.text().await.unwrap().contains(&order_id));
    let answer = admin.post("/orders/export", &[("state", "completed")]).await;
    assert!(!answer.text().await.unwrap().contains(&order_id));
    let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
    let audit = control.list_audit(tenant_key, &Default::default()).await.unwrap();
    assert!(format!("{audit:?}").contains("orders_exported"), "{audit:?}");
}
