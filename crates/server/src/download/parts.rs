//! Several ranges in one answer: `multipart/byteranges`. Source: RFC 9110, section 14.6.

use std::ops::Range;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use objects::{Object, Unreadable};
use system::random;

use super::{begun, set};

/// The ranges of a report, each after a head that names it. At least one, ascending, none touching the next.
pub(super) async fn several(
    object: &Object,
    kind: &'static str,
    ranges: &[Range<u64>],
) -> Result<Response, Unreadable> {
    let boundary = random::hex::<16>();
    let size_bytes = object.size_bytes();
    let mut length = 0;
    let mut pieces = Vec::with_capacity(ranges.len());
    for range in ranges {
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {}-{}/{size_bytes}\r\n\r\n",
            range.start,
            range.end - 1
        );
        length += head.len() as u64 + (range.end - range.start);
        pieces.push((Bytes::from(head), range.clone()));
    }
    let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    length += end.len() as u64;
    // The first one is begun now, so that damage there shows while there is no answer yet; the others in their turn.
    let (head, range) = pieces.remove(0);
    let first = stream::iter([Ok(head)]).chain(begun(object, range).await?);
    let object = object.clone();
    let others = stream::iter(pieces)
        .flat_map(move |(head, range)| stream::iter([Ok(head)]).chain(object.read(range)).boxed());
    let body = first.chain(others).chain(stream::iter([Ok(end)]));
    let mut response = Response::new(Body::from_stream(body));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, format!("multipart/byteranges; boundary={boundary}"));
    set(headers, header::CONTENT_LENGTH, length.to_string());
    Ok(response)
}
