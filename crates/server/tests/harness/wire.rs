//! HTTP/1.1 by hand over a real socket: the bytes of a test as they stand, and the answer as it came, with its
//! header names as they were written.

use std::time::Duration;

use contract::code;
use contract::control::CreatedApp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::World;

/// How long an answer may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two calls, so that neither 50 calls in a second nor 1,000 in a minute are ever reached.
const PACE_MS: u64 = 61;

/// The vendor's calls, by the last part of their path.
pub(crate) const CALLS: [(&str, &str); 4] = [
    ("update_progress", "/open-apis/hire/v1/eco_background_checks/update_progress"),
    ("update_result", "/open-apis/hire/v1/eco_background_checks/update_result"),
    ("cancel", "/open-apis/hire/v1/eco_background_checks/cancel"),
    ("packages", "/open-apis/hire/v1/eco_background_check_packages"),
];
/// The vendor's calls on forms, by a name of their own, with their method.
pub(crate) const FORM_CALLS: [(&str, &str, &str); 8] = [
    ("account_fields", "POST", "/open-apis/hire/v1/eco_account_custom_fields"),
    ("account_fields_update", "PATCH", "/open-apis/hire/v1/eco_account_custom_fields/batch_update"),
    ("account_fields_delete", "POST", "/open-apis/hire/v1/eco_account_custom_fields/batch_delete"),
    ("check_fields", "POST", "/open-apis/hire/v1/eco_background_check_custom_fields"),
    (
        "check_fields_update",
        "PATCH",
        "/open-apis/hire/v1/eco_background_check_custom_fields/batch_update",
    ),
    (
        "check_fields_delete",
        "POST",
        "/open-apis/hire/v1/eco_background_check_custom_fields/batch_delete",
    ),
    ("packages_update", "PATCH", "/open-apis/hire/v1/eco_background_check_packages/batch_update"),
    ("packages_delete", "POST", "/open-apis/hire/v1/eco_background_check_packages/batch_delete"),
];
/// The token calls of self-built apps.
pub(crate) const TENANT_TOKEN: &str = "/open-apis/auth/v3/tenant_access_token/internal";
/// As [`TENANT_TOKEN`], for the token under both names.
pub(crate) const APP_TOKEN: &str = "/open-apis/auth/v3/app_access_token/internal";

/// The path of a call of [`CALLS`].
pub(crate) fn path(call: &str) -> &'static str {
    let found = CALLS.iter().find(|(name, _)| *name == call);
    found.unwrap_or_else(|| panic!("no call {call}")).1
}

/// A call of [`CALLS`] or [`FORM_CALLS`] with a body, announced by its length, and no `Content-Type`.
pub(crate) fn call(name: &str, body: impl Into<Vec<u8>>) -> Ask {
    match FORM_CALLS.iter().find(|(found, ..)| *found == name) {
        Some((_, method, path)) => Ask { body: Some(body.into()), ..Ask::new(method, path) },
        None => Ask::post(path(name), body),
    }
}

/// A request to be written by hand.
#[derive(Clone)]
pub(crate) struct Ask {
    line: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
    is_chunked: bool,
}

impl Ask {
    /// A request without a body and with the header `Host` alone.
    pub(crate) fn new(method: &str, path: &str) -> Ask {
        let headers = vec![("Host".to_owned(), b"probity.example".to_vec())];
        Ask {
            line: format!("{method} {path} HTTP/1.1\r\n"),
            headers,
            body: None,
            is_chunked: false,
        }
    }

    /// A POST with a body, announced by its length, and no `Content-Type`.
    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Ask {
        Ask { body: Some(body.into()), ..Ask::new("POST", path) }
    }

    /// A PATCH with a body, as [`Ask::post`].
    pub(crate) fn patch(path: &str, body: impl Into<Vec<u8>>) -> Ask {
        Ask { body: Some(body.into()), ..Ask::new("PATCH", path) }
    }

    /// A GET with a body, as the Node SDK sends it.
    pub(crate) fn get_with(path: &str, body: impl Into<Vec<u8>>) -> Ask {
        Ask { body: Some(body.into()), ..Ask::new("GET", path) }
    }

    /// The same with another header, whatever its name and value.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Ask {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same with `Authorization: Bearer <token>`.
    pub(crate) fn bearer(self, token: &str) -> Ask {
        self.with("Authorization", format!("Bearer {token}"))
    }

    /// The same with the `Content-Type` that the documentation fixes.
    pub(crate) fn json(self) -> Ask {
        self.with("Content-Type", "application/json; charset=utf-8")
    }

    /// The same with the body in chunks of at most 64 KiB instead of an announced length.
    pub(crate) fn chunked(mut self) -> Ask {
        self.is_chunked = true;
        self
    }

    fn to_bytes(&self) -> Vec<u8> {
        [self.head(), self.framed_body()].concat()
    }

    fn head(&self) -> Vec<u8> {
        let mut bytes = self.line.clone().into_bytes();
        let mut header = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        };
        for (name, value) in &self.headers {
            header(name, value);
        }
        match &self.body {
            Some(_) if self.is_chunked => header("Transfer-Encoding", b"chunked"),
            Some(body) => header("Content-Length", body.len().to_string().as_bytes()),
            None => {}
        }
        bytes.extend_from_slice(b"\r\n");
        bytes
    }

    fn framed_body(&self) -> Vec<u8> {
        let Some(body) = &self.body else { return Vec::new() };
        if !self.is_chunked {
            return body.clone();
        }
        let mut bytes = Vec::new();
        for chunk in body.chunks(64 * 1024) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}

/// An answer as it came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in the spelling of the wire.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of the header with exactly this spelling.
    ///
    /// # Panics
    /// When it is there more than once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found: Vec<_> = self.headers.iter().filter(|(found, _)| found == name).collect();
        assert!(found.len() <= 1, "{name} more than once: {found:?}");
        found.first().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body.
    ///
    /// # Panics
    /// When it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The answer of a call as one line: `200 0 success`, or HTTP status, code, text and what is wrong with which
    /// member.
    ///
    /// # Panics
    /// When it is not the envelope: a code that is not documented or has another status, a log id that is missing,
    /// misshapen or another one than the header's, a member that the contract does not name, a leaf that is no text.
    pub(crate) fn outcome(&self) -> String {
        let shown = String::from_utf8_lossy(&self.body);
        let json = self.json();
        let number = json["code"].as_u64().unwrap_or_else(|| panic!("no code: {shown}"));
        let msg = json["msg"].as_str().unwrap_or_else(|| panic!("no msg: {shown}"));
        let kind = self.header("Content-Type");
        assert_eq!(kind, Some("application/json; charset=utf-8"), "{shown}");
        let log_id = self.log_id();
        let mut line = format!("{} {number} {msg}", self.status);
        if number == 0 {
            // Some calls have another word. Source: contract, section 2.2.
            assert!(matches!(msg, "success" | "ok" | "SUCCESS"), "{shown}");
            if json["data"] == serde_json::json!({}) {
                assert_eq!(shown, format!(r#"{{"code":0,"msg":"{msg}","data":{{}}}}"#));
            }
            only_members(&json, &["code", "msg", "data"]);
            return line;
        }
        let is_row =
            |row: &&&code::Code| u64::from(row.number) == number && row.http_status == self.status;
        assert!(code::ALL.iter().any(|row| is_row(&row)), "no documented code: {line}");
        only_members(&json, &["code", "msg", "error"]);
        if number == u64::from(code::RATE_LIMITED.number) {
            only_members(&json, &["code", "msg"]);
            return line;
        }
        let error = &json["error"];
        let members = [
            "message",
            "log_id",
            "troubleshooter",
            "permission_violations",
            "field_violations",
            "helps",
        ];
        only_members(error, &members);
        assert_eq!(error["log_id"], log_id, "{shown}");
        assert_texts(error);
        for violation in error["field_violations"].as_array().into_iter().flatten() {
            only_members(violation, &["field", "value", "description"]);
            line += &format!(" | {}", violation["field"].as_str().unwrap());
            if let Some(value) = violation["value"].as_str() {
                line += &format!("={value}");
            }
            line += &format!(": {}", violation["description"].as_str().unwrap());
        }
        line
    }

    /// The log id of the header.
    ///
    /// # Panics
    /// When there is none, or it is not 14 digits of time and 20 upper-case hex digits.
    pub(crate) fn log_id(&self) -> &str {
        let log_id = self.header("X-Tt-Logid");
        let log_id = log_id.unwrap_or_else(|| panic!("no X-Tt-Logid: {:?}", self.headers));
        let (time, rest) = log_id.split_at(14);
        assert!(time.bytes().all(|byte| byte.is_ascii_digit()), "{log_id}");
        let is_upper_hex = |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
        assert!(rest.len() == 20 && rest.bytes().all(is_upper_hex), "{log_id}");
        log_id
    }
}

fn only_members(object: &Value, expected: &[&str]) {
    let members = object.as_object().unwrap_or_else(|| panic!("no object: {object}"));
    for name in members.keys() {
        assert!(expected.contains(&name.as_str()), "{name} is no documented member: {object}");
    }
}

/// Go and Java decode every leaf of the `error` object into a text.
fn assert_texts(value: &Value) {
    match value {
        Value::String(_) => {}
        Value::Array(values) => values.iter().for_each(assert_texts),
        Value::Object(members) => members.values().for_each(assert_texts),
        other => panic!("expected a text, came {other}"),
    }
}

/// One connection, stored open from call to call.
pub(crate) struct Line {
    stream: TcpStream,
    /// What came after the last answer.
    rest: Vec<u8>,
}

impl Line {
    /// Sends a request and reads its answer, which may come before everything was sent.
    ///
    /// # Panics
    /// When no whole answer comes.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Answer {
        self.send(&ask.to_bytes()).await
    }

    /// As [`Line::ask`], for bytes that are no request that [`Ask`] would write.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Answer {
        let (mut reader, mut writer) = self.stream.split();
        let rest = &mut self.rest;
        let exchange = async {
            // Who refuses a body early need not take the rest of it.
            let (_, answer) = tokio::join!(writer.write_all(bytes), read(&mut reader, rest));
            answer
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("an answer comes in time")
    }

    /// Sends the head alone and waits until the server asks for the body: everything that is checked before the body
    /// has been checked then. Goes on with [`Line::finish`].
    pub(crate) async fn begin(&mut self, ask: &Ask) {
        let head = ask.clone().with("Expect", "100-continue").head();
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut came = vec![0; interim.len()];
        let exchange = async {
            self.stream.write_all(&head).await.unwrap();
            self.stream.read_exact(&mut came).await.unwrap();
        };
        tokio::time::timeout(PATIENCE, exchange).await.expect("the server asks for the body");
        assert_eq!(came, interim, "{}", String::from_utf8_lossy(&came));
    }

    /// Sends the body and reads the answer.
    pub(crate) async fn finish(&mut self, ask: &Ask) -> Answer {
        self.send(&ask.framed_body()).await
    }

    /// Whether the server closes the connection now.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut byte)).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}

async fn read(reader: &mut (impl AsyncReadExt + Unpin), bytes: &mut Vec<u8>) -> Answer {
    loop {
        if let Some(answer) = take_answer(bytes) {
            return answer;
        }
        let mut piece = [0; 16 * 1024];
        let count = reader.read(&mut piece).await.unwrap_or(0);
        assert_ne!(count, 0, "closed after {:?}", String::from_utf8_lossy(bytes));
        bytes.extend_from_slice(&piece[..count]);
    }
}

/// Takes one whole answer from the front of what came; every answer of the server announces its length.
fn take_answer(bytes: &mut Vec<u8>) -> Option<Answer> {
    let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..head_end]).expect("a head is ASCII");
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status line: {status_line}"));
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no header: {line}")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "Content-Length");
    let length: usize = length.expect("an answer announces its length").1.parse().unwrap();
    let body_start = head_end + 4;
    let body = bytes.get(body_start..body_start + length)?.to_vec();
    bytes.drain(..body_start + length);
    Some(Answer { status, headers, body })
}

/// A vendor's program that writes its requests by hand, with a token.
#[derive(Clone)]
pub(crate) struct Caller<'w> {
    pub(crate) world: &'w World,
    pub(crate) token: String,
}

impl World {
    /// A new connection.
    pub(crate) async fn line(&self) -> Line {
        Line { stream: TcpStream::connect(self.address).await.unwrap(), rest: Vec::new() }
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, ask: &Ask) -> Answer {
        self.line().await.ask(ask).await
    }

    /// The answer to a token call for an app.
    pub(crate) async fn ask_token(&self, app: &CreatedApp) -> Answer {
        let body = serde_json::json!({"app_id": app.app.app_id, "app_secret": app.app_secret});
        self.ask(&Ask::post(TENANT_TOKEN, body.to_string()).json()).await
    }

    /// A caller with the app's current token.
    pub(crate) async fn caller(&self, app: &CreatedApp) -> Caller<'_> {
        let answer = self.ask_token(app).await.json();
        let token = answer["tenant_access_token"].as_str();
        let token = token.unwrap_or_else(|| panic!("no token: {answer}")).to_owned();
        Caller { world: self, token }
    }
}

impl Caller<'_> {
    /// Makes a call of [`CALLS`] or [`FORM_CALLS`], a little later than the one before.
    pub(crate) async fn post(&self, name: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.ask(call(name, body).json()).await
    }

    /// As [`Caller::post`] with any request; adds the token.
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        self.world.clock.advance_ms(PACE_MS);
        self.world.ask(&ask.bearer(&self.token)).await
    }
}
