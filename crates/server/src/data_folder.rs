//! The data folder: made for its owner alone, and what it shows of the installation that is to be opened.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use store::{Location, Opening};

use crate::config::Config;
use crate::start_error::StartError;

/// The file in the data folder that holds the embedded database.
pub const DATABASE_FILE: &str = "probity.db";
/// The folder in the data folder that holds the reports.
pub const REPORTS_FOLDER: &str = "reports";
/// The file in the data folder that holds the operator's key.
pub const OPERATOR_KEY_FILE: &str = "operator.key";
pub(crate) const ANCHORS_FILE: &str = "audit-anchors.jsonl";

/// What the folders show of the installation that is to be opened. The root key says nothing: it may be brought before
/// the first start.
pub(crate) fn opening(config: &Config) -> Result<Opening, StartError> {
    let files = [OPERATOR_KEY_FILE, ANCHORS_FILE].map(|name| config.data.join(name));
    let mut traces: Vec<PathBuf> = files.into_iter().filter(|file| file.exists()).collect();
    if let ObjectBackend::Folder(folder) = object_backend(config)
        && objects::holds_any(&folder).map_err(|error| StartError::File(folder.clone(), error))?
    {
        traces.push(folder);
    }
    Ok(Opening { traces, may_lose: config.accept_data_loss, ..Opening::default() })
}

pub(crate) fn make_folder(path: &Path) -> Result<(), StartError> {
    let wrong = |error| StartError::File(path.to_owned(), error);
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(wrong)?;
    let mode = fs::metadata(path).map_err(wrong)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(
            "{path} can be entered by others (mode {mode:o}): `chmod 700 {path}` closes it"
        );
    }
    Ok(())
}

pub(crate) enum ObjectBackend<'c> {
    Folder(PathBuf),
    /// `bucket/prefix` of an S3-compatible store.
    Bucket(&'c str),
}

pub(crate) fn object_backend(config: &Config) -> ObjectBackend<'_> {
    match config.objects.as_deref().map(|backend| (backend, backend.strip_prefix("s3://"))) {
        None => ObjectBackend::Folder(config.data.join(REPORTS_FOLDER)),
        Some((_, Some(bucket))) => ObjectBackend::Bucket(bucket),
        Some((folder, None)) => ObjectBackend::Folder(PathBuf::from(folder)),
    }
}

/// The folders that fill: with contents, and with the embedded database.
pub(crate) fn filling(config: &Config) -> Vec<PathBuf> {
    let mut backend = Vec::new();
    if let ObjectBackend::Folder(folder) = object_backend(config) {
        backend.push(folder);
    }
    if config.database_url.is_none() {
        backend.push(config.data.clone());
    }
    backend
}

pub(crate) fn location(config: &Config) -> Location {
    match &config.database_url {
        Some(url) => Location::Postgres(url.clone()),
        None => Location::Sqlite(config.data.join(DATABASE_FILE)),
    }
}
