//! The forms that vendors publish, over the wire on both engines: replacement, increment, no reuse, the last field,
//! and for every refusal the code and HTTP status of the call's own table, with nothing stored.
//! Source: contract, sections 3.1, 3.2 and 7 (Q11 to Q19).

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use contract::field::{AccountScope, CheckField, FieldType};
use harness::World;
use harness::scene::Scene;
use harness::wire::{FORM_CALLS, call};
use serde_json::{Value, json};

const DONE: &str = "200 0 success";
const DONE_OK: &str = "200 0 ok";

/// A refusal with the member that it names.
fn refused(status: u16, code: u32, msg: &str, field: &str, expected: &str) -> String {
    format!("{status} {code} {msg} | {field}: {expected}")
}

fn label(zh: &str) -> Value {
    json!({"zh_cn": zh, "en_us": format!("{zh}-en")})
}

fn account_field(key: &str, zh: &str, is_required: bool) -> Value {
    json!({"key": key, "name": label(zh), "is_required": is_required})
}

fn account_form(scope: u8, fields: &[Value]) -> Value {
    json!({"scope": scope, "custom_field_list": fields})
}

fn field(kind: &str, key: &str, zh: &str) -> Value {
    let mut field = json!({"type": kind, "key": key, "name": label(zh), "is_required": false});
    if matches!(kind, "select" | "multiselect") {
        field["options"] = json!([
            {"key": "a", "name": label("甲")},
            {"key": "b", "name": label("乙")},
        ]);
    }
    field
}

impl Scene<'_> {
    /// The app's form for accounts: each key with its Chinese name and whether it is required.
    async fn account_form(&self, scope: AccountScope) -> Vec<(String, String, bool)> {
        let app_id = self.seed.app.app.app_id.parse().unwrap();
        let form = self.world.app.hub.store.get_account_form(app_id, scope).await.unwrap();
        let row = |field: contract::field::AccountField| {
            (field.key, field.name.zh_cn.unwrap_or_default(), field.is_required)
        };
        form.fields.into_iter().map(row).collect()
    }

    async fn account(&self) -> contract::control::Account {
        let hirer = &self.seed.hirer;
        let account_id = &self.seed.account.account_id;
        hirer.control.get_account(&hirer.tenant_key, account_id).await.unwrap()
    }

    /// The account's form for orders as its hirer sees it.
    async fn fields(&self) -> Vec<CheckField> {
        self.account().await.fields
    }

    fn check_form(&self, fields: &[Value]) -> Value {
        json!({"account_id": self.seed.account.account_id, "custom_field_list": fields})
    }
}

#[tokio::test]
async fn an_account_form_is_replaced_renamed_and_shrunk_but_never_emptied() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let both = [account_field("code", "代码", true), account_field("contact", "联系人", false)];
        assert_eq!(scene.post("account_fields", &account_form(1, &both)).await, DONE_OK);
        // The last list counts, in its order.
        let three = [
            account_field("city", "城市", false),
            account_field("code", "企业代码", true),
            account_field("contact", "联系人", true),
        ];
        assert_eq!(scene.post("account_fields", &account_form(1, &three)).await, DONE_OK);
        let row = |key: &str, zh: &str, is_required| (key.to_owned(), zh.to_owned(), is_required);
        let expected = [
            row("city", "城市", false),
            row("code", "企业代码", true),
            row("contact", "联系人", true),
        ];
        assert_eq!(scene.account_form(AccountScope::BackgroundCheck).await, expected);
        // Scopes are forms of their own.
        assert_eq!(scene.account_form(AccountScope::Exam).await, []);
        assert_eq!(scene.post("account_fields", &account_form(2, &both[..1])).await, DONE_OK);
        assert_eq!(scene.account_form(AccountScope::BackgroundCheck).await, expected);

        // Names change for any part of the fields; whether one is required does not.
        let change = [account_field("contact", "对接人", false)];
        assert_eq!(scene.post("account_fields_update", &account_form(1, &change)).await, DONE_OK);
        let form = scene.account_form(AccountScope::BackgroundCheck).await;
        assert_eq!(form[2], row("contact", "对接人", true));

        // Nothing to delete; then all but one, and not the last.
        for nothing in [json!({"scope": 1}), json!({"scope": 1, "custom_field_key_list": []})] {
            assert_eq!(scene.post("account_fields_delete", &nothing).await, DONE_OK);
        }
        let delete = |keys: &[&str]| json!({"scope": 1, "custom_field_key_list": keys});
        let last = refused(
            500,
            1_002_001,
            "Exam provider cannot be deleted",
            "custom_field_key_list",
            "expected at least one field to remain",
        );
        scene
            .stores_nothing(async || {
                let all = delete(&["city", "code", "contact"]);
                assert_eq!(scene.post("account_fields_delete", &all).await, last);
            })
            .await;
        let two = delete(&["city", "contact"]);
        assert_eq!(scene.post("account_fields_delete", &two).await, DONE_OK);
        let form = scene.account_form(AccountScope::BackgroundCheck).await;
        assert_eq!(form, [row("code", "企业代码", true)]);
        scene
            .stores_nothing(async || {
                assert_eq!(scene.post("account_fields_delete", &delete(&["code"])).await, last);
                // A deleted key never comes back in its scope.
                let again =
                    [account_field("code", "代码", true), account_field("city", "城市", true)];
                let expected = refused(
                    500,
                    1_002_001,
                    "",
                    "custom_field_list[1].key",
                    "expected a key that was never deleted",
                );
                let again = account_form(1, &again);
                assert_eq!(scene.post("account_fields", &again).await, expected);
            })
            .await;
        let other_scope = account_form(2, &[account_field("city", "城市", true)]);
        assert_eq!(scene.post("account_fields", &other_scope).await, DONE_OK);
        // What a replacement leaves out was not deleted.
        let replaced = account_form(1, &[account_field("name", "名称", false)]);
        assert_eq!(scene.post("account_fields", &replaced).await, DONE_OK);
        assert_eq!(scene.post("account_fields", &account_form(1, &both[..1])).await, DONE_OK);
    })
    .await;
}

#[tokio::test]
async fn account_fields_with_wrong_keys_are_refused_whole() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let code = [account_field("code", "代码", true), account_field("contact", "人", true)];
        assert_eq!(scene.post("account_fields", &account_form(1, &code)).await, DONE_OK);
        // Another app of the same tenant has a form of its own.
        let other = world.create_app(&scene.seed.hirer, None, false).await;
        let other = world.caller(&other).await;
        scene
            .stores_nothing(async || {
                let twice = [
                    account_field("code", "代码", true),
                    account_field("x", "x", true),
                    account_field("code", "代码", true),
                ];
                let (key, once) = ("custom_field_list[2].key", "expected each key once");
                let expected = refused(500, 1_002_001, "", key, once);
                let outcome = scene.post("account_fields", &account_form(1, &twice)).await;
                assert_eq!(outcome, expected);

                let not_exist = "background check account custom field is not exist";
                let unknown = "expected a key of the form";
                let call = "account_fields_update";
                let first = "custom_field_list[1].key";
                let changes = [code[0].clone(), account_field("nowhere", "x", true)];
                let expected = refused(500, 1_002_001, not_exist, first, unknown);
                assert_eq!(scene.post(call, &account_form(1, &changes)).await, expected);
                let changes = [code[0].clone(), code[0].clone()];
                let expected = refused(500, 1_002_001, not_exist, first, once);
                assert_eq!(scene.post(call, &account_form(1, &changes)).await, expected);
                let expected =
                    refused(500, 1_002_001, not_exist, "custom_field_list[0].key", unknown);
                assert_eq!(scene.post(call, &account_form(2, &code[..1])).await, expected);
                let answer = other.post(call, account_form(1, &code[..1]).to_string()).await;
                assert_eq!(answer.outcome(), expected);

                let call = "account_fields_delete";
                let last = "Exam provider cannot be deleted";
                for (keys, place, expected) in [
                    (json!(["nowhere"]), 0, unknown),
                    (json!(["code", "nowhere"]), 1, unknown),
                    (json!(["code", "code"]), 1, once),
                ] {
                    let body = json!({"scope": 1, "custom_field_key_list": keys});
                    let field = format!("custom_field_key_list[{place}]");
                    let expected = refused(500, 1_002_001, last, &field, expected);
                    assert_eq!(scene.post(call, &body).await, expected);
                    let answer = other.post(call, body.to_string()).await.outcome();
                    assert!(answer.starts_with("500 1002001 Exam provider"), "{answer}");
                }
            })
            .await;
        // A deleted key is known no more.
        let body = json!({"scope": 1, "custom_field_key_list": ["contact"]});
        assert_eq!(scene.post("account_fields_delete", &body).await, DONE_OK);
        let outcome = scene.post("account_fields_delete", &body).await;
        assert!(outcome.starts_with("500 1002001 Exam provider cannot be deleted"), "{outcome}");
        let outcome = scene.post("account_fields_update", &account_form(1, &code[1..])).await;
        assert!(outcome.starts_with("500 1002001 background check account"), "{outcome}");
    })
    .await;
}

#[tokio::test]
async fn an_order_form_of_all_types_is_replaced_renamed_and_deleted_for_good() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let kinds = [
            "text",
            "textarea",
            "number",
            "boolean",
            "select",
            "multiselect",
            "date",
            "file",
            "resume",
        ];
        let all: Vec<_> = kinds.iter().map(|kind| field(kind, kind, "字段")).collect();
        assert_eq!(scene.post("check_fields", &scene.check_form(&all)).await, DONE);
        assert_eq!(json!(scene.fields().await), json!(all));
        // The same list again changes nothing, also not which form is in force.
        scene
            .stores_nothing(async || {
                assert_eq!(scene.post("check_fields", &scene.check_form(&all)).await, DONE);
            })
            .await;
        let some = [field("select", "degree", "学历"), field("text", "text", "备注")];
        assert_eq!(scene.post("check_fields", &scene.check_form(&some)).await, DONE);
        assert_eq!(json!(scene.fields().await), json!(some));

        // All names change, in any order of fields and options; types, keys and is_required do not.
        let mut degree = field("select", "degree", "最高学历");
        degree["options"].as_array_mut().unwrap().reverse();
        degree["options"][0]["name"] = label("硕士");
        degree["is_required"] = json!(true);
        degree["description"] = label("毕业");
        let renamed = [field("text", "text", "说明"), degree];
        let outcome = scene.post("check_fields_update", &scene.check_form(&renamed)).await;
        assert_eq!(outcome, DONE);
        let fields = scene.fields().await;
        let [degree, text] = &fields[..] else { panic!("two fields") };
        assert_eq!((degree.key.as_str(), degree.kind), ("degree", FieldType::Select));
        assert_eq!(degree.name.zh_cn.as_deref(), Some("最高学历"));
        assert_eq!(degree.description.as_ref().unwrap().any(), Some("毕业"));
        assert!(!degree.is_required);
        let options: Vec<_> =
            degree.options.iter().map(|it| (it.key.as_str(), it.name.any().unwrap())).collect();
        assert_eq!(options, [("a", "甲"), ("b", "硕士")]);
        assert_eq!(text.name.any(), Some("说明"));

        let delete = scene.body("check_fields_delete");
        assert_eq!(scene.post("check_fields_delete", &delete).await, DONE);
        assert_eq!(scene.fields().await, []);
        scene
            .stores_nothing(async || {
                let expected = refused(
                    400,
                    1_002_855,
                    "background check custom field is exist not allow to create",
                    "custom_field_list[1].key",
                    "expected a key that was never deleted",
                );
                let again = [field("text", "new", "新"), field("select", "degree", "学历")];
                let outcome = scene.post("check_fields", &scene.check_form(&again)).await;
                assert_eq!(outcome, expected);
                let expected = refused(
                    400,
                    1_002_860,
                    "background check custom field cannot be deleted",
                    "account_id",
                    "expected an account with custom fields",
                );
                assert_eq!(scene.post("check_fields_delete", &delete).await, expected);
                let outcome = scene.post("check_fields_update", &scene.check_form(&renamed)).await;
                let start = "400 1002001 background check custom field is not exist";
                assert!(outcome.starts_with(start), "{outcome}");
            })
            .await;
        // Keys that a replacement left out were not deleted.
        let again = scene.check_form(&[field("number", "number", "数字")]);
        assert_eq!(scene.post("check_fields", &again).await, DONE);
    })
    .await;
}

#[tokio::test]
async fn order_fields_that_do_not_match_the_form_are_refused_whole() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let form = [field("select", "degree", "学历"), field("text", "note", "备注")];
        assert_eq!(scene.post("check_fields", &scene.check_form(&form)).await, DONE);
        scene
            .stores_nothing(async || {
                let twice = [field("text", "x", "x"), field("date", "x", "x")];
                let mut options = field("multiselect", "y", "y");
                options["options"][1]["key"] = json!("a");
                let exists = "background check custom field is exist not allow to create";
                let once = "expected each key once";
                for (fields, path) in [
                    (&twice[..], "custom_field_list[1].key"),
                    (&[options][..], "custom_field_list[0].options[1].key"),
                ] {
                    let expected = refused(400, 1_002_855, exists, path, once);
                    let outcome = scene.post("check_fields", &scene.check_form(fields)).await;
                    assert_eq!(outcome, expected);
                }

                let not_exist = "background check custom field is not exist";
                let (degree, note) = (form[0].clone(), form[1].clone());
                let mut fewer = degree.clone();
                fewer["options"].as_array_mut().unwrap().pop();
                let mut other = degree.clone();
                other["options"][1]["key"] = json!("c");
                let options = "expected the keys of the options as created, each once";
                for (fields, path, expected) in [
                    (vec![degree.clone()], "custom_field_list", "expected all 2 fields"),
                    (
                        vec![degree.clone(), note.clone(), note.clone()],
                        "custom_field_list",
                        "expected all 2 fields | custom_field_list[2].key: expected each key once",
                    ),
                    (
                        vec![degree.clone(), field("text", "nowhere", "x")],
                        "custom_field_list[1].key",
                        "expected a key of the form",
                    ),
                    (vec![degree.clone(), degree.clone()], "custom_field_list[1].key", once),
                    (
                        vec![degree.clone(), field("textarea", "note", "x")],
                        "custom_field_list[1].type",
                        "expected the type as created",
                    ),
                    (vec![fewer, note.clone()], "custom_field_list[0].options", options),
                    (vec![other, note.clone()], "custom_field_list[0].options", options),
                ] {
                    let expected = refused(400, 1_002_001, not_exist, path, expected);
                    let outcome =
                        scene.post("check_fields_update", &scene.check_form(&fields)).await;
                    assert_eq!(outcome, expected);
                }
            })
            .await;
    })
    .await;
}

/// Each call counts for itself: 50 in a second. Source: contract, section 2.4.
#[tokio::test]
async fn each_call_has_its_own_tier_4() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        world.clock.advance_ms(60_001);
        for (name, ..) in FORM_CALLS {
            let ask = call(name, "{}").json().bearer(&scene.vendor.token);
            for _ in 0..50 {
                let outcome = world.ask(&ask).await.outcome();
                assert!(outcome.starts_with("400 99992402 "), "{name}: {outcome}");
            }
            let answer = world.ask(&ask).await;
            assert_eq!(answer.status, 429, "{name}");
        }
    })
    .await;
}

/// Another method on the path of a call is a path that does not exist.
#[tokio::test]
async fn an_update_is_a_patch_alone() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        for (name, method, path) in FORM_CALLS {
            let other = if method == "PATCH" { "POST" } else { "PATCH" };
            let ask = harness::wire::Ask::new(other, path).bearer(&scene.vendor.token);
            let answer = world.ask(&ask).await;
            assert_eq!((answer.status, answer.text()), (404, "404 page not found"), "{name}");
        }
    })
    .await;
}

/// Many changes at once: one sequence of whole forms, nothing mixed and nothing lost.
#[tokio::test]
async fn changes_at_once_leave_one_whole_form() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let forms: Vec<_> = (0..8)
            .map(|n| [field("text", &format!("a{n}"), "甲"), field("date", &format!("b{n}"), "乙")])
            .collect();
        let calls = forms.iter().map(|form| async {
            let body = scene.check_form(form).to_string();
            scene.vendor.post("check_fields", body).await.outcome()
        });
        for outcome in futures_util::future::join_all(calls).await {
            assert_eq!(outcome, DONE);
        }
        let fields = json!(scene.fields().await);
        assert!(forms.iter().any(|form| json!(form) == fields), "{fields}");
        // Deleted once, by one of many.
        let delete = scene.body("check_fields_delete").to_string();
        let calls = (0..4).map(|_| scene.vendor.post("check_fields_delete", delete.as_str()));
        let outcomes: Vec<_> = futures_util::future::join_all(calls)
            .await
            .iter()
            .map(harness::wire::Answer::outcome)
            .collect();
        assert_eq!(outcomes.iter().filter(|outcome| *outcome == DONE).count(), 1, "{outcomes:?}");
        assert_eq!(scene.fields().await, []);
    })
    .await;
}
