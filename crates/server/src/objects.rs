//! The object store: the bytes of reports, in a folder of the data directory.
//!
//! An object is written as a draft, hashed while it is written, and appears under its name only
//! when it is whole and on the disk: flush, rename, flush of the folder. So an object is absent or
//! whole, whatever happens. A flush that failed is never tried again, because a second one may
//! report success for pages that were already lost: the draft is given up.
//!
//! Names are ids, so a listing of the folder tells nothing about a person. Files lie two folders
//! deep, spread evenly, so that no folder grows large. All file work is done off the async threads.
//!
//! Callers hand in pieces and ask for ranges; what lies on the disk is this module's own affair,
//! which leaves room for sealing, and for other places than a folder.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use aws_lc_rs::digest;
use bytes::Bytes;
use domain::Id;
use futures_util::Stream;
use tokio::io::{AsyncReadExt, AsyncSeekExt, Take};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

use crate::chance;
use crate::outbound::Sink;

/// Where drafts lie, beside the folders of the objects.
const DRAFTS: &str = "drafts";
/// Pieces that may wait for the disk before the writer has to wait.
const PIECES_MAX: usize = 8;
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// The objects of one folder. Cheap to clone. Several processes may share the folder.
#[derive(Debug, Clone)]
pub struct Objects(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    root: PathBuf,
    /// The folders known to be on the disk themselves.
    flushed: Mutex<HashSet<[u8; 2]>>,
}

/// What was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Bytes written.
    pub size_bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}

impl Objects {
    /// Opens the store in `root`, which is made if it does not exist (mode 0700), and removes the
    /// drafts that a dead process left behind.
    pub async fn open(root: &Path) -> io::Result<Objects> {
        let root = root.to_owned();
        blocking(move || {
            let drafts = root.join(DRAFTS);
            DirBuilder::new().recursive(true).mode(0o700).create(&drafts)?;
            sweep(&drafts)?;
            if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                flush_folder(parent)?;
            }
            Ok(Objects(Arc::new(Folder { root, flushed: Mutex::default() })))
        })
        .await
    }

    /// Begins an object. Must be called within the runtime; a failure to make the draft shows at
    /// the first piece or at the end.
    #[must_use]
    pub fn create(&self) -> ObjectWriter {
        let (steps, todo) = mpsc::channel(PIECES_MAX);
        let folder = Arc::clone(&self.0);
        let worker = tokio::task::spawn_blocking(move || work(&folder, todo));
        ObjectWriter { steps, worker: Some(worker) }
    }

    /// Opens an object for reading, whole or a range of its bytes cut to what is there; `None` when
    /// there is no such object.
    pub async fn read(
        &self,
        name: Id,
        range: Option<Range<u64>>,
    ) -> io::Result<Option<ObjectReader>> {
        let mut file = match tokio::fs::File::open(self.0.path(name)).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let size_bytes = file.metadata().await?.len();
        let range = range.unwrap_or(0..size_bytes);
        let start = range.start.min(size_bytes);
        let range = start..range.end.clamp(start, size_bytes);
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).await?;
        }
        let pieces = ReaderStream::with_capacity(file.take(range.end - range.start), READ_BYTES);
        Ok(Some(ObjectReader { size_bytes, range, pieces }))
    }

    /// Removes an object for good; `false` when there was none.
    pub async fn remove(&self, name: Id) -> io::Result<bool> {
        let folder = Arc::clone(&self.0);
        blocking(move || {
            let path = folder.path(name);
            match fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
            flush_folder(path.parent().unwrap_or(&folder.root))?;
            Ok(true)
        })
        .await
    }
}

/// An object being written. Dropped before [`ObjectWriter::finish`], it leaves nothing.
#[derive(Debug)]
pub struct ObjectWriter {
    steps: mpsc::Sender<Step>,
    /// `None` once its end has been seen.
    worker: Option<JoinHandle<io::Result<Stored>>>,
}

#[derive(Debug)]
enum Step {
    Write(Bytes),
    Finish(Id),
}

impl ObjectWriter {
    /// Adds a piece. An error is final: the draft is gone.
    pub async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        if self.steps.send(Step::Write(piece)).await.is_ok() {
            return Ok(());
        }
        self.end().await.and_then(|_| Err(given_up()))
    }

    /// Makes the object appear as `name`, on the disk for good when this returns. An object of that
    /// name is replaced.
    pub async fn finish(mut self, name: Id) -> io::Result<Stored> {
        // When nobody takes the step any more, the worker's end tells why.
        let _ = self.steps.send(Step::Finish(name)).await;
        self.end().await
    }

    async fn end(&mut self) -> io::Result<Stored> {
        match self.worker.take() {
            Some(worker) => joined(worker).await,
            None => Err(given_up()),
        }
    }
}

impl Sink for ObjectWriter {
    async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        ObjectWriter::write(self, piece).await
    }
}

/// The bytes of an object, as a stream of pieces.
#[derive(Debug)]
pub struct ObjectReader {
    size_bytes: u64,
    range: Range<u64>,
    pieces: ReaderStream<Take<tokio::fs::File>>,
}

impl ObjectReader {
    /// Bytes of the whole object.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The range that the stream gives.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }
}

impl Stream for ObjectReader {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.pieces).poll_next(cx)
    }
}

impl Folder {
    fn path(&self, name: Id) -> PathBuf {
        let [first, second] = Folder::spread(name);
        self.root.join(format!("{first:02x}")).join(format!("{second:02x}")).join(hex(name))
    }

    /// The two folders of an object. Ids begin alike for years and often end alike, so all of their
    /// bits are mixed.
    fn spread(name: Id) -> [u8; 2] {
        let mixed = (name.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        [(mixed >> 56) as u8, (mixed >> 48) as u8]
    }

    /// Makes the folders of `name`, and sees that they are on the disk.
    fn prepare(&self, name: Id) -> io::Result<PathBuf> {
        let path = self.path(name);
        let spread = Folder::spread(name);
        if self.flushed.lock().unwrap_or_else(PoisonError::into_inner).contains(&spread) {
            return Ok(path);
        }
        let folder = path.parent().unwrap_or(&self.root);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        flush_folder(folder.parent().unwrap_or(&self.root))?;
        flush_folder(&self.root)?;
        self.flushed.lock().unwrap_or_else(PoisonError::into_inner).insert(spread);
        Ok(path)
    }
}

fn hex(name: Id) -> String {
    format!("{:016x}", name.0)
}

/// Writes one object, piece by piece as they come; the end of the pieces without a name drops it.
fn work(folder: &Folder, mut todo: mpsc::Receiver<Step>) -> io::Result<Stored> {
    let mut draft = Draft::new(&folder.root.join(DRAFTS))?;
    loop {
        match todo.blocking_recv() {
            Some(Step::Write(piece)) => draft.write(&piece)?,
            Some(Step::Finish(name)) => return draft.finish(folder, name),
            None => return Err(given_up()),
        }
    }
}

/// An object that is not whole; its file goes when the draft does.
///
/// The file is locked for as long as the draft lives, so that another process that opens the
/// folder can tell it from what a dead one left.
struct Draft {
    path: PathBuf,
    file: File,
    size_bytes: u64,
    sha256: digest::Context,
}

impl Draft {
    fn new(drafts: &Path) -> io::Result<Draft> {
        let path = drafts.join(chance::hex::<16>());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let sha256 = digest::Context::new(&digest::SHA256);
        let draft = Draft { path, file, size_bytes: 0, sha256 };
        draft.file.lock()?;
        Ok(draft)
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.sha256.update(piece);
        self.size_bytes += piece.len() as u64;
        Ok(())
    }

    fn finish(self, folder: &Folder, name: Id) -> io::Result<Stored> {
        self.file.sync_all()?;
        let path = folder.prepare(name)?;
        fs::rename(&self.path, &path)?;
        if let Err(error) = flush_folder(path.parent().unwrap_or(&folder.root)) {
            // Nobody may rely on a name that the disk may forget.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.clone().finish().as_ref());
        Ok(Stored { size_bytes: self.size_bytes, sha256 })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After the rename there is nothing left under this path. What cannot be removed now is
        // swept at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes the drafts that nobody holds.
fn sweep(drafts: &Path) -> io::Result<()> {
    for entry in fs::read_dir(drafts)? {
        let path = entry?.path();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => fs::remove_file(&path)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

fn flush_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn given_up() -> io::Error {
    io::Error::other("the object was given up")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    joined(tokio::task::spawn_blocking(work)).await
}

async fn joined<T>(worker: JoinHandle<io::Result<T>>) -> io::Result<T> {
    worker.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use futures_util::TryStreamExt;
    use tempfile::TempDir;

    use super::*;

    const NAME: Id = Id(6_931_286_400_470_354_183);

    async fn open() -> (TempDir, Objects) {
        let folder = TempDir::new().unwrap();
        let objects = Objects::open(&folder.path().join("objects")).await.unwrap();
        (folder, objects)
    }

    async fn store(objects: &Objects, name: Id, bytes: &[u8]) -> io::Result<Stored> {
        let mut writer = objects.create();
        for piece in bytes.chunks(1_000) {
            writer.write(Bytes::copy_from_slice(piece)).await?;
        }
        writer.finish(name).await
    }

    async fn read(objects: &Objects, name: Id, range: Option<Range<u64>>) -> Option<Vec<u8>> {
        let reader = objects.read(name, range).await.unwrap()?;
        let expected = reader.range();
        let pieces: Vec<Bytes> = reader.try_collect().await.unwrap();
        let bytes = pieces.concat();
        assert_eq!(bytes.len() as u64, expected.end - expected.start);
        Some(bytes)
    }

    /// All files below a folder.
    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
        }
        found
    }

    #[tokio::test]
    async fn an_object_is_stored_hashed_and_read_back() {
        let (folder, objects) = open().await;
        let stored = store(&objects, NAME, b"abc").await.unwrap();
        assert_eq!(stored.size_bytes, 3);
        assert_eq!(
            chance::to_hex(&stored.sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(read(&objects, NAME, None).await.unwrap(), b"abc");
        assert_eq!(read(&objects, Id(1), None).await, None);

        let found = files(folder.path());
        assert_eq!(found.len(), 1, "no draft is left: {found:?}");
        assert!(found[0].ends_with("6030e041f8880907"), "{found:?}");
        assert_eq!(fs::metadata(&found[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn ranges_are_cut_to_what_is_there() {
        let (_folder, objects) = open().await;
        let bytes: Vec<u8> = (0..200_000u32).map(|at| (at % 251) as u8).collect();
        store(&objects, NAME, &bytes).await.unwrap();
        for (range, expected) in [
            (0..200_000, 0..200_000),
            (0..1, 0..1),
            (199_999..200_000, 199_999..200_000),
            (65_530..131_080, 65_530..131_080),
            (150_000..900_000, 150_000..200_000),
            (200_000..200_001, 0..0),
            (u64::MAX - 1..u64::MAX, 0..0),
        ] {
            let expected = &bytes[expected];
            assert_eq!(
                read(&objects, NAME, Some(range.clone())).await.unwrap(),
                expected,
                "{range:?}"
            );
        }
    }

    #[tokio::test]
    async fn an_empty_object_and_a_replaced_one_are_whole() {
        let (_folder, objects) = open().await;
        assert_eq!(store(&objects, NAME, b"").await.unwrap().size_bytes, 0);
        assert_eq!(read(&objects, NAME, None).await.unwrap(), b"");
        store(&objects, NAME, b"second").await.unwrap();
        assert_eq!(read(&objects, NAME, None).await.unwrap(), b"second");
    }

    #[tokio::test]
    async fn a_removed_object_is_gone() {
        let (folder, objects) = open().await;
        store(&objects, NAME, b"abc").await.unwrap();
        assert!(objects.remove(NAME).await.unwrap());
        assert!(!objects.remove(NAME).await.unwrap());
        assert_eq!(read(&objects, NAME, None).await, None);
        assert!(files(folder.path()).is_empty());
    }

    #[tokio::test]
    async fn a_dropped_writer_leaves_nothing() {
        let (folder, objects) = open().await;
        let mut writer = objects.create();
        writer.write(Bytes::from_static(b"half")).await.unwrap();
        let worker = writer.worker.take().unwrap();
        drop(writer);
        assert!(worker.await.unwrap().is_err());
        assert!(files(folder.path()).is_empty());
    }

    #[tokio::test]
    async fn a_failing_disk_gives_the_object_up() {
        let (folder, objects) = open().await;
        // Without its folder a draft cannot be made.
        let drafts = folder.path().join("objects").join(DRAFTS);
        fs::remove_dir(&drafts).unwrap();
        assert!(store(&objects, NAME, &[0; 100_000]).await.is_err());
        let mut writer = objects.create();
        while writer.write(Bytes::from_static(b"x")).await.is_ok() {}
        assert!(writer.write(Bytes::from_static(b"x")).await.is_err(), "an error is final");
        assert!(writer.finish(NAME).await.is_err());
        assert_eq!(read(&objects, NAME, None).await, None);
    }

    #[tokio::test]
    async fn opening_sweeps_what_a_dead_process_left_but_not_what_is_being_written() {
        let (folder, objects) = open().await;
        let root = folder.path().join("objects");
        let mut writer = objects.create();
        // The channel is full only once the worker has its draft.
        for _ in 0..=PIECES_MAX {
            writer.write(Bytes::from_static(b"x")).await.unwrap();
        }
        fs::write(root.join(DRAFTS).join("left"), b"half").unwrap();
        store(&objects, Id(1), b"abc").await.unwrap();

        let again = Objects::open(&root).await.unwrap();
        assert!(!root.join(DRAFTS).join("left").exists());
        assert_eq!(read(&again, Id(1), None).await.unwrap(), b"abc");
        assert_eq!(writer.finish(NAME).await.unwrap().size_bytes, 9);
        assert_eq!(read(&again, NAME, None).await.unwrap(), b"xxxxxxxxx");
    }

    #[test]
    fn ids_made_in_a_row_lie_in_many_folders() {
        let near: HashSet<_> = (0..1_000).map(|at| Folder::spread(Id(NAME.0 + at))).collect();
        let far: HashSet<_> =
            (0..1_000).map(|at| Folder::spread(Id(NAME.0 + (at << 22)))).collect();
        assert!(near.len() > 900 && far.len() > 900, "{} and {}", near.len(), far.len());
    }
}
