//! The console in Chromium: every page in both languages, light and dark, wide and on a phone. What the browser finds is in
//! `browser/pages.mjs`, decisions by keyboard in `browser/flows.mjs`; with `PICTURES` set to a folder each page is painted there
//! (scripts/screenshots.sh).

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod browser;
mod harness;
mod visitors;

use browser::scene::{Office, empty_office};
use browser::{Driver, find_chromium, run};
use harness::{Engine, World, is_demanded};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_a_fault_in_a_browser() {
    let Some(driver) = demanded_driver() else { return };
    let world = World::on(Engine::Sqlite).await;
    let office = Office::open(&world).await;
    let empty = empty_office(&world).await;
    let (in_review, rejected, completed) = (&office.in_review, &office.rejected, &office.completed);
    let page =
        |name: &str, path: &str, who: Option<&str>| json!({"name": name, "path": path, "as": who});
    let long = |name: &str, path: &str, who: &str| json!({"name": name, "path": path, "as": who, "full": true});
    let absent = "/orders/7000000000000000000";
    let pages = json!([
        {"name": "styleguide", "path": "/styleguide", "as": null, "full": true},
        page("sign-in", "/sign-in", None),
        page("invitation", &office.invitation, None),
        {"name": "link-over", "path": "/invitation?token=x", "as": null, "status": 404},
        page("today", "/", Some("approver")),
        page("today-empty", "/", Some("newcomer")),
        page("orders", "/orders", Some("admin")),
        page("orders-rejected", "/orders?state=rejected", Some("admin")),
        page("orders-empty", "/orders", Some("newcomer")),
        page("orders-auditor", "/orders", Some("auditor")),
        page("order", &format!("/orders/{in_review}"), Some("approver")),
        long("order-whole", &format!("/orders/{in_review}"), "admin"),
        long("order-rejected", &format!("/orders/{rejected}?part=sent"), "admin"),
        long("order-completed", &format!("/orders/{completed}?part=views"), "admin"),
        long("order-deliveries", &format!("/orders/{completed}?part=deliveries"), "admin"),
        page("order-recruiter", &format!("/orders/{in_review}"), Some("recruiter")),
        page("terminate", &format!("/orders/{in_review}/terminate"), Some("admin")),
        page("review", "/review", Some("approver")),
        page("review-late", &format!("/review/{completed}"), Some("approver")),
        page("review-empty", "/review", Some("newcomer")),
        long("account", "/account", "approver"),
        {"name": "not-found", "path": absent, "as": "admin", "status": 404},
        {"name": "forbidden", "path": "/review", "as": "recruiter", "status": 403},
    ]);
    let mut people = office.people();
    people.insert("newcomer".to_owned(), empty);
    run(
        &driver,
        "pages.mjs",
        &json!({
            "base": world.server(),
            "pictures": std::env::var("PICTURES").ok(),
            "people": people,
            "pages": pages,
        }),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_decided_by_keyboard_alone_and_without_script() {
    let Some(driver) = demanded_driver() else { return };
    let world = World::on(Engine::Sqlite).await;
    let office = Office::open(&world).await;
    let task = json!({"base": world.server(), "people": office.people()});
    run(&driver, "flows.mjs", &task);
}

/// The driver; none where it is missing and may be.
fn demanded_driver() -> Option<Driver> {
    let driver = find_chromium();
    assert!(driver.is_some() || !is_demanded(), "a browser is demanded: see CONTRIBUTING.md");
    if driver.is_none() {
        eprintln!("skipped: no chromium, or .cache/browser is not installed (./check does)");
    }
    driver
}
