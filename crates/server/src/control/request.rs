//! Reading requests: JSON bodies, queries, and the Idempotency-Key.
//!
//! What cannot be read is refused with the member named where that is known. Messages never repeat a value.

use std::io;
use std::time::Duration;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use axum::body::Body as AxumBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::request::Parts;
use bytes::Bytes;
use contract::control::{
    IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_CHARS_MAX, ProblemCode, decode, decode_query,
    is_idempotency_key,
};
use objects::Unreadable;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use store::IdempotencyKey;
use system::bytes_writer::BytesWriter;
use url::form_urlencoded;
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::auth::{Caller, caller};
use super::description::{Description, JSON, reference};
use super::failure::Failure;
use crate::app::SharedApp;
use crate::http::body::{BodyRefused, NotPoured, pour_body, read_body};

/// What somebody searches for: names, which servers on the way and browsers would store with an address.
const SEARCH: &str = "q";

/// A call that changes something: its body, and its Idempotency-Key with the digest of the whole request.
#[derive(Debug)]
pub(super) struct Command<T> {
    pub(super) body: hub::Input<T>,
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
        Ok(Command { body: decode::<T>(text)?.into(), key })
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
pub(super) struct Query<T>(pub(super) hub::Input<T>);

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
        let query = parts.uri.query().unwrap_or_default();
        let parameters = || form_urlencoded::parse(query.as_bytes()).into_owned();
        if parameters().any(|(name, _)| name == SEARCH) {
            let detail = "expected in a body: names do not belong into addresses";
            return Err(hub::Error::field(SEARCH, detail).into());
        }
        Ok(Query(decode_query::<T>(parameters())?.into()))
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
