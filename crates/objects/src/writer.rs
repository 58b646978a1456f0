//! Writing an object: hashed and sealed while it comes, by threads that are made for such work.

use std::io;
use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use domain::{Id, TenantId};
use system::bytes_writer::BytesWriter;
use system::load_shedder::LoadShedder;
use tokio::task::JoinHandle;

use super::sealed::Sealer;
use super::{Backend, Inner, folder};
use zeroize::Zeroizing;

/// Bytes that are hashed and sealed at once, while the next ones come: handing them on costs time.
const BATCH_BYTES: usize = 512 * 1024;
/// The same while calls come, which wait for a batch at most.
const BUSY_BATCH_BYTES: usize = 256 * 1024;

/// What was stored. Its key does not print.
#[derive(Clone)]
pub struct Stored {
    /// The object's name.
    pub object_id: Id,
    /// The AES-256 key that seals it.
    pub key: Zeroizing<[u8; 32]>,
    /// Bytes of the content.
    pub size_bytes: u64,
    /// SHA-256 of the content.
    pub sha256: [u8; 32],
}

contract::debug_only! { Stored { object_id } }

/// An object being written. Dropped before [`ObjectWriter::finish`], it leaves nothing.
pub struct ObjectWriter {
    inner: Arc<Inner>,
    load_shedder: LoadShedder,
    object_id: Id,
    work: Work,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    /// From how many bytes on a batch is handed on: the first one at once, so that a place that takes nothing shows early.
    batch_bytes_min: usize,
}

enum Work {
    /// With the last batch's work, or what came of it.
    Going(JoinHandle<io::Result<Draft>>),
    Waits(Box<Draft>),
    /// After an error.
    GivenUp,
}

struct Draft {
    target: Target,
    sealer: Sealer,
    sha256: digest::Context,
    size_bytes: u64,
    /// Sealed bytes on their way to the target.
    out: Vec<u8>,
}

enum Target {
    /// Made with the first batch: files are not made on async threads.
    NotYet,
    File(folder::Draft),
    #[cfg(feature = "s3")]
    Upload(super::bucket::Upload),
}

impl ObjectWriter {
    pub(super) fn new(
        inner: Arc<Inner>,
        load_shedder: LoadShedder,
        tenant_id: TenantId,
        object_id: Id,
    ) -> ObjectWriter {
        let mut out = Vec::new();
        let sealer = Sealer::new(tenant_id, object_id, &mut out);
        let target = match &inner.backend {
            Backend::Folder(_) => Target::NotYet,
            #[cfg(feature = "s3")]
            Backend::Bucket(bucket) => Target::Upload(bucket.begin(object_id)),
        };
        let sha256 = digest::Context::new(&digest::SHA256);
        let draft = Draft { target, sealer, sha256, size_bytes: 0, out };
        let work = Work::Waits(Box::new(draft));
        ObjectWriter {
            inner,
            load_shedder,
            object_id,
            work,
            batch: Vec::new(),
            batch_bytes: 0,
            batch_bytes_min: 0,
        }
    }

    /// Adds a piece. An error is final: the draft is gone.
    pub async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        self.batch_bytes += piece.len();
        self.batch.push(piece);
        if self.batch_bytes < self.batch_bytes_min {
            return Ok(());
        }
        let draft = self.draft().await?;
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        self.batch_bytes_min =
            if self.load_shedder.is_pausing() { BUSY_BATCH_BYTES } else { BATCH_BYTES };
        self.work = Work::Going(tokio::spawn(draft.take(
            Arc::clone(&self.inner),
            self.load_shedder.clone(),
            batch,
        )));
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Makes the object appear, durable when this returns; an error when one of that name is there.
    pub async fn finish(mut self) -> io::Result<Stored> {
        let draft = self.draft().await?;
        let batch = std::mem::take(&mut self.batch);
        let draft = draft.take(Arc::clone(&self.inner), self.load_shedder.clone(), batch).await?;
        draft.finish(&self.load_shedder, self.object_id).await
    }

    async fn draft(&mut self) -> io::Result<Draft> {
        match std::mem::replace(&mut self.work, Work::GivenUp) {
            Work::Going(work) => work.await.unwrap_or_else(|error| Err(io::Error::other(error))),
            Work::Waits(draft) => Ok(*draft),
            Work::GivenUp => Err(io::Error::other("the object was given up")),
        }
    }
}

impl Drop for ObjectWriter {
    fn drop(&mut self) {
        if let Work::Going(work) = &self.work {
            // What a thread has begun it ends, and then the draft goes all the same.
            work.abort();
        }
    }
}

impl BytesWriter for ObjectWriter {
    async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        ObjectWriter::write(self, piece).await
    }
}

impl Draft {
    /// Hashes and seals a batch, and hands it on. Both at once by two threads, unless calls come.
    async fn take(
        self,
        inner: Arc<Inner>,
        load_shedder: LoadShedder,
        batch: Vec<Bytes>,
    ) -> io::Result<Draft> {
        let (permit, alone) = (load_shedder.permit().await, load_shedder.is_pausing());
        let (mut sha256, pieces) = (self.sha256.clone(), batch.clone());
        let hash = move || {
            for piece in &pieces {
                sha256.update(piece);
            }
            Ok(sha256)
        };
        let seal = move || {
            let (_permit, mut draft) = (permit, self);
            for piece in &batch {
                draft.size_bytes += piece.len() as u64;
                draft.sealer.take(piece, &mut draft.out);
            }
            draft.write_file(&inner, alone)?;
            Ok(draft)
        };
        let (sha256, mut draft) = match alone {
            true => blocking(move || Ok((hash()?, seal()?))).await?,
            false => tokio::try_join!(blocking(hash), blocking(seal))?,
        };
        draft.sha256 = sha256;
        draft.send_parts().await?;
        Ok(draft)
    }

    fn write_file(&mut self, inner: &Inner, alone: bool) -> io::Result<()> {
        if let (Target::NotYet, Backend::Folder(folder)) = (&self.target, &inner.backend) {
            self.target = Target::File(folder.begin()?);
        }
        if let Target::File(file) = &mut self.target {
            file.write(&self.out, alone)?;
            self.out.clear();
        }
        Ok(())
    }

    /// Sends what is sealed, if it goes to a bucket and fills a part.
    async fn send_parts(&mut self) -> io::Result<()> {
        #[cfg(feature = "s3")]
        if let Target::Upload(upload) = &mut self.target {
            upload.take(&mut self.out).await?;
        }
        Ok(())
    }

    async fn finish(self, load_shedder: &LoadShedder, object_id: Id) -> io::Result<Stored> {
        let Draft { target, sealer, sha256, size_bytes, mut out } = self;
        let key = sealer.finish(&mut out);
        let sha256 = sha256.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes");
        let stored = Stored { object_id, key, size_bytes, sha256 };
        match target {
            #[cfg(feature = "s3")]
            Target::Upload(upload) => upload.finish(out).await?,
            Target::NotYet => return Err(io::Error::other("the object was never begun")),
            Target::File(mut file) => {
                let alone = load_shedder.is_pausing();
                // Flushes wait for the disk, not for a processor: only calls are a reason to make them wait for each other.
                let permit = if alone { Some(load_shedder.permit().await) } else { None };
                blocking(move || {
                    let _permit = permit;
                    file.write(&out, alone)?;
                    file.finish(object_id, alone)
                })
                .await?;
            }
        }
        Ok(stored)
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}
