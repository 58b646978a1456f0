//! When two bodies are the same command: the canonical form of the parsed values decides, not the bytes.

use contract::check::{Cancel, UpdateProgress, UpdateResult};
use serde_json::{Value, json};

fn progress(body: &str) -> Vec<u8> {
    let mut out = Vec::new();
    UpdateProgress::decode(body.as_bytes()).expect("a good body").canonical(&mut out);
    out
}

fn result(body: &str) -> Vec<u8> {
    let mut out = Vec::new();
    UpdateResult::decode(body.as_bytes()).expect("a good body").canonical(&mut out);
    out
}

fn cancel(body: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Cancel::decode(body.as_bytes()).expect("a good body").canonical(&mut out);
    out
}

fn with(mut body: Value, changes: Value) -> String {
    if let (Value::Object(body), Value::Object(changes)) = (&mut body, changes) {
        body.extend(changes);
    }
    body.to_string()
}

fn result_body() -> Value {
    json!({
        "background_check_id": "1",
        "result": "绿灯",
        "result_time": "1700000000000",
        "report_file_list": [{"report_name": "a", "report_url": "https://a.example/"}]
    })
}

fn progress_body() -> Value {
    json!({"background_check_id": "1", "stage_id": "s", "stage_name": "n", "stage_time": "5"})
}

#[test]
fn spelling_defaults_and_unknown_members_make_no_difference() {
    let base = result(&result_body().to_string());
    let report =
        json!([{"report_url_type": 1, "report_url": "https://a.example/", "report_name": "a"}]);
    for same in [
        serde_json::to_string_pretty(&result_body()).unwrap(),
        with(result_body(), json!({"operator_role": 1})),
        with(result_body(), json!({"operator_role": null, "unknown": [1, {"x": 2}]})),
        with(result_body(), json!({"report_file_list": report})),
        result_body().to_string().replace("绿灯", "\\u7eff\\u706f"),
    ] {
        assert_eq!(result(&same), base, "{same}");
    }
    let base = progress(&progress_body().to_string());
    for same in [json!({"result": null}), json!({"stage_en_name": "", "report_file_list": []})] {
        assert_eq!(progress(&with(progress_body(), same)), base);
    }
    assert_eq!(
        cancel(r#"{"background_check_id":"1"}"#),
        cancel(r#"{"x":1, "background_check_id":"\u0031"}"#)
    );
}

#[test]
fn every_value_makes_a_difference() {
    let report = |name: &str, url: &str| json!({"report_name": name, "report_url": url});
    let url = "https://a.example/";
    let mut seen = vec![result(&result_body().to_string())];
    for other in [
        json!({"background_check_id": "2"}),
        json!({"result": "红灯"}),
        json!({"result": "绿灯 "}),
        json!({"result_time": "1700000000001"}),
        json!({"operator_role": 2}),
        json!({"report_file_list": []}),
        json!({"report_file_list": [report("b", url)]}),
        json!({"report_file_list": [report("a", "https://a.example/b")]}),
        json!({"report_file_list": [report("a", url), report("a", url)]}),
        json!({"report_file_list": [{"report_name": "a", "report_url": url, "report_url_type": 2}]}),
    ] {
        seen.push(result(&with(result_body(), other)));
    }
    seen.push(progress(&progress_body().to_string()));
    for other in [
        json!({"background_check_id": "2"}),
        json!({"stage_id": "t"}),
        json!({"stage_id": "sn", "stage_name": "n"}),
        json!({"stage_id": "s", "stage_name": "nn"}),
        json!({"stage_en_name": "n"}),
        json!({"stage_time": "6"}),
        json!({"result": "r", "report_file_list": [report("a", url)]}),
        json!({"report_file_list": [report("a", url)]}),
        json!({"operator_role": 2}),
    ] {
        seen.push(progress(&with(progress_body(), other)));
    }
    seen.push(cancel(r#"{"background_check_id":"1"}"#));
    seen.push(cancel(r#"{"background_check_id":"2"}"#));
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[test]
fn a_body_sent_by_us_is_read_back_as_the_same_command() {
    let full = json!({
        "background_check_id": "1", "stage_id": "s", "stage_en_name": "e", "stage_name": "n", "stage_time": "5",
        "result": "r", "operator_role": 2,
        "report_file_list": [{"report_name": "a", "report_url": "https://a.example/", "report_url_type": 2}]
    });
    for body in [full, progress_body()] {
        let sent = UpdateProgress::decode(body.to_string().as_bytes()).unwrap();
        assert!(UpdateProgress::decode(&serde_json::to_vec(&sent).unwrap()).unwrap() == sent);
    }
    let sent = UpdateResult::decode(result_body().to_string().as_bytes()).unwrap();
    assert!(UpdateResult::decode(&serde_json::to_vec(&sent).unwrap()).unwrap() == sent);
    let sent = Cancel { background_check_id: "1".to_owned() };
    assert_eq!(serde_json::to_string(&sent).unwrap(), r#"{"background_check_id":"1"}"#);
}

#[test]
fn printed_commands_show_nothing_personal() {
    let body = with(
        result_body(),
        json!({"result": "hidden", "report_file_list": [{"report_name": "hidden", "report_url": "https://hidden/"}]}),
    );
    let result = UpdateResult::decode(body.as_bytes()).unwrap();
    let report = &result.report_file_list[0];
    assert!(!format!("{result:?} {report:?}").contains("hidden"));
    let body = with(progress_body(), json!({"stage_name": "hidden", "stage_en_name": "hidden"}));
    assert!(!format!("{:?}", UpdateProgress::decode(body.as_bytes()).unwrap()).contains("hidden"));
}
