//! Objects in a folder: flush, rename, flush of the folder, so an object is absent or whole. A failed flush is
//! never retried, since a second one may report success for lost pages. `object_store` renames without a flush
//! (0.14).

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use domain::{Id, UnixMs};
use system::random;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

use super::reader::Pieces;
use super::writer::blocking;
use super::{Listed, object_at, path};

/// Where drafts lie, beside the folders of the objects.
pub(super) const DRAFTS: &str = "drafts";
const READ_BYTES: usize = 256 * 1024;
/// Bytes after which a draft is flushed in the background, so that little is left at its end.
const FLUSH_BYTES: u64 = 256 * 1024;
/// Bytes of a draft that may wait for the flush before.
const UNFLUSHED_BYTES_MAX: u64 = 8 << 20;

#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// The folders known to be on the disk themselves.
    flushed: Mutex<HashSet<PathBuf>>,
    /// Held while a draft is flushed alone: a commit that is flushed meanwhile waits for all that is in the disk's queue.
    flushing: Mutex<()>,
}

impl Folder {
    pub(super) async fn open(root: &Path) -> io::Result<Folder> {
        let root = root.to_owned();
        blocking(move || {
            let drafts = root.join(DRAFTS);
            DirBuilder::new().recursive(true).mode(0o700).create(&drafts)?;
            let folder = Folder(Arc::new(Inner {
                root,
                flushed: Mutex::default(),
                flushing: Mutex::default(),
            }));
            folder.drafts(true)?;
            if let Some(parent) = folder.root().parent().filter(|path| !path.as_os_str().is_empty())
            {
                flush_folder(parent)?;
            }
            Ok(folder)
        })
        .await
    }

    fn root(&self) -> &Path {
        &self.0.root
    }

    fn permit(&self) -> MutexGuard<'_, ()> {
        self.0.flushing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, object_id: Id) -> PathBuf {
        self.root().join(path(object_id))
    }

    pub(super) fn begin(&self) -> io::Result<Draft> {
        let path = self.root().join(DRAFTS).join(random::hex::<16>());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let draft = Draft { folder: self.clone(), path, file, unflushed_bytes: 0, flushing: None };
        draft.file.lock()?;
        Ok(draft)
    }

    pub(super) async fn head(
        &self,
        object_id: Id,
        count: usize,
    ) -> io::Result<Option<(Vec<u8>, u64)>> {
        let path = self.path(object_id);
        blocking(move || {
            let Some(file) = none_if_missing(File::open(path))? else { return Ok(None) };
            let size_bytes = file.metadata()?.len();
            let mut bytes = Vec::with_capacity(count);
            file.take(count as u64).read_to_end(&mut bytes)?;
            Ok(Some((bytes, size_bytes)))
        })
        .await
    }

    pub(super) async fn read(
        &self,
        object_id: Id,
        range: Range<u64>,
    ) -> io::Result<Option<Pieces>> {
        let file = tokio::fs::File::open(self.path(object_id)).await;
        let Some(mut file) = none_if_missing(file)? else { return Ok(None) };
        file.set_max_buf_size(READ_BYTES);
        file.seek(SeekFrom::Start(range.start)).await?;
        let part = file.take(range.end - range.start);
        Ok(Some(Box::pin(ReaderStream::with_capacity(part, READ_BYTES))))
    }

    pub(super) async fn remove(&self, object_id: Id) -> io::Result<bool> {
        let path = self.path(object_id);
        blocking(move || {
            if none_if_missing(fs::remove_file(&path))?.is_none() {
                return Ok(false);
            }
            flush_folder(path.parent().unwrap_or(Path::new("/")))?;
            Ok(true)
        })
        .await
    }

    pub(super) async fn list(&self, after: &str, limit: usize) -> io::Result<Vec<Listed>> {
        let (folder, after) = (self.clone(), after.to_owned());
        blocking(move || {
            let mut listed = Vec::new();
            folder.walk("", 2, &after, limit, &mut listed)?;
            Ok(listed)
        })
        .await
    }

    fn walk(
        &self,
        relative: &str,
        depth: usize,
        after: &str,
        limit: usize,
        listed: &mut Vec<Listed>,
    ) -> io::Result<()> {
        let Some(entries) = none_if_missing(fs::read_dir(self.root().join(relative)))? else {
            return Ok(());
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        for name in names {
            if listed.len() >= limit {
                return Ok(());
            }
            let path = if relative.is_empty() { name } else { format!("{relative}/{name}") };
            if path == DRAFTS {
                continue;
            }
            let Some(about) = none_if_missing(fs::symlink_metadata(self.root().join(&path)))?
            else {
                continue;
            };
            if about.is_dir() && depth > 0 {
                // Everything below sorts as the folder does, so a folder before the place is done with.
                if after.is_empty() || path.as_str() >= &after[..path.len().min(after.len())] {
                    self.walk(&path, depth - 1, after, limit, listed)?;
                }
            } else if path.as_str() > after {
                let object_id = object_at(&path).filter(|_| about.is_file());
                listed.push(Listed { object_id, path, modified_at: unix_ms(about.modified()?) });
            }
        }
        Ok(())
    }

    pub(super) async fn dead_drafts(&self, sweep: bool) -> io::Result<Vec<String>> {
        let folder = self.clone();
        blocking(move || folder.drafts(sweep)).await
    }

    fn drafts(&self, sweep: bool) -> io::Result<Vec<String>> {
        let mut dead = Vec::new();
        for entry in fs::read_dir(self.root().join(DRAFTS))? {
            let entry = entry?;
            let Some(file) = none_if_missing(File::open(entry.path()))? else { continue };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(error),
            }
            dead.push(format!("{DRAFTS}/{}", entry.file_name().to_string_lossy()));
            if sweep {
                none_if_missing(fs::remove_file(entry.path()))?;
            }
        }
        Ok(dead)
    }

    /// Makes the folders of an object, and sees that they are on the disk.
    fn prepare(&self, object_id: Id) -> io::Result<PathBuf> {
        let path = self.path(object_id);
        let folder = path.parent().unwrap_or(self.root()).to_owned();
        if self.0.flushed.lock().unwrap_or_else(PoisonError::into_inner).contains(&folder) {
            return Ok(path);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        flush_folder(folder.parent().unwrap_or(self.root()))?;
        flush_folder(self.root())?;
        self.0.flushed.lock().unwrap_or_else(PoisonError::into_inner).insert(folder);
        Ok(path)
    }
}

/// An object that is not whole; its file goes with it, and is locked, so that others know it from a dead process's.
pub(super) struct Draft {
    folder: Folder,
    path: PathBuf,
    file: File,
    unflushed_bytes: u64,
    /// The flush that another thread is at.
    flushing: Option<JoinHandle<io::Result<()>>>,
}

impl Draft {
    /// Adds bytes; what has to be flushed is flushed `alone` or beside others. Blocks; for threads of the runtime that may.
    pub(super) fn write(&mut self, bytes: &[u8], alone: bool) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.unflushed_bytes += bytes.len() as u64;
        if self.unflushed_bytes >= FLUSH_BYTES && self.is_flushed()? {
            let (folder, file) = (self.folder.clone(), self.file.try_clone()?);
            let flushing = tokio::task::spawn_blocking(move || {
                let _permit = alone.then(|| folder.permit());
                file.sync_data()
            });
            (self.flushing, self.unflushed_bytes) = (Some(flushing), 0);
        }
        Ok(())
    }

    /// Whether no flush is under way any longer. Waits for it when much has come since.
    fn is_flushed(&mut self) -> io::Result<bool> {
        if let Some(flushing) = &self.flushing
            && self.unflushed_bytes < UNFLUSHED_BYTES_MAX
            && !flushing.is_finished()
        {
            return Ok(false);
        }
        self.flushed()?;
        Ok(true)
    }

    fn flushed(&mut self) -> io::Result<()> {
        match self.flushing.take() {
            Some(flushing) => Handle::current().block_on(flushing)?,
            None => Ok(()),
        }
    }

    /// Makes the object appear, flushed `alone` or beside others. Blocks.
    pub(super) fn finish(mut self, object_id: Id, alone: bool) -> io::Result<()> {
        self.flushed()?;
        let folder = self.folder.clone();
        let _permit = alone.then(|| folder.permit());
        self.file.sync_all()?;
        let path = folder.prepare(object_id)?;
        // Names are drawn at random: one that is there already is a mistake, and nothing is ever replaced.
        if path.try_exists()? {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "an object of that name is there",
            ));
        }
        fs::rename(&self.path, &path)?;
        if let Err(error) = flush_folder(path.parent().unwrap_or(folder.root())) {
            // Nobody may rely on a name that the disk may forget.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After the rename there is nothing left under this path. What cannot be removed now is swept at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

fn none_if_missing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn flush_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn unix_ms(time: SystemTime) -> UnixMs {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
