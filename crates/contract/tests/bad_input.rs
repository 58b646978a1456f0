//! What becomes of bad bodies: each call's decoder, fed with each kind of fault, answers a documented code that names
//! the field and quotes nothing personal.

use contract::check::{Cancel, UpdateProgress, UpdateResult};
use contract::decode::Refused;
use contract::package::CreatePackages;
use serde_json::{Value, json};

const TYPE_START: &str = "9499 Invalid parameter type in json: ";
const TYPE_MIDDLE: &str = ". Invalid parameter value: ";
const TYPE_END: &str = ". Please check and modify accordingly.";

fn progress() -> Value {
    json!({
        "background_check_id": "7000000000000000001",
        "stage_id": "stage-1",
        "stage_en_name": "degree",
        "stage_name": "学历核实",
        "stage_time": "1700000000000",
        "result": "无差异",
        "operator_role": 1,
        "report_file_list": [
            {"report_name": "a.pdf", "report_url": "https://vendor.example/a.pdf", "report_url_type": 1}
        ]
    })
}

fn result() -> Value {
    json!({
        "background_check_id": "7000000000000000001",
        "result": "绿灯",
        "result_time": "1700000000000",
        "operator_role": 2,
        "report_file_list": [
            {"report_name": "a.pdf", "report_url": "https://vendor.example/a.pdf", "report_url_type": 2},
            {"report_name": "b.pdf", "report_url": "http://vendor.example/b.pdf"}
        ]
    })
}

fn cancel() -> Value {
    json!({"background_check_id": "7000000000000000001"})
}

fn packages() -> Value {
    json!({
        "account_id": "7000000000000000002",
        "package_list": [{"id": "pkg-a", "name": "标准", "description": "d"}],
        "additional_item_list": [{"id": "item-a", "name": "学历"}]
    })
}

/// A call's decoder with the value thrown away.
type Decoder = fn(&[u8]) -> Result<(), Refused>;
/// A call's name, a good body, and its decoder.
type Call = (&'static str, fn() -> Value, Decoder);

const CALLS: [Call; 4] = [
    ("update_progress", progress, |body| UpdateProgress::decode(body).map(drop)),
    ("update_result", result, |body| UpdateResult::decode(body).map(drop)),
    ("cancel", cancel, |body| Cancel::decode(body).map(drop)),
    ("packages", packages, |body| CreatePackages::decode(body).map(drop)),
];

/// The answer as one line: `taken`, or code, text and violations.
fn outcome(decoder: Decoder, body: &[u8]) -> String {
    let Err(refused) = decoder(body) else {
        return "taken".to_owned();
    };
    let code = refused.code().number;
    let answer: Value =
        serde_json::from_slice(&refused.into_body("log-1").to_vec()).expect("an answer is json");
    assert_eq!(answer["code"], code);
    assert_eq!(answer["error"]["log_id"], "log-1");
    let mut line = format!("{code} {}", answer["msg"].as_str().expect("msg is a text"));
    for violation in answer["error"]["field_violations"].as_array().into_iter().flatten() {
        let part = |name: &str| violation[name].as_str().unwrap_or_default().to_owned();
        let value = match violation.get("value") {
            Some(value) => format!("={}", value.as_str().expect("value is a text")),
            None => String::new(),
        };
        line += &format!(" | {}{value}: {}", part("field"), part("description"));
    }
    line
}

/// Checks what becomes of a good body in which the member at `pointer` is `value`, or gone when `None`.
fn check(call: &str, pointer: &str, value: Option<Value>, expected: &str) {
    let (_, body, decoder) =
        CALLS.into_iter().find(|(name, ..)| *name == call).expect("the call is known");
    let mut body = body();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer starts with a slash");
    let parent =
        body.pointer_mut(parent).and_then(Value::as_object_mut).expect("the parent is an object");
    let shown = format!("{call} {pointer} = {value:?}");
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    assert_eq!(outcome(decoder, body.to_string().as_bytes()), expected, "{shown}");
}

fn violation(field: &str, description: &str) -> String {
    format!("99992402 field validation failed | {field}: {description}")
}

fn mistyped(field: &str, value: &str) -> String {
    format!("{TYPE_START}{field}{TYPE_MIDDLE}{value}{TYPE_END}")
}

#[test]
fn good_bodies_are_taken() {
    for (call, body, decoder) in CALLS {
        assert_eq!(outcome(decoder, body().to_string().as_bytes()), "taken", "{call}");
        let pretty = serde_json::to_string_pretty(&body()).unwrap();
        assert_eq!(outcome(decoder, pretty.as_bytes()), "taken", "{call}");
    }
}

#[test]
fn what_is_no_strict_json_object_is_a_bad_request() {
    let deep =
        |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    for (call, body, decoder) in CALLS {
        let good = body().to_string();
        let inner = &good[1..good.len() - 1];
        let cases: Vec<Vec<u8>> = vec![
            b" ".to_vec(),
            b"null".to_vec(),
            b"[]".to_vec(),
            b"\"text\"".to_vec(),
            b"7".to_vec(),
            b"{".to_vec(),
            b"background_check_id=7".to_vec(),
            format!("[{good}]").into_bytes(),
            format!("{good}{good}").into_bytes(),
            format!("{good},").into_bytes(),
            format!("\u{feff}{good}").into_bytes(),
            format!("{{{inner},\"background_check_id\":\"1\",\"background_check_id\":\"1\"}}")
                .into_bytes(),
            format!("{{{inner},\"x\":{{\"y\":1,\"y\":1}}}}").into_bytes(),
            [b"{\"x\":\"\xff\",".to_vec(), inner.as_bytes().to_vec(), b"}".to_vec()].concat(),
            good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            deep(32),
            deep(10_000),
            deep(100_000),
            "{\"x\":".repeat(100_000).into_bytes(),
        ];
        for case in cases {
            let shown = String::from_utf8_lossy(&case[..case.len().min(80)]).into_owned();
            assert_eq!(outcome(decoder, &case), "9499 Bad Request", "{call}: {shown}");
        }
        assert_eq!(
            outcome(decoder, format!("{{{inner},\"x\":[[[1]]]}}").as_bytes()),
            "taken",
            "{call}"
        );
    }
}

#[test]
fn a_body_cut_off_anywhere_is_a_bad_request() {
    for (call, body, decoder) in CALLS {
        let good = body().to_string();
        for end in 1..good.len() {
            assert_eq!(
                outcome(decoder, &good.as_bytes()[..end]),
                "9499 Bad Request",
                "{call} {end}"
            );
        }
    }
}

#[test]
fn only_cancel_takes_no_bytes_for_an_empty_object() {
    for (call, _, decoder) in CALLS {
        let expected = match call {
            "cancel" => violation("background_check_id", "background_check_id is required"),
            _ => "9499 Bad Request".to_owned(),
        };
        assert_eq!(outcome(decoder, b""), expected, "{call}");
    }
}

#[test]
fn an_empty_object_names_every_required_member_in_order() {
    let required = |names: &[&str]| {
        let named: Vec<String> =
            names.iter().map(|name| format!(" | {name}: {name} is required")).collect();
        format!("99992402 field validation failed{}", named.concat())
    };
    for ((_, _, decoder), names) in CALLS.into_iter().zip([
        &["background_check_id", "stage_id", "stage_name", "stage_time"][..],
        &["background_check_id", "result", "result_time"],
        &["background_check_id"],
        &["account_id", "package_list"],
    ]) {
        assert_eq!(outcome(decoder, b"{}"), required(names));
    }
}

#[test]
fn required_texts_must_be_there_and_not_empty() {
    for (call, pointer, field) in [
        ("update_progress", "/background_check_id", "background_check_id"),
        ("update_progress", "/stage_id", "stage_id"),
        ("update_progress", "/stage_name", "stage_name"),
        ("update_progress", "/stage_time", "stage_time"),
        ("update_progress", "/report_file_list/0/report_name", "report_file_list[0].report_name"),
        ("update_progress", "/report_file_list/0/report_url", "report_file_list[0].report_url"),
        ("update_result", "/background_check_id", "background_check_id"),
        ("update_result", "/result", "result"),
        ("update_result", "/result_time", "result_time"),
        ("update_result", "/report_file_list/1/report_name", "report_file_list[1].report_name"),
        ("update_result", "/report_file_list/1/report_url", "report_file_list[1].report_url"),
        ("cancel", "/background_check_id", "background_check_id"),
        ("packages", "/account_id", "account_id"),
        ("packages", "/package_list/0/id", "package_list[0].id"),
        ("packages", "/package_list/0/name", "package_list[0].name"),
        ("packages", "/additional_item_list/0/id", "additional_item_list[0].id"),
        ("packages", "/additional_item_list/0/name", "additional_item_list[0].name"),
    ] {
        let (_, name) = pointer.rsplit_once('/').unwrap();
        let missing = violation(field, &format!("{name} is required"));
        check(call, pointer, None, &missing);
        check(call, pointer, Some(json!(null)), &missing);
        check(call, pointer, Some(json!("")), &violation(field, "the min len is 1"));
        for (value, quoted) in [
            (json!(7), "7"),
            (json!(-1.5), "-1.5"),
            (json!(true), "true"),
            (json!([]), "array"),
            (json!({}), "object"),
        ] {
            check(call, pointer, Some(value), &mistyped(field, quoted));
        }
    }
}

#[test]
fn optional_members_may_be_missing_null_or_empty() {
    for (call, pointer, field) in [
        ("update_progress", "/stage_en_name", "stage_en_name"),
        ("update_progress", "/result", "result"),
        ("packages", "/package_list/0/description", "package_list[0].description"),
    ] {
        for value in [None, Some(json!(null)), Some(json!(""))] {
            check(call, pointer, value, "taken");
        }
        check(call, pointer, Some(json!(1)), &mistyped(field, "1"));
        check(call, pointer, Some(json!(["secret"])), &mistyped(field, "array"));
    }
    for (call, pointer) in [
        ("update_progress", "/operator_role"),
        ("update_progress", "/report_file_list/0/report_url_type"),
        ("update_result", "/operator_role"),
        ("update_result", "/report_file_list"),
        ("packages", "/additional_item_list"),
    ] {
        for value in [None, Some(json!(null))] {
            check(call, pointer, value, "taken");
        }
    }
    check("update_result", "/report_file_list", Some(json!([])), "taken");
    check("packages", "/additional_item_list", Some(json!([])), "taken");
}

#[test]
fn lengths_are_counted_in_characters() {
    for (call, pointer, field, chars_max, is_quoted) in [
        ("update_progress", "/background_check_id", "background_check_id", 64, true),
        ("update_progress", "/stage_id", "stage_id", 255, true),
        ("update_progress", "/stage_name", "stage_name", 2_000, false),
        ("update_progress", "/stage_en_name", "stage_en_name", 2_000, false),
        ("update_progress", "/result", "result", 2_000, false),
        ("update_result", "/result", "result", 2_000, false),
        (
            "update_result",
            "/report_file_list/0/report_name",
            "report_file_list[0].report_name",
            255,
            false,
        ),
        ("packages", "/account_id", "account_id", 64, true),
        ("packages", "/package_list/0/id", "package_list[0].id", 36, true),
        ("packages", "/package_list/0/name", "package_list[0].name", 100, false),
        ("packages", "/package_list/0/description", "package_list[0].description", 2_000, false),
        ("packages", "/additional_item_list/0/id", "additional_item_list[0].id", 36, true),
        ("packages", "/additional_item_list/0/name", "additional_item_list[0].name", 100, false),
    ] {
        for letter in ["a", "无", "😀"] {
            check(call, pointer, Some(json!(letter.repeat(chars_max))), "taken");
            let quoted = match is_quoted {
                true => format!("={}", letter.repeat((chars_max + 1).min(100))),
                false => String::new(),
            };
            let expected =
                violation(&format!("{field}{quoted}"), &format!("the max len is {chars_max}"));
            check(call, pointer, Some(json!(letter.repeat(chars_max + 1))), &expected);
        }
        let nul = violation(field, "expected a text without the character U+0000");
        check(call, pointer, Some(json!("a\0b")), &nul);
    }
    let url = |chars: usize| json!(format!("https://a/{}", "x".repeat(chars - 10)));
    let pointer = "/report_file_list/0/report_url";
    check("update_result", pointer, Some(url(2_048)), "taken");
    let too_long = violation("report_file_list[0].report_url", "the max len is 2048");
    check("update_result", pointer, Some(url(2_049)), &too_long);
}

#[test]
fn times_are_positive_decimal_texts() {
    for (call, name) in [("update_progress", "stage_time"), ("update_result", "result_time")] {
        let pointer = format!("/{name}");
        for good in ["1", "1700000000", "1700000000000", "9223372036854775807"] {
            check(call, &pointer, Some(json!(good)), "taken");
        }
        for bad in [
            "0",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "0x10",
            " 1",
            "1 ",
            "1,000",
            "abc",
            "2026-01-01",
            "１７",
            "9223372036854775808",
        ] {
            let expected = violation(
                &format!("{name}={bad}"),
                "expected milliseconds since the epoch as a positive decimal integer",
            );
            check(call, &pointer, Some(json!(bad)), &expected);
        }
        check(call, &pointer, Some(json!(1_700_000_000_000_u64)), &mistyped(name, "1700000000000"));
        check(call, &pointer, Some(json!(false)), &mistyped(name, "false"));
    }
}

#[test]
fn options_are_whole_numbers_out_of_the_list() {
    for (call, pointer, field) in [
        ("update_progress", "/operator_role", "operator_role"),
        ("update_result", "/operator_role", "operator_role"),
        (
            "update_result",
            "/report_file_list/1/report_url_type",
            "report_file_list[1].report_url_type",
        ),
    ] {
        let (_, name) = pointer.rsplit_once('/').unwrap();
        for good in [1, 2] {
            check(call, pointer, Some(json!(good)), "taken");
        }
        for bad in [json!(0), json!(3), json!(-1), json!(257), json!(u64::MAX), json!(i64::MIN)] {
            let expected = violation(
                &format!("{field}={bad}"),
                &format!("{name} is optional, options: [1,2]"),
            );
            check(call, pointer, Some(bad), &expected);
        }
        for (wrong, quoted) in [
            (json!(1.5), "1.5".to_owned()),
            (json!("1"), "1".to_owned()),
            (json!("无".repeat(41)), "无".repeat(40)),
            (json!(true), "true".to_owned()),
            (json!([1]), "array".to_owned()),
            (json!({}), "object".to_owned()),
        ] {
            check(call, pointer, Some(wrong), &mistyped(field, &quoted));
        }
    }
}

#[test]
fn lists_hold_objects_up_to_their_length() {
    let report = json!({"report_name": "a", "report_url": "https://vendor.example/a"});
    let list = "/report_file_list";
    for call in ["update_progress", "update_result"] {
        check(call, list, Some(json!(vec![report.clone(); 50])), "taken");
        let too_long = violation("report_file_list", "the max len is 50");
        check(call, list, Some(json!(vec![report.clone(); 51])), &too_long);
        check(call, list, Some(json!(vec![json!({}); 60_000])), &too_long);
        check(call, list, Some(json!({})), &mistyped("report_file_list", "object"));
        check(call, list, Some(json!("secret")), &mistyped("report_file_list", "string"));
        check(call, list, Some(json!(["secret"])), &mistyped("report_file_list[0]", "string"));
        check(call, list, Some(json!([report, null])), &mistyped("report_file_list[1]", "null"));
        check(call, list, Some(json!([report, []])), &mistyped("report_file_list[1]", "array"));
    }
    let entries = |count: usize| json!(vec![json!({"id": "a", "name": "b"}); count]);
    check("packages", "/package_list", Some(entries(500)), "taken");
    check(
        "packages",
        "/package_list",
        Some(entries(501)),
        &violation("package_list", "the max len is 500"),
    );
    check("packages", "/package_list", Some(json!("a")), &mistyped("package_list", "string"));
}

#[test]
fn an_interim_result_needs_a_report() {
    let list = "/report_file_list";
    let missing = violation("report_file_list", "report_file_list is required");
    check("update_progress", list, None, &missing);
    check("update_progress", list, Some(json!(null)), &missing);
    check(
        "update_progress",
        list,
        Some(json!([])),
        &violation("report_file_list", "the min len is 1"),
    );
    let mut body = progress();
    body.as_object_mut().unwrap().remove("result");
    body["report_file_list"] = json!([]);
    assert_eq!(outcome(CALLS[0].2, body.to_string().as_bytes()), "taken");
    body.as_object_mut().unwrap().remove("report_file_list");
    assert_eq!(outcome(CALLS[0].2, body.to_string().as_bytes()), "taken");
}

#[test]
fn packages_may_be_empty_only_beside_items() {
    check("packages", "/package_list", Some(json!([])), "taken");
    let missing = violation("package_list", "package_list is required");
    check("packages", "/package_list", None, &missing);
    check("packages", "/package_list", Some(json!(null)), &missing);
    for items in
        [json!({}), json!({"additional_item_list": []}), json!({"additional_item_list": null})]
    {
        let mut body = items;
        body["account_id"] = json!("1");
        body["package_list"] = json!([]);
        let expected = violation("package_list", "the min len is 1");
        assert_eq!(outcome(CALLS[3].2, body.to_string().as_bytes()), expected);
    }
}

#[test]
fn report_urls_are_checked_by_their_text() {
    for (url, expected) in [
        ("vendor.example/a.pdf", "expected an absolute http or https url"),
        ("ftp://vendor.example/a.pdf", "expected an absolute http or https url"),
        ("https://secret:secret@vendor.example/", "expected a url without user-info"),
        ("https:///a.pdf", "expected a url with a host"),
        ("https://vendor.example/a b", "expected a url without control characters and blanks"),
        ("https://vendor.example:99999/", "expected a url with a port from 1 to 65535 or none"),
    ] {
        for (call, index) in [("update_progress", 0), ("update_result", 1)] {
            let pointer = format!("/report_file_list/{index}/report_url");
            let expected = violation(&format!("report_file_list[{index}].report_url"), expected);
            check(call, &pointer, Some(json!(url)), &expected);
        }
    }
}

#[test]
fn all_faults_are_named_at_once_in_the_order_of_the_members() {
    let body = json!({
        "report_file_list": [{"report_url_type": 3, "report_url": "x", "report_name": ""}, {}],
        "operator_role": 9,
        "result_time": "soon",
        "result": "",
    });
    insta::assert_snapshot!(outcome(CALLS[1].2, body.to_string().as_bytes()).replace(" | ", "\n"), @r"
    99992402 field validation failed
    background_check_id: background_check_id is required
    result: the min len is 1
    result_time=soon: expected milliseconds since the epoch as a positive decimal integer
    operator_role=9: operator_role is optional, options: [1,2]
    report_file_list[0].report_name: the min len is 1
    report_file_list[0].report_url: expected an absolute http or https url
    report_file_list[0].report_url_type=3: report_url_type is optional, options: [1,2]
    report_file_list[1].report_name: report_name is required
    report_file_list[1].report_url: report_url is required
    ");
}

#[test]
fn a_wrong_type_outweighs_broken_rules_and_the_first_one_is_named() {
    let body = json!({"result_time": 7, "operator_role": "x", "result": ""});
    assert_eq!(outcome(CALLS[1].2, body.to_string().as_bytes()), mistyped("result_time", "7"));
}

#[test]
fn names_are_compared_exactly() {
    let body = json!({"Background_Check_Id": "1", "background_check_id ": "1"});
    let expected = violation("background_check_id", "background_check_id is required");
    assert_eq!(outcome(CALLS[2].2, body.to_string().as_bytes()), expected);
}
