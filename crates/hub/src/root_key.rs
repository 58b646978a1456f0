//! The root key: where it comes from, and its change.
//!
//! It lies outside of the database: in a file of the data folder, in the environment, or with a command that prints it.
//! Each source can give a second one, the next. A process takes both at its start and finds by the installation's row
//! (`store::RootKeys`) which is in force; when it meets a key wrapped under an unknown root key it asks its source
//! again. So work goes on during a change, and a crash leaves an installation that opens: the next key is safe before
//! the transaction that puts it in force, and the present one stays until after it. With the file, the next key lies in
//! `root.key.next`, and replaces `root.key` once it is in force.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use contract::control::{ProblemCode, RotateKeys, RotatedKeys};
use contract::hex::to_hex;
use domain::{Act, Actor};
use store::audit::By;
use store::{Fault, FaultKind, IdempotencyKey, Key, Rotated, Store, root_key_id};
use tokio::sync::Mutex;
use zeroize::{Zeroize, Zeroizing};

use crate::error::authorize;
use crate::idempotency::{self, Answer};
use crate::{Error, Hub, Input};

use system::secret_file::write_secret;

/// The file in the data folder that holds the root key: 64 hex digits.
pub const ROOT_KEY_FILE: &str = "root.key";
/// The file in the data folder that holds the next root key.
pub const NEXT_FILE: &str = "root.key.next";
/// How long the command may take.
const COMMAND_TIME: Duration = Duration::from_secs(10);
/// Bytes of the command's output that are read.
const OUTPUT_BYTES_MAX: u64 = 1_024;

/// What is set about the root key.
#[derive(Debug, Clone, Default)]
pub struct RootKeySettings {
    /// The data folder, with the file of the root key when nothing else is set.
    pub data: PathBuf,
    /// The present root key.
    pub present: Option<String>,
    /// The next one.
    pub next: Option<String>,
    /// A command that prints them, one a line.
    pub command: Option<String>,
}

/// Where the root key comes from.
#[derive(Debug, Clone)]
pub struct RootSource(KeySource);

#[derive(Clone)]
enum KeySource {
    Environment { present: Zeroizing<String>, next: Option<Zeroizing<String>> },
    Command(String),
    File(PathBuf),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The root keys that a source gives.
pub struct LoadedKey {
    /// The present one, and the next if there is one.
    pub keys: Vec<Key>,
    /// Whether the first one was made just now.
    pub is_made: bool,
}

/// Why a source does not give root keys.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// A root key of the wrong shape; where it came from.
    #[error("expected the root key in {0} as 64 hex digits")]
    Malformed(&'static str),
    /// Root keys from two places.
    #[error("expected one source of the root key, found PROBITY_ROOT_KEY and a root key command")]
    TwoSources,
    /// A root key that everybody on the machine can read or write, and its mode.
    #[error("{path} is open to everybody on this machine (mode {1:o}): `chmod 600 {path}`", path = .0.display())]
    Open(PathBuf, u32),
    /// The command that prints the root key.
    #[error("the root key command failed")]
    Command(#[source] io::Error),
    /// A file that cannot be read or written.
    #[error("{path}", path = .0.display())]
    File(PathBuf, #[source] io::Error),
}

impl From<RootKeyError> for Error {
    fn from(error: RootKeyError) -> Error {
        Fault::new(FaultKind::WrongRootKey, error).into()
    }
}

impl KeySource {
    fn name(&self) -> &'static str {
        match self {
            KeySource::Environment { .. } => "PROBITY_ROOT_KEY",
            KeySource::Command(_) => "the output of the root key command",
            KeySource::File(_) => ROOT_KEY_FILE,
        }
    }
}

impl RootSource {
    /// The source that the settings name, by default the file in the data folder; an error when they name two.
    pub fn new(settings: RootKeySettings) -> Result<RootSource, RootKeyError> {
        Ok(RootSource(match (settings.present, settings.command) {
            (Some(_), Some(_)) => return Err(RootKeyError::TwoSources),
            (Some(present), None) => KeySource::Environment {
                present: Zeroizing::new(present),
                next: settings.next.map(Zeroizing::new),
            },
            (None, Some(command)) => KeySource::Command(command),
            (None, None) => KeySource::File(settings.data),
        }))
    }

    /// The source's name, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// The present keys; with the file and `may_make`, a key is made where there is none. Blocks. Errors: it gives
    /// none, or something other than 64 hex digits.
    pub fn keys(&self, may_make: bool) -> Result<LoadedKey, RootKeyError> {
        let name = self.name();
        let (keys, is_made) = match &self.0 {
            KeySource::Environment { present, next } => {
                let mut keys = vec![parse(present).ok_or(RootKeyError::Malformed(name))?];
                if let Some(next) = next {
                    keys.push(parse(next).ok_or(RootKeyError::Malformed("PROBITY_ROOT_KEY_NEXT"))?);
                }
                (keys, false)
            }
            KeySource::Command(command) => {
                let output = run(command).map_err(RootKeyError::Command)?;
                let lines = output.lines().map(str::trim).filter(|line| !line.is_empty());
                let keys: Option<Vec<Key>> = lines.take(2).map(parse).collect();
                let keys = keys.filter(|keys| !keys.is_empty());
                (keys.ok_or(RootKeyError::Malformed(name))?, false)
            }
            KeySource::File(data) => {
                let present = read(data, ROOT_KEY_FILE)?;
                let next = read(data, NEXT_FILE)?;
                match (present, next) {
                    (None, None) if may_make => (vec![make(data, ROOT_KEY_FILE)?], true),
                    (present, next) => (present.into_iter().chain(next).collect(), false),
                }
            }
        };
        Ok(LoadedKey { keys, is_made })
    }

    /// Removes a key that was made just now, for an installation that has another one.
    pub fn unmake(&self) {
        if let KeySource::File(data) = &self.0 {
            let _ = fs::remove_file(data.join(ROOT_KEY_FILE));
        }
    }

    /// After a rotation, moves the file of the next key over the one before, if it is in force. Blocks. Errors: the
    /// file cannot be moved; the next start tries again.
    pub fn settle(&self, present_id: &str) -> Result<(), RootKeyError> {
        let KeySource::File(data) = &self.0 else { return Ok(()) };
        let is_next = read(data, NEXT_FILE)?.is_some_and(|next| root_key_id(&next) == present_id);
        if !is_next {
            return Ok(());
        }
        let (from, to) = (data.join(NEXT_FILE), data.join(ROOT_KEY_FILE));
        let moved = fs::rename(&from, &to).and_then(|()| fs::File::open(data)?.sync_all());
        moved.map_err(|error| RootKeyError::File(to, error))
    }

    /// The next key: the source's, else with the file and `may_make` a new one. Blocks.
    fn next(&self, present_id: &str, may_make: bool) -> Result<Key, Error> {
        let given = self.keys(false)?;
        let mut others = given.keys.into_iter().filter(|key| root_key_id(key) != present_id);
        if let Some(next) = others.next_back() {
            return Ok(next);
        }
        match &self.0 {
            KeySource::File(data) if may_make => Ok(make(data, NEXT_FILE)?),
            KeySource::File(_) => Err(Error::refused(
                ProblemCode::IllegalState,
                "expected a next root key in root.key.next of every replica's data folder, or make_key as true where \
                 there is one replica only",
            )),
            KeySource::Environment { next: Some(_), .. } => Err(Error::refused(
                ProblemCode::IllegalState,
                "expected a next root key that is not in force already",
            )),
            KeySource::Environment { next: None, .. } => Err(Error::refused(
                ProblemCode::IllegalState,
                "expected the next root key in PROBITY_ROOT_KEY_NEXT of every replica",
            )),
            KeySource::Command(_) => Err(Error::refused(
                ProblemCode::IllegalState,
                "expected the next root key as the second line of the root key command",
            )),
        }
    }
}

/// Changes the root key, one change at a time.
#[derive(Debug)]
pub struct Rotation {
    source: RootSource,
    turn: Mutex<()>,
}

impl Rotation {
    /// Changes what `source` gives.
    pub fn new(source: RootSource) -> Rotation {
        Rotation { source, turn: Mutex::default() }
    }

    /// Puts the next root key in force, made here if need be (file and `may_make`), while work goes on. Refuses when
    /// there is no next key, or it is the present one.
    async fn change(&self, store: &Store, by: By, may_make: bool) -> Result<Rotated, Error> {
        let _turn = self.turn.lock().await;
        let present_id = store.find_root_key_id().await?;
        let source = self.source.clone();
        let next = blocking(move || source.next(&present_id, may_make)).await?;
        let rotated = store.rotate_root_key(by, &next).await?;
        tracing::info!(key_id = %rotated.key_id, tenants = rotated.tenant_count, "the root key was changed");
        let (source, key_id) = (self.source.clone(), rotated.key_id.clone());
        if let Err(error) = blocking(move || source.settle(&key_id)).await {
            // It is in force; the next start moves the file.
            tracing::error!(%error, "the new root key stays in root.key.next until the next start");
        }
        Ok(rotated)
    }
}

/// Puts the next root key in force while work goes on. Refuses when there is none, or it is in force already.
pub async fn rotate(
    hub: &Hub,
    actor: &Actor,
    input: Input<RotateKeys>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<RotatedKeys>, Error> {
    authorize(actor, Act::CareForInstallation)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let rotated = hub.root_key.change(&hub.store, hub.by(actor), input.valid()?.make_key).await?;
    let view = RotatedKeys {
        key_id: rotated.key_id,
        generation: u64::try_from(rotated.generation).unwrap_or_default(),
        tenant_count: rotated.tenant_count as u64,
    };
    idempotency::keep(hub, key, &view).await
}

/// Runs file work and commands off the async threads.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn read(data: &Path, name: &'static str) -> Result<Option<Key>, RootKeyError> {
    let path = data.join(name);
    check_mode(&path, data)?;
    match fs::read_to_string(&path).map(Zeroizing::new) {
        Ok(text) => parse(text.trim()).map(Some).ok_or(RootKeyError::Malformed(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RootKeyError::File(path, error)),
    }
}

/// Refuses a root key that everybody on the machine can read or write.
fn check_mode(path: &Path, data: &Path) -> Result<(), RootKeyError> {
    let mode =
        |path: &Path| fs::metadata(path).map_or(0, |found| found.permissions().mode() & 0o777);
    let (of_file, of_folder) = (mode(path), mode(data));
    if of_file & 0o007 != 0 && of_folder & 0o001 != 0 {
        return Err(RootKeyError::Open(path.to_owned(), of_file));
    }
    if of_file & 0o077 != 0 {
        tracing::warn!("{} is not for its owner alone (mode {of_file:o})", path.display());
    }
    Ok(())
}

fn make(data: &Path, name: &str) -> Result<Key, RootKeyError> {
    let (key, path) = (Key::random(), data.join(name));
    let text = Zeroizing::new(to_hex(key.bytes()));
    write_secret(&path, &text).map_err(|error| RootKeyError::File(path, error))?;
    Ok(key)
}

fn parse(text: &str) -> Option<Key> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, index) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[index..index + 2], 16).ok()?;
    }
    let key = Key::new(bytes);
    bytes.zeroize();
    Some(key)
}

/// What the command prints; its stderr is ours.
fn run(command: &str) -> io::Result<Zeroizing<String>> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take();
    std::thread::spawn(move || {
        let mut text = Zeroizing::new(String::with_capacity(OUTPUT_BYTES_MAX as usize));
        let read =
            stdout.map_or(Ok(0), |from| from.take(OUTPUT_BYTES_MAX).read_to_string(&mut text));
        // The receiver may have given up waiting.
        let _ = sender.send(read.map(|_| text));
    });
    let Ok(read) = receiver.recv_timeout(COMMAND_TIME) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "it printed nothing whole within 10 s",
        ));
    };
    let text = read?;
    // It has closed its output; one that still runs is ended.
    let _ = child.kill();
    let status = child.wait()?;
    match status.code() {
        Some(code) if code != 0 => Err(io::Error::other(format!("it ended with status {code}"))),
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const A: &str = "0101010101010101010101010101010101010101010101010101010101010101";
    const B: &str = "ABababababababababababababababababababababababababababababababab";

    fn keys(settings: &RootKeySettings) -> Result<Vec<Key>, String> {
        let source = RootSource::new(settings.clone()).map_err(|error| error.to_string())?;
        source.keys(true).map(|given| given.keys).map_err(|error| error.to_string())
    }

    fn bytes(keys: &[Key]) -> Vec<u8> {
        keys.iter().map(|key| key.bytes()[0]).collect()
    }

    #[test]
    fn a_root_key_that_everybody_can_read_is_refused() {
        let folder = TempDir::new().unwrap();
        let set = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let settings =
            RootKeySettings { data: folder.path().to_owned(), ..RootKeySettings::default() };
        keys(&settings).unwrap();
        let path = folder.path().join(ROOT_KEY_FILE);
        for (of_folder, of_file, is_refused) in [
            (0o755, 0o600, false),
            (0o755, 0o640, false),
            (0o755, 0o644, true),
            (0o755, 0o666, true),
            (0o700, 0o666, false),
        ] {
            set(&path, of_file);
            set(folder.path(), of_folder);
            let refusal = keys(&settings).err();
            assert_eq!(refusal.is_some(), is_refused, "{of_folder:o} {of_file:o}: {refusal:?}");
            let is_clear = refusal.is_none_or(|sender| sender.contains("chmod 600"));
            assert!(is_clear, "{of_folder:o} {of_file:o}");
        }
    }

    #[test]
    fn each_source_gives_the_present_key_and_the_next() {
        let folder = TempDir::new().unwrap();
        let file = RootKeySettings { data: folder.path().to_owned(), ..RootKeySettings::default() };
        let built = keys(&file).unwrap();
        assert_eq!(keys(&file).unwrap()[0].bytes(), built[0].bytes(), "it is made once");
        write_secret(&folder.path().join(NEXT_FILE), B).unwrap();
        assert_eq!(keys(&file).unwrap()[1].bytes(), &[0xab; 32]);

        let environment = RootKeySettings {
            present: Some(A.to_owned()),
            next: Some(B.to_owned()),
            ..RootKeySettings::default()
        };
        assert_eq!(bytes(&keys(&environment).unwrap()), [1, 0xab]);

        for (command, expected) in
            [(format!("echo {A}"), vec![1]), (format!("echo {A}; echo {B}"), vec![1, 0xab])]
        {
            let settings = RootKeySettings { command: Some(command), ..RootKeySettings::default() };
            assert_eq!(bytes(&keys(&settings).unwrap()), expected);
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_where_it_came_from() {
        let of = |root_key: Option<&str>, command: Option<&str>| {
            let (present, command) = (root_key.map(str::to_owned), command.map(str::to_owned));
            keys(&RootKeySettings { present, command, ..RootKeySettings::default() }).unwrap_err()
        };
        let short = "expected the root key in PROBITY_ROOT_KEY as 64 hex digits";
        assert_eq!(of(Some("12"), None), short);
        assert_eq!(of(Some(&"+1".repeat(32)), None), short);
        let command =
            "expected the root key in the output of the root key command as 64 hex digits";
        assert_eq!(of(None, Some("true")), command);
        assert_eq!(of(None, Some("echo no")), command);
        assert_eq!(of(None, Some("exit 3")), "the root key command failed");
        assert!(of(Some(A), Some("true")).contains("one source"));

        let folder = TempDir::new().unwrap();
        write_secret(&folder.path().join(ROOT_KEY_FILE), "no key").unwrap();
        let settings =
            RootKeySettings { data: folder.path().to_owned(), ..RootKeySettings::default() };
        let expected = "expected the root key in root.key as 64 hex digits";
        assert_eq!(keys(&settings).unwrap_err(), expected);
    }
}
