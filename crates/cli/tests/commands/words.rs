//! What a newcomer meets: what may be left out, and words that name what to type.

use crate::field;
use crate::harness::World;

#[test]
fn an_app_finds_the_only_tenant() {
    let world = World::start();
    let create = ["app", "create", "--name", "青松背调"];
    let words = world.run(&create).failed(2);
    assert!(words.contains("expected a tenant") && words.contains("--tenant"), "{words}");
    let first = world.tenant(&[]);
    let built = world.run(&create).text();
    assert_eq!(field(&built, "tenant"), first.tenant_key);
    // The operator sees it where no credentials file says so.
    std::fs::remove_file(world.credentials()).unwrap();
    let built = world.run(&create).text();
    assert_eq!(field(&built, "tenant"), first.tenant_key);
    let second = world.tenant(&[]);
    world.tenant(&[]);
    let words = world.run(&create).failed(2);
    assert!(words.contains("expected a tenant") && words.contains("several"), "{words}");
    let named = [&create[..], &["--tenant", &second.tenant_key]].concat();
    assert_eq!(field(&world.run(&named).text(), "tenant"), second.tenant_key);
    let store = [&create[..], &["--kind", "store"]].concat();
    assert!(!world.run(&store).text().contains("tenant  "), "a store app has none");
}

#[test]
fn what_is_wrong_is_named_as_it_is_typed() {
    let world = World::start();
    world.tenant(&[]);
    let wrong = ["app", "create", "--name", "", "--callback-url", "ftp://a", "--scope", "b"];
    let words = world.run(&[&wrong[..], &["--allow-ip", "c"]].concat()).failed(1);
    for flag in ["--name: ", "--callback-url: ", "--scope: ", "--allow-ip: "] {
        assert!(words.contains(&format!("\n  {flag}")), "{flag} in {words}");
    }
    let args = ["app", "create", "--name", "a", "--callback-url", "http://127.0.0.1:9000/events"];
    let words = world.run(&args).failed(1);
    assert!(words.starts_with("error: --callback-url: "), "{words}");
    assert!(words.contains("--allow-outbound"), "{words}");

    let tenant = world.tenant(&[]);
    let seat = world.seat(&tenant);
    let place = ["order", "place", "--tenant", &tenant.tenant_key, "--account", &seat.account_id];
    let wrong =
        ["--package", "x", "--candidate-name", "a", "--candidate-mobile", "b:c", "--item", "d"];
    let words = world.run(&[&place[..], &wrong[..]].concat()).failed(1);
    for flag in ["--package: ", "--candidate-mobile: ", "--item: "] {
        assert!(words.contains(&format!("\n  {flag}")), "{flag} in {words}");
    }
    let words = world.run(&place).failed(2);
    let usage = words.lines().find(|line| line.starts_with("Usage: ")).unwrap();
    assert!(usage.starts_with("Usage: probity order place [OPTIONS]"), "{usage}");
    assert!(!usage.contains("--data") && !usage.contains("--server"), "{usage}");
}

#[test]
fn an_order_before_the_vendor_published_is_told_why() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let built = world.run(&["app", "create", "--name", "a", "--tenant", &tenant.tenant_key]).text();
    let app_id = field(&built, "app").to_owned();
    // Both forms, for both commands.
    for form in [vec![app_id.as_str()], vec!["--app", &app_id]] {
        let all = [&["account", "form", "--tenant", &tenant.tenant_key], &form[..]].concat();
        world.run(&all).text();
        let bind = ["account", "bind", "--name", "b", "--tenant", &tenant.tenant_key];
        let bound = world.run(&[&bind[..], &form[..]].concat()).text();
        let place = ["order", "place", "--account", field(&bound, "account"), "--package", "p"];
        let rest = ["--candidate-name", "c", "--tenant", &tenant.tenant_key];
        let words = world.run(&[&place[..], &rest[..]].concat()).failed(1);
        assert!(words.contains("publishes none"), "{words}");
    }
    for wrong in [vec![], vec!["--app", app_id.as_str(), app_id.as_str()]] {
        world.run(&[&["account", "form"], &wrong[..]].concat()).failed(2);
    }

    let list = ["event", "list", "--tenant", &tenant.tenant_key];
    for (filter, count) in [
        (vec!["--app", app_id.as_str()], 2),
        (vec!["--type", "hire.eco_account.created_v1"], 2),
        (vec!["--type", "eco_account.created_v1", "--state", "held"], 2),
        (vec!["--type", "eco_background_check.created_v1"], 0),
        (vec!["--state", "delivered"], 0),
    ] {
        let table = world.run(&[&list[..], &filter[..]].concat()).text();
        assert_eq!(table.matches("created_v1").count(), count, "{filter:?}: {table}");
    }
    let words = world.run(&[&list[..], &["--type", "created"]].concat()).failed(1);
    assert!(words.starts_with("error: --type: expected one of hire."), "{words}");

    world.run(&["app", "update", &app_id, "--event-mode", "long_connection"]).text();
    let words = world.run(&["app", "verify-url", &app_id]).failed(1);
    assert!(words.contains("long connection") && words.contains("probity app"), "{words}");
}
