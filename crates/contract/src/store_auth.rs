//! The token calls of store apps: ticket, app token, tenant tokens. Source: contract, 1.1 to 1.6.

use crate::auth::{is_app_id, texts};
use crate::code::{self, Code};
use crate::envelope::to_json;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// How long a ticket buys app tokens, in milliseconds: 12 h. Older ones stay good beside newer ones.
pub const TICKET_LIFE_MS: i64 = 12 * 3_600_000;
/// How often a ticket is pushed, in milliseconds: every hour.
pub const TICKET_EVERY_MS: i64 = 3_600_000;

/// The answer of `app_ticket/resend`: a ticket is on its way.
pub const TICKET_SENT: &[u8] = br#"{"code":0,"msg":"success"}"#;

/// Body of `app_access_token`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct AppTokenRequest {
    /// `cli_` and 16 hexadecimal digits.
    pub app_id: String,
    /// The app's secret; never empty.
    pub app_secret: String,
    /// A ticket as it was pushed; never empty.
    pub app_ticket: String,
}

impl AppTokenRequest {
    /// Decodes the body; other members are ignored. Errors as [`crate::auth::TokenRequest::decode`].
    pub fn decode(body: &[u8]) -> Result<Self, &'static Code> {
        let [app_id, app_secret, app_ticket] = texts(body, ["app_id", "app_secret", "app_ticket"])?;
        match is_app_id(&app_id) {
            true => Ok(Self { app_id, app_secret, app_ticket }),
            false => Err(&code::TOKEN_INVALID_PARAM),
        }
    }
}

crate::debug_only! { AppTokenRequest { app_id } }

/// Body of `tenant_access_token`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TenantTokenRequest {
    /// The app token; never empty.
    pub app_access_token: String,
    /// The tenant; never empty.
    pub tenant_key: String,
}

impl TenantTokenRequest {
    /// Decodes the body; [`code::TOKEN_INVALID_PARAM`] (10003) when it is no JSON object or a member does not fit.
    pub fn decode(body: &[u8]) -> Result<Self, &'static Code> {
        let [app_access_token, tenant_key] = texts(body, ["app_access_token", "tenant_key"])?;
        Ok(Self { app_access_token, tenant_key })
    }
}

crate::debug_only! { TenantTokenRequest { tenant_key } }

/// Answer of `app_access_token`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppTokenAnswer {
    /// Always 0.
    pub code: u32,
    /// Always `success`.
    pub msg: Cow<'static, str>,
    /// The token, `a-…`.
    pub app_access_token: String,
    /// Seconds that it has left, 1 to 7,200.
    pub expire: u32,
}

impl AppTokenAnswer {
    /// The answer with a token that lives `expire` more seconds.
    pub fn new(app_access_token: String, expire: u32) -> Self {
        Self { code: 0, msg: Cow::Borrowed("success"), app_access_token, expire }
    }

    /// The answer as compact JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        to_json(self)
    }
}

crate::debug_only! { AppTokenAnswer { expire } }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::TenantTokenAnswer;

    const ID: &str = "cli_0123456789abcdef";

    #[test]
    fn each_call_reads_its_own_members_alone() {
        let body = format!(
            r#"{{"app_id":"{ID}","app_secret":"s","app_ticket":"k","app_access_token":"a-1","tenant_key":"0000000000000001","x":[7]}}"#
        );
        let request = AppTokenRequest::decode(body.as_bytes()).unwrap();
        let read = [&*request.app_id, &*request.app_secret, &*request.app_ticket];
        assert_eq!(read, [ID, "s", "k"]);
        let request = TenantTokenRequest::decode(body.as_bytes()).unwrap();
        assert_eq!((&*request.app_access_token, &*request.tenant_key), ("a-1", "0000000000000001"));
        let stray = r#"{"app_id":7,"app_ticket":null,"app_access_token":"a-1","tenant_key":"k"}"#;
        assert!(TenantTokenRequest::decode(stray.as_bytes()).is_ok());
    }

    #[test]
    fn malformed_requests_are_invalid_params() {
        let good = format!(r#"{{"app_id":"{ID}","app_secret":"s","app_ticket":"k"}}"#);
        for body in [
            String::new(),
            "[]".to_owned(),
            good.replace(r#","app_ticket":"k""#, ""),
            good.replace(r#""k""#, r#""""#),
            good.replace(r#""k""#, "null"),
            good.replace(r#""s""#, "1"),
            good.replace("cli_", ""),
        ] {
            let decoded = AppTokenRequest::decode(body.as_bytes());
            assert_eq!(decoded, Err(&code::TOKEN_INVALID_PARAM), "{body}");
        }
        let good = r#"{"app_access_token":"a-1","tenant_key":"k"}"#;
        for body in [
            "{}".to_owned(),
            good.replace("tenant_key", "tenant"),
            good.replace(r#""a-1""#, r#""""#),
            good.replace(r#""k""#, "[]"),
        ] {
            let decoded = TenantTokenRequest::decode(body.as_bytes());
            assert_eq!(decoded, Err(&code::TOKEN_INVALID_PARAM), "{body}");
        }
    }

    #[test]
    fn answers_are_flat() {
        let answer = AppTokenAnswer::new("a-1".to_owned(), 7140).to_vec();
        let expected = br#"{"code":0,"msg":"success","app_access_token":"a-1","expire":7140}"#;
        assert_eq!(answer, expected);
        let answer = TenantTokenAnswer::of_store_app("t-1".to_owned(), 7200).to_vec();
        let expected = br#"{"code":0,"msg":"success","tenant_access_token":"t-1","expire":7200}"#;
        assert_eq!(answer, expected);
    }

    #[test]
    fn secrets_tickets_and_tokens_do_not_print() {
        let body = format!(r#"{{"app_id":"{ID}","app_secret":"hidden","app_ticket":"hidden"}}"#);
        let app = AppTokenRequest::decode(body.as_bytes()).unwrap();
        let tenant =
            TenantTokenRequest::decode(br#"{"app_access_token":"hidden","tenant_key":"k"}"#);
        let answers = (
            AppTokenAnswer::new("hidden".to_owned(), 1),
            TenantTokenAnswer::of_store_app("hidden".to_owned(), 1),
        );
        assert!(!format!("{app:?} {tenant:?} {answers:?}").contains("hidden"));
    }
}
