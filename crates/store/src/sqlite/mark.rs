//! The mark: how far acknowledged work goes, in a small file beside the database while a process works on it.
//!
//! A truncated WAL looks like a shorter one; so each commit is noted here after its sync and before its answer, and a
//! start compares. The mark is not synced: a power cut can hide damage of its last seconds. An ordered end removes it.
//! Source: decision 052.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fault::Fault;

const MAGIC: &[u8; 16] = b"probity mark 2\n\0";
/// Magic, number of the commit, checksum.
const BYTES: usize = MAGIC.len() + 8 + 4;
/// Of earlier versions: magic, number of the newest batch of their redo log, number of the commit, checksum.
const LEGACY_MAGIC: &[u8; 16] = b"probity mark 1\n\0";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// The newest commit of the database, by `write_probe.commits`.
    pub(super) commits: u64,
    /// The newest batch in the redo log of an earlier version.
    pub(super) legacy_batch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The last end was an ordered one, or there never was a mark.
    Nothing,
    Whole(Reach),
    Damaged,
}

/// The mark of this process; until [`Mark::begin`] nothing is noted.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

pub(super) fn name(database: &Path) -> PathBuf {
    super::connection::beside(database, "-mark")
}

pub(super) fn find(database: &Path) -> Result<Found, Fault> {
    match fs::read(name(database)) {
        Ok(bytes) => Ok(decode(&bytes).map_or(Found::Damaged, Found::Whole)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error.into()),
    }
}

impl Mark {
    pub(super) fn of(database: &Path) -> Mark {
        Mark { path: name(database), file: Mutex::default() }
    }

    /// Takes the place of an earlier mark, durably.
    pub(super) fn begin(&self, commits: u64) -> Result<(), Fault> {
        let mut begun = self.lock();
        let draft = self.path.with_extension("db-mark-new");
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all_at(&encode(commits), 0)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        super::connection::sync_folder(&self.path)?;
        *begun = Some(file);
        Ok(())
    }

    pub(super) fn is_begun(&self) -> bool {
        self.lock().is_some()
    }

    /// Notes the newest commit, which is synced.
    pub(super) fn note_commits(&self, commits: u64) -> Result<(), Fault> {
        let begun = self.lock();
        begun.as_ref().map_or(Ok(()), |file| Ok(file.write_all_at(&encode(commits), 0)?))
    }

    pub(super) fn remove(&self) -> Result<(), Fault> {
        if self.lock().take().is_some() {
            fs::remove_file(&self.path)?;
            super::connection::sync_folder(&self.path)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(commits: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let (content, checksum) = bytes.split_at_mut(BYTES - 4);
    content[..16].copy_from_slice(MAGIC);
    content[16..].copy_from_slice(&commits.to_le_bytes());
    checksum.copy_from_slice(&crc32fast::hash(content).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Reach> {
    let (content, checksum) = bytes.split_last_chunk()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    if let Some(numbers) = content.strip_prefix(LEGACY_MAGIC) {
        let (batch, commits) = numbers.split_first_chunk()?;
        let commits = u64::from_le_bytes(commits.try_into().ok()?);
        return Some(Reach { commits, legacy_batch: u64::from_le_bytes(*batch) });
    }
    let commits = content.strip_prefix(MAGIC)?.try_into().ok()?;
    Some(Reach { commits: u64::from_le_bytes(commits), legacy_batch: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_whole_or_said_to_be_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("probity.db");
        assert_eq!(find(&database).unwrap(), Found::Nothing);
        let mark = Mark::of(&database);
        mark.note_commits(1).unwrap();
        assert_eq!(find(&database).unwrap(), Found::Nothing, "nothing is noted before it begins");
        mark.begin(7).unwrap();
        mark.note_commits(9).unwrap();
        let reach = Reach { commits: 9, legacy_batch: 0 };
        assert_eq!(find(&database).unwrap(), Found::Whole(reach));

        let whole = fs::read(name(&database)).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x04;
            fs::write(name(&database), &damaged).unwrap();
            assert_eq!(find(&database).unwrap(), Found::Damaged, "byte {at}");
            fs::write(name(&database), &whole[..at]).unwrap();
            assert_eq!(find(&database).unwrap(), Found::Damaged, "cut at {at}");
        }
        mark.remove().unwrap();
        mark.note_commits(10).unwrap();
        assert_eq!(find(&database).unwrap(), Found::Nothing);
    }
}
