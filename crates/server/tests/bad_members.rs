//! Every fault of every member of the vendor's calls, over the wire: the answer names the member and quotes nothing
//! personal, and nothing is stored.
//! Source: contract, sections 2.3, 3.3, 3.4 and 7 (Q5, Q8, Q27, Q33); limits in the product's section 12.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use harness::World;
use harness::scene::{Scene, with};
use serde_json::{Value, json};

/// What a member must be.
#[derive(Clone, Copy)]
enum Rule {
    /// A text that must be there: most characters, whether a faulty one is quoted.
    Text(usize, bool),
    /// A text that may be left out.
    OptionalText(usize, bool),
    /// An address that must be there.
    Address,
    /// Milliseconds that must be there.
    Time,
    /// 1 or 2, or left out.
    Option,
    /// A list of objects, with most entries: whether it must be there.
    List(usize, bool),
    /// 1 or 2.
    Scope,
    /// A bool that must be there.
    Truth,
    /// An object: whether it must be there.
    Object(bool),
    /// One of the types of fields.
    Type,
    /// A list of texts that may be left out, with most entries and most characters of each.
    Texts(usize, usize),
}

/// Every member of every call, by its pointer.
const MEMBERS: &[(&str, &str, Rule)] = &[
    ("update_progress", "/background_check_id", Rule::Text(64, true)),
    ("update_progress", "/stage_id", Rule::Text(255, true)),
    ("update_progress", "/stage_en_name", Rule::OptionalText(2_000, false)),
    ("update_progress", "/stage_name", Rule::Text(2_000, false)),
    ("update_progress", "/stage_time", Rule::Time),
    ("update_progress", "/result", Rule::OptionalText(2_000, false)),
    ("update_progress", "/operator_role", Rule::Option),
    // Because there is a result.
    ("update_progress", "/report_file_list", Rule::List(50, true)),
    ("update_progress", "/report_file_list/0/report_name", Rule::Text(255, false)),
    ("update_progress", "/report_file_list/0/report_url", Rule::Address),
    ("update_progress", "/report_file_list/0/report_url_type", Rule::Option),
    ("update_result", "/background_check_id", Rule::Text(64, true)),
    ("update_result", "/result", Rule::Text(2_000, false)),
    ("update_result", "/result_time", Rule::Time),
    ("update_result", "/operator_role", Rule::Option),
    ("update_result", "/report_file_list", Rule::List(50, false)),
    ("update_result", "/report_file_list/0/report_name", Rule::Text(255, false)),
    ("update_result", "/report_file_list/0/report_url", Rule::Address),
    ("update_result", "/report_file_list/0/report_url_type", Rule::Option),
    ("cancel", "/background_check_id", Rule::Text(64, true)),
    ("packages", "/account_id", Rule::Text(64, true)),
    ("packages", "/package_list", Rule::List(500, true)),
    ("packages", "/package_list/0/id", Rule::Text(36, true)),
    ("packages", "/package_list/0/name", Rule::Text(100, false)),
    ("packages", "/package_list/0/description", Rule::OptionalText(2_000, false)),
    ("packages", "/additional_item_list", Rule::List(500, false)),
    ("packages", "/additional_item_list/0/id", Rule::Text(36, true)),
    ("packages", "/additional_item_list/0/name", Rule::Text(100, false)),
    ("packages", "/additional_item_list/0/description", Rule::OptionalText(2_000, false)),
    ("packages_update", "/account_id", Rule::Text(64, true)),
    ("packages_update", "/package_list", Rule::List(500, true)),
    ("packages_update", "/package_list/0/id", Rule::Text(36, true)),
    ("packages_update", "/package_list/0/name", Rule::Text(100, false)),
    ("packages_update", "/additional_item_list/0/id", Rule::Text(36, true)),
    ("packages_delete", "/account_id", Rule::Text(64, true)),
    ("packages_delete", "/package_id_list", Rule::Texts(500, 36)),
    ("packages_delete", "/additional_item_id_list", Rule::Texts(500, 36)),
    ("account_fields", "/scope", Rule::Scope),
    ("account_fields", "/custom_field_list", Rule::List(100, true)),
    ("account_fields", "/custom_field_list/0/key", Rule::Text(100, true)),
    ("account_fields", "/custom_field_list/0/name", Rule::Object(true)),
    ("account_fields", "/custom_field_list/0/name/zh_cn", Rule::OptionalText(500, false)),
    ("account_fields", "/custom_field_list/0/name/en_us", Rule::OptionalText(500, false)),
    ("account_fields", "/custom_field_list/0/is_required", Rule::Truth),
    ("account_fields", "/custom_field_list/0/description", Rule::Object(false)),
    ("account_fields", "/custom_field_list/0/description/zh_cn", Rule::OptionalText(2_000, false)),
    ("account_fields_update", "/scope", Rule::Scope),
    ("account_fields_update", "/custom_field_list", Rule::List(100, true)),
    ("account_fields_update", "/custom_field_list/0/key", Rule::Text(100, true)),
    ("account_fields_update", "/custom_field_list/0/name", Rule::Object(true)),
    // Without effect, but it must be there (question 15).
    ("account_fields_update", "/custom_field_list/0/is_required", Rule::Truth),
    ("account_fields_delete", "/scope", Rule::Scope),
    ("account_fields_delete", "/custom_field_key_list", Rule::Texts(100, 100)),
    ("check_fields", "/account_id", Rule::Text(64, true)),
    ("check_fields", "/custom_field_list", Rule::List(100, true)),
    ("check_fields", "/custom_field_list/0/type", Rule::Type),
    ("check_fields", "/custom_field_list/0/key", Rule::Text(100, true)),
    ("check_fields", "/custom_field_list/0/name", Rule::Object(true)),
    ("check_fields", "/custom_field_list/0/name/zh_cn", Rule::OptionalText(500, false)),
    ("check_fields", "/custom_field_list/0/is_required", Rule::Truth),
    ("check_fields", "/custom_field_list/0/description", Rule::Object(false)),
    ("check_fields", "/custom_field_list/0/description/en_us", Rule::OptionalText(2_000, false)),
    // Because the type is select.
    ("check_fields", "/custom_field_list/0/options", Rule::List(500, true)),
    ("check_fields", "/custom_field_list/0/options/0/key", Rule::Text(100, true)),
    ("check_fields", "/custom_field_list/0/options/0/name", Rule::Object(true)),
    ("check_fields", "/custom_field_list/0/options/0/name/en_us", Rule::OptionalText(500, false)),
    ("check_fields_update", "/account_id", Rule::Text(64, true)),
    ("check_fields_update", "/custom_field_list", Rule::List(100, true)),
    ("check_fields_update", "/custom_field_list/0/type", Rule::Type),
    ("check_fields_update", "/custom_field_list/0/key", Rule::Text(100, true)),
    ("check_fields_update", "/custom_field_list/0/name", Rule::Object(true)),
    ("check_fields_update", "/custom_field_list/0/is_required", Rule::Truth),
    ("check_fields_update", "/custom_field_list/0/options", Rule::List(500, true)),
    ("check_fields_delete", "/account_id", Rule::Text(64, true)),
];

/// What people are shown says something. Source: the product's section 4 and 12.
#[tokio::test]
async fn a_text_of_blanks_alone_is_refused_where_people_are_shown_it() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        scene
            .stores_nothing(async || {
                for (call, pointer) in [
                    ("update_result", "/result"),
                    ("update_progress", "/result"),
                    ("update_progress", "/stage_name"),
                    ("update_progress", "/report_file_list/0/report_name"),
                    ("update_result", "/report_file_list/0/report_name"),
                    ("packages", "/package_list/0/name"),
                    ("packages_update", "/additional_item_list/0/name"),
                    ("account_fields", "/custom_field_list/0/name/zh_cn"),
                    ("check_fields", "/custom_field_list/0/name/zh_cn"),
                ] {
                    for blanks in [" ", "\t\r\n", "\u{3000}\u{a0}", "\u{200b}", "\u{feff} \u{2060}"]
                    {
                        let body = scene.body_with(call, pointer, Some(&json!(blanks)));
                        let outcome = scene.post(call, &body).await;
                        let expected = violation(&path(pointer), "expected more than blanks");
                        assert_eq!(outcome, expected, "{call} {pointer} {blanks:?}");
                    }
                }
            })
            .await;
    })
    .await;
}

#[tokio::test]
async fn every_fault_of_every_member_is_named() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        scene
            .stores_nothing(async || {
                for &(call, pointer, rule) in MEMBERS {
                    for (value, expected) in faults(&path(pointer), rule) {
                        let body = scene.body_with(call, pointer, value.as_ref());
                        let outcome = scene.post(call, &body).await;
                        assert_eq!(outcome, expected, "{call} {pointer}");
                    }
                }
            })
            .await;
    })
    .await;
}

/// The member as an answer names it.
fn path(pointer: &str) -> String {
    pointer[1..].replace("/0/", "[0].").replace('/', ".")
}

fn violation(field: &str, description: &str) -> String {
    format!("400 99992402 field validation failed | {field}: {description}")
}

fn required(field: &str) -> String {
    violation(field, &format!("{} is required", field.rsplit('.').next().unwrap()))
}

fn mistyped(field: &str, value: &str) -> String {
    format!(
        "400 9499 Invalid parameter type in json: {field}. Invalid parameter value: {value}. \
         Please check and modify accordingly."
    )
}

/// Every fault that a member can have, with the answer that it must get.
fn faults(field: &str, rule: Rule) -> Vec<(Option<Value>, String)> {
    let name = field.rsplit('.').next().unwrap();
    let mut faults = Vec::new();
    let is_required = match rule {
        Rule::Text(..) | Rule::Address | Rule::Time | Rule::Scope | Rule::Truth | Rule::Type => {
            true
        }
        Rule::List(_, is_required) | Rule::Object(is_required) => is_required,
        Rule::OptionalText(..) | Rule::Option | Rule::Texts(..) => false,
    };
    let is_text = matches!(rule, Rule::Text(..) | Rule::Address | Rule::Time);
    if is_required {
        faults.push((None, required(field)));
        faults.push((Some(json!(null)), required(field)));
    }
    if is_text {
        faults.push((Some(json!("")), violation(field, "the min len is 1")));
    }
    for (value, shown) in [
        (json!(1.5), "1.5"),
        (json!(true), "true"),
        (json!(false), "false"),
        (json!({}), "object"),
        (json!({"secret": "张三"}), "object"),
    ] {
        let fits = match rule {
            Rule::Truth => value.is_boolean(),
            Rule::Object(_) => value.is_object(),
            _ => false,
        };
        if !fits {
            faults.push((Some(value), mistyped(field, shown)));
        }
    }
    if !matches!(rule, Rule::Option | Rule::Scope) {
        for number in [json!(0), json!(-1), json!(1_700_000_000_000_u64)] {
            faults.push((Some(number.clone()), mistyped(field, &number.to_string())));
        }
    }
    if !matches!(rule, Rule::List(..) | Rule::Texts(..)) {
        faults.push((Some(json!(["张三"])), mistyped(field, "array")));
    }
    match rule {
        Rule::Text(chars_max, is_quoted) | Rule::OptionalText(chars_max, is_quoted) => {
            for letter in ["x", "长", "😀"] {
                let quoted = letter.repeat((chars_max + 1).min(100));
                let shown = if is_quoted { format!("{field}={quoted}") } else { field.to_owned() };
                let expected = violation(&shown, &format!("the max len is {chars_max}"));
                faults.push((Some(json!(letter.repeat(chars_max + 1))), expected));
            }
            let nul = violation(field, "expected a text without the character U+0000");
            faults.push((Some(json!("a\0b")), nul));
        }
        Rule::Address => {
            let too_long = format!("https://vendor.example/{}", "x".repeat(2_026));
            faults.push((Some(json!(too_long)), violation(field, "the max len is 2048")));
            for (address, expected) in [
                ("vendor.example/a.pdf", "expected an absolute http or https url"),
                ("ftp://vendor.example/a.pdf", "expected an absolute http or https url"),
                ("javascript:alert(1)", "expected an absolute http or https url"),
                ("file:///etc/passwd", "expected an absolute http or https url"),
                ("https://u:p@vendor.example/a.pdf", "expected a url without user-info"),
                ("https:///a.pdf", "expected a url with a host"),
                ("https://vendor.example:0/", "expected a url with a port from 1 to 65535 or none"),
                (
                    "https://vendor.example/a b",
                    "expected a url without control characters and blanks",
                ),
                ("http://10.0.0.1/a.pdf", "expected a public http or https address"),
                ("http://[::1]/a.pdf", "expected a public http or https address"),
                ("http://169.254.169.254/", "expected a public http or https address"),
                ("http://2130706434/", "expected a public http or https address"),
            ] {
                faults.push((Some(json!(address)), violation(field, expected)));
            }
        }
        Rule::Time => {
            let expected = "expected milliseconds since the epoch as a positive decimal integer";
            for time in [
                "0",
                "-1",
                "+1",
                "1.5",
                "1e3",
                "0x10",
                " 1",
                "1 ",
                "1_000",
                "abc",
                "１７",
                "NaN",
                "2026-01-01T00:00:00Z",
                "9223372036854775808",
            ] {
                let expected = violation(&format!("{field}={time}"), expected);
                faults.push((Some(json!(time)), expected));
            }
        }
        Rule::Truth => {
            for word in ["true", "false", "1", ""] {
                faults.push((Some(json!(word)), mistyped(field, "string")));
            }
        }
        Rule::Object(_) => faults.push((Some(json!("张三")), mistyped(field, "string"))),
        Rule::Type => {
            let expected = "type is optional, options: \
                [text,textarea,number,boolean,select,multiselect,date,file,resume]";
            for word in ["", "Text", "select ", "radio", "单选"] {
                let expected = violation(&format!("{field}={word}"), expected);
                faults.push((Some(json!(word)), expected));
            }
        }
        Rule::Texts(len_max, chars_max) => {
            let expected = violation(field, &format!("the max len is {len_max}"));
            faults.push((Some(json!(vec!["a"; len_max + 1])), expected));
            faults.push((Some(json!("张三")), mistyped(field, "string")));
            let entry = format!("{field}[1]");
            for (value, shown) in [
                (json!(7), "7"),
                (json!(null), "null"),
                (json!(true), "true"),
                (json!([]), "array"),
                (json!({}), "object"),
            ] {
                faults.push((Some(json!(["a", value])), mistyped(&entry, shown)));
            }
            faults.push((Some(json!(["a", ""])), violation(&entry, "the min len is 1")));
            let long = "长".repeat(chars_max + 1);
            let shown = format!("{entry}={}", "长".repeat((chars_max + 1).min(100)));
            let expected = violation(&shown, &format!("the max len is {chars_max}"));
            faults.push((Some(json!(["a", long])), expected));
            let nul = violation(&entry, "expected a text without the character U+0000");
            faults.push((Some(json!(["a", "a\0b"])), nul));
        }
        Rule::Option | Rule::Scope => {
            let expected = format!("{name} is optional, options: [1,2]");
            for option in
                [json!(0), json!(3), json!(-1), json!(257), json!(i64::MAX), json!(u64::MAX)]
            {
                let expected = violation(&format!("{field}={option}"), &expected);
                faults.push((Some(option), expected));
            }
            faults.push((Some(json!("1")), mistyped(field, "1")));
        }
        Rule::List(len_max, _) => {
            let expected = violation(field, &format!("the max len is {len_max}"));
            faults.push((Some(json!(vec![json!({}); len_max + 1])), expected));
            faults.push((Some(json!("张三")), mistyped(field, "string")));
            for (entry, shown) in [
                (json!(7), "7"),
                (json!("张三"), "string"),
                (json!(null), "null"),
                (json!([]), "array"),
            ] {
                faults.push((Some(json!([entry])), mistyped(&format!("{field}[0]"), shown)));
            }
        }
    }
    faults
}

/// All faults of a body are named in one answer, in the order of the members.
#[tokio::test]
async fn all_faults_are_named_at_once() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let refused = |names: &[&str]| {
            let named: Vec<_> =
                names.iter().map(|name| format!(" | {name}: {name} is required")).collect();
            format!("400 99992402 field validation failed{}", named.concat())
        };
        scene
            .stores_nothing(async || {
                for (call, names) in [
                    (
                        "update_progress",
                        &["background_check_id", "stage_id", "stage_name", "stage_time"][..],
                    ),
                    ("update_result", &["background_check_id", "result", "result_time"]),
                    ("cancel", &["background_check_id"]),
                    ("packages", &["account_id", "package_list"]),
                    ("packages_update", &["account_id", "package_list"]),
                    ("packages_delete", &["account_id"]),
                    ("account_fields", &["scope", "custom_field_list"]),
                    ("account_fields_update", &["scope", "custom_field_list"]),
                    ("account_fields_delete", &["scope"]),
                    ("check_fields", &["account_id", "custom_field_list"]),
                    ("check_fields_update", &["account_id", "custom_field_list"]),
                    ("check_fields_delete", &["account_id"]),
                ] {
                    assert_eq!(scene.post(call, &json!({})).await, refused(names));
                    // Names are compared as they stand.
                    assert_eq!(
                        scene
                            .post(call, &json!({"Background_Check_Id": "1", "result ": "x"}))
                            .await,
                        refused(names)
                    );
                }
                // A list that must be there must hold something; packages may be empty beside items.
                let empty = Some(&json!([]));
                let body = scene.body_with("update_progress", "/report_file_list", empty);
                let expected = violation("report_file_list", "the min len is 1");
                assert_eq!(scene.post("update_progress", &body).await, expected);
                let body = scene.body_with("packages", "/package_list", empty);
                let body = with(body, "/additional_item_list", empty);
                let expected = violation("package_list", "the min len is 1");
                assert_eq!(scene.post("packages", &body).await, expected);
                // A wrong type outweighs broken rules, and the first one is named.
                let body = json!({"result_time": 7, "operator_role": "x", "result": ""});
                assert_eq!(scene.post("update_result", &body).await, mistyped("result_time", "7"));
            })
            .await;
    })
    .await;
}
