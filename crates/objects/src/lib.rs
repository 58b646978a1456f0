//! The object store: the contents of reports and files, each sealed under a key of its own, in a folder or in an
//! S3-compatible bucket.
//!
//! An object is hashed and sealed while it comes, and appears when it is whole and durable; it never changes, and its
//! name is random. What is read was authenticated (`sealed.rs`). Hashing, sealing and files are off the async threads, in
//! permits that pause while calls come, unless somebody waits.

#[cfg(feature = "s3")]
mod bucket;
mod folder;
mod reader;
mod sealed;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest;
use domain::{Id, TenantId, UnixMs};
use futures_util::TryStreamExt;

#[cfg(feature = "s3")]
pub use bucket::{BucketSettings, BucketStyle, TrialFailure};
pub use reader::Object;
pub use sealed::CHUNK_BYTES;
pub use writer::{ObjectWriter, Stored};

use folder::{DRAFTS, Folder};
use sealed::{HEADER_BYTES, Opener};
use system::load_shedder::{CallRate, LoadShedder};

/// The objects of an installation. Cheap to clone. Several processes may share the place.
#[derive(Debug, Clone)]
pub struct Objects(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Backend,
    /// The permits of what somebody waits for.
    awaited: LoadShedder,
    /// The permits of what nobody waits for.
    unawaited: LoadShedder,
}

#[derive(Debug)]
enum Backend {
    Folder(Folder),
    #[cfg(feature = "s3")]
    Bucket(bucket::Bucket),
}

/// Why an object cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not there.
    #[error("the object is missing")]
    Missing,
    /// It is not what was written: altered, cut, extended, exchanged, or sealed under another key.
    #[error("the object is damaged: {0}")]
    Damaged(&'static str),
    /// The place does not answer now.
    #[error("the object store does not answer")]
    Unreachable(#[source] io::Error),
}

/// One thing that lies where objects lie.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name, with folders, as it is sorted.
    pub path: String,
    /// The object that it is; none when it is not named as one.
    pub object_id: Option<Id>,
    /// When it was last written, by the clock of the place.
    pub modified_at: UnixMs,
}

/// Whether a folder holds objects, or parts of them; drafts are nobody's.
pub fn holds_any(root: &Path) -> io::Result<bool> {
    let mut entries = match std::fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    // What file systems keep at their root is none either.
    Ok(entries.any(|entry| {
        entry.is_ok_and(|entry| entry.file_name() != DRAFTS && entry.file_name() != "lost+found")
    }))
}

impl Objects {
    /// The objects in the folder `root`, which is made (mode 0700). Removes the drafts of dead processes.
    pub async fn in_folder(root: &Path, call_rate: &CallRate) -> io::Result<Objects> {
        Ok(Objects::at(Backend::Folder(Folder::open(root).await?), call_rate))
    }

    /// The objects in a bucket, which is not asked before the first object.
    #[cfg(feature = "s3")]
    pub fn in_bucket(settings: &BucketSettings, call_rate: &CallRate) -> io::Result<Objects> {
        Ok(Objects::at(Backend::Bucket(bucket::Bucket::open(settings)?), call_rate))
    }

    /// Whether a bucket can be used, tried by writing, reading and deleting an object; a folder was tried when it was
    /// opened.
    #[cfg(feature = "s3")]
    pub async fn try_out(&self) -> Result<(), TrialFailure> {
        match &self.0.backend {
            Backend::Folder(_) => Ok(()),
            Backend::Bucket(bucket) => bucket.try_out(Id(system::random::bits() & i64::MAX)).await,
        }
    }

    fn at(backend: Backend, call_rate: &CallRate) -> Objects {
        let (awaited, unawaited) = (LoadShedder::new(None), LoadShedder::new(Some(call_rate)));
        Objects(Arc::new(Inner { backend, awaited, unawaited }))
    }

    /// Begins the object `object_id` under a new key. A failure to begin shows at a later piece, or at the end.
    #[must_use]
    pub fn create(&self, tenant_id: TenantId, object_id: Id) -> ObjectWriter {
        ObjectWriter::new(Arc::clone(&self.0), self.0.awaited.clone(), tenant_id, object_id)
    }

    /// Begins an object that nobody waits for, with a name drawn at random: while calls come, its writing rests.
    #[must_use]
    pub fn create_behind(&self, tenant_id: TenantId) -> ObjectWriter {
        let object_id = Id(system::random::bits() & i64::MAX);
        ObjectWriter::new(Arc::clone(&self.0), self.0.unawaited.clone(), tenant_id, object_id)
    }

    /// Opens an object for reading, with its row's key and content size. A wrong length is an error
    /// here; altered bytes are when read.
    pub async fn open(
        &self,
        tenant_id: TenantId,
        object_id: Id,
        key: &[u8; 32],
        size_bytes: u64,
    ) -> Result<Object, Unreadable> {
        let head = self.0.backend.head(object_id).await.map_err(Unreadable::Unreachable)?;
        let (header, sealed_bytes) = head.ok_or(Unreadable::Missing)?;
        if sealed_bytes != sealed::sealed_bytes(size_bytes) {
            return Err(Unreadable::Damaged("its size is not what it must be"));
        }
        let opener = Opener::new(key, &header, tenant_id, object_id, size_bytes);
        let opener = opener.ok_or(Unreadable::Damaged("it does not begin as an object"))?;
        Ok(Object::new(Arc::clone(&self.0), object_id, opener))
    }

    /// Whether an object is there and as long as one whose content has `size_bytes`.
    pub async fn has(&self, object_id: Id, size_bytes: u64) -> io::Result<bool> {
        let head = self.0.backend.head(object_id).await?;
        Ok(head.is_some_and(|(_, bytes)| bytes == sealed::sealed_bytes(size_bytes)))
    }

    /// Reads an object from beginning to end; what its content's SHA-256 is.
    pub async fn hash(
        &self,
        tenant_id: TenantId,
        object_id: Id,
        key: &[u8; 32],
        size_bytes: u64,
    ) -> Result<[u8; 32], Unreadable> {
        let object = self.open(tenant_id, object_id, key, size_bytes).await?;
        let mut content = std::pin::pin!(object.read(0..size_bytes));
        let mut sha256 = digest::Context::new(&digest::SHA256);
        while let Some(piece) = content.try_next().await? {
            sha256.update(&piece);
        }
        Ok(sha256.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes"))
    }

    /// Removes an object for good; `false` when there was none.
    pub async fn remove(&self, object_id: Id) -> io::Result<bool> {
        match &self.0.backend {
            Backend::Folder(folder) => folder.remove(object_id).await,
            #[cfg(feature = "s3")]
            Backend::Bucket(bucket) => bucket.remove(object_id).await,
        }
    }

    /// At most `limit` of what lies there, sorted by path, from after the given path on.
    pub async fn list(&self, after: &str, limit: usize) -> io::Result<Vec<Listed>> {
        match &self.0.backend {
            Backend::Folder(folder) => folder.list(after, limit).await,
            #[cfg(feature = "s3")]
            Backend::Bucket(bucket) => bucket.list(after, limit).await,
        }
    }

    /// The drafts that no living process holds, as paths; with `sweep` they are removed. None in a bucket.
    pub async fn dead_drafts(&self, sweep: bool) -> io::Result<Vec<String>> {
        match &self.0.backend {
            Backend::Folder(folder) => folder.dead_drafts(sweep).await,
            #[cfg(feature = "s3")]
            Backend::Bucket(_) => Ok(Vec::new()),
        }
    }
}

impl Backend {
    /// The object's first bytes and its size; none when there is none, and fewer bytes when it is shorter.
    async fn head(&self, object_id: Id) -> io::Result<Option<(Vec<u8>, u64)>> {
        match self {
            Backend::Folder(folder) => folder.head(object_id, HEADER_BYTES).await,
            #[cfg(feature = "s3")]
            Backend::Bucket(bucket) => bucket.head(object_id, HEADER_BYTES).await,
        }
    }
}

/// The path of an object: two folders, and the name; the id's bits are mixed, so that no folder grows large.
pub fn path(object_id: Id) -> String {
    let mixed = (object_id.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:02x}/{:02x}/{:016x}", mixed >> 56, (mixed >> 48) & 0xff, object_id.0)
}

/// The object at a path; none when no object would lie there.
fn object_at(relative: &str) -> Option<Id> {
    let name = relative.rsplit('/').next()?;
    let object_id = Id(i64::from_str_radix(name, 16).ok()?);
    (path(object_id) == relative).then_some(object_id)
}

#[cfg(test)]
mod tests;
