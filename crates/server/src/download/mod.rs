//! Giving a file away: whole or one range of it, as an attachment that nothing keeps and nothing guesses at.
//!
//! What a vendor or a hirer sent is shown to nobody's browser as a page: it is an attachment, sandboxed, never
//! sniffed. The control API gives files to its callers so, and a signed link to whoever holds it.

mod disposition;
mod link;
mod range;
mod views;

use std::io;
use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use domain::Id;
use futures_util::Stream;

use crate::chance;
use crate::objects::Objects;
pub(crate) use link::give_linked;
use range::Asked;
pub(crate) use views::{View, viewed};

/// A file that can be given away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    /// Its object.
    pub(crate) object: Id,
    /// The name under which it is saved.
    pub(crate) name: &'a str,
    /// Bytes.
    pub(crate) size_bytes: u64,
    /// SHA-256 of the bytes.
    pub(crate) sha256: &'a [u8],
}

/// What came of asking for a file.
pub(crate) enum Given {
    /// The whole of it, or the range that was asked for, which is named then.
    Content(Response, Option<Range<u64>>),
    /// The range lies outside; the value for `Content-Range`.
    Outside(HeaderValue),
    /// Its object is not there, or of another size.
    Gone,
}

/// Gives a PDF, whole or the one range that `headers` ask for.
///
/// # Errors
/// When its object cannot be read.
pub(crate) async fn give(
    objects: &Objects,
    file: File<'_>,
    headers: &HeaderMap,
) -> io::Result<Given> {
    let size_bytes = file.size_bytes;
    let tag = format!("\"{}\"", chance::to_hex(file.sha256));
    let asked = range::asked(headers, &tag, size_bytes);
    let range = match &asked {
        Asked::Whole => None,
        Asked::Part(range) => Some(range.clone()),
        Asked::Outside => {
            let value = HeaderValue::try_from(format!("bytes */{size_bytes}"));
            return Ok(Given::Outside(value.expect("digits are visible ASCII")));
        }
    };
    let read = objects.read(file.object, range).await?;
    let Some(content) = read.filter(|content| content.size_bytes() == size_bytes) else {
        return Ok(Given::Gone);
    };
    let given = content.range();
    let mut response = Response::new(Body::from_stream(content));
    let headers = response.headers_mut();
    let texts = [
        (header::CONTENT_DISPOSITION, disposition::attachment(file.name)),
        (header::ETAG, tag),
        (header::CONTENT_LENGTH, (given.end - given.start).to_string()),
    ];
    for (name, text) in texts {
        let value = HeaderValue::try_from(text);
        headers.insert(name, value.expect("the texts are visible ASCII"));
    }
    let pdf = HeaderValue::from_static("application/pdf");
    headers.insert(header::CONTENT_TYPE, pdf);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    if matches!(asked, Asked::Part(_)) {
        let text = format!("bytes {}-{}/{size_bytes}", given.start, given.end - 1);
        let value = HeaderValue::try_from(text).expect("digits are visible ASCII");
        headers.insert(header::CONTENT_RANGE, value);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    let part = matches!(asked, Asked::Part(_)).then_some(given);
    Ok(Given::Content(response, part))
}

/// Gives a file of any kind, whole: `content` gives its bytes.
fn give_whole(
    file: &store::files::File,
    content: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Response {
    let mut response = Response::new(Body::from_stream(content));
    let headers = response.headers_mut();
    let texts = [
        (header::CONTENT_DISPOSITION, disposition::attachment_of_any_kind(&file.name)),
        (header::ETAG, format!("\"{}\"", chance::to_hex(&file.sha256))),
        (header::CONTENT_LENGTH, file.size_bytes.to_string()),
    ];
    for (name, text) in texts {
        let value = HeaderValue::try_from(text);
        headers.insert(name, value.expect("the texts are visible ASCII"));
    }
    let bytes = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, bytes);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    response
}
