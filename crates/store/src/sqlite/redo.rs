//! The redo log: what the desk acknowledged and the database may not hold yet.
//!
//! Two files of fixed length beside the database are written in turn, each from its start on: a head with the
//! statements that the records' rows belong to, then the records, one for each batch, numbered without a gap.
//! A record is acknowledged after one `fdatasync` of its file. A file is written anew only when the database
//! durably holds all of its records, so what is not there yet always stands in one of the two.
//!
//! A record that was cut off by a crash fails its checksum and ends the log; a record of the file's earlier
//! round has a number that does not follow, and ends it too. The head makes the log readable by itself: it is
//! replayed before any migration, by this program or a later one.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::mark::Mark;
use crate::fault::{Fault, FaultKind};

/// The length of each file. Overwriting what was written before needs no change of the file system's own
/// records, which makes its sync several times faster than that of a file that grows.
pub(super) const FILE_BYTES: usize = 16 << 20;
/// Where the records begin.
const RECORDS_AT: usize = 4096;
/// Before each record: its length and checksum (4 bytes each), its number (8 bytes).
const HEAD_BYTES: usize = 16;
/// The longest record; what is longer is committed by the database itself.
pub(super) const RECORD_MAX: usize = 1 << 20;
const MAGIC: &[u8; 16] = b"probity redo 1\n\0";
/// How long a process that is ending may keep the log.
const LOCK_WITHIN: Duration = Duration::from_secs(5);

/// One record as it was found.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) payload: Vec<u8>,
    /// Which of [`Found::texts`] the record's rows belong to.
    pub(super) file: usize,
}

/// What the log held when it was opened.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// All records, by their numbers.
    pub(super) records: Vec<Record>,
    /// The statements of each file's records.
    pub(super) texts: [Vec<String>; 2],
}

/// The log, open for this process alone.
#[derive(Debug)]
pub(super) struct Redo {
    files: [File; 2],
    /// The number of the last record in each file, 0 for none.
    last: [u64; 2],
    current: usize,
    /// Whether the head of the current file stands; until then every append writes it.
    is_begun: bool,
    /// Where the next record begins.
    at: usize,
    /// The number of the next record.
    next: u64,
    head: Vec<u8>,
    buffer: Vec<u8>,
    /// Where each record is noted before it is acknowledged; none until [`Redo::begin`].
    mark: Option<Arc<Mark>>,
    /// A write failed: what stands at `at` is unknown, and must be wiped out before anything else is written.
    is_broken: bool,
}

impl Redo {
    /// Opens the log of the database at `database`, and reads what it holds; changes nothing of it.
    ///
    /// # Errors
    /// [`FaultKind::Schema`] when another process has it open; faults of storage.
    pub(super) fn open(database: &Path) -> Result<(Redo, Found), Fault> {
        let files = [open_file(&name(database, 0))?, open_file(&name(database, 1))?];
        lock(&files[0])?;
        let mut found = Found::default();
        let mut last = [0, 0];
        for (index, file) in files.iter().enumerate() {
            let (texts, records) = read(file, index)?;
            last[index] = records.last().map_or(0, |record| record.number);
            found.texts[index] = texts;
            found.records.extend(records);
        }
        found.records.sort_by_key(|record| record.number);
        // The file whose records are newest is the last to be written over.
        let newest = usize::from(last[1] > last[0]);
        let redo = Redo {
            files,
            last,
            current: newest,
            is_begun: true,
            at: FILE_BYTES,
            next: last[newest] + 1,
            head: Vec::new(),
            buffer: Vec::new(),
            mark: None,
            is_broken: false,
        };
        Ok((redo, found))
    }

    /// Goes on with rows of these statements, after all that `applied` counts: a log that was cleared.
    pub(super) fn begin(
        &mut self,
        applied: u64,
        texts: &[String],
        mark: Arc<Mark>,
    ) -> Result<(), Fault> {
        for file in &self.files {
            file.set_len(FILE_BYTES as u64)?;
        }
        self.next = applied + 1;
        self.mark = Some(mark);
        self.head.clear();
        for text in texts {
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            self.head.extend_from_slice(&length.to_le_bytes());
            self.head.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }

    /// The number of the record that the database must durably hold before a payload of this length is
    /// appended; 0 for none.
    pub(super) fn needs(&self, length: usize) -> u64 {
        if self.fits(length) { 0 } else { self.last[1 - self.current] }
    }

    /// The number of the newest record.
    pub(super) fn newest(&self) -> u64 {
        self.next - 1
    }

    fn fits(&self, length: usize) -> bool {
        self.at + HEAD_BYTES + length <= FILE_BYTES
    }

    /// Appends a payload of at most [`RECORD_MAX`] bytes and syncs it; gives its number.
    ///
    /// # Errors
    /// A fault of storage; then nothing can be appended before [`Redo::mend`] has worked.
    pub(super) fn append(&mut self, payload: &[u8]) -> Result<u64, Fault> {
        let number = self.next;
        if !self.fits(payload.len()) {
            self.current = 1 - self.current;
            self.at = RECORDS_AT;
            self.is_begun = false;
        }
        self.is_broken = true;
        if !self.is_begun {
            self.write_head(number)?;
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(&record_head(number, payload));
        self.buffer.extend_from_slice(payload);
        let file = &self.files[self.current];
        file.write_all_at(&self.buffer, self.at as u64)?;
        file.sync_data()?;
        self.note(number)?;
        (self.is_broken, self.is_begun) = (false, true);
        self.at += self.buffer.len();
        self.last[self.current] = number;
        self.next += 1;
        Ok(number)
    }

    fn note(&self, number: u64) -> Result<(), Fault> {
        self.mark.as_ref().map_or(Ok(()), |mark| mark.note_batch(number))
    }

    /// The head of a file whose first record has this number.
    fn write_head(&mut self, first: u64) -> Result<(), Fault> {
        let mut head = Vec::with_capacity(RECORDS_AT);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&first.to_le_bytes());
        head.extend_from_slice(&u32::try_from(self.head.len()).unwrap_or(u32::MAX).to_le_bytes());
        head.extend_from_slice(&self.head);
        head.extend_from_slice(&crc32fast::hash(&head).to_le_bytes());
        if head.len() > RECORDS_AT {
            return Err(Fault::new(FaultKind::Schema, "the redo log's head is too long"));
        }
        self.files[self.current].write_all_at(&head, 0)?;
        Ok(())
    }

    /// Empties the log: the database durably holds all of it.
    ///
    /// # Errors
    /// Faults of storage; then the log may hold what it held.
    pub(super) fn clear(&mut self) -> Result<(), Fault> {
        for file in &self.files {
            file.write_all_at(&[0; MAGIC.len()], 0)?;
            file.sync_data()?;
        }
        self.last = [0, 0];
        self.at = FILE_BYTES;
        Ok(())
    }

    /// Empties the log as [`Redo::clear`] does, and overwrites everything that ever stood in it.
    ///
    /// # Errors
    /// Faults of storage; then the log may hold what it held.
    pub(super) fn scrub(&mut self) -> Result<(), Fault> {
        self.clear()?;
        let zeros = vec![0; 1 << 20];
        for file in &self.files {
            for at in (0..FILE_BYTES).step_by(zeros.len()) {
                file.write_all_at(&zeros, at as u64)?;
            }
            file.sync_data()?;
        }
        Ok(())
    }

    /// Whether an append failed and was not mended since.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Wipes out what a failed append may have left: nobody was answered that it stands, so it must not come back.
    ///
    /// # Errors
    /// A fault of storage; then the log stays broken.
    pub(super) fn mend(&mut self) -> Result<(), Fault> {
        let file = &self.files[self.current];
        if self.at + HEAD_BYTES <= FILE_BYTES {
            file.write_all_at(&[0; HEAD_BYTES], self.at as u64)?;
        }
        file.sync_data()?;
        self.note(self.newest())?;
        self.is_broken = false;
        Ok(())
    }
}

fn record_head(number: u64, payload: &[u8]) -> [u8; HEAD_BYTES] {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&number.to_le_bytes());
    checksum.update(payload);
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    head[4..8].copy_from_slice(&checksum.finalize().to_le_bytes());
    head[8..].copy_from_slice(&number.to_le_bytes());
    head
}

/// The name of one of the two files.
pub(super) fn name(database: &Path, index: usize) -> PathBuf {
    super::connection::beside(database, &format!("-redo-{index}"))
}

fn open_file(path: &Path) -> Result<File, Fault> {
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    let file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if is_new {
        super::connection::sync_folder(path)?;
    }
    Ok(file)
}

/// Whether no process has the log of the database at `database` open.
pub(super) fn is_free(database: &Path) -> Result<bool, Fault> {
    match open_file(&name(database, 0))?.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Two processes would each acknowledge what the other does not see.
fn lock(file: &File) -> Result<(), Fault> {
    const TRIES: u32 = 50;
    let (_never, silence) = std::sync::mpsc::channel::<()>();
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let _ = silence.recv_timeout(LOCK_WITHIN / TRIES);
    }
    Err(Fault::new(
        FaultKind::Schema,
        "expected the database for this process alone, but another one has it open",
    ))
}

/// The statements and the records of one file, as far as they follow each other.
fn read(file: &File, index: usize) -> Result<(Vec<String>, Vec<Record>), Fault> {
    // Of one that was cut off, what is there.
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(FILE_BYTES);
    let mut bytes = vec![0; RECORDS_AT.min(length)];
    file.read_exact_at(&mut bytes, 0)?;
    let Some((first, texts)) = read_head(&bytes) else { return Ok(Default::default()) };
    bytes.resize(length, 0);
    file.read_exact_at(&mut bytes, 0)?;
    let mut records = Vec::new();
    let (mut at, mut number) = (RECORDS_AT, first);
    while let Some(payload) = read_record(&bytes, at, number) {
        at += HEAD_BYTES + payload.len();
        records.push(Record { number, payload: payload.to_vec(), file: index });
        number += 1;
    }
    Ok((texts, records))
}

/// The number of the first record, and the statements.
fn read_head(bytes: &[u8]) -> Option<(u64, Vec<String>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (first, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (mut list, rest) = rest.split_at_checked(length)?;
    let checksum = u32::from_le_bytes(*rest.first_chunk()?);
    if crc32fast::hash(bytes.get(..MAGIC.len() + 12 + length)?) != checksum {
        return None;
    }
    let mut texts = Vec::new();
    while let Some((length, rest)) = list.split_first_chunk() {
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        texts.push(String::from_utf8(text.to_vec()).ok()?);
        list = rest;
    }
    Some((u64::from_le_bytes(*first), texts))
}

/// The payload at `at`, if a whole record of this number stands there.
fn read_record(bytes: &[u8], at: usize, number: u64) -> Option<&[u8]> {
    let (head, rest) = bytes.get(at..)?.split_first_chunk::<HEAD_BYTES>()?;
    let length = u32::from_le_bytes(*head.first_chunk()?) as usize;
    let payload = rest.get(..length)?;
    // An empty payload is never written; a wiped head has no length.
    (length > 0 && record_head(number, payload) == *head).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 2] = ["INSERT 1", "UPDATE 2"];

    fn reopen(path: &Path) -> (Redo, Found) {
        let (mut redo, found) = Redo::open(path).unwrap();
        let applied = found.records.last().map_or(0, |record| record.number);
        redo.begin(applied, &TEXTS.map(String::from), Arc::new(Mark::of(path))).unwrap();
        (redo, found)
    }

    fn numbers(found: &Found) -> Vec<u64> {
        found.records.iter().map(|record| record.number).collect()
    }

    #[test]
    fn what_was_appended_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let (mut redo, found) = reopen(&path);
        assert!(found.records.is_empty());
        for payload in [b"a".as_slice(), b"bc", &[7; 100_000]] {
            redo.append(payload).unwrap();
        }
        drop(redo);
        let (mut redo, found) = reopen(&path);
        assert_eq!(numbers(&found), [1, 2, 3]);
        assert_eq!(found.records[1].payload, b"bc");
        assert_eq!(found.texts[found.records[2].file], TEXTS);
        // The next round goes into the other file, so that these stay until they are in the database.
        assert_eq!(redo.append(b"d").unwrap(), 4);
        drop(redo);
        let (mut redo, found) = reopen(&path);
        assert_eq!(numbers(&found), [1, 2, 3, 4]);
        redo.clear().unwrap();
        drop(redo);
        let (mut redo, found) = reopen(&path);
        assert!(found.records.is_empty());
        redo.begin(4, &TEXTS.map(String::from), Arc::new(Mark::of(&path))).unwrap();
        assert_eq!(redo.append(b"e").unwrap(), 5);
    }

    #[test]
    fn the_files_take_turns_and_the_older_round_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let (mut redo, _) = reopen(&path);
        let payload = vec![1; RECORD_MAX];
        let mut switches = 0;
        for number in 1..=60 {
            let needs = redo.needs(payload.len());
            switches += u32::from(needs > 0);
            assert!(needs < number.max(2) - 1, "the newest records are never written over");
            assert_eq!(redo.append(&payload).unwrap(), number);
        }
        assert!(switches > 1);
        let before = redo.last[1 - redo.current];
        drop(redo);
        let found = numbers(&reopen(&path).1);
        assert_eq!(found.last(), Some(&60));
        assert!(found.contains(&before));
        assert!(found.windows(2).all(|pair| pair[1] == pair[0] + 1), "{found:?}");
    }

    /// Wherever a crash cuts or alters the file, only whole records before that place are found.
    #[test]
    fn a_damaged_record_ends_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let (mut redo, _) = reopen(&path);
        let ends: Vec<usize> = (1..=5)
            .map(|n| {
                redo.append(&[n; 40]).unwrap();
                redo.at
            })
            .collect();
        drop(redo);
        // The first append begins the other file of the two.
        let file = [0, 1].map(|index| name(&path, index));
        let file = file.into_iter().find(|file| std::fs::read(file).unwrap()[0] != 0).unwrap();
        let whole = std::fs::read(&file).unwrap();
        for at in RECORDS_AT..ends[4] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&file, damaged).unwrap();
            let expected = ends.iter().filter(|end| **end <= at).count();
            assert_eq!(reopen(&path).1.records.len(), expected, "byte {at}");
        }
        for at in [0, 20, 30] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&file, damaged).unwrap();
            assert!(reopen(&path).1.records.is_empty(), "byte {at}");
        }
    }

    #[test]
    fn a_failed_append_does_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let (mut redo, _) = reopen(&path);
        redo.append(b"first").unwrap();
        // As if the bytes had reached the disk and the sync had failed.
        let (at, next) = (redo.at, redo.next);
        redo.append(b"unknown").unwrap();
        (redo.at, redo.next, redo.is_broken) = (at, next, true);
        redo.mend().unwrap();
        assert!(!redo.is_broken());
        drop(redo);
        assert_eq!(numbers(&reopen(&path).1), [1]);
    }

    /// The first append to a file fails and its head with it: the next one writes the head again.
    #[test]
    fn a_failed_beginning_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let (mut redo, _) = reopen(&path);
        let next = redo.next;
        redo.append(b"unknown").unwrap();
        // As if neither head nor record had reached the disk.
        redo.files[redo.current].write_all_at(&[0; RECORDS_AT + 100], 0).unwrap();
        (redo.at, redo.next, redo.is_broken, redo.is_begun) = (RECORDS_AT, next, true, false);
        redo.mend().unwrap();
        for payload in [b"first".as_slice(), b"second"] {
            redo.append(payload).unwrap();
        }
        drop(redo);
        let (_, found) = reopen(&path);
        assert_eq!(numbers(&found), [1, 2]);
        assert_eq!(found.records[0].payload, b"first");
    }

    #[test]
    fn one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let held = reopen(&path);
        let fault = Redo::open(&path).unwrap_err();
        assert!(fault.to_string().contains("another one has it open"));
        drop(held);
        reopen(&path);
    }
}
