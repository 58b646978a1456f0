//! Reading requests: JSON bodies, queries, and the Idempotency-Key.
//!
//! What cannot be read is refused with the member named where that is known. Messages never repeat a value.

use std::io;
use std::time::Duration;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use axum::body::Body as AxumBody;
use axum::extract::{FromRequest, FromRequestParts, Query as AxumQuery, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use bytes::Bytes;
use contract::control::{
    FieldFault, IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_CHARS_MAX, ProblemCode, is_idempotency_key,
};
use contract::json::replace_lone_surrogates;
use objects::Unreadable;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::IdempotencyKey;
use system::bytes_writer::BytesWriter;
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::auth::{Caller, caller};
use super::description::{Description, JSON, reference};
use super::failure::Failure;
use crate::app::SharedApp;
use crate::http::body::{BodyRefused, NotPoured, pour_body, read_body};

/// A call that changes something: its body, and its Idempotency-Key with the digest of the whole request.
#[derive(Debug)]
pub(super) struct Command<T> {
    pub(super) body: T,
    /// Of a POST alone.
    pub(super) key: Option<IdempotencyKey>,
}

/// What a handler takes beside the call, and what the description says of it.
pub(super) trait Input {
    fn describe(description: &mut Description);
}

/// The body of a call that has nothing to say: absent, or `{}`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// What a body is in the description.
pub(super) trait Body {
    fn describe(description: &mut Description);
}

impl<T: ToSchema> Body for T {
    fn describe(description: &mut Description) {
        let schema = reference::<T>(description);
        description.body(JSON, schema);
    }
}

impl Body for Nothing {
    fn describe(_: &mut Description) {}
}

impl<T: Body> Input for Command<T> {
    fn describe(description: &mut Description) {
        T::describe(description);
    }
}

impl<T: DeserializeOwned> FromRequest<SharedApp> for Command<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Command<T>, Failure> {
        let (parts, body) = request.into_parts();
        let caller = caller(&parts)?;
        validate_content(&parts.headers)?;
        let key = idempotency_key(&parts.headers)?;
        let (bytes_max, time) = (app.config.body_bytes_max, app.config.body_time);
        let body = read_body(body, bytes_max, time, &app.bodies).await;
        let body = body.map_err(|refused| unread(app.config.body_bytes_max, refused))?;
        if !body.is_empty() && !is_json(&parts.headers) {
            let detail = format!("expected content-type: {JSON}");
            return Err(Failure::refused(ProblemCode::UnsupportedMediaType, detail));
        }
        let key = key.map(|key| with_digests(&caller, key, &parts, &body));
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        Ok(Command { body: decode(text)?, key })
    }
}

/// A call that brings a content: its bytes as they stand, of whatever kind, still to come, and its Idempotency-Key.
pub(super) struct Content {
    body: AxumBody,
    key: Option<(IdempotencyKey, Context)>,
    bytes_max: usize,
    time: Duration,
}

/// A content that has come.
pub(super) struct Come {
    pub(super) size_bytes: usize,
    pub(super) key: Option<IdempotencyKey>,
}

impl Content {
    /// Pours the content into `writer` while it comes.
    pub(super) async fn pour(self, writer: &mut impl BytesWriter) -> Result<Come, Failure> {
        let Content { body, key, bytes_max, time } = self;
        let mut hashing = Hashing { writer, key };
        let poured = pour_body(body, bytes_max, time, &mut hashing).await;
        let size_bytes = poured.map_err(|not_poured| match not_poured {
            NotPoured::Refused(refused) => unread(bytes_max, refused),
            NotPoured::Write(error) => Unreadable::Unreachable(error).into(),
        })?;
        let whole = |(key, request): (IdempotencyKey, Context)| IdempotencyKey {
            request_digest: half(&request.finish()),
            ..key
        };
        Ok(Come { size_bytes, key: hashing.key.map(whole) })
    }
}

/// Adds what goes by to the digest of the request.
struct Hashing<'a, S> {
    writer: &'a mut S,
    key: Option<(IdempotencyKey, Context)>,
}

impl<S: BytesWriter> BytesWriter for Hashing<'_, S> {
    async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        if let Some((_, request)) = &mut self.key {
            request.update(&piece);
        }
        self.writer.write(piece).await
    }
}

impl FromRequest<SharedApp> for Content {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Content, Failure> {
        let (parts, body) = request.into_parts();
        let caller = caller(&parts)?;
        validate_content(&parts.headers)?;
        let key = idempotency_key(&parts.headers)?;
        let (bytes_max, time) = (app.config.file_bytes_max, app.config.body_time);
        let key = key.map(|key| begin_digests(&caller, key, &parts));
        Ok(Content { body, key, bytes_max, time })
    }
}

/// The query of a list.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: IntoParams> Input for Query<T> {
    fn describe(description: &mut Description) {
        for parameter in T::into_params(|| Some(ParameterIn::Query)) {
            description.parameter(parameter);
        }
    }
}

/// A query and a content.
impl<T: IntoParams> Input for (Query<T>, Content) {
    fn describe(description: &mut Description) {
        Query::<T>::describe(description);
        description.body("application/octet-stream", Vec::<u8>::schema());
    }
}

impl<T: DeserializeOwned> FromRequestParts<SharedApp> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &SharedApp) -> Result<Query<T>, Failure> {
        let read = AxumQuery::<T>::try_from_uri(&parts.uri);
        let AxumQuery(query) = read.map_err(|rejection| {
            let text = rejection.body_text();
            let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            // A member that cannot be read stands before its fault.
            let (path, text) = match text.split_once(": ") {
                Some((path, rest)) if is_member(path) => (path, rest),
                _ => ("", text),
            };
            Failure::invalid(vec![fault(path, text)])
        })?;
        Ok(Query(query))
    }
}

/// Bodies are taken as they are, never unpacked.
fn validate_content(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Failure::refused(ProblemCode::UnsupportedMediaType, "expected no content-encoding"))
        }
        _ => Ok(()),
    }
}

/// `application/json`, with any parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match value.to_str().ok().filter(|key| is_idempotency_key(key)) {
        Some(key) if values.next().is_none() => Ok(Some(key)),
        _ => {
            let max = IDEMPOTENCY_KEY_CHARS_MAX;
            let detail =
                format!("expected one idempotency-key of 1 to {max} visible ASCII characters");
            Err(Failure::refused(ProblemCode::Malformed, detail))
        }
    }
}

fn with_digests(caller: &Caller, key: &str, parts: &Parts, body: &[u8]) -> IdempotencyKey {
    let (key, mut request) = begin_digests(caller, key, parts);
    request.update(body);
    IdempotencyKey { request_digest: half(&request.finish()), ..key }
}

/// The key without its request's digest, and that digest before the body.
fn begin_digests(caller: &Caller, key: &str, parts: &Parts) -> (IdempotencyKey, Context) {
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let mut request = Context::new(&SHA256);
    // Neither a method nor a path holds a line feed.
    for part in [parts.method.as_str(), "\n", path, "\n"] {
        request.update(part.as_bytes());
    }
    let key = aws_lc_rs::digest::digest(&SHA256, key.as_bytes());
    let key = IdempotencyKey {
        tenant_id: caller.tenant(),
        actor_id: caller.actor.id.id,
        key_digest: half(&key),
        request_digest: [0; 16],
    };
    (key, request)
}

fn half(digest: &Digest) -> [u8; 16] {
    digest.as_ref()[..16].try_into().expect("SHA-256 gives 32 bytes")
}

fn unread(bytes_max: usize, refused: BodyRefused) -> Failure {
    match refused {
        BodyRefused::TooLarge => {
            let detail = format!("expected at most {bytes_max} bytes");
            Failure::refused(ProblemCode::PayloadTooLarge, detail)
        }
        BodyRefused::Busy => Failure::refused(
            ProblemCode::Unavailable,
            "expected fewer large bodies at the same time; try again later",
        ),
        BodyRefused::TooSlow | BodyRefused::Broken => {
            Failure::refused(ProblemCode::Malformed, "expected a complete body")
        }
    }
}

/// Reads a JSON body.
fn decode<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    // A list would be taken for an object's members in their order.
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err(Failure::refused(ProblemCode::Malformed, "expected a JSON object"));
    }
    let text = replace_lone_surrogates(text);
    let mut deserializer = serde_json::Deserializer::from_slice(&text);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        match error.is_data() {
            true => Failure::invalid(vec![fault(path.trim_matches('.'), &error.to_string())]),
            false => not_json(&error),
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(read)
}

fn not_json(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let detail = format!("expected JSON: broken at line {line}, column {column}");
    Failure::refused(ProblemCode::Malformed, detail)
}

/// The fault that a deserialiser reports at `path`, without the value that it quotes.
fn fault(path: &str, text: &str) -> FieldFault {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let name = text.split('`').nth(1).unwrap_or_default();
    let member = |message: &str| {
        let is_named = path == name || path.ends_with(&format!(".{name}"));
        let field = match path {
            "" => name.to_owned(),
            _ if is_named => path.to_owned(),
            _ => format!("{path}.{name}"),
        };
        FieldFault { field, message: message.to_owned() }
    };
    if text.starts_with("missing field") {
        return member("is required");
    }
    if text.starts_with("unknown field") {
        return member("expected no member of this name");
    }
    if text.starts_with("duplicate field") {
        return member("expected no member twice");
    }
    let expected = text.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
    let message = match expected {
        "" => "expected another value".to_owned(),
        "u32" | "a nonzero u32" => "expected a whole number".to_owned(),
        "a sequence" => "expected a list".to_owned(),
        _ if expected.starts_with("struct ") => "expected an object".to_owned(),
        _ => format!("expected {}", expected.replace('`', "")),
    };
    FieldFault { field: path.to_owned(), message }
}

fn is_member(path: &str) -> bool {
    !path.is_empty() && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use contract::control::{ApproveOrder, CreateTenant, PlaceOrder, Problem};

    use super::*;

    fn refusal<T: DeserializeOwned>(text: &str) -> Problem {
        match decode::<T>(text.as_bytes()) {
            Err(Failure::Refused(problem)) => *problem,
            _ => panic!("expected a refusal of {text}"),
        }
    }

    #[test]
    fn a_member_that_does_not_fit_is_named_and_its_value_is_not() {
        let cases = [
            ("{}", "name", "is required"),
            (r#"{"name":"a","colour":1}"#, "colour", "expected no member of this name"),
            (r#"{"name":"a","name":"b"}"#, "name", "expected no member twice"),
            (r#"{"name":138}"#, "name", "expected a string"),
            (
                r#"{"name":"a","retention_days":"1381"}"#,
                "retention_days",
                "expected a whole number",
            ),
            (r#"{"name":"a","retention_days":-1}"#, "retention_days", "expected a whole number"),
            (r#"{"name":"a","report_approval":null}"#, "report_approval", "expected a boolean"),
        ];
        for (text, field, message) in cases {
            let problem = refusal::<CreateTenant>(text);
            assert_eq!(problem.code, "validation_failed", "{text}");
            assert_eq!(problem.errors[0].field, field, "{text}: {problem:?}");
            assert_eq!(problem.errors[0].message, message, "{text}");
        }
    }

    #[test]
    fn a_member_deep_inside_is_named_by_its_path() {
        let text = r#"{"account_id":"7","package_id":"p","candidate_info":{"name":"张三",
            "mobile":{"code":"86","number":13800000000}}}"#;
        let problem = refusal::<PlaceOrder>(text);
        assert_eq!(problem.errors[0].field, "candidate_info.mobile.number");
        assert_eq!(problem.errors[0].message, "expected a string");
        let text = r#"{"account_id":"7","package_id":"p","candidate_info":7}"#;
        let fault = &refusal::<PlaceOrder>(text).errors[0];
        assert_eq!(
            (fault.field.as_str(), fault.message.as_str()),
            ("candidate_info", "expected an object")
        );
        let text = r#"{"account_id":"7","package_id":"p","candidate_info":{"age":3}}"#;
        assert_eq!(refusal::<PlaceOrder>(text).errors[0].field, "candidate_info.age");
        let text = r#"{"account_id":"7","package_id":"p","candidate_info":{}}"#;
        assert_eq!(refusal::<PlaceOrder>(text).errors[0].field, "candidate_info.name");
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
}
