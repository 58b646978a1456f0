//! `probity key` and `probity candidate`.

use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::field;
use crate::harness::{World, mode};

#[test]
fn keys_are_made_shown_replaced_and_revoked() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let args = ["key", "create", "--name", "ATS", "--owner", "王小明", "--role", "recruiter"];
    let built = world.run(&[&args[..], &["--role", "auditor", "--output", "json"]].concat());
    assert!(built.stderr.contains("shown this once"), "{built:?}");
    let built = built.json();
    let (key, key_id) = (built["api_key"].as_str().unwrap(), built["key_id"].as_str().unwrap());
    let path = format!("/tenants/{}/orders", tenant.tenant_key);
    assert_eq!(world.api(&path, key)["items"], json!([]));

    let text = world.run(&["key", "show", key_id]).text();
    assert_eq!(field(&text, "roles"), "recruiter, auditor");
    assert_eq!(field(&text, "owner"), "王小明");
    let table = world.run(&["key", "list"]).text();
    assert!(table.lines().count() == 3 && table.contains("first key"), "{table}");
    assert!(table.lines().all(|line| line.width() <= 100), "{table}");
    let replaced = world.run(&["key", "replace", key_id, "--output", "json"]).json();
    let refused = |key: &str| {
        let args = ["tenant", "show", &tenant.tenant_key, "--key", key];
        let words = world.run(&args).failed(1);
        assert!(words.contains("expected a known key"), "{words}");
    };
    refused(key);
    assert_eq!(world.api(&path, replaced["api_key"].as_str().unwrap())["items"], json!([]));
    let words = world.run(&["key", "revoke", key_id]);
    assert!(words.stderr.contains("is revoked"), "{words:?}");
    refused(replaced["api_key"].as_str().unwrap());

    // The key in the credentials file is replaced there too, and the last one stays.
    let keys = world.run(&["key", "list", "--output", "json"]).json();
    let first = keys["items"][1]["key_id"].as_str().unwrap();
    let words = world.run(&["key", "revoke", first]).failed(1);
    assert!(words.contains("nobody else could make one"), "{words}");
    world.run(&["key", "replace", first, "--remember"]).text();
    world.run(&["key", "show", first]).text();
    for wrong in [&["key", "create", "--name", "a", "--owner", "b"][..], &["key", "create"]] {
        world.run(wrong).failed(2);
    }
}

#[test]
fn an_operator_key_is_made_by_the_operator_and_replaced_on_the_machine() {
    let mut world = World::start();
    world.tenant(&[]);
    let built = ["key", "create", "--operator", "--name", "CI", "--owner", "ops"];
    let text = world.run(&built).text();
    assert_eq!(field(&text, "roles"), "operator");
    assert!(field(&text, "API key").starts_with("pbo_"), "{text}");
    let listed = world.run(&["key", "list", "--operator", "--output", "json"]).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    let file = world.data().join("operator.key");
    let before = std::fs::read_to_string(&file).unwrap();
    let words = world.run(&["key", "replace-operator"]).failed(1);
    assert!(words.contains("operator.key") && words.contains("--overwrite"), "{words}");
    let words = world.run(&["key", "replace-operator", "--overwrite"]).failed(1);
    assert!(words.contains("another one has it open"), "{words}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    world.stop("-TERM");
    let done = world.run(&["key", "replace-operator", "--overwrite"]);
    assert!(done.stderr.contains("revoked"), "{done:?}");
    assert_eq!(done.text().trim(), file.display().to_string());
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(after.starts_with("pbo_") && after != before);
    assert_eq!(mode(&file), 0o600);
    std::fs::remove_file(&file).unwrap();
    world.run(&["key", "replace-operator"]).text();
    assert!(file.exists());
}

#[test]
fn a_repeated_creation_says_that_its_key_was_shown() {
    let world = World::start();
    let args = ["tenant", "create", "--name", "a", "--idempotency-key", "once"];
    let first = world.run(&args).text();
    let stored = std::fs::read_to_string(world.credentials()).unwrap();
    assert!(stored.contains(field(&first, "API key")));
    let again = world.run(&args);
    assert!(again.stderr.contains("not shown again"), "{again:?}");
    assert_eq!(field(&again.text(), "API key"), "shown once, with the first answer");
    assert_eq!(std::fs::read_to_string(world.credentials()).unwrap(), stored, "the key stays");
}

#[test]
fn a_person_is_found() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let order_id = world.place(&tenant, &world.seat(&tenant));
    for flags in [["--name", "张三"], ["--mobile", "+86 138 0000 0000"], ["--order", &order_id]] {
        let args = [&["candidate", "find"][..], &flags].concat();
        let table = world.run(&args).text();
        assert!(table.contains(&order_id) && table.contains("张三"), "{table}");
    }
    let none = world.run(&["candidate", "find", "--name", "李四"]);
    assert!(none.stderr.contains("no order fits"), "{none:?}");
    let words = world.run(&["candidate", "find"]).failed(1);
    assert!(words.contains("expected name, mobile, email"), "{words}");
}
