//! Files that only their owner can read: keys.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes a file that only its owner can read, whole or not at all.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    put_in_place(&write_draft(path, text)?, path)
}

/// Writes the file beside its place, synced.
pub fn write_draft(path: &Path, text: &str) -> io::Result<PathBuf> {
    let draft = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    // `mode` counts for new files only.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    Ok(draft)
}

/// Puts a draft in its place, durably.
pub fn put_in_place(draft: &Path, path: &Path) -> io::Result<()> {
    fs::rename(draft, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}
