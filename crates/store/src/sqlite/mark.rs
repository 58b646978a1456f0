//! The mark: how far acknowledged work goes, in a small file beside the database while a process works on it.
//!
//! A log whose end is missing looks like one that was never longer; SQLite's WAL and the redo log alike. So each batch
//! and each commit is noted here after its sync and before its answer, and a start compares. The mark itself is not
//! synced: after a power cut it may be some seconds behind, which hides nothing else than damage of these seconds.
//! An ordered end removes it. Source: decision 052.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fault::Fault;

const MAGIC: &[u8; 16] = b"probity mark 1\n\0";
/// Magic, number of the batch, number of the commit, checksum.
const BYTES: usize = MAGIC.len() + 8 + 8 + 4;

/// How far acknowledged work goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// The newest batch of the redo log.
    pub(super) batch: u64,
    /// The newest commit of the database, by `pulse.commits`.
    pub(super) commits: u64,
}

/// A mark as it was found.
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
    stored: Mutex<Option<(File, Reach)>>,
}

/// The name of the mark of the database at `database`.
pub(super) fn name(database: &Path) -> PathBuf {
    super::connection::beside(database, "-mark")
}

/// Reads the mark of the database at `database`.
pub(super) fn find(database: &Path) -> Result<Found, Fault> {
    match fs::read(name(database)) {
        Ok(bytes) => Ok(decode(&bytes).map_or(Found::Damaged, Found::Whole)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error.into()),
    }
}

impl Mark {
    pub(super) fn of(database: &Path) -> Mark {
        Mark { path: name(database), stored: Mutex::default() }
    }

    /// Takes the place of an earlier mark, durably.
    pub(super) fn begin(&self, reach: Reach) -> Result<(), Fault> {
        let mut stored = self.lock();
        let draft = self.path.with_extension("db-mark-new");
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all_at(&encode(reach), 0)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        super::connection::sync_folder(&self.path)?;
        *stored = Some((file, reach));
        Ok(())
    }

    pub(super) fn is_begun(&self) -> bool {
        self.lock().is_some()
    }

    /// Notes the newest batch of the redo log, which is synced.
    pub(super) fn note_batch(&self, batch: u64) -> Result<(), Fault> {
        self.note(|reach| Reach { batch, ..reach })
    }

    /// Notes the newest commit, which is synced.
    pub(super) fn note_commits(&self, commits: u64) -> Result<(), Fault> {
        self.note(|reach| Reach { commits, ..reach })
    }

    fn note(&self, change: impl FnOnce(Reach) -> Reach) -> Result<(), Fault> {
        let mut stored = self.lock();
        let Some((file, reach)) = stored.as_mut() else { return Ok(()) };
        let next = change(*reach);
        file.write_all_at(&encode(next), 0)?;
        *reach = next;
        Ok(())
    }

    /// Ends an ordered run: the database file holds everything.
    pub(super) fn remove(&self) -> Result<(), Fault> {
        if self.lock().take().is_some() {
            fs::remove_file(&self.path)?;
            super::connection::sync_folder(&self.path)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(File, Reach)>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode(reach: Reach) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..16].copy_from_slice(MAGIC);
    bytes[16..24].copy_from_slice(&reach.batch.to_le_bytes());
    bytes[24..32].copy_from_slice(&reach.commits.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..32]);
    bytes[32..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Reach> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (batch, rest) = rest.split_first_chunk()?;
    let (commits, _) = rest.split_first_chunk()?;
    let reach = Reach { batch: u64::from_le_bytes(*batch), commits: u64::from_le_bytes(*commits) };
    (bytes == encode(reach)).then_some(reach)
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
        mark.note_batch(1).unwrap();
        assert_eq!(find(&database).unwrap(), Found::Nothing, "nothing is noted before it begins");
        mark.begin(Reach { batch: 3, commits: 7 }).unwrap();
        mark.note_batch(4).unwrap();
        mark.note_commits(9).unwrap();
        let reach = Reach { batch: 4, commits: 9 };
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
