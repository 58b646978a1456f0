//! The lock by which a database is open for one process alone: two would each answer what the other does not see.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::connection::beside;
use crate::fault::{Fault, FaultKind};

/// How long a process that is ending may keep the lock.
const WITHIN: Duration = Duration::from_secs(5);
const TRIES: u32 = 50;

#[derive(Debug)]
pub(super) struct Lock {
    /// That of its own file, and that which earlier versions take where one has been.
    _files: Vec<File>,
}

impl Lock {
    /// Takes the lock of the database at `database`, waiting for a process that is ending;
    /// [`FaultKind::Schema`] when it is held.
    pub(super) fn take(database: &Path) -> Result<Lock, Fault> {
        let files = files(database)?;
        let (_never, silence) = channel::<()>();
        for _ in 0..TRIES {
            if try_lock(&files)? {
                return Ok(Lock { _files: files });
            }
            let _ = silence.recv_timeout(WITHIN / TRIES);
        }
        Err(Fault::new(
            FaultKind::Schema,
            "expected the database for this process alone, but another one has it open",
        ))
    }

    pub(super) fn try_take(database: &Path) -> Result<Option<Lock>, Fault> {
        let files = files(database)?;
        Ok(try_lock(&files)?.then_some(Lock { _files: files }))
    }
}

fn files(database: &Path) -> Result<Vec<File>, Fault> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).truncate(false).mode(0o600);
    let mut files = vec![options.clone().create(true).open(beside(database, "-lock"))?];
    let of_earlier_version = beside(database, "-redo-0");
    if of_earlier_version.exists() {
        files.push(options.open(of_earlier_version)?);
    }
    Ok(files)
}

fn try_lock(files: &[File]) -> Result<bool, Fault> {
    for file in files {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
    }
    Ok(true)
}
