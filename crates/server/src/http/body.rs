//! Reading a request's body within a size, a time and a budget: whole, or piece by piece into a writer.
//!
//! A budget bounds the bytes of all bodies held at once; who finds it used up is asked to come again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use system::bytes_writer::BytesWriter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most bytes of a body before it is known who sends it. Source: product, section 12.
pub const STRANGER_BYTES_MAX: usize = 16 * 1024;
/// Seconds after which a caller who met a used-up budget may come again.
pub const RETRY_AFTER_SECONDS: u64 = 1;
/// Bytes of a body that are taken from the part of the budget that large bodies cannot use up.
const SMALL_BYTES: usize = 16 * 1024;
const SMALL_BUDGET_BYTES: usize = 16 << 20;
const LARGE_BUDGET_BYTES: usize = 48 << 20;

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
    /// The bodies of others take all the memory that there is for bodies.
    #[error("too many bodies come at once")]
    Busy,
}

/// The memory that there is for the bodies of all requests. Clones share it.
#[derive(Debug, Clone)]
pub struct BodyBudget {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Default for BodyBudget {
    /// 64 MiB. Source: product, section 12.
    fn default() -> BodyBudget {
        BodyBudget::of(SMALL_BUDGET_BYTES, LARGE_BUDGET_BYTES)
    }
}

impl BodyBudget {
    fn of(small_bytes: usize, large_bytes: usize) -> BodyBudget {
        let [small, large] =
            [small_bytes, large_bytes].map(|bytes| Arc::new(Semaphore::new(bytes)));
        BodyBudget { small, large }
    }

    /// Takes what a body needs to grow from `before` to `after` bytes.
    fn grow(&self, held: &mut Held, before: usize, after: usize) -> Result<(), BodyRefused> {
        let small = after.min(SMALL_BYTES) - before.min(SMALL_BYTES);
        let parts = [
            (&self.small, &mut held.small, small),
            (&self.large, &mut held.large, after - before - small),
        ];
        for (places, held, bytes) in parts {
            let bytes = u32::try_from(bytes).map_err(|_| BodyRefused::TooLarge)?;
            if bytes == 0 {
                continue;
            }
            let taken = Arc::clone(places).try_acquire_many_owned(bytes);
            let taken = taken.map_err(|_| BodyRefused::Busy)?;
            match held {
                Some(held) => held.merge(taken),
                None => *held = Some(taken),
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Held {
    small: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
}

struct Whole {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads `body` to its end: at most `max_bytes` (a larger `Content-Length` is refused at once),
/// within `timeout` from now.
pub async fn read_body<B>(
    body: B,
    max_bytes: usize,
    timeout: Duration,
    budget: &BodyBudget,
) -> Result<Bytes, BodyRefused>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    check_length(&body, max_bytes)?;
    tokio::time::timeout(timeout, gather(body, max_bytes, budget))
        .await
        .unwrap_or(Err(BodyRefused::TooSlow))
}

fn check_length(body: &impl Body, max_bytes: usize) -> Result<(), BodyRefused> {
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    if body.size_hint().lower() > limit { Err(BodyRefused::TooLarge) } else { Ok(()) }
}

async fn gather<B>(mut body: B, max_bytes: usize, budget: &BodyBudget) -> Result<Bytes, BodyRefused>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut held = Held::default();
    let Some(first) = next_piece(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > max_bytes {
        return Err(BodyRefused::TooLarge);
    }
    budget.grow(&mut held, 0, first.len())?;
    if body.is_end_stream() {
        return Ok(Bytes::from_owner(Whole { bytes: first, _held: held }));
    }
    // Only as much as has really come is set aside: an announced length alone costs us nothing.
    let mut whole = BytesMut::from(&first[..]);
    drop(first);
    while let Some(piece) = next_piece(&mut body).await? {
        let length = whole.len() + piece.len();
        if length > max_bytes {
            return Err(BodyRefused::TooLarge);
        }
        budget.grow(&mut held, whole.len(), length)?;
        whole.extend_from_slice(&piece);
    }
    Ok(Bytes::from_owner(Whole { bytes: whole.freeze(), _held: held }))
}

/// Why a body did not go into its writer.
#[derive(Debug)]
pub enum NotPoured {
    /// The body was not taken.
    Refused(BodyRefused),
    /// The writer took no more.
    Write(io::Error),
}

/// Pours `body` into `writer` piece by piece: at most `max_bytes`, within `timeout` from now; how many came.
pub async fn pour_body<B>(
    mut body: B,
    max_bytes: usize,
    timeout: Duration,
    writer: &mut impl BytesWriter,
) -> Result<usize, NotPoured>
where
    B: Body<Data = Bytes> + Unpin,
{
    check_length(&body, max_bytes).map_err(NotPoured::Refused)?;
    let pouring = async {
        let mut bytes = 0_usize;
        while let Some(piece) = next_piece(&mut body).await.map_err(NotPoured::Refused)? {
            bytes = bytes.saturating_add(piece.len());
            if bytes > max_bytes {
                return Err(NotPoured::Refused(BodyRefused::TooLarge));
            }
            writer.write(piece).await.map_err(NotPoured::Write)?;
        }
        Ok(bytes)
    };
    let poured = tokio::time::timeout(timeout, pouring).await;
    poured.unwrap_or(Err(NotPoured::Refused(BodyRefused::TooSlow)))
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
        assert_eq!(
            read_body(pieces(&[]), 0, SECOND, &BodyBudget::default()).await,
            Ok(Bytes::new())
        );
        assert_eq!(
            read_body(pieces(&["abc"]), 3, SECOND, &BodyBudget::default()).await,
            Ok(Bytes::from("abc"))
        );
        let read =
            read_body(pieces(&["ab", "", "cd", "e"]), 5, SECOND, &BodyBudget::default()).await;
        assert_eq!(read, Ok(Bytes::from("abcde")));
    }

    #[tokio::test]
    async fn a_body_in_one_piece_is_not_copied() {
        let sent = Bytes::from(vec![7; 100]);
        let read =
            read_body(Full::new(sent.clone()), 100, SECOND, &BodyBudget::default()).await.unwrap();
        assert_eq!(read.as_ptr(), sent.as_ptr());
    }

    #[tokio::test]
    async fn one_byte_too_many_is_refused_announced_or_not() {
        let announced =
            read_body(Full::new(Bytes::from("abcd")), 3, SECOND, &BodyBudget::default()).await;
        assert_eq!(announced, Err(BodyRefused::TooLarge));
        assert_eq!(
            read_body(pieces(&["abcd"]), 3, SECOND, &BodyBudget::default()).await,
            Err(BodyRefused::TooLarge)
        );
        assert_eq!(
            read_body(pieces(&["ab", "cd"]), 3, SECOND, &BodyBudget::default()).await,
            Err(BodyRefused::TooLarge)
        );
    }

    #[tokio::test]
    async fn a_stalling_body_is_refused_in_time_and_a_broken_one_at_once() {
        let stalled = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let read = read_body(stalled, 3, Duration::from_millis(20), &BodyBudget::default()).await;
        assert_eq!(read, Err(BodyRefused::TooSlow));

        let broken =
            StreamBody::new(stream::iter([Err::<Frame<Bytes>, _>(io::Error::other("gone"))]));
        assert_eq!(
            read_body(broken, 3, SECOND, &BodyBudget::default()).await,
            Err(BodyRefused::Broken)
        );
    }

    #[tokio::test]
    async fn bodies_that_are_held_use_up_the_budget_and_give_it_back() {
        let budget = BodyBudget::of(SMALL_BYTES + 5, 10);
        let large = SMALL_BYTES + 10;
        let send = |length: usize| Full::new(Bytes::from(vec![7; length]));
        let read = |length| read_body(send(length), length, SECOND, &budget);
        let held = read(large).await.unwrap();
        assert_eq!(read(SMALL_BYTES + 1).await, Err(BodyRefused::Busy));
        // A small one still passes, and is held by its copies.
        let small = read(5).await.unwrap();
        let copy = small.slice(1..2);
        drop(small);
        assert_eq!(read(1).await, Err(BodyRefused::Busy));
        drop(copy);
        assert!(read(5).await.is_ok());
        drop(held);
        assert_eq!(read(large).await.unwrap().len(), large);
        // What did not come to its end holds nothing.
        let frames = [Ok(Frame::data(Bytes::from(vec![7; large]))), Err(io::Error::other("gone"))];
        let broken = StreamBody::new(stream::iter(frames));
        assert_eq!(read_body(broken, large, SECOND, &budget).await, Err(BodyRefused::Broken));
        assert!(read(large).await.is_ok());
    }

    #[tokio::test]
    async fn a_poured_body_is_bounded_as_one_that_is_read() {
        let mut writer = Vec::new();
        let poured = pour_body(pieces(&["ab", "", "cd"]), 4, SECOND, &mut writer).await;
        assert_eq!((poured.unwrap(), writer.as_slice()), (4, b"abcd".as_slice()));
        let poured = pour_body(pieces(&["abcd", "e"]), 4, SECOND, &mut Vec::new()).await;
        assert!(matches!(poured, Err(NotPoured::Refused(BodyRefused::TooLarge))));
        let announced = pour_body(Full::new(Bytes::from("abcde")), 4, SECOND, &mut writer).await;
        assert!(matches!(announced, Err(NotPoured::Refused(BodyRefused::TooLarge))));
        let stalled = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let poured = pour_body(stalled, 4, Duration::from_millis(20), &mut writer).await;
        assert!(matches!(poured, Err(NotPoured::Refused(BodyRefused::TooSlow))));
        assert_eq!(writer.len(), 4);
    }
}
