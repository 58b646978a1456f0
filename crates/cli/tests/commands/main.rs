//! The real binary, command by command, against a server that it started itself: data in both formats,
//! words and hints, exit codes, and the modes of the files that hold keys.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod bucket;
mod evidence;
mod harness;
mod keys;
mod people;
mod quickstart;
mod readme;
mod words;

use harness::{PACKAGE, World, done, mode, probity, text};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

/// The value of a labelled line.
#[track_caller]
pub(crate) fn field<'t>(text: &'t str, label: &str) -> &'t str {
    let mut lines = text.lines();
    let line = lines.find(|line| line.starts_with(&format!("{label}  ")));
    line.unwrap_or_else(|| panic!("no {label} in:\n{text}"))[label.len()..].trim()
}

#[test]
fn serve_tells_its_address_first_and_ends_well_when_asked() {
    for signal in ["-INT", "-TERM"] {
        let mut world = World::start();
        assert!(world.url.starts_with("http://127.0.0.1:"), "{}", world.url);
        assert_eq!(world.stop(signal), Some(0), "{signal}");
    }
}

#[test]
fn keys_are_for_their_owner_alone() {
    let world = World::start();
    assert_eq!(mode(&world.data()), 0o700);
    for name in ["operator.key", "root.key"] {
        assert_eq!(mode(&world.data().join(name)), 0o600, "{name}");
    }
    let created = world.run(&["tenant", "create", "--name", "星河科技"]);
    assert!(created.stderr.contains("credentials.toml"), "{created:?}");
    let key = field(&created.text(), "API key").to_owned();
    assert!(key.starts_with("pbt_"), "{key}");
    assert_eq!(mode(&world.credentials()), 0o600);
    assert!(std::fs::read_to_string(world.credentials()).unwrap().contains(&key));
}

#[test]
fn a_server_that_cannot_listen_says_why_once() {
    let world = World::start();
    let address = world.url.strip_prefix("http://").unwrap();
    let other = tempfile::tempdir().unwrap();
    let mut command = probity();
    command.args(["serve", "--listen", address, "--data"]).arg(other.path());
    let words = done(&mut command).failed(1);
    assert!(words.contains(&format!("cannot listen on {address}: ")), "{words}");
    assert_eq!(words.matches("in use").count(), 1, "{words}");
}

#[test]
fn tenants_are_created_and_listed() {
    let world = World::start();
    let args = ["tenant", "create", "--name", "星河科技", "--report-approval", "--locale=en"];
    let text = world.run(&args).text();
    assert_eq!(field(&text, "name"), "星河科技");
    assert_eq!(field(&text, "report approval"), "yes");
    assert_eq!(field(&text, "retention"), "365 days");
    let tenant_key = field(&text, "tenant").to_owned();

    let second = world.tenant(&[]);
    let key = world.operator_key();
    let listed = world.run(&["tenant", "list", "--output", "json"]).json();
    assert_eq!(listed, world.api("/tenants", &key));
    let keys: Vec<_> = listed["items"].as_array().unwrap().iter().collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(
        (&keys[0]["tenant_key"], &keys[1]["tenant_key"]),
        (&json!(second.tenant_key), &json!(tenant_key))
    );

    let table = world.run(&["tenant", "list"]).text();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("TENANT") && lines.len() == 3, "{table}");
    assert!(lines[2].starts_with(&tenant_key) && lines[2].contains("星河科技"), "{table}");
    assert!(lines.iter().all(|line| line.width() <= 100), "{table}");
}

#[test]
fn a_page_tells_how_to_get_the_next_one() {
    let world = World::start();
    let (first, second) = (world.tenant(&[]), world.tenant(&[]));
    let page = world.run(&["tenant", "list", "--limit", "1"]);
    let cursor = page.stderr.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(page.stderr.starts_with("there is more: --cursor "), "{page:?}");
    assert!(page.text().contains(&second.tenant_key));
    let page = world.run(&["tenant", "list", "--limit", "1", "--cursor", &cursor]);
    assert_eq!(page.stderr, "");
    assert!(page.text().contains(&first.tenant_key));
}

#[test]
fn apps_are_created_and_listed() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let args =
        ["app", "create", "--name", "青松背调", "--encrypted", "--tenant", &tenant.tenant_key];
    let created =
        world.run(&[&args[..], &["--callback-url", "https://vendor.example/events"]].concat());
    assert!(created.stderr.contains("shown this once"), "{created:?}");
    let text = created.text();
    let app_id = field(&text, "app").to_owned();
    assert!(app_id.starts_with("cli_"), "{text}");
    assert_eq!(field(&text, "callback URL"), "https://vendor.example/events");
    let scopes = "hire:background_check_order, hire:background_check_order:readonly";
    assert_eq!(field(&text, "scopes"), scopes);
    for secret in ["app secret", "verification token", "encrypt key"] {
        assert!(!field(&text, secret).is_empty(), "{text}");
    }

    let listed = world.run(&["app", "list", "--output", "json"]).json();
    assert_eq!(listed, world.api("/apps", &world.operator_key()));
    assert_eq!(listed["items"][0]["app_id"], json!(app_id));
    assert!(!listed.to_string().contains(field(&text, "app secret")), "a list shows a secret");
    let table = world.run(&["app", "list"]).text();
    assert!(table.contains(&app_id) && table.lines().all(|line| line.width() <= 100), "{table}");
}

#[test]
fn an_apps_endpoint_is_paused_checked_rotated_and_explained() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let args =
        ["app", "create", "--name", "青松背调", "--encrypted", "--tenant", &tenant.tenant_key];
    let created = world.run(&[&args[..], &["--callback-url", "https://vendor.example/"]].concat());
    let text = created.text();
    let (app_id, key) = (field(&text, "app").to_owned(), field(&text, "encrypt key").to_owned());
    assert_eq!(field(&text, "URL check passed"), "no", "it is created all the same");

    let text = world.run(&["app", "pause", &app_id, "--reason", "moving house"]).text();
    assert_eq!(field(&text, "pause reason"), "moving house");
    let text = world.run(&["app", "resume", &app_id]).text();
    assert!(!text.contains("pause reason"), "{text}");
    let alerts = world.run(&["app", "alerts", "--output", "json"]).json();
    assert_eq!(alerts["items"], json!([]));
    let checked = world.run(&["app", "verify-url", &app_id]);
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(checked.stdout.contains("likely cause"), "{checked:?}");
    assert!(checked.stderr.contains("does not pass"), "{checked:?}");

    let body = world.file("body", "{\"encrypt\":\"AAAA\"}");
    let body = body.to_str().unwrap();
    let explain = ["app", "explain-signature", &app_id, "--timestamp", "1", "--nonce", "n"];
    let text = world.run(&[&explain[..], &["--signature", "0", "--body", body]].concat()).text();
    assert_eq!((field(&text, "matches"), field(&text, "wrong")), ("no", "body_or_key"));
    assert!(!text.contains(&key), "the key is masked");

    let rotate = ["app", "rotate", &app_id, "--secret", "encrypt_key", "--grace", "60"];
    let rotated = world.run(&rotate);
    assert!(rotated.stderr.contains("shown this once"), "{rotated:?}");
    let text = rotated.text();
    assert_eq!(field(&text, "new value").len(), 32);
    assert_ne!(field(&text, "new value"), key);

    let since = ["event", "resend", "--app", &app_id, "--since", "2026-01-01T00:00:00Z"];
    let some = [&since[..], &["--until", "2026-01-02T00:00:00Z", "--state", "exhausted"]].concat();
    assert_eq!(field(&world.run(&some).text(), "deliveries due again"), "0");
    let wrong = world.run(&[&since[..], &["--state", "lost"]].concat()).failed(2);
    assert!(wrong.contains("held, due, delivered"), "{wrong}");
}

#[test]
fn store_apps_are_installed_and_taken_out_again() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let args = ["app", "create", "--name", "青松背调", "--kind", "store"];
    let app_id = field(&world.run(&args).text(), "app").to_owned();
    let scope = "hire:background_check_order";
    let text = world.run(&["app", "install", &app_id, "--scope", scope]).text();
    assert_eq!((field(&text, "tenant"), field(&text, "scopes")), (&*tenant.tenant_key, scope));
    let listed = world.run(&["app", "installations", &app_id, "--output", "json"]).json();
    let path = format!("/apps/{app_id}/installations");
    assert_eq!(listed, world.api(&path, &world.operator_key()));
    assert_eq!(listed["items"][0]["scopes"], json!([scope]));
    let table = world.run(&["app", "installations", &app_id]).text();
    assert!(table.contains(&tenant.tenant_key), "{table}");
    world.run(&["app", "uninstall", &app_id, "--tenant", &tenant.tenant_key]).text();
    let listed = world.run(&["app", "installations", &app_id, "--output", "json"]).json();
    assert_eq!(listed["items"], json!([]));
}

#[test]
fn accounts_are_bound_and_listed() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let seat = world.seat(&tenant);
    // The only tenant known at the server need not be named.
    let listed = world.run(&["account", "list", "--output", "json"]).json();
    let path = format!("/tenants/{}/accounts", tenant.tenant_key);
    assert_eq!(listed, world.api(&path, &tenant.key));
    let account = &listed["items"][0];
    assert_eq!(account["account_id"], json!(seat.account_id));
    assert_eq!(account["app_id"], json!(seat.app_id));
    assert_eq!(account["packages"][0]["id"], json!(PACKAGE));
    let text = world.run(&["account", "show", &seat.account_id]).text();
    assert_eq!(field(&text, "usage"), "experienced hires, campus");
    let table = world.run(&["account", "list"]).text();
    assert!(table.contains(&seat.account_id), "{table}");
}

#[test]
fn an_order_is_placed_by_flags_or_by_a_file_and_shown_as_the_api_has_it() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let seat = world.seat(&tenant);
    let form = json!({
        "account_id": seat.account_id,
        "package_id": PACKAGE,
        "comment": "急",
        "candidate_info": {"name": "张三", "mobile": {"code": "86", "number": "13800000000"}},
        "client_contact_info": {"name": "李四", "email": "l@example.com"},
        "location_code": "CN-11",
    });
    let file = world.file("order.json", &form.to_string());
    let by_file = world.run(&["order", "place", "--file", file.to_str().unwrap()]).text();
    let by_flags = world.run(&[
        "order",
        "place",
        "--account",
        &seat.account_id,
        "--package",
        PACKAGE,
        "--comment=急",
        "--candidate-name=张三",
        "--candidate-mobile=86:13800000000",
        "--contact-name=李四",
        "--contact-email=l@example.com",
        "--location-code=CN-11",
    ]);
    let by_flags = by_flags.text();
    for label in ["state", "account", "package", "candidate", "contact", "comment", "location"] {
        assert_eq!(field(&by_file, label), field(&by_flags, label));
    }
    assert_eq!(field(&by_flags, "state"), "arranged (2)");
    assert_eq!(field(&by_flags, "candidate"), "张三, +86 13800000000");

    let order_id = field(&by_flags, "order").to_owned();
    let shown = world.run(&["order", "show", &order_id, "--output", "json"]).json();
    let path = format!("/tenants/{}/orders", tenant.tenant_key);
    assert_eq!(shown, world.api(&format!("{path}/{order_id}"), &tenant.key));
    assert_eq!(shown["stages"][0]["stage_name"], json!("待安排"));
    let listed = world.run(&["order", "list", "--output", "json"]).json();
    assert_eq!(listed, world.api(&path, &tenant.key));
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(!world.run(&["order", "list"]).text().contains("张三"), "a list shows a name");
}

#[test]
fn a_result_is_rejected_withdrawn_and_approved_by_commands() {
    let world = World::start();
    let tenant = world.tenant(&["--report-approval"]);
    let seat = world.seat(&tenant);
    let order_id = world.place(&tenant, &seat);
    let order = |args: &[&str]| world.run(&[&["order"], args].concat());
    let state = |text: String| field(&text, "state").to_owned();

    world.return_result(&seat, &order_id, "红灯");
    let in_review = order(&["list", "--state", "in_review"]).text();
    assert!(in_review.contains(&order_id), "{in_review}");
    assert_eq!(
        state(order(&["reject", &order_id, "--reason", "缺少工作证明"]).text()),
        "rejected (9)"
    );
    world.return_result(&seat, &order_id, "蓝灯");
    assert_eq!(state(order(&["withdraw", &order_id]).text()), "review_withdrawn (6)");
    world.return_result(&seat, &order_id, "绿灯");
    let approved = order(&["approve", &order_id, "--comment", "好", "--output", "json"]).json();
    let path = format!("/tenants/{}/orders/{order_id}", tenant.tenant_key);
    assert_eq!(approved, world.api(&path, &tenant.key));
    assert_eq!(
        (&approved["state"], &approved["conclusion"]),
        (&json!("completed"), &json!("绿灯"))
    );

    let text = order(&["show", &order_id]).text();
    let (_, timeline) = text.split_once("\ntimeline\n").unwrap();
    let actions = timeline.lines().skip(1).map(|line| line.split_whitespace().nth(1).unwrap());
    let expected = ["placed", "result", "rejected", "result", "withdrawn", "result", "approved"];
    assert_eq!(actions.collect::<Vec<_>>(), expected);
    assert!(timeline.contains("缺少工作证明") && timeline.contains('好'), "{timeline}");
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");

    let words = order(&["approve", &order_id]).failed(1);
    assert!(
        words.starts_with("error: ") && words.contains("\nhint: see where it stands"),
        "{words}"
    );
    assert!(!order(&["list", "--state", "in_review"]).text().contains(&order_id));
}

/// The vendor's forms, and an order with a value for each kind of flag.
#[test]
fn forms_are_shown_and_filled_by_flags() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let seat = world.seat(&tenant);
    world.publish_forms(&seat);
    let form = world.run(&["account", "form", &seat.app_id]).text();
    assert!(form.contains("KEY") && form.contains("企业代码"), "{form}");
    let account = world.run(&["account", "show", &seat.account_id]).text();
    let row = account.lines().find(|line| line.trim().starts_with("degree")).unwrap();
    for part in ["select", "yes", "学历", "bachelor, master"] {
        assert!(row.contains(part), "{row}");
    }

    let cv = world.file("cv.pdf", "%PDF-1.7");
    let resume = format!("resume={}", cv.display());
    let place = |flags: &[&str]| {
        let form =
            ["--account", &seat.account_id, "--package", PACKAGE, "--candidate-name", "张三"];
        world.run(&[&["order", "place"], &form[..], flags].concat())
    };
    let words = place(&["--field", "degree=学士"]).failed(1);
    for part in ["--field: expected the key of one of the field's options", "resume"] {
        assert!(words.contains(part), "{words}");
    }
    let words = place(&["--file-field", "resume=/nowhere/cv.pdf"]).failed(1);
    assert!(words.contains("/nowhere/cv.pdf"), "{words}");
    let flags = ["--field", "degree=bachelor", "--file-field", &resume, "--file-field", &resume];
    let order = place(&[&flags[..], &["--output", "json"]].concat()).json();
    let values = order["custom_field_list"].as_array().unwrap();
    assert_eq!(values[0], json!({"key": "degree", "value": "bachelor"}));
    let ids: Vec<String> = serde_json::from_str(values[1]["value"].as_str().unwrap()).unwrap();
    assert_eq!(ids.len(), 2);
    let text = world.run(&["order", "show", order["order_id"].as_str().unwrap()]).text();
    assert!(field(&text, "package").starts_with(&format!("{PACKAGE} (")), "{text}");
}

#[test]
fn what_is_kept_is_checked_and_the_root_key_is_changed() {
    let world = World::start();
    let (checked, key) = (world.run(&["report", "check"]).text(), "root.key");
    assert_eq!((field(&checked, "objects"), field(&checked, "findings")), ("0", "0"));
    let before = std::fs::read_to_string(world.data().join(key)).unwrap();
    let words = world.run(&["key", "rotate"]).failed(1);
    assert!(words.contains("make_key"), "{words}");
    let rotated = world.run(&["key", "rotate", "--make-key"]).text();
    assert_eq!(field(&rotated, "changes"), "1");
    assert_ne!(before, std::fs::read_to_string(world.data().join(key)).unwrap());

    // What is wrong is reported as data, and by the exit code.
    let stray = world.data().join("reports/stray");
    std::fs::write(&stray, b"").unwrap();
    let found = world.run(&["report", "check", "--quick", "--output", "json"]);
    assert_eq!(found.code, 1, "{found:?}");
    let body: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(body["findings"][0]["kind"], "unknown");
    assert_eq!(body["findings"][0]["object"], "stray");
    assert!(found.stderr.contains("found 1"), "{}", found.stderr);
    std::fs::write(world.data().join("reports/drafts/left"), b"half").unwrap();
    std::fs::remove_file(&stray).unwrap();
    let swept = world.run(&["report", "check", "--sweep"]).text();
    assert!(swept.contains("draft") && swept.contains("drafts/left"), "{swept}");
    assert_eq!(field(&world.run(&["report", "check"]).text(), "findings"), "0");
}

#[test]
fn an_order_is_terminated_with_a_reason() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let seat = world.seat(&tenant);
    let order_id = world.place(&tenant, &seat);
    let args = ["order", "terminate", &order_id, "--reason", "候选人放弃"];
    let text = world.run(&args).text();
    assert_eq!(field(&text, "state"), "terminated (4)");
    assert!(!field(&text, "ended").is_empty());
    let events = world.run(&["event", "list", "--order", &order_id]).text();
    assert!(events.contains("eco_background_check.canceled_v1"), "{events}");
    assert!(world.run(&args).failed(1).contains("hint: "));
}

#[test]
fn a_tenants_key_is_found_without_the_operators() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let seat = world.seat(&tenant);
    let order_id = world.place(&tenant, &seat);
    assert!(world.run_elsewhere(&["order", "show", &order_id]).text().contains("张三"));
    // With two tenants known, one has to be named.
    world.tenant(&[]);
    let words = world.run_elsewhere(&["order", "show", &order_id]).failed(2);
    assert!(words.contains("expected a tenant") && words.contains("hint: name one"), "{words}");
    let args = ["order", "show", &order_id, "--tenant", &tenant.tenant_key];
    assert!(world.run_elsewhere(&args).text().contains(&order_id));
}

#[test]
fn the_operators_key_opens_no_order() {
    let world = World::start();
    let tenant = world.tenant(&[]);
    let seat = world.seat(&tenant);
    let order_id = world.place(&tenant, &seat);
    let key = world.operator_key();
    let args = ["order", "show", &order_id, "--tenant", &tenant.tenant_key, "--key", &key];
    let words = world.run(&args).failed(1);
    assert!(words.contains("hint: ") && !words.contains(&key), "{words}");
}

#[test]
fn refusals_end_with_1_and_name_every_fault() {
    let world = World::start();
    let words = world.run(&["tenant", "create", "--name", "", "--locale", "fr"]).failed(1);
    assert!(words.contains("  --name: ") && words.contains("  --locale: "), "{words}");
    let tenant = world.tenant(&[]);
    let words = world.run(&["order", "show", "6931286400470354183"]).failed(1);
    assert!(words.contains("hint: check the id and --tenant"), "{words}");
    let words = world.run(&["tenant", "list", "--key", "pbo_wrong"]).failed(1);
    assert!(words.contains("hint: name a key with --key"), "{words}");
    let words = world.run(&["tenant", "list", "--key", &tenant.key]).failed(1);
    assert!(words.contains("hint: tenants and apps need the operator's key"), "{words}");
}

#[test]
fn wrong_lines_end_with_2_and_a_server_that_is_away_with_3() {
    let world = World::start();
    for args in [&["order", "reject", "7"][..], &["tenant", "list", "--colour"], &["nonsense"]] {
        assert!(world.run(args).failed(2).contains("Usage: probity"), "{args:?}");
    }
    let words = world.run_elsewhere(&["tenant", "list"]).failed(2);
    assert!(words.contains("no operator key") && words.contains("hint: "), "{words}");
    let words = world.run(&["tenant", "list", "--server", "ftp://nowhere"]).failed(2);
    assert!(words.contains("hint: "), "{words}");
    // Port 1 of the loopback: nobody listens there.
    let words = world.run(&["tenant", "list", "--server", "http://127.0.0.1:1"]).failed(3);
    assert!(words.contains("no answer from") && words.contains("hint: is it running?"), "{words}");
}

#[test]
fn the_same_idempotency_key_makes_one_tenant() {
    let world = World::start();
    let args =
        ["tenant", "create", "--name", "星河科技", "--output=json", "--idempotency-key", "once"];
    let (first, second) = (world.run(&args).json(), world.run(&args).json());
    assert_eq!(text(&first, "tenant_key"), text(&second, "tenant_key"));
    let listed: Value = world.run(&["tenant", "list", "--output", "json"]).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[test]
fn data_comes_on_stdout_and_nothing_else() {
    let world = World::start();
    let created = world.run(&["tenant", "create", "--name", "星河科技", "--output", "json"]);
    assert!(created.stderr.starts_with("its key is kept in "), "{created:?}");
    assert!(created.json().is_object());
    let migrated = done(probity().args(["migrate", "--data"]).arg(world.data().join("other")));
    assert_eq!(migrated.code, 0, "{migrated:?}");
}
