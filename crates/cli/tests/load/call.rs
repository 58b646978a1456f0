//! One call of a client, sent as bytes so that it can be repeated exactly, and its answer.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::book::Entry;

/// The way into a server.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
}

/// Whose key or token a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody's: a token call.
    Anonymous,
    /// The vendor's tenant token.
    Vendor,
    /// The tenant's key of the control API.
    Hirer,
}

/// A call with everything that is sent, and what it must come to.
#[derive(Clone)]
pub(crate) struct Call {
    /// Its name in the journal and the totals.
    pub(crate) kind: &'static str,
    pub(crate) caller: Caller,
    pub(crate) path: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: Vec<u8>,
    /// The code with which it must be refused; none when it must be accepted.
    pub(crate) refusal: Option<&'static str>,
    /// What it changes when it is accepted.
    pub(crate) effect: Effect,
    /// Whether it was made before without a clear answer.
    pub(crate) is_repeat: bool,
}

impl fmt::Debug for Call {
    /// Writes the body as the text that it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { path, body, refusal, effect, is_repeat, .. } = self;
        let body = String::from_utf8_lossy(body);
        write!(f, "POST {path} {body}; expected {effect:?}, refusal {refusal:?}, again {is_repeat}")
    }
}

/// What an accepted call changes.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Nothing: it is refused.
    Nothing,
    /// Nothing: an accepted call once more; a placed order is named again.
    Again(Option<String>),
    /// The token is the one that the client has, if it has one.
    Token,
    /// A package more.
    Package(String),
    /// An order more.
    Place,
    /// An entry more for the client's order at this place.
    Change(usize, Entry),
}

/// What a call came to.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Acknowledged; the body.
    Done(Vec<u8>),
    /// Refused or failed: HTTP status and code.
    Not(u16, String),
    /// No answer, or half of one.
    Lost,
}

impl Answer {
    /// Whether the answer is a fault of the server, in the documented words.
    pub(crate) fn is_fault(&self) -> bool {
        match self {
            Answer::Not(500, code) => code == "1002001" || code == "internal",
            Answer::Not(503, code) => code == "unavailable",
            Answer::Not(200, code) => code == "2200",
            _ => false,
        }
    }
}

impl Door {
    /// Makes a call.
    pub(crate) async fn send(&self, call: &Call, key: &str) -> Answer {
        let mut request = self.http.post(format!("{}{}", self.url, call.path));
        request = request.header(CONTENT_TYPE, "application/json; charset=utf-8");
        if call.caller != Caller::Anonymous {
            request = request.bearer_auth(key);
        }
        if let Some(key) = &call.idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let Ok(response) = request.body(call.body.clone()).send().await else {
            return Answer::Lost;
        };
        let status = response.status().as_u16();
        match response.bytes().await {
            Ok(body) => check(call, status, body.to_vec()),
            Err(_) => Answer::Lost,
        }
    }

    /// What `/readyz` says; none when it does not answer.
    pub(crate) async fn is_ready(&self) -> Option<bool> {
        match self.status("/readyz").await? {
            200 => Some(true),
            503 => Some(false),
            other => panic!("expected 200 or 503 of /readyz, came {other}"),
        }
    }

    /// The status of a page without a key.
    pub(crate) async fn status(&self, path: &str) -> Option<u16> {
        let request = self.http.get(format!("{}{path}", self.url)).timeout(Duration::from_secs(5));
        Some(request.send().await.ok()?.status().as_u16())
    }
}

/// Reads an answer: an acknowledgement is nothing but code 0 with 200, or a success of the control API.
pub(crate) fn check(call: &Call, status: u16, body: Vec<u8>) -> Answer {
    let json: Value = serde_json::from_slice(&body).unwrap_or_else(|error| {
        panic!("{} answered {status} with no JSON: {error}", call.kind);
    });
    if call.caller == Caller::Hirer {
        return match json["code"].as_str() {
            _ if (200..300).contains(&status) => Answer::Done(body),
            Some(code) => Answer::Not(status, code.to_owned()),
            None => panic!("{} answered {status} without a code", call.kind),
        };
    }
    match json["code"].as_u64() {
        Some(0) => {
            assert_eq!(status, 200, "{} answered code 0", call.kind);
            Answer::Done(body)
        }
        // Creating packages has 400 for a fault too; what names no field is one (contract, section 3.3.1).
        Some(1_002_001) if status == 400 && json["error"]["field_violations"].is_null() => {
            Answer::Not(500, "1002001".to_owned())
        }
        Some(code) => Answer::Not(status, code.to_string()),
        None => panic!("{} answered {status} without a code", call.kind),
    }
}
