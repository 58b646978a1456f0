//! `probity user`, `invitation` and `service-account`, and what `serve` says while there is no person.

use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::field;
use crate::harness::World;

#[test]
fn an_installation_without_people_says_where_to_set_up() {
    let world = World::start();
    let address = world.set_up.trim_end().strip_prefix("set up: ").unwrap();
    let token = address.strip_prefix(&format!("{}/setup?token=", world.url)).unwrap();
    assert!(token.len() == 43 && token.bytes().all(|b| b.is_ascii_alphanumeric()), "{address}");
}

#[test]
fn people_are_invited_and_listed() {
    let world = World::start();
    world.tenant(&[]);
    let mail = "wang@qiming.example";
    let created =
        world.run(&["invitation", "create", mail, "--role", "recruiter", "--role", "auditor"]);
    let text = created.text();
    assert_eq!((field(&text, "email"), field(&text, "roles")), (mail, "recruiter, auditor"));
    let address = field(&text, "address");
    assert!(address.starts_with(&format!("{}/invitation?token=", world.url)), "{text}");
    let id = field(&text, "invitation").to_owned();
    let table = world.run(&["invitation", "list"]).text();
    assert!(table.contains(mail) && table.contains("good until"), "{table}");
    let words = world.run(&["invitation", "revoke", &id]);
    assert!(words.stderr.contains("good no more"), "{words:?}");
    assert!(world.run(&["invitation", "list"]).text().contains("revoked"));
    let listed = world.run(&["user", "list", "--output", "json"]).json();
    assert_eq!(listed["items"], json!([]));
    for args in [
        &["user", "show", "7000000000000000000"][..],
        &["user", "roles", "7000000000000000000", "--role", "auditor"],
        &["user", "suspend", "7000000000000000000"],
        &["user", "resume", "7000000000000000000"],
        &["user", "remove", "7000000000000000000"],
        &["user", "reset-password", "7000000000000000000"],
        &["user", "reset-password", "7000000000000000000", "--operator"],
        &["user", "sessions", "7000000000000000000"],
        &["user", "sign-out", "7000000000000000000"],
        &["user", "sign-out", "7000000000000000000", "--session", "7"],
    ] {
        let words = world.run(args).failed(1);
        assert!(words.contains("that this key can see"), "{args:?}: {words}");
    }
    for wrong in [&["invitation", "create", mail][..], &["user", "roles", "7"], &["user"]] {
        world.run(wrong).failed(2);
    }
    let words = world.run(&["invitation", "create", "nobody", "--role", "auditor"]).failed(1);
    assert!(words.contains("expected a mail address"), "{words}");
}

#[test]
fn operators_are_invited_by_an_operator() {
    let world = World::start();
    world.tenant(&[]);
    let text = world.run(&["invitation", "create", "ops@qiming.example", "--operator"]).text();
    assert_eq!(field(&text, "roles"), "operator");
    let id = field(&text, "invitation").to_owned();
    assert!(world.run(&["invitation", "list", "--operator"]).text().contains(&id));
    assert!(!world.run(&["invitation", "list"]).text().contains(&id), "of no tenant");
    world.run(&["invitation", "revoke", &id]).failed(1);
    world.run(&["invitation", "revoke", &id, "--operator"]).text();
    let listed = world.run(&["user", "list", "--operator", "--output", "json"]).json();
    assert_eq!(listed["items"], json!([]));
    for verb in ["show", "suspend", "resume", "remove"] {
        let words = world.run(&["user", verb, "7000000000000000000", "--operator"]).failed(1);
        assert!(words.contains("that this key can see"), "{verb}: {words}");
    }
    let mixed = ["invitation", "create", "a@qiming.example", "--operator", "--role", "admin"];
    world.run(&mixed).failed(2);
}

#[test]
fn a_service_account_has_keys_until_it_is_removed() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let text = world.run(&["service-account", "create", "--name", "招聘系统"]).text();
    let id = field(&text, "service account").to_owned();
    let args = ["key", "create", "--name", "ATS", "--owner-id", &id, "--role", "recruiter"];
    let key = world.run(&[&args[..], &["--output", "json"]].concat()).json();
    assert_eq!((&key["owner_id"], &key["owner"]), (&json!(id), &json!("招聘系统")));
    let renamed = ["service-account", "update", &id, "--name", "ATS", "--description", "orders"];
    assert_eq!(field(&world.run(&renamed).text(), "description"), "orders");
    assert_eq!(field(&world.run(&["service-account", "show", &id]).text(), "name"), "ATS");
    let table = world.run(&["service-account", "list"]).text();
    assert!(table.lines().count() == 2, "{table}");
    let keys = world.run(&["key", "list"]).text();
    assert!(keys.lines().all(|line| line.width() <= 100), "{keys}");
    let path = format!("/tenants/{}/orders", tenant.tenant_key);
    let value = key["api_key"].as_str().unwrap();
    assert_eq!(world.api(&path, value)["items"], json!([]));
    let words = world.run(&["service-account", "remove", &id]);
    assert!(words.stderr.contains("its keys are revoked"), "{words:?}");
    let refused = world.run(&["tenant", "show", &tenant.tenant_key, "--key", value]).failed(1);
    assert!(refused.contains("expected a known key"), "{refused}");
    world.run(&["key", "create", "--name", "a", "--owner", "b", "--owner-id", &id]).failed(2);
}

#[test]
fn an_operator_is_invited_on_the_machine() {
    let mut world = World::start();
    let invite = ["user", "operator-invite", "ops@qiming.example"];
    // One process has the embedded database.
    world.run(&invite).failed(1);
    world.stop("-TERM");
    let path = world.run(&invite).text();
    assert!(path.starts_with("/invitation?token="), "{path}");
    let whole = world.run(&[&invite[..], &["--public-url", "https://probity.example/"]].concat());
    assert!(whole.text().starts_with("https://probity.example/invitation?token="));
    let words = world.run(&["user", "operator-invite", "nobody"]).failed(1);
    assert!(words.contains("expected a mail address"), "{words}");
}
