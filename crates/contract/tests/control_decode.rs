//! Bodies and queries of the control API are read strictly, and all their faults are named.

use contract::control::{
    ApproveOrder, CreateTenant, ListOrders, PlaceOrder, Problem, PutRetention, RotateSecret,
    UpdateApp, decode, decode_query,
};
use serde::de::DeserializeOwned;

fn refusal<T: DeserializeOwned>(text: &str) -> Problem {
    *decode::<T>(text.as_bytes()).err().unwrap_or_else(|| panic!("expected a refusal of {text}"))
}

fn faults(problem: Problem) -> Vec<String> {
    assert_eq!(problem.code, "validation_failed", "{problem:?}");
    problem.errors.into_iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect()
}

#[test]
fn a_member_that_does_not_fit_is_named_and_its_value_is_not() {
    for (text, expected) in [
        ("{}", "name: is required"),
        (r#"{"name":null}"#, "name: expected a string"),
        (r#"{"name":"a","colour":1}"#, "colour: expected no member of this name"),
        (r#"{"name":"a","name":"b"}"#, "name: expected no member twice"),
        (r#"{"name":138}"#, "name: expected a string"),
        (r#"{"name":"a","retention_days":"1381"}"#, "retention_days: expected a whole number"),
        (r#"{"name":"a","retention_days":-1}"#, "retention_days: expected a whole number"),
        (r#"{"name":"a","retention_days":4294967296}"#, "retention_days: expected a whole number"),
        (r#"{"name":"a","report_approval":null}"#, "report_approval: expected a boolean"),
    ] {
        assert_eq!(faults(refusal::<CreateTenant>(text)), [expected], "{text}");
    }
    let kinds = "secret: expected one of app_secret, encrypt_key, verification_token";
    for text in [r#"{"secret":"x"}"#, r#"{"secret":7}"#] {
        assert_eq!(faults(refusal::<RotateSecret>(text)), [kinds]);
    }
    let text = r#"{"event_mode":"x"}"#;
    assert_eq!(
        faults(refusal::<UpdateApp>(text)),
        ["event_mode: expected webhook or long_connection"]
    );
}

#[test]
fn all_faults_are_named_at_once_by_their_paths() {
    let text = r#"{"account_id":"7","additional_item_id_list":"a","colour":{"a":1},
        "candidate_info":{"age":3,"mobile":{"number":13800000000,"number":"1"}},
        "client_contact_info":7,"custom_field_list":[{"key":"a"},[],{"key":1,"value":"z","x":0}]}"#;
    let expected = [
        "additional_item_id_list: expected a list",
        "colour: expected no member of this name",
        "candidate_info.age: expected no member of this name",
        "candidate_info.mobile.number: expected a string",
        "candidate_info.mobile.number: expected no member twice",
        "candidate_info.mobile.code: is required",
        "candidate_info.name: is required",
        "client_contact_info: expected an object",
        "custom_field_list[0].value: is required",
        "custom_field_list[1]: expected an object",
        "custom_field_list[2].key: expected a string",
        "custom_field_list[2].x: expected no member of this name",
        "package_id: is required",
    ];
    assert_eq!(faults(refusal::<PlaceOrder>(text)), expected);
    let expected = ["account_id", "package_id", "candidate_info"];
    assert_eq!(
        faults(refusal::<PlaceOrder>("{}")),
        expected.map(|name| format!("{name}: is required"))
    );
}

#[test]
fn a_hostile_body_has_a_bounded_answer() {
    let many = |entry: &str| format!(r#"{{"packages":[{}]}}"#, vec![entry; 10_000].join(","));
    assert_eq!(refusal::<PutRetention>(&many("7")).errors.len(), 100);
    assert_eq!(refusal::<PutRetention>(&many("{}")).errors.len(), 21);
}

#[test]
fn a_query_is_read_by_the_same_rules() {
    let read = |parameters: &[(&str, &str)]| {
        let parameters = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        decode_query::<ListOrders>(parameters)
    };
    let list = read(&[("limit", "7"), ("state", "in_review"), ("cursor", "8")]).unwrap();
    assert_eq!((list.limit, list.cursor.as_deref()), (Some(7), Some("8")));
    assert!(list.state.is_some() && read(&[]).unwrap() == ListOrders::default());
    let wrong =
        read(&[("limit", "x"), ("colour", "1"), ("cursor", "a"), ("cursor", "b"), ("state", "")]);
    let states = "arranged, in_review, review_withdrawn, rejected, completed, terminated";
    let expected = [
        "limit: expected a whole number",
        "colour: expected no member of this name",
        "cursor: expected no member twice",
        &format!("state: expected one of {states}"),
    ];
    assert_eq!(faults(*wrong.unwrap_err()), expected);
}

#[test]
fn a_text_that_was_cut_in_an_emoji_is_read() {
    let body: ApproveOrder = decode(br#"{"comment":"ok \ud83d"}"#).unwrap();
    assert_eq!(body.comment.as_deref(), Some("ok \u{fffd}"));
}

#[test]
fn what_is_no_json_is_malformed() {
    for text in ["{", "{}x", "\u{feff}{}", "{\"comment\":\"\\ud8\"}", "nul", "7", "[]"] {
        let problem = refusal::<ApproveOrder>(text);
        assert_eq!((problem.code.as_str(), problem.errors.len()), ("malformed", 0), "{text}");
    }
    let deep = format!("{{\"comment\":{}", "[".repeat(10_000));
    assert_eq!(refusal::<ApproveOrder>(&deep).status, 400);
}

#[test]
fn a_kind_that_no_body_has_is_refused() {
    #[derive(Debug, serde::Deserialize)]
    struct Signed {
        #[expect(dead_code, reason = "it is never read")]
        number: i64,
    }
    assert_eq!(decode::<Signed>(br#"{"number":-1}"#).unwrap_err().errors[0].field, "number");
}
