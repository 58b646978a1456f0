//! The credentials file: keys of tenants, by server. TOML, mode 0600, replaced as a whole under a lock.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

#[derive(Debug)]
pub(crate) struct Credentials {
    path: PathBuf,
    keys: BTreeMap<String, BTreeMap<String, String>>,
}

/// `$PROBITY_CREDENTIALS`, else `~/.config/probity/credentials.toml`.
pub(crate) fn path() -> anyhow::Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set("PROBITY_CREDENTIALS") {
        return Ok(path);
    }
    let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    let config = config.context("expected PROBITY_CREDENTIALS or HOME to be set")?;
    Ok(config.join("probity").join("credentials.toml"))
}

impl Credentials {
    /// Reads the file; a missing one holds nothing.
    pub(crate) fn load(path: PathBuf) -> anyhow::Result<Credentials> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        // The parser's message would quote the line, and with it a key.
        let keys = toml::from_str(&text).map_err(|_| {
            anyhow::anyhow!("{}: expected a table of keys for each server", path.display())
        })?;
        Ok(Credentials { path, keys })
    }

    pub(crate) fn find(&self, server: &str, tenant_key: &str) -> Option<&str> {
        self.keys.get(server)?.get(tenant_key).map(String::as_str)
    }

    pub(crate) fn only_tenant(&self, server: &str) -> Option<&str> {
        let tenants = self.keys.get(server)?;
        match tenants.len() {
            1 => tenants.keys().next().map(String::as_str),
            _ => None,
        }
    }

    pub(crate) fn is_open_to_others(&self) -> bool {
        let mode = fs::metadata(&self.path).map(|metadata| metadata.permissions().mode());
        mode.is_ok_and(|mode| mode & 0o077 != 0)
    }
}

pub(crate) fn remember(
    path: &Path,
    server: &str,
    tenant_key: &str,
    key: &str,
) -> anyhow::Result<()> {
    let context = || path.display().to_string();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(context)?;
    let lock = private(&path.with_extension("lock")).with_context(context)?;
    lock.lock().with_context(context)?;

    let mut credentials = Credentials::load(path.to_owned())?;
    let tenants = credentials.keys.entry(server.to_owned()).or_default();
    tenants.insert(tenant_key.to_owned(), key.to_owned());
    let text = toml::to_string(&credentials.keys)?;

    let draft = path.with_extension("new");
    let mut file = private(&draft).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)?;
    file.sync_all().with_context(context)?;
    fs::rename(&draft, path).with_context(context)
}

fn private(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // The mode at opening counts for new files only.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "http://127.0.0.1:8090";

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn keys_are_kept_by_server_and_tenant_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("probity").join("credentials.toml");
        assert!(Credentials::load(path.clone()).unwrap().find(SERVER, "a").is_none());

        remember(&path, SERVER, "0000000000000001", "pbt_1").unwrap();
        let credentials = Credentials::load(path.clone()).unwrap();
        assert_eq!(credentials.only_tenant(SERVER), Some("0000000000000001"));
        assert!(!credentials.is_open_to_others());
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);

        remember(&path, SERVER, "0000000000000002", "pbt_2").unwrap();
        remember(&path, "https://a.example", "0000000000000001", "pbt_3").unwrap();
        let credentials = Credentials::load(path).unwrap();
        assert_eq!(credentials.find(SERVER, "0000000000000001"), Some("pbt_1"));
        assert_eq!(credentials.find(SERVER, "0000000000000002"), Some("pbt_2"));
        assert_eq!(credentials.find("https://a.example", "0000000000000001"), Some("pbt_3"));
        assert_eq!(credentials.only_tenant(SERVER), None);
    }

    #[test]
    fn a_file_that_others_may_read_is_noticed_and_closed_by_the_next_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.toml");
        remember(&path, SERVER, "a", "pbt_1").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Credentials::load(path.clone()).unwrap().is_open_to_others());
        remember(&path, SERVER, "b", "pbt_2").unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn writers_at_the_same_time_lose_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.toml");
        std::thread::scope(|scope| {
            for index in 0..8 {
                let path = &path;
                scope.spawn(move || remember(path, SERVER, &index.to_string(), "pbt").unwrap());
            }
        });
        let credentials = Credentials::load(path).unwrap();
        assert!((0..8).all(|index| credentials.find(SERVER, &index.to_string()).is_some()));
    }

    #[test]
    fn a_broken_file_is_named_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.toml");
        fs::write(&path, "pbt_secret").unwrap();
        let error = format!("{:#}", Credentials::load(path).unwrap_err());
        assert!(error.contains("credentials.toml") && !error.contains("pbt_secret"), "{error}");
    }
}
