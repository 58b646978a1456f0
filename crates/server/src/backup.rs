//! Backups of an installation on the embedded database: the data, the keys, and the reports' objects.
//!
//! The root key is not part of a backup. PostgreSQL and buckets have their own tools, see docs/reports.md.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use domain::UnixMs;
use objects::path as object_path;
use store::backup::{self, BackedUp, DATA_FILE, KEYS_FILE};
use store::{Fault, FaultKind};
use system::clock::Clock;
use system::load_shedder::CallRate;

use crate::config::Config;
use crate::data_folder::make_folder;
use crate::data_folder::{DATABASE_FILE, ObjectBackend, REPORTS_FOLDER, object_backend};
use crate::start_error::StartError;
use crate::storage::open_objects;

const PART: &str = "part";

/// Takes a backup into `to`, a folder that is made if it does not exist. Safe while a server runs.
pub async fn back_up(config: &Config, clock: &Clock, to: &Path) -> Result<BackedUp, StartError> {
    check_engine(config)?;
    make_folder(to)?;
    let (database, reports) = (config.data.join(DATABASE_FILE), objects_folder(config));
    let (target, at) = (to.to_owned(), clock.now());
    let work = move || {
        // First the objects: an object of a row that is in the data is there too, since it was there before its row.
        copy_objects(reports.as_deref(), &target)?;
        let done = backup::back_up(&database, &target, at)?;
        copy_objects(reports.as_deref(), &target)?;
        Ok(done)
    };
    blocking(work).await
}

/// An installation as it was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredData {
    /// Orders that came back whole.
    pub orders: u64,
    /// Orders that were erased since the backup.
    pub erased: u64,
    /// Paths of contents that are missing, or not as long as they must be.
    pub lost_objects: Vec<String>,
}

/// Restores a backup into the data folder, which holds no database yet; `keys` are those of `from` when not given.
/// Lengths of contents are compared; what they hold is for the check of the objects, under the root key.
pub async fn restore(
    config: &Config,
    clock: &Clock,
    from: &Path,
    keys: Option<&Path>,
) -> Result<RestoredData, StartError> {
    check_engine(config)?;
    make_folder(&config.data)?;
    let (database, reports) = (config.data.join(DATABASE_FILE), objects_folder(config));
    let source = from.to_owned();
    let keys = keys.map_or_else(|| from.join(KEYS_FILE), Path::to_owned);
    let now = clock.now();
    let work = move || {
        // First the objects: broken off, it can be begun again until the database is there.
        if let Some(reports) = &reports
            && !database.exists()
        {
            copy_tree(&source.join(REPORTS_FOLDER), reports)?;
        }
        Ok(backup::restore(&source.join(DATA_FILE), &keys, &database, now)?)
    };
    let restored = blocking(work).await?;
    let objects = open_objects(config, &CallRate::default()).await?;
    for object in &restored.erased_objects {
        objects.remove(*object).await.map_err(StartError::ObjectStore)?;
    }
    let mut lost_objects = Vec::new();
    if objects_folder(config).is_some() {
        for (object_id, size_bytes) in &restored.objects {
            let is_there = objects.has(*object_id, *size_bytes).await;
            if !is_there.map_err(StartError::ObjectStore)? {
                lost_objects.push(object_path(*object_id));
            }
        }
    }
    Ok(RestoredData { orders: restored.orders, erased: restored.erased, lost_objects })
}

/// Overwrites and removes the keys of backups below `folder` that may live no longer; gives their files.
pub async fn prune(clock: &Clock, folder: &Path) -> Result<Vec<PathBuf>, StartError> {
    let (folder, now) = (folder.to_owned(), clock.now());
    blocking(move || prune_below(&folder, now)).await
}

fn prune_below(folder: &Path, now: UnixMs) -> Result<Vec<PathBuf>, StartError> {
    let mut pruned = Vec::new();
    let wrong = |error| StartError::File(folder.to_owned(), error);
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.is_dir() {
            pruned.extend(prune_below(&path, now)?);
        } else if path.file_name().is_some_and(|name| name == KEYS_FILE)
            && backup::keys_expire_at(&path)?.is_some_and(|expires_at| expires_at <= now)
        {
            backup::destroy(&path)?;
            pruned.push(path);
        }
    }
    Ok(pruned)
}

fn check_engine(config: &Config) -> Result<(), StartError> {
    match config.database_url {
        None => Ok(()),
        Some(_) => Err(StartError::Store(Fault::new(
            FaultKind::Schema,
            "expected the embedded database: back PostgreSQL up with its own tools, see docs/reports.md",
        ))),
    }
}

fn objects_folder(config: &Config) -> Option<PathBuf> {
    match object_backend(config) {
        ObjectBackend::Folder(folder) => Some(folder),
        ObjectBackend::Bucket(_) => None,
    }
}

fn copy_objects(reports: Option<&Path>, target: &Path) -> Result<(), StartError> {
    reports.map_or(Ok(()), |reports| copy_tree(reports, &target.join(REPORTS_FOLDER)))
}

/// Copies the files that are not there yet, durably; objects never change, and drafts are left out.
fn copy_tree(from: &Path, to: &Path) -> Result<(), StartError> {
    if !from.exists() {
        return Ok(());
    }
    make_folder(to)?;
    let wrong = |error| StartError::File(from.to_owned(), error);
    for entry in fs::read_dir(from).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        if path.is_dir() {
            if name != "drafts" {
                copy_tree(&path, &target)?;
            }
        } else if !is_as_long(&path, &target)
            && path.extension().is_none_or(|extension| extension != PART)
        {
            match copy_whole(&path, &target) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StartError::File(target, error)),
            }
        }
    }
    let synced = File::open(to).and_then(|folder| folder.sync_all());
    synced.map_err(|error| StartError::File(to.to_owned(), error))
}

fn is_as_long(one: &Path, other: &Path) -> bool {
    let length = |path| fs::metadata(path).map(|metadata| metadata.len()).ok();
    length(other).is_some_and(|bytes| length(one) == Some(bytes))
}

/// Copies a file so that under its name there is never a part of it; what is broken off is begun anew.
fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    let part = to.with_extension(PART);
    fs::copy(from, &part)?;
    File::open(&part)?.sync_all()?;
    fs::rename(part, to)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Fault::new(FaultKind::Storage, "the backup panicked").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_broken_off_is_copied_anew_and_what_is_whole_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        for (name, content) in [
            ("a/1", "one"),
            ("a/2", "two"),
            ("b/3", "three"),
            ("b/4.part", "no"),
            ("drafts/5", "no"),
        ] {
            let file = from.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        fs::create_dir_all(to.join("a")).unwrap();
        fs::write(to.join("a/1.part"), "longer than one").unwrap();
        fs::write(to.join("a/2"), "own").unwrap();
        fs::create_dir_all(to.join("b")).unwrap();
        fs::write(to.join("b/3"), "thr").unwrap();
        copy_tree(&from, &to).unwrap();
        let read = |name: &str| fs::read_to_string(to.join(name)).unwrap();
        assert_eq!(
            (read("a/1"), read("a/2"), read("b/3")),
            ("one".into(), "own".into(), "three".into())
        );
        for gone in ["a/1.part", "b/4.part", "drafts"] {
            assert!(!to.join(gone).exists(), "{gone}");
        }
        copy_tree(&folder.path().join("nowhere"), &to).unwrap();
    }
}
