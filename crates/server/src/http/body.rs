//! Reading a request's body whole, within a size and a time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;

/// Why a request's body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyRefused {
    /// Announced or come larger than allowed.
    #[error("the body is larger than allowed")]
    TooLarge,
    /// Not complete within the time.
    #[error("the body did not come in time")]
    TooSlow,
    /// Ended early, or its framing was wrong.
    #[error("the body broke off")]
    Broken,
}

/// Reads `body` to its end: at most `max_bytes`, within `timeout` from now.
///
/// A `Content-Length` above the limit is refused before anything is read. A body that came in one
/// piece is handed on without a copy; nothing is allocated for an empty one.
pub async fn read_body<B>(
    body: B,
    max_bytes: usize,
    timeout: Duration,
) -> Result<Bytes, BodyRefused>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    if body.size_hint().lower() > limit {
        return Err(BodyRefused::TooLarge);
    }
    tokio::time::timeout(timeout, gather(body, max_bytes))
        .await
        .unwrap_or(Err(BodyRefused::TooSlow))
}

async fn gather<B>(mut body: B, max_bytes: usize) -> Result<Bytes, BodyRefused>
where
    B: Body<Data = Bytes> + Unpin,
{
    let Some(first) = next_piece(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > max_bytes {
        return Err(BodyRefused::TooLarge);
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    // Only as much as has really come is set aside: an announced length alone costs us nothing.
    let mut whole = BytesMut::from(first);
    while let Some(piece) = next_piece(&mut body).await? {
        if whole.len() + piece.len() > max_bytes {
            return Err(BodyRefused::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The next piece with data in it; trailers are passed over. `None` at the end.
async fn next_piece<B>(body: &mut B) -> Result<Option<Bytes>, BodyRefused>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        match frame.map_err(|_| BodyRefused::Broken)?.into_data() {
            Ok(data) if !data.is_empty() => return Ok(Some(data)),
            _ => {}
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pieces(texts: &[&'static str]) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frames: Vec<_> =
            texts.iter().map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes())))).collect();
        StreamBody::new(stream::iter(frames))
    }

    #[tokio::test]
    async fn a_body_is_joined_from_its_pieces() {
        assert_eq!(read_body(pieces(&[]), 0, SECOND).await, Ok(Bytes::new()));
        assert_eq!(read_body(pieces(&["abc"]), 3, SECOND).await, Ok(Bytes::from("abc")));
        let read = read_body(pieces(&["ab", "", "cd", "e"]), 5, SECOND).await;
        assert_eq!(read, Ok(Bytes::from("abcde")));
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_not_copied() {
        let sent = Bytes::from(vec![7; 100]);
        let read = read_body(Full::new(sent.clone()), 100, SECOND).await.unwrap();
        assert_eq!(read.as_ptr(), sent.as_ptr());
    }

    #[tokio::test]
    async fn one_byte_too_many_is_refused_announced_or_not() {
        let announced = read_body(Full::new(Bytes::from("abcd")), 3, SECOND).await;
        assert_eq!(announced, Err(BodyRefused::TooLarge));
        assert_eq!(read_body(pieces(&["abcd"]), 3, SECOND).await, Err(BodyRefused::TooLarge));
        assert_eq!(read_body(pieces(&["ab", "cd"]), 3, SECOND).await, Err(BodyRefused::TooLarge));
    }

    #[tokio::test]
    async fn a_stalling_body_is_refused_in_time_and_a_broken_one_at_once() {
        let stalled = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let read = read_body(stalled, 3, Duration::from_millis(20)).await;
        assert_eq!(read, Err(BodyRefused::TooSlow));

        let broken =
            StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>(io::Error::other("gone"))]));
        assert_eq!(read_body(broken, 3, SECOND).await, Err(BodyRefused::Broken));
    }
}
