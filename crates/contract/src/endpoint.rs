//! `POST /callback/ws/endpoint`, by which a client of the long connection asks for its address. Answers always have a
//! `data` object: the Node SDK would retry for ever without it. Source: contract, section 5.4.

use crate::code::{self, Code};
use crate::envelope::{ErrorBody, to_json};
use crate::json::{self, Node};
use serde::{Deserialize, Serialize};

/// The path of the call.
pub const ENDPOINT_PATH: &str = "/callback/ws/endpoint";
/// The path of the websocket.
pub const SOCKET_PATH: &str = "/ws/v2";

/// How a client behaves; all times in seconds. All four members are always written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClientConfig {
    /// Tries to connect again, -1 for no end.
    pub reconnect_count: i32,
    /// Between two tries.
    pub reconnect_interval: u32,
    /// Upper bound of the random wait before the first try.
    pub reconnect_nonce: u32,
    /// Between two pings.
    pub ping_interval: u32,
}

impl Default for ClientConfig {
    /// What the platform sends.
    fn default() -> Self {
        Self {
            reconnect_count: -1,
            reconnect_interval: 120,
            reconnect_nonce: 30,
            ping_interval: 120,
        }
    }
}

impl ClientConfig {
    /// The config as compact JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// Body of the call.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointRequest {
    /// `cli_` and 16 hexadecimal digits, or whatever came instead.
    pub app_id: String,
    /// The app's secret; empty when the client has none.
    pub app_secret: String,
}

crate::debug_only! { EndpointRequest { app_id } }

/// Why a body is refused, with HTTP 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadEndpointRequest {
    /// The row of the errors table.
    pub code: &'static Code,
    /// The member that is wrong; `body` for the whole.
    pub field: &'static str,
    /// What was expected of it.
    pub expected: &'static str,
}

impl EndpointRequest {
    /// Decodes the body; [`code::BAD_REQUEST`] (9499) when `AppID` or `AppSecret` is no text.
    pub fn decode(body: &[u8]) -> Result<Self, BadEndpointRequest> {
        let refused =
            |field, expected| BadEndpointRequest { code: &code::BAD_REQUEST, field, expected };
        let Ok(Node::Object(members)) = json::parse(body) else {
            return Err(refused("body", "expected a json object"));
        };
        let mut app_id = None;
        let mut app_secret = None;
        for (name, node) in members {
            match (name.as_str(), node) {
                ("AppID", Node::Text(text)) => app_id = Some(text),
                ("AppSecret", Node::Text(text)) => app_secret = Some(text),
                _ => {}
            }
        }
        let app_id = app_id.ok_or_else(|| refused("AppID", "expected a string"))?;
        let app_secret = app_secret.ok_or_else(|| refused("AppSecret", "expected a string"))?;
        Ok(Self { app_id, app_secret })
    }
}

/// The answer with an address, for one connection only.
pub fn success(url: &str, config: ClientConfig) -> Vec<u8> {
    #[derive(Serialize)]
    struct Data<'a> {
        #[serde(rename = "URL")]
        url: &'a str,
        #[serde(rename = "ClientConfig")]
        config: ClientConfig,
    }

    #[derive(Serialize)]
    struct Body<'a> {
        code: u32,
        msg: &'static str,
        data: Data<'a>,
    }

    to_json(&Body { code: 0, msg: "", data: Data { url, config } })
}

#[derive(Serialize)]
struct Nothing {}

/// The answer to a body that is none: the error envelope, with an empty `data` beside it.
pub fn bad_request(error: ErrorBody) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body {
        #[serde(flatten)]
        error: ErrorBody,
        data: Nothing,
    }

    to_json(&Body { error, data: Nothing {} })
}

/// The answer of a refusal, with the row's text or one made for the case, and an empty `data`.
pub fn refusal(code: &Code, msg: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        code: u32,
        msg: &'a str,
        data: Nothing,
    }

    to_json(&Body { code: code.number, msg, data: Nothing {} })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_the_samples() {
        let url = "wss://host/ws/v2?fpid=493&device_id=7000000000000000003&service_id=33554678&access_key=00000000000000000000000000000000&ticket=11111111-2222-3333-4444-555555555555";
        let answer = String::from_utf8(success(url, ClientConfig::default())).unwrap();
        let sample = format!(
            r#"{{"code":0,"msg":"","data":{{"URL":"{url}","ClientConfig":{{"ReconnectCount":-1,"ReconnectInterval":120,"ReconnectNonce":30,"PingInterval":120}}}}}}"#
        );
        assert_eq!(answer, sample);
        let code = &code::LONG_CONNECTION_CREDENTIALS;
        assert_eq!(
            refusal(code, code.msg),
            br#"{"code":1000040345,"msg":"app_id or app_secret is invalid","data":{}}"#
        );
    }

    #[test]
    fn only_the_two_names_count() {
        let body =
            br#"{"AppID":"cli_0123456789abcdef","AppSecret":"s","ClientAssertion":7,"appid":1}"#;
        let request = EndpointRequest::decode(body).unwrap();
        assert_eq!(
            (request.app_id.as_str(), request.app_secret.as_str()),
            ("cli_0123456789abcdef", "s")
        );
        assert!(!format!("{request:?}").contains("AppSecret"));
    }

    #[test]
    fn malformed_requests_name_what_is_wrong() {
        for (body, field) in [
            ("", "body"),
            ("x", "body"),
            ("[]", "body"),
            ("null", "body"),
            (r#"{"AppID":"a","AppID":"a","AppSecret":"s"}"#, "body"),
            ("{}", "AppID"),
            (r#"{"appid":"a","AppSecret":"s"}"#, "AppID"),
            (r#"{"app_id":"a","app_secret":"s"}"#, "AppID"),
            (r#"{"AppID":7,"AppSecret":"s"}"#, "AppID"),
            (r#"{"AppID":null,"AppSecret":"s"}"#, "AppID"),
            (r#"{"AppID":"a"}"#, "AppSecret"),
            (r#"{"AppID":"a","appsecret":"s"}"#, "AppSecret"),
            (r#"{"AppID":"a","AppSecret":["s"]}"#, "AppSecret"),
        ] {
            let refused = EndpointRequest::decode(body.as_bytes()).unwrap_err();
            assert_eq!((refused.field, refused.code), (field, &code::BAD_REQUEST), "{body}");
        }
    }
}
