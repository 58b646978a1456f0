//! The token calls of self-built apps. Only `app_id` and `app_secret` are read; refusals have HTTP 200; answers are
//! flat: the token is beside `code` and `msg`. Source: contract, sections 1.1, 1.2, 1.5 and 1.6.

use crate::code::{self, Code};
use crate::envelope::to_json;
use crate::json::{self, Node};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Longest life of a token, in seconds.
pub const TOKEN_LIFE_MAX_S: u32 = 7_200;
/// A token with less life left than this, in seconds, is renewed; with as much or more it is given again.
pub const TOKEN_RENEWAL_S: u32 = 1_800;

/// Body of both token calls, and of `app_ticket/resend`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TokenRequest {
    /// `cli_` and 16 hexadecimal digits.
    pub app_id: String,
    /// The app's secret; never empty.
    pub app_secret: String,
}

crate::debug_only! { TokenRequest { app_id } }

impl TokenRequest {
    /// Decodes the body; [`code::TOKEN_INVALID_PARAM`] (10003) when it is no JSON object or a member does not fit.
    pub fn decode(body: &[u8]) -> Result<Self, &'static Code> {
        let [app_id, app_secret] = texts(body, ["app_id", "app_secret"])?;
        match is_app_id(&app_id) {
            true => Ok(Self { app_id, app_secret }),
            false => Err(&code::TOKEN_INVALID_PARAM),
        }
    }
}

/// The texts of these names, none of them empty; other members are ignored. Errors as [`TokenRequest::decode`].
pub(crate) fn texts<const N: usize>(
    body: &[u8],
    names: [&str; N],
) -> Result<[String; N], &'static Code> {
    let Ok(Node::Object(members)) = json::parse(body) else {
        return Err(&code::TOKEN_INVALID_PARAM);
    };
    let mut found = [const { String::new() }; N];
    for (name, node) in members {
        if let (Some(index), Node::Text(text)) = (names.iter().position(|it| *it == name), node) {
            found[index] = text;
        }
    }
    match found.iter().any(String::is_empty) {
        true => Err(&code::TOKEN_INVALID_PARAM),
        false => Ok(found),
    }
}

/// Whether a text has the shape of an app's id: `cli_` and 16 hexadecimal digits.
pub fn is_app_id(text: &str) -> bool {
    text.strip_prefix("cli_").is_some_and(|digits| {
        digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Answer of `tenant_access_token/internal`, and of `tenant_access_token` of store apps.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantTokenAnswer {
    /// Always 0.
    pub code: u32,
    /// `ok`, or for a store app `success`.
    pub msg: Cow<'static, str>,
    /// The token, `t-…`.
    pub tenant_access_token: String,
    /// Seconds that it has left, 1 to 7,200.
    pub expire: u32,
}

impl TenantTokenAnswer {
    /// The answer with a token that lives `expire` more seconds.
    pub fn new(tenant_access_token: String, expire: u32) -> Self {
        Self { code: 0, msg: Cow::Borrowed("ok"), tenant_access_token, expire }
    }

    /// The same for a store app.
    pub fn of_store_app(tenant_access_token: String, expire: u32) -> Self {
        Self { code: 0, msg: Cow::Borrowed("success"), tenant_access_token, expire }
    }

    /// The answer as compact JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        to_json(self)
    }
}

crate::debug_only! { TenantTokenAnswer { expire } }

/// Answer of `app_access_token/internal`: the same token under both names.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTokenAnswer {
    /// Always 0.
    pub code: u32,
    /// Always `ok`.
    pub msg: Cow<'static, str>,
    /// The token, `t-…`.
    pub app_access_token: String,
    /// The same token.
    pub tenant_access_token: String,
    /// Seconds that it has left, 1 to 7,200.
    pub expire: u32,
}

impl AppTokenAnswer {
    /// The answer with a token that lives `expire` more seconds.
    pub fn new(token: String, expire: u32) -> Self {
        Self {
            code: 0,
            msg: Cow::Borrowed("ok"),
            app_access_token: token.clone(),
            tenant_access_token: token,
            expire,
        }
    }

    /// The answer as compact JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        to_json(self)
    }
}

crate::debug_only! { AppTokenAnswer { expire } }

/// Body of a refused token call, sent with HTTP 200: code and text, with an empty `data` only for 10003.
pub fn refusal(code: &Code) -> Vec<u8> {
    #[derive(Serialize)]
    struct Nothing {}

    #[derive(Serialize)]
    struct Body {
        code: u32,
        msg: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<Nothing>,
    }

    let data = (code.number == code::TOKEN_INVALID_PARAM.number).then_some(Nothing {});
    to_json(&Body { code: code.number, msg: code.msg, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "cli_0123456789abcdef";

    #[test]
    fn only_the_two_members_count() {
        for body in [
            format!(r#"{{"app_id":"{ID}","app_secret":"s"}}"#),
            format!(r#" {{"app_secret": "s", "app_id": "{ID}"}} "#),
            format!(
                r#"{{"app_id":"{ID}","app_secret":"s","app_ticket":null,"app_access_token":7,"tenant_key":{{"a":[1]}}}}"#
            ),
        ] {
            let request = TokenRequest::decode(body.as_bytes()).unwrap();
            assert_eq!((request.app_id.as_str(), request.app_secret.as_str()), (ID, "s"));
        }
    }

    #[test]
    fn malformed_requests_are_invalid_params() {
        for body in [
            "",
            "x",
            "[]",
            "null",
            "{}",
            "app_id=cli_0123456789abcdef&app_secret=s",
            r#"{"app_id":"cli_0123456789abcdef"}"#,
            r#"{"app_secret":"s"}"#,
            r#"{"app_id":"cli_0123456789abcdef","app_secret":""}"#,
            r#"{"app_id":"cli_0123456789abcdef","app_secret":null}"#,
            r#"{"app_id":"cli_0123456789abcdef","app_secret":1}"#,
            r#"{"app_id":["cli_0123456789abcdef"],"app_secret":"s"}"#,
            r#"{"app_id":"","app_secret":"s"}"#,
            r#"{"app_id":"cli_","app_secret":"s"}"#,
            r#"{"app_id":"cli_0123456789abcde","app_secret":"s"}"#,
            r#"{"app_id":"cli_0123456789abcdef0","app_secret":"s"}"#,
            r#"{"app_id":"cli_0123456789abcdeg","app_secret":"s"}"#,
            r#"{"app_id":"CLI_0123456789abcdef","app_secret":"s"}"#,
            r#"{"app_id":" cli_0123456789abcdef","app_secret":"s"}"#,
            r#"{"app_id":"cli_0123456789abcdef","app_secret":"s","app_secret":"s"}"#,
            "\u{feff}{\"app_id\":\"cli_0123456789abcdef\",\"app_secret\":\"s\"}",
        ] {
            assert_eq!(
                TokenRequest::decode(body.as_bytes()),
                Err(&code::TOKEN_INVALID_PARAM),
                "{body}"
            );
        }
    }

    #[test]
    fn answers_are_flat() {
        let token = "t-g10400000000000000000000000000000000";
        let answer = TenantTokenAnswer::new(token.to_owned(), 7200).to_vec();
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            r#"{"code":0,"msg":"ok","tenant_access_token":"t-g10400000000000000000000000000000000","expire":7200}"#
        );
        let answer = AppTokenAnswer::new("t-1".to_owned(), 4567).to_vec();
        assert_eq!(
            String::from_utf8(answer).unwrap(),
            r#"{"code":0,"msg":"ok","app_access_token":"t-1","tenant_access_token":"t-1","expire":4567}"#
        );
    }

    #[test]
    fn refusals_are_code_and_text() {
        assert_eq!(
            refusal(&code::APP_SECRET_INVALID),
            br#"{"code":10014,"msg":"app secret invalid"}"#
        );
        assert_eq!(
            refusal(&code::TOKEN_INVALID_PARAM),
            br#"{"code":10003,"msg":"invalid param","data":{}}"#
        );
    }

    #[test]
    fn secrets_and_tokens_do_not_print() {
        let body = format!(r#"{{"app_id":"{ID}","app_secret":"hidden"}}"#);
        let request = TokenRequest::decode(body.as_bytes()).unwrap();
        let tenant = TenantTokenAnswer::new("t-hidden".to_owned(), 1);
        let app = AppTokenAnswer::new("t-hidden".to_owned(), 1);
        assert!(!format!("{request:?} {tenant:?} {app:?}").contains("hidden"));
    }
}
