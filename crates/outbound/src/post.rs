//! Sending a webhook: one POST, one answer, on pooled connections to checked addresses.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName, HeaderValue};
use http::{Extensions, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::{Connected, capture_connection};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::check::Refusal;
use super::connect::{ConnectFailure, Connector};
use super::exchanges::Exchanges;
use super::{Outbound, USER_AGENT, uri};
use crate::counters::Way;

/// How long an unused connection to a receiver is stored.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// Unused connections stored per receiver: as many as deliveries may be under way, since many apps may share one.
pub(super) const POOL_IDLE_MAX: usize = 256;
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// What one POST may take.
#[derive(Debug, Clone, Copy)]
pub struct PostLimits {
    /// Until the connection stands.
    pub connect: Duration,
    /// From the call to the last byte of the answer.
    pub total: Duration,
    /// Bytes of the answer's body that are stored; the rest is not read.
    pub answer_bytes_max: usize,
}

impl Default for PostLimits {
    /// The 3 s rule of contract §5.2 and the cut of product.md §5.
    fn default() -> PostLimits {
        PostLimits {
            connect: Duration::from_secs(2),
            total: Duration::from_secs(3),
            answer_bytes_max: 64 * 1024,
        }
    }
}

/// What a receiver answered. A redirect is an answer like others and is not followed.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Every `Content-Encoding` of the header, as it stands there.
    pub content_encodings: Vec<String>,
    /// The body, cut at [`PostLimits::answer_bytes_max`].
    pub body: Bytes,
    /// Whether the body was longer.
    pub is_cut: bool,
    /// From the call to the last byte, in milliseconds of the server's clock.
    pub took_ms: u64,
}

/// Why a POST has no answer. The text is fit for the receiver's owner: what lies before the first
/// byte of an answer is reported in the same words whatever it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostFailure {
    /// No connection, or none was let out.
    #[error("the address could not be reached")]
    Unreachable(ConnectFailure),
    /// No whole answer in time.
    #[error("no complete answer came in time")]
    TooSlow,
    /// The connection broke off, or the answer was not HTTP/1.1.
    #[error("the answer broke off or was not HTTP")]
    Broken,
    /// This process had no file handle for a connection, which says nothing about the receiver.
    #[error("the server was short of file handles")]
    OutOfHandles,
}

impl PostFailure {
    /// The word for the operator's log and metrics.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            PostFailure::Unreachable(failure) => failure.class(),
            PostFailure::TooSlow => "answer_too_slow",
            PostFailure::Broken => "answer_broken",
            PostFailure::OutOfHandles => "out_of_handles",
        }
    }
}

impl From<Refusal> for PostFailure {
    fn from(refusal: Refusal) -> PostFailure {
        PostFailure::Unreachable(ConnectFailure::Refused(refusal))
    }
}

pub(super) fn pool(connector: Connector, idle_max: usize) -> Client<Connector, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .http1_title_case_headers(true)
        .http1_max_buf_size(HEAD_BYTES_MAX)
        // Sloppy lines that nobody needs, as in the answers of report hosts.
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(idle_max)
        .pool_timer(TokioTimer::new())
        .build(connector)
}

impl Outbound {
    /// Posts `body` to `url`, path and query as written, and returns whatever was answered. The names of `headers` are
    /// lower case and go out in title case, their values are visible ASCII; host, length and user agent are added.
    /// `url` is checked as by [`Outbound::check`]. Source: contract, section 5.2.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answer, PostFailure> {
        let posted = self.post_checked(url, headers, body).await;
        if let Err(PostFailure::Unreachable(ConnectFailure::Refused(refusal))) = &posted {
            self.counters.count_refusal(Way::Webhook, refusal.class());
        }
        posted
    }

    /// Where `url` leads, checked by its text. What it is checked by never changes, so each is checked once.
    fn target(&self, url: &str) -> Result<Uri, Refusal> {
        if let Some(target) = self.targets.get(url) {
            return Ok(target);
        }
        let target = uri(url, &self.guard.check(url)?)?;
        self.targets.insert(url.to_owned(), target.clone());
        Ok(target)
    }

    async fn post_checked(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Answer, PostFailure> {
        let begun_ms = self.clock.mono_ms();
        let target = self.target(url)?;
        let request = request(target, headers, body);
        let exchange = async {
            let response = self.send(request).await.map_err(|error| failure(&error))?;
            let (head, body) = response.into_parts();
            let (body, is_cut) = read_cut(body, self.post_limits.answer_bytes_max).await?;
            let took_ms = self.clock.mono_ms().saturating_sub(begun_ms);
            let encodings = head.headers.get_all(header::CONTENT_ENCODING).iter();
            let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let content_encodings = encodings.map(text).collect();
            Ok(Answer { status: head.status.as_u16(), content_encodings, body, is_cut, took_ms })
        };
        let answered = tokio::time::timeout(self.post_limits.total, exchange).await;
        answered.unwrap_or(Err(PostFailure::TooSlow))
    }

    /// The answer's head. A receiver may close a connection of the pool in the moment in which it is used again: when one
    /// that was used before breaks before the first byte of an answer, the call is made once more, on a new connection.
    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ClientError> {
        let again = request.clone();
        let captured = capture_connection(&mut request);
        let failed = match self.pool.request(request).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let broke = captured.connection_metadata().as_ref().and_then(exchanges);
        if broke.is_some_and(|exchanges| exchanges.broke_when_used_again()) {
            return self.unpooled.request(again).await;
        }
        Err(failed)
    }
}

fn request(target: Uri, headers: &[(&'static str, String)], body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target;
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("values are visible ASCII");
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    for (name, value) in [(header::USER_AGENT, USER_AGENT), (header::ACCEPT_ENCODING, "identity")] {
        request.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    request
}

fn exchanges(connected: &Connected) -> Option<Exchanges> {
    let mut extensions = Extensions::new();
    connected.get_extras(&mut extensions);
    extensions.remove::<Exchanges>()
}

async fn read_cut(mut body: Incoming, bytes_max: usize) -> Result<(Bytes, bool), PostFailure> {
    let mut stored = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| PostFailure::Broken)?.into_data() else { continue };
        let room = bytes_max - stored.len();
        if data.len() > room {
            stored.extend_from_slice(&data[..room]);
            return Ok((stored.freeze(), true));
        }
        stored.extend_from_slice(&data);
    }
    Ok((stored.freeze(), false))
}

/// The client wraps what the connector said; it is taken out again.
fn failure(error: &ClientError) -> PostFailure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(failure) = error.downcast_ref::<ConnectFailure>() {
            return match failure {
                ConnectFailure::OutOfHandles => PostFailure::OutOfHandles,
                failure => PostFailure::Unreachable(*failure),
            };
        }
        cause = error.source();
    }
    PostFailure::Broken
}
