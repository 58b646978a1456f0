//! Reading an object: only the chunks that hold what is asked for, each given on after its tag was checked.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use domain::Id;
use futures_util::{Stream, TryStreamExt, stream};

use super::sealed::{CHUNK_BYTES, Opener};
use super::{Backend, Inner, Unreadable};

pub(super) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// An object that can be read, any range of it, any number of times.
#[derive(Clone)]
pub struct Object {
    inner: Arc<Inner>,
    object_id: Id,
    opener: Arc<Opener>,
}

impl Object {
    pub(super) fn new(inner: Arc<Inner>, object_id: Id, opener: Opener) -> Object {
        Object { inner, object_id, opener: Arc::new(opener) }
    }

    /// Bytes of the whole content.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.opener.size_bytes()
    }

    /// The bytes in `range`, cut to what there is. The whole range authenticates the whole content, an empty one too.
    pub fn read(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, Unreadable>> + Send + use<> {
        let size_bytes = self.opener.size_bytes();
        let start = range.start.min(size_bytes);
        let range = start..range.end.clamp(start, size_bytes);
        let chunk = CHUNK_BYTES as u64;
        let first = (range.start / chunk).min(self.opener.chunk_count() - 1);
        let after = range.end.div_ceil(chunk).clamp(first + 1, self.opener.chunk_count());
        let reading = Reading { object: self.clone(), range, index: first, after, pieces: None };
        stream::try_unfold((reading, BytesMut::new()), |(mut reading, mut come)| async move {
            let part = reading.next(&mut come).await?;
            Ok(part.map(|part| (part, (reading, come))))
        })
    }
}

struct Reading {
    object: Object,
    range: Range<u64>,
    index: u64,
    after: u64,
    pieces: Option<Pieces>,
}

impl Reading {
    async fn next(&mut self, come: &mut BytesMut) -> Result<Option<Bytes>, Unreadable> {
        if self.index == self.after {
            return Ok(None);
        }
        let opener = Arc::clone(&self.object.opener);
        let (begin, length) = opener.position(self.index);
        if self.pieces.is_none() {
            let (last, last_length) = opener.position(self.after - 1);
            let all = begin..last + last_length as u64;
            self.pieces = Some(self.object.inner.backend.read(self.object.object_id, all).await?);
        }
        let pieces = self.pieces.as_mut().expect("they were just begun");
        while come.len() < length {
            match pieces.try_next().await.map_err(Unreadable::Unreachable)? {
                Some(piece) => come.extend_from_slice(&piece),
                None => return Err(Unreadable::Damaged("it ends too early")),
            }
        }
        let mut chunk = come.split_to(length).to_vec();
        if !opener.open(self.index, &mut chunk) {
            return Err(Unreadable::Damaged("a part of it does not open"));
        }
        let chunk_begin = self.index * CHUNK_BYTES as u64;
        self.index += 1;
        let mut plain = Bytes::from(chunk);
        let cut = |at: u64| usize::try_from(at.saturating_sub(chunk_begin)).unwrap_or(usize::MAX);
        plain.truncate(cut(self.range.end));
        plain.advance(cut(self.range.start).min(plain.len()));
        Ok(Some(plain))
    }
}

impl Backend {
    async fn read(&self, object_id: Id, range: Range<u64>) -> Result<Pieces, Unreadable> {
        let pieces = match self {
            Backend::Folder(folder) => folder.read(object_id, range).await,
            #[cfg(feature = "s3")]
            Backend::Bucket(bucket) => bucket.read(object_id, range).await,
        };
        pieces.map_err(Unreadable::Unreachable)?.ok_or(Unreadable::Missing)
    }
}
