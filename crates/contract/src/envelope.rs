//! The envelope of every answer of the open API. All leaves of the `error` object are JSON strings, because the Go and
//! Java SDKs decode them so; what is absent is left out, never null. Source: contract, section 2.2, samples in 9.3.

use crate::code::{self, Code};
use crate::scope::Scope;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The body of every call that only writes.
pub const SUCCESS: &[u8] = br#"{"code":0,"msg":"success","data":{}}"#;

/// The same for the calls on account custom fields.
pub const SUCCESS_OK: &[u8] = br#"{"code":0,"msg":"ok","data":{}}"#;
/// The same for the deletion of packages.
pub const SUCCESS_CAPITAL: &[u8] = br#"{"code":0,"msg":"SUCCESS","data":{}}"#;

/// The success envelope around the `data` of a call that answers something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Success<T> {
    /// Always 0.
    pub code: u32,
    /// `success`; some calls use another word (contract, section 2.2).
    pub msg: Cow<'static, str>,
    /// What the call answers.
    pub data: T,
}

impl<T> Success<T> {
    /// Wraps `data` with code 0 and `success`.
    pub fn new(data: T) -> Self {
        Self { code: 0, msg: Cow::Borrowed("success"), data }
    }
}

/// The body of every refused or failed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Number of the row of the errors table; never 0.
    pub code: u32,
    /// Text of the row, or one made for the case.
    pub msg: Cow<'static, str>,
    /// Details; absent where the answer is only code and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}

/// The `error` object of an error body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorDetail {
    /// A hint for the reader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Same value as the `X-Tt-Logid` header.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub log_id: String,
    /// How to trace the answer, in both languages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub troubleshooter: Option<String>,
    /// Missing rights.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permission_violations: Vec<PermissionViolation>,
    /// Members that break their rules, in the order of the body's members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub field_violations: Vec<FieldViolation>,
    /// Where help is found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub helps: Vec<Help>,
    /// Further pairs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Detail>,
}

/// One member of a body that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldViolation {
    /// Path of the member, as in `report_file_list[0].report_url`.
    pub field: String,
    /// What came, at most 100 characters; absent for free text, which may be personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What was expected, as in `result_time is required`.
    pub description: String,
}

/// One missing right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionViolation {
    /// `action_scope_required`, `field_scope_required` or `action_privilege_required`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Name of the scope.
    pub subject: Cow<'static, str>,
    /// Further words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A place that helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Help {
    /// Absolute address.
    pub url: String,
    /// What is found there.
    pub description: String,
}

/// A further pair of an error body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Name.
    pub key: String,
    /// Value.
    pub value: String,
}

impl ErrorBody {
    /// The body for a row of the errors table; for the rate limit only code and text (contract, 2.4).
    pub fn new(code: &Code, log_id: &str) -> Self {
        let msg = Cow::Borrowed(code.msg);
        if code.number == code::RATE_LIMITED.number {
            return Self { code: code.number, msg, error: None };
        }
        let troubleshooter = format!(
            "排查请提供 log_id 与 code (to trace this answer, quote both): log_id={log_id}, code={}",
            code.number
        );
        let error = ErrorDetail {
            log_id: log_id.to_owned(),
            troubleshooter: Some(troubleshooter),
            ..ErrorDetail::default()
        };
        Self { code: code.number, msg, error: Some(error) }
    }

    /// The body for a caller that has none of `scopes`: 99991672, linking to [`scope_page_path`] there.
    pub fn scope_missing(
        app_id: &str,
        scopes: &[Scope],
        public_url: Option<&str>,
        log_id: &str,
    ) -> Self {
        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let list = names.join(", ");
        let base = public_url.filter(|base| base.contains("://"));
        let base = base.map(|base| base.trim_end_matches('/'));
        let url = base.map(|base| format!("{base}{}", scope_page_path(app_id, scopes)));
        let link = url.as_ref().map(|url| format!("，请在此申请并开通：{url}")).unwrap_or_default();
        let msg = format!(
            "Access denied. One of the following scopes is required: [{list}].\
             应用缺少以下任一权限：[{list}]{link}"
        );
        let mut body = Self::new(&code::SCOPE_MISSING, log_id).with_msg(msg);
        if let Some(error) = &mut body.error {
            let message =
                format!("grant one of the scopes [{list}] to app {app_id}, then call again");
            error.message = Some(message);
            error.permission_violations = scopes
                .iter()
                .map(|scope| PermissionViolation {
                    kind: Cow::Borrowed("action_scope_required"),
                    subject: Cow::Borrowed(scope.as_str()),
                    description: None,
                })
                .collect();
            let description = "申请权限 (how the scope is granted)";
            error.helps = url
                .map(|url| Help { url, description: description.to_owned() })
                .into_iter()
                .collect();
        }
        body
    }

    /// Replaces the row's text.
    #[must_use]
    pub fn with_msg(mut self, msg: String) -> Self {
        self.msg = Cow::Owned(msg);
        self
    }

    /// Names the members that break their rules; they stand in for the hint how to trace the answer.
    #[must_use]
    pub fn with_field_violations(mut self, violations: Vec<FieldViolation>) -> Self {
        let error = self.error.get_or_insert_default();
        error.field_violations = violations;
        error.troubleshooter = None;
        self
    }

    /// The body as compact JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// Path and query of the page that says how `scopes` are granted. Source: contract, section 2.2.
pub fn scope_page_path(app_id: &str, scopes: &[Scope]) -> String {
    let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    format!("/app/{app_id}/auth?q={}&op_from=openapi&token_type=tenant", names.join(","))
}

/// Compact JSON of a value made of texts, whole numbers, lists and structs.
pub fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts, whole numbers, lists and structs always serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG_ID: &str = "2026010112000000112233445566778899";

    fn check(body: &ErrorBody, expected: &str) {
        assert_eq!(String::from_utf8(body.to_vec()).unwrap(), expected);
    }

    #[test]
    fn success_reads_as_documented() {
        #[derive(Serialize)]
        struct Nothing {}
        assert_eq!(to_json(&Success::new(Nothing {})), SUCCESS);
    }

    #[test]
    fn business_error_reads_as_documented() {
        let mut body = ErrorBody::new(&code::ORDER_NOT_EXIST, LOG_ID);
        let error = body.error.as_mut().unwrap();
        assert!(error.troubleshooter.as_ref().unwrap().contains(LOG_ID));
        assert!(error.troubleshooter.as_ref().unwrap().contains("1002862"));
        error.troubleshooter = Some("…".to_owned());
        check(
            &body,
            r#"{"code":1002862,"msg":"background check order not exist","error":{"log_id":"2026010112000000112233445566778899","troubleshooter":"…"}}"#,
        );
    }

    #[test]
    fn field_validation_reads_as_documented() {
        let violation = FieldViolation {
            field: "result_time".to_owned(),
            value: None,
            description: "result_time is required".to_owned(),
        };
        let body = ErrorBody::new(&code::FIELD_VALIDATION_FAILED, "…")
            .with_field_violations(vec![violation]);
        check(
            &body,
            r#"{"code":99992402,"msg":"field validation failed","error":{"log_id":"…","field_violations":[{"field":"result_time","description":"result_time is required"}]}}"#,
        );
    }

    fn scope_missing(scopes: &[Scope], public_url: Option<&str>) -> ErrorBody {
        ErrorBody::scope_missing("cli_0000000000000001", scopes, public_url, "…")
    }

    #[test]
    fn missing_scope_reads_as_documented() {
        let public_url = Some("https://hub.example/");
        let mut body = scope_missing(&[Scope::BackgroundCheckOrder], public_url);
        let start = "Access denied. One of the following scopes is required: [hire:background_check_order].";
        let url = "https://hub.example/app/cli_0000000000000001/auth?q=hire:background_check_order\
                   &op_from=openapi&token_type=tenant";
        assert!(body.msg.starts_with(start) && body.msg.ends_with(url), "{}", body.msg);
        body = body.with_msg(format!("{start}…"));
        let error = body.error.as_mut().unwrap();
        assert!(error.message.as_ref().unwrap().contains("hire:background_check_order"));
        assert_eq!(error.helps[0].url, url);
        error.message = Some("…".to_owned());
        error.troubleshooter = Some("…".to_owned());
        for help in &mut error.helps {
            help.url = "…".to_owned();
            help.description = "…".to_owned();
        }
        check(
            &body,
            r#"{"code":99991672,"msg":"Access denied. One of the following scopes is required: [hire:background_check_order].…","error":{"message":"…","log_id":"…","troubleshooter":"…","permission_violations":[{"type":"action_scope_required","subject":"hire:background_check_order"}],"helps":[{"url":"…","description":"…"}]}}"#,
        );
    }

    #[test]
    fn missing_scopes_are_all_named() {
        let body = scope_missing(&[Scope::BackgroundCheckOrder, Scope::Exam], None);
        assert!(body.msg.contains("required: [hire:background_check_order, hire:exam]."));
        let error = body.error.unwrap();
        assert!(error.message.unwrap().contains("[hire:background_check_order, hire:exam]"));
        assert_eq!(error.permission_violations.len(), 2);
    }

    #[test]
    fn without_a_public_url_nothing_is_linked() {
        let body = scope_missing(&[Scope::Exam], None);
        assert!(!String::from_utf8(body.to_vec()).unwrap().contains("/app/"));
        assert_eq!(body.error.unwrap().helps, []);
    }

    #[test]
    fn rate_limit_is_only_code_and_text() {
        check(
            &ErrorBody::new(&code::RATE_LIMITED, LOG_ID),
            r#"{"code":99991400,"msg":"request trigger frequency limit"}"#,
        );
    }

    #[test]
    fn every_error_body_is_read_back() {
        for code in code::ALL {
            let body = ErrorBody::new(code, LOG_ID);
            assert_eq!(serde_json::from_slice::<ErrorBody>(&body.to_vec()).unwrap(), body);
        }
    }
}
