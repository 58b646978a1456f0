//! The data folder: made for its owner alone, and what it tells of the installation that is to be opened.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use store::Opening;

use crate::config::Config;
use crate::keys::OPERATOR_KEY_FILE;
use crate::objects;
use crate::start::{ObjectPlace, StartFailure, object_place};
use crate::work::ANCHORS_FILE;

/// What the folders tell of the installation that is to be opened. The root key tells nothing: it may be brought before
/// the first start.
pub(crate) fn opening(config: &Config) -> Result<Opening, StartFailure> {
    let files = [OPERATOR_KEY_FILE, ANCHORS_FILE].map(|name| config.data.join(name));
    let mut traces: Vec<PathBuf> = files.into_iter().filter(|file| file.exists()).collect();
    if let ObjectPlace::Folder(folder) = object_place(config)
        && objects::holds_any(&folder).map_err(|error| StartFailure::File(folder.clone(), error))?
    {
        traces.push(folder);
    }
    Ok(Opening { traces, may_lose: config.accept_data_loss })
}

/// Makes a folder that its owner alone can enter; warns of one that is there and that others can enter.
pub(crate) fn make_folder(path: &Path) -> Result<(), StartFailure> {
    let wrong = |error| StartFailure::File(path.to_owned(), error);
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
