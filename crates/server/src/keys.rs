//! Keys of the API: the operator's, made at the first start, and those of tenants.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use domain::UnixMs;
use store::Store;
use store::apps::App;

use crate::chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::start::{self, StartFailure};

/// The file in the data folder that holds the operator's key.
pub const OPERATOR_KEY_FILE: &str = "operator.key";
/// The prefix of an operator's key.
pub const OPERATOR_PREFIX: &str = "pbo_";
/// Letters and digits behind the prefix: 256 bits.
const KEY_LENGTH: usize = 43;
/// The prefix of a tenant's key.
pub const TENANT_PREFIX: &str = "pbt_";

/// Makes an operator key when the installation has none, and writes it to the data folder (mode 0600). A file that is
/// there is never overwritten: its key becomes the installation's, as after a first start that was cut short.
///
/// # Errors
/// When the file cannot be written, or holds no operator key; when storage fails.
pub async fn operator_key(store: &Store, data: &Path, now: UnixMs) -> Result<(), StartFailure> {
    if store.has_operator_key().await? {
        return Ok(());
    }
    let path = data.join(OPERATOR_KEY_FILE);
    let key = match fs::read_to_string(&path) {
        Ok(text) if is_key(text.trim(), OPERATOR_PREFIX) => text.trim().to_owned(),
        Ok(_) => return Err(StartFailure::NoOperatorKey(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = new_key(OPERATOR_PREFIX);
            // First the file: a key that nobody could read would lock the operator out.
            write_secret(&path, &key).map_err(|error| StartFailure::File(path, error))?;
            key
        }
        Err(error) => return Err(StartFailure::File(path, error)),
    };
    store.create_operator_key(&hash(&key), now).await?;
    Ok(())
}

/// Revokes every operator key and makes a new one in the data folder (mode 0600); gives its file. For who has the
/// machine and no operator key; on the embedded database only while no server has it open.
///
/// # Errors
/// [`StartFailure::OperatorKeyStands`] when the file is there and may not be overwritten; see [`StartFailure`].
pub async fn replace_operator_keys(
    config: &Config,
    clock: &Clock,
    may_overwrite: bool,
) -> Result<PathBuf, StartFailure> {
    let path = config.data.join(OPERATOR_KEY_FILE);
    if path.exists() && !may_overwrite {
        return Err(StartFailure::OperatorKeyStands(path));
    }
    let store = start::open_installation(config, clock).await?;
    let key = new_key(OPERATOR_PREFIX);
    let wrong = |error| StartFailure::File(path.clone(), error);
    // First the draft: a key that nobody could read would lock the operator out.
    let draft = write_draft(&path, &key).map_err(wrong)?;
    let replaced = store.replace_operator_keys(&hash(&key), clock.now()).await;
    store.close().await;
    replaced?;
    put_in_place(&draft, &path).map_err(wrong)?;
    Ok(path)
}

/// A new API key: the prefix and 43 letters and digits, 256 bits.
#[must_use]
pub fn new_key(prefix: &str) -> String {
    format!("{prefix}{}", chance::secret_of(KEY_LENGTH))
}

/// Whether a text has the shape of a key that was made here.
fn is_key(text: &str, prefix: &str) -> bool {
    let is_secret = |rest: &str| {
        rest.len() == KEY_LENGTH && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    text.strip_prefix(prefix).is_some_and(is_secret)
}

/// SHA-256 of a secret of full strength, which needs no salt and no work factor.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// The number of the secret by which an app proves itself at `now`: the present one, or in its grace time the one
/// before. None when it is neither.
#[must_use]
pub fn secret_no(app: &App, secret: &str, now: UnixMs) -> Option<i64> {
    let hash = hash(secret);
    let mut good = app.good_secrets(now);
    let found = good.find(|(_, good)| verify_slices_are_equal(&hash, *good).is_ok());
    found.map(|(number, _)| number)
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    put_in_place(&write_draft(path, text)?, path)
}

fn write_draft(path: &Path, text: &str) -> io::Result<PathBuf> {
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

fn put_in_place(draft: &Path, path: &Path) -> io::Result<()> {
    fs::rename(draft, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_operator_key_that_is_there_is_taken_and_never_overwritten() {
        let folder = tempfile::TempDir::new().unwrap();
        let (path, now) = (folder.path().join(OPERATOR_KEY_FILE), UnixMs(1));
        let location = store::Location::Sqlite(folder.path().join("probity.db"));
        let store = Store::open(&location, store::Key::new([7; 32]), now).await.unwrap();
        fs::write(&path, "something else\n").unwrap();
        let refusal = operator_key(&store, folder.path(), now).await.unwrap_err().to_string();
        assert!(refusal.contains("operator.key"), "{refusal}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "something else\n");
        assert!(!store.has_operator_key().await.unwrap());

        let key = new_key(OPERATOR_PREFIX);
        fs::write(&path, format!("{key}\n")).unwrap();
        operator_key(&store, folder.path(), now).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().trim(), key);
        assert!(store.find_api_key(&hash(&key), now).await.unwrap().is_some());
    }
}
