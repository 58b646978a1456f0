//! Keys of the API: the operator's, made at the first start, and those of tenants.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::UnixMs;
use hub::keys::{OPERATOR_PREFIX, hash, is_key, new_key};
use store::Store;
use system::clock::Clock;

use crate::config::Config;
use crate::data_folder::OPERATOR_KEY_FILE;
use crate::start_error::StartError;
use crate::storage::open_installation;
use system::secret_file::{put_in_place, write_draft, write_secret};

/// Makes an operator key when the installation has none, and writes it to the data folder (mode 0600). A file that is
/// there is never overwritten: its key becomes the installation's, as after a first start that was cut short.
pub async fn operator_key(store: &Store, data: &Path, now: UnixMs) -> Result<(), StartError> {
    if store.has_operator_key().await? {
        return Ok(());
    }
    let path = data.join(OPERATOR_KEY_FILE);
    let key = match fs::read_to_string(&path) {
        Ok(text) if is_key(text.trim(), OPERATOR_PREFIX) => text.trim().to_owned(),
        Ok(_) => return Err(StartError::NoOperatorKey(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = new_key(OPERATOR_PREFIX);
            // First the file: a key that nobody could read would lock the operator out.
            write_secret(&path, &key).map_err(|error| StartError::File(path, error))?;
            key
        }
        Err(error) => return Err(StartError::File(path, error)),
    };
    store.create_operator_key(&hash(&key), now).await?;
    Ok(())
}

/// Revokes every operator key and makes a new one in the data folder (mode 0600); gives its file. On the embedded
/// database only while no server has it open.
/// [`StartError::OperatorKeyStands`] when the file is there and may not be overwritten; see [`StartError`].
pub async fn replace_operator_keys(
    config: &Config,
    clock: &Clock,
    may_overwrite: bool,
) -> Result<PathBuf, StartError> {
    let path = config.data.join(OPERATOR_KEY_FILE);
    if path.exists() && !may_overwrite {
        return Err(StartError::OperatorKeyStands(path));
    }
    let store = open_installation(config, clock).await?;
    let key = new_key(OPERATOR_PREFIX);
    let wrong = |error| StartError::File(path.clone(), error);
    let draft = write_draft(&path, &key).map_err(wrong)?;
    let replaced = store.replace_operator_keys(&hash(&key), clock.now()).await;
    store.close().await;
    replaced?;
    put_in_place(&draft, &path).map_err(wrong)?;
    Ok(path)
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
