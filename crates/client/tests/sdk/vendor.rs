//! The vendor's half against canned answers: tokens, envelopes, refusals.

use contract::package::{CreatePackages, PackageEntry};

use crate::harness::{Canned, Server, json};
use client::TransportError;
use client::vendor::{Error, Vendor};
use contract::check::{OperatorRole, ReportFile, ReportUrlType, UpdateResult};

const OK: &str = r#"{"code":0,"msg":"success","data":{}}"#;
const TOKEN_CALL: &str = "POST /open-apis/auth/v3/tenant_access_token/internal";
const RESULT_CALL: &str = "POST /open-apis/hire/v1/eco_background_checks/update_result";
const CANCEL_CALL: &str = "POST /open-apis/hire/v1/eco_background_checks/cancel";

fn token(value: &str, expire: u32) -> Canned {
    let body =
        format!(r#"{{"code":0,"msg":"ok","tenant_access_token":"{value}","expire":{expire}}}"#);
    json(200, &body)
}

fn vendor(server: &Server) -> Vendor {
    Vendor::new(&server.url, "cli_0000000000000001", "the secret").unwrap()
}

fn result() -> UpdateResult {
    UpdateResult {
        background_check_id: "7000000000000000001".into(),
        result: "绿灯".into(),
        result_time: 1_795_000_000_000,
        operator_role: OperatorRole::Provider,
        report_file_list: vec![ReportFile {
            name: "终版报告".into(),
            url: "https://vendor.example/r.pdf".into(),
            url_type: ReportUrlType::Download,
        }],
    }
}

#[tokio::test]
async fn one_token_serves_many_calls_and_clones() {
    let server = Server::start([token("t-1", 7200), json(200, OK), json(200, OK)]).await;
    let vendor = vendor(&server);
    vendor.update_result(&result()).await.unwrap();
    vendor.clone().cancel("7000000000000000001").await.unwrap();

    assert_eq!(server.lines(), [TOKEN_CALL, RESULT_CALL, CANCEL_CALL]);
    let asked = server.asked();
    assert_eq!(asked[0].body, r#"{"app_id":"cli_0000000000000001","app_secret":"the secret"}"#);
    assert_eq!(asked[0].header("authorization"), "");
    assert_eq!(asked[1].header("authorization"), "Bearer t-1");
    assert_eq!(asked[1].header("content-type"), "application/json; charset=utf-8");
    let body: serde_json::Value = serde_json::from_slice(&asked[1].body).unwrap();
    let expected = serde_json::json!({
        "background_check_id": "7000000000000000001",
        "result": "绿灯",
        "result_time": "1795000000000",
        "operator_role": 1,
        "report_file_list": [{
            "report_name": "终版报告",
            "report_url": "https://vendor.example/r.pdf",
            "report_url_type": 1,
        }],
    });
    assert_eq!(body, expected);
    assert_eq!(UpdateResult::decode(&asked[1].body).ok(), Some(result()));
}

#[tokio::test]
async fn many_first_calls_at_once_fetch_one_token() {
    let answers = (0..9).map(|index| if index == 0 { token("t-1", 7200) } else { json(200, OK) });
    let server = Server::start(answers).await;
    let vendor = vendor(&server);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let vendor = vendor.clone();
            tokio::spawn(async move { vendor.cancel("7").await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(server.lines().iter().filter(|line| *line == TOKEN_CALL).count(), 1);
}

#[tokio::test]
async fn a_token_with_less_than_three_minutes_is_fetched_again() {
    let answers = [token("t-1", 179), json(200, OK), token("t-2", 7200), json(200, OK)];
    let server = Server::start(answers).await;
    let vendor = vendor(&server);
    vendor.cancel("7").await.unwrap();
    vendor.cancel("7").await.unwrap();
    assert_eq!(server.lines(), [TOKEN_CALL, CANCEL_CALL, TOKEN_CALL, CANCEL_CALL]);
    assert_eq!(server.asked()[3].header("authorization"), "Bearer t-2");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let refused = || json(400, r#"{"code":99991663,"msg":"Invalid access token"}"#);
    let answers = [token("t-1", 7200), refused(), token("t-2", 7200), json(200, OK)];
    let server = Server::start(answers).await;
    vendor(&server).cancel("7").await.unwrap();
    assert_eq!(server.lines(), [TOKEN_CALL, CANCEL_CALL, TOKEN_CALL, CANCEL_CALL]);

    let answers = [token("t-1", 7200), refused(), token("t-1", 7200), refused()];
    let server = Server::start(answers).await;
    let error = vendor(&server).cancel("7").await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, 99_991_663);
    assert_eq!(server.lines().len(), 4);
}

#[tokio::test]
async fn refusals_carry_code_log_id_and_violations() {
    let body = r#"{"code":99992402,"msg":"field validation failed","error":{"log_id":"L1",
        "field_violations":[{"field":"result_time","description":"result_time is required"}]}}"#;
    let limited = Canned(
        429,
        "application/json; charset=utf-8",
        Some(("x-ogw-ratelimit-reset", "3")),
        r#"{"code":99991400,"msg":"request trigger frequency limit"}"#.into(),
    );
    let server = Server::start([token("t-1", 7200), json(400, body), limited]).await;
    let vendor = vendor(&server);
    let error = vendor.update_result(&result()).await.unwrap_err();
    let expected =
        "99992402 field validation failed; result_time: result_time is required (log id L1)";
    assert_eq!(error.to_string(), expected);
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.http_status, refusal.log_id.as_deref()), (400, Some("L1")));
    assert_eq!(refusal.field_violations[0].field, "result_time");
    let error = vendor.update_result(&result()).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().retry_after_seconds, Some(3));
}

#[tokio::test]
async fn a_refused_secret_is_a_refusal_although_the_status_is_200() {
    let server = Server::start([json(200, r#"{"code":10014,"msg":"app secret invalid"}"#)]).await;
    let vendor = vendor(&server);
    let error = vendor.cancel("7").await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, 10_014);
    assert!(!format!("{vendor:?} {error:?} {error}").contains("the secret"));
    assert_eq!(server.lines(), [TOKEN_CALL]);
}

#[tokio::test]
async fn an_unknown_path_is_unreadable_not_a_panic() {
    let gone = Canned(404, "text/plain", None, "404 page not found".into());
    let server = Server::start([token("t-1", 7200), gone]).await;
    let packages = CreatePackages {
        account_id: "7".into(),
        package_list: vec![PackageEntry { id: "p".into(), name: "P".into(), description: None }],
        additional_item_list: Vec::new(),
    };
    let error = vendor(&server).create_packages(&packages).await.unwrap_err();
    assert!(
        matches!(error, Error::Transport(TransportError::Unreadable { status: 404, .. })),
        "{error:?}"
    );
    let body = &server.asked()[1].body;
    assert_eq!(body, r#"{"account_id":"7","package_list":[{"id":"p","name":"P"}]}"#);
}
