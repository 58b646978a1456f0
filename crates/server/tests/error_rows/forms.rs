//! The rows of contract §3.1 and §3.2: account custom fields, background-check custom fields.

use contract::code::{self, Code};
use serde_json::{Value, json};

use super::book::{Beside, Book};
use super::harness::World;
use super::harness::scene::Scene;

/// A call that is refused because of one member.
async fn refused(
    scene: &Scene<'_>,
    book: &mut Book,
    call: &str,
    body: &Value,
    code: &Code,
    (field, expected): (&str, &str),
) {
    let answer = scene.send(call, body.to_string()).await;
    book.row(code, &[], &answer, Beside::Fields(&[(field, None, expected)]));
}

pub(super) async fn rows(world: &World, book: &mut Book) {
    let scene = Scene::new(world).await;
    let unknown = ("custom_field_list[0].key", "expected a key of the form");
    let call = "account_fields_update";
    let body = scene.body(call);
    refused(&scene, book, call, &body, &code::ACCOUNT_FIELD_NOT_EXIST, unknown).await;
    let account = ("account_id", "expected an account of this app");
    for (call, code) in [
        ("check_fields", &code::CHECK_FIELD_EXISTS),
        ("check_fields_update", &code::CHECK_FIELD_NOT_EXIST),
        ("check_fields_delete", &code::CHECK_FIELD_NOT_DELETABLE),
    ] {
        let nowhere = json!("7000000000000000001");
        let body = scene.body_with(call, "/account_id", Some(&nowhere));
        refused(&scene, book, call, &body, code, account).await;
    }

    scene.publish_forms().await;
    let call = "account_fields_delete";
    let last = ("custom_field_key_list", "expected at least one field to remain");
    let both = json!({"scope": 1, "custom_field_key_list": ["company_code", "contact"]});
    refused(&scene, book, call, &both, &code::LAST_ACCOUNT_FIELD, last).await;
    assert_eq!(scene.post(call, &scene.body(call)).await, "200 0 ok");
    let mut again = scene.body("account_fields");
    again["custom_field_list"][0]["key"] = json!("contact");
    let deleted = ("custom_field_list[0].key", "expected a key that was never deleted");
    let code = &code::SYSTEM_ERROR_BARE;
    refused(&scene, book, "account_fields", &again, code, deleted).await;
    let call = "check_fields_delete";
    assert_eq!(scene.post(call, &scene.body(call)).await, "200 0 success");
    let (call, code) = ("check_fields", &code::CHECK_FIELD_EXISTS);
    refused(&scene, book, call, &scene.body(call), code, deleted).await;

    for table in ["account_forms", "check_forms"] {
        world.execute(&format!("ALTER TABLE {table} RENAME TO {table}_away")).await;
    }
    for (call, code) in [
        ("account_fields", &code::SYSTEM_ERROR_BARE),
        ("account_fields_update", &code::SYSTEM_ERROR),
        ("account_fields_delete", &code::SYSTEM_ERROR),
        ("check_fields", &code::SYSTEM_INTERNAL_ERROR),
        ("check_fields_update", &code::SYSTEM_FAULT_400),
        ("check_fields_delete", &code::CHECK_FIELD_DELETE_FAULT),
    ] {
        let answer = scene.send(call, scene.body(call).to_string()).await;
        book.row(code, &[], &answer, Beside::Trace);
    }
    for table in ["account_forms", "check_forms"] {
        world.execute(&format!("ALTER TABLE {table}_away RENAME TO {table}")).await;
    }
}
