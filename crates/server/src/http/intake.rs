//! What every request passes between hyper and the routes.
//!
//! Refused with 400 and a close is a request that can be read in two ways (RFC 9112, sections 3.2 and 6.1). Slashes at
//! the path's beginning count as one. When an answer is ready before the body was read, a short rest is drained; else
//! the answer says `Connection: close` and the listener lingers, so that no answer is lost ([`super::socket`]).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tower::Service;

/// The most that is read of a body after the answer to its request was ready, in bytes.
const REST_BYTES_MAX: u64 = 64 * 1024;
const REST_TIME: Duration = Duration::from_secs(1);

pub(super) async fn answer<S, B>(
    mut service: S,
    request: Request<Incoming>,
) -> Result<Response<B>, Infallible>
where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    B: Default,
{
    if has_two_meanings(request.version(), request.headers()) {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::BAD_REQUEST;
        close(response.headers_mut());
        return Ok(response);
    }
    let expects_continue = request.headers().contains_key(header::EXPECT);
    let rest = Rest::default();
    let (mut head, incoming) = request.into_parts();
    collapse_slashes(&mut head.uri);
    let body = RequestBody { incoming: Some(incoming), polled: Polled::Never, rest: rest.clone() };
    let mut response = service.call(Request::from_parts(head, body)).await?;
    if !rest.is_gone(expects_continue).await {
        close(response.headers_mut());
    }
    Ok(response)
}

fn close(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// Whether others may read the request's host or the length of its body in another way. hyper has refused what is
/// malformed in itself, lengths that differ, and codings of which the last is not `chunked`.
fn has_two_meanings(version: Version, headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    let mut hosts = headers.get_all(header::HOST).iter();
    let has_host = match (hosts.next(), hosts.next()) {
        (None, _) => version == Version::HTTP_10,
        (Some(host), None) => host.as_bytes().iter().copied().all(is_of_host),
        (Some(_), Some(_)) => false,
    };
    !(is_chunked && has_host)
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%:[]".contains(&byte)
}

fn collapse_slashes(uri: &mut Uri) {
    let Some(target) = uri.path_and_query().map(PathAndQuery::as_str) else { return };
    if !target.starts_with("//") {
        return;
    }
    let Ok(target) = format!("/{}", target.trim_start_matches('/')).parse() else { return };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target);
    *uri = Uri::from_parts(parts).expect("only the path was changed");
}

/// A request's body. Dropped before its end, it leaves what was not read to the connection.
#[derive(Debug)]
pub struct RequestBody {
    /// None at its end.
    incoming: Option<Incoming>,
    polled: Polled,
    rest: Rest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Polled {
    Never,
    Piece,
    Pending,
}

#[derive(Debug, Clone, Default)]
struct Rest(Arc<Mutex<Left>>);

#[derive(Debug, Default)]
enum Left {
    /// Nothing, or the body is still being read.
    #[default]
    Nothing,
    /// A body with a rest, and what the last look at it gave.
    Unread(Incoming, Polled),
    Broken,
}

impl Rest {
    /// Reads what is left within the bounds; whether nothing is left, so that the connection may go on.
    async fn is_gone(&self, expects_continue: bool) -> bool {
        let left = std::mem::take(&mut *self.left());
        match left {
            Left::Nothing => true,
            // A client that waits for the word to send its body has sent nothing, and one that was too slow is not
            // waited for again.
            Left::Unread(_, Polled::Never) if expects_continue => false,
            Left::Unread(_, Polled::Pending) | Left::Broken => false,
            Left::Unread(body, _) if body.size_hint().lower() > REST_BYTES_MAX => false,
            Left::Unread(body, _) => {
                tokio::time::timeout(REST_TIME, drain(body)).await.unwrap_or(false)
            }
        }
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drain(mut body: Incoming) -> bool {
    let mut read_bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        read_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read_bytes > REST_BYTES_MAX {
            return false;
        }
    }
    true
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let polled = Pin::new(incoming).poll_frame(cx);
        self.polled = if polled.is_pending() { Polled::Pending } else { Polled::Piece };
        let frame = ready!(polled);
        match &frame {
            Some(Ok(_)) => {}
            Some(Err(_)) => {
                self.incoming = None;
                *self.rest.left() = Left::Broken;
            }
            None => self.incoming = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(incoming) = self.incoming.take().filter(|body| !body.is_end_stream()) {
            *self.rest.left() = Left::Unread(incoming, self.polled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_beginning_of_a_path_count_as_one() {
        for (target, expected) in [
            ("/open-apis/a", "/open-apis/a"),
            ("//open-apis/a", "/open-apis/a"),
            ("////open-apis//a/?b=//c", "/open-apis//a/?b=//c"),
            ("//", "/"),
            ("//?a", "/?a"),
            ("http://h//open-apis/a", "http://h/open-apis/a"),
            ("*", "*"),
        ] {
            let mut uri: Uri = target.parse().unwrap();
            collapse_slashes(&mut uri);
            assert_eq!(uri.to_string(), expected);
        }
    }

    #[test]
    fn what_others_may_read_in_another_way_is_refused() {
        let refused = |version, lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, HeaderValue::from_static(value));
            }
            has_two_meanings(version, &headers)
        };
        let host = ("host", "hub.example:8090");
        for lines in [
            &[host][..],
            &[("host", "")],
            &[("host", "[::1]:80")],
            &[host, ("transfer-encoding", "Chunked")],
        ] {
            assert!(!refused(Version::HTTP_11, lines), "{lines:?}");
        }
        assert!(!refused(Version::HTTP_10, &[]));
        for lines in [
            &[][..],
            &[host, host],
            &[("host", "a, b")],
            &[("host", "a b")],
            &[("host", "a/b")],
            &[("host", "user@a")],
            &[host, ("transfer-encoding", "chunked, chunked")],
            &[host, ("transfer-encoding", "gzip, chunked")],
            &[host, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
            &[host, ("transfer-encoding", "identity")],
        ] {
            assert!(refused(Version::HTTP_11, lines), "{lines:?}");
        }
        assert!(refused(Version::HTTP_10, &[host, host]));
    }
}
