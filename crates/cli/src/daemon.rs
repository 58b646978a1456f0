//! What `serve`, `work` and `migrate` share: where things are kept, where the server may connect to,
//! the runtime, and the signals that stop it.

use clap::Args;
use server::{Config, S3};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Global;

#[derive(Debug, Args)]
pub(crate) struct Storage {
    /// PostgreSQL to keep everything in (`postgres://…`); SQLite in `--data` when left out.
    #[arg(long, value_name = "URL", env = "PROBITY_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where the contents of reports and files are kept: a folder (`reports` in `--data` when left out), or
    /// `s3://bucket/prefix` with PROBITY_S3_ACCESS_KEY_ID, PROBITY_S3_SECRET_ACCESS_KEY and, where they
    /// are not the provider's own, PROBITY_S3_ENDPOINT and PROBITY_S3_REGION.
    #[arg(long, value_name = "FOLDER|URL", env = "PROBITY_OBJECTS")]
    objects: Option<String>,
    /// Command that prints the root key as 64 hex digits, and on a second line the next one, if there is
    /// one; without it PROBITY_ROOT_KEY (and PROBITY_ROOT_KEY_NEXT), else `root.key` in `--data`.
    #[arg(long, value_name = "COMMAND", env = "PROBITY_ROOT_KEY_COMMAND", hide_env_values = true)]
    root_key_command: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Outbound {
    /// Range or host that events may go to and reports come from although it is not public; may be
    /// repeated.
    #[arg(long, value_name = "CIDR|HOST", env = "PROBITY_ALLOW_OUTBOUND", value_delimiter = ',')]
    pub(crate) allow_outbound: Vec<String>,
}

/// The settings that all three have, the rest by default. Root keys and the secrets of a bucket come by the environment
/// only: a flag would show in the list of processes.
pub(crate) fn config(global: &Global, storage: Storage) -> Config {
    let variable = |name| std::env::var(name).ok().filter(|text: &String| !text.is_empty());
    let Storage { database_url, objects, root_key_command } = storage;
    let mut config = Config {
        database_url,
        objects,
        root_key: variable("PROBITY_ROOT_KEY"),
        root_key_next: variable("PROBITY_ROOT_KEY_NEXT"),
        root_key_command,
        s3: S3 {
            endpoint: variable("PROBITY_S3_ENDPOINT"),
            region: variable("PROBITY_S3_REGION"),
            access_key_id: variable("PROBITY_S3_ACCESS_KEY_ID"),
            secret_access_key: variable("PROBITY_S3_SECRET_ACCESS_KEY"),
        },
        ..Config::default()
    };
    if let Some(data) = &global.data {
        config.data.clone_from(data);
    }
    config
}

/// A runtime on every core.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().build()
}

/// Waits for Ctrl-C or a polite request to stop. Listens from now on, so that no signal is missed.
pub(crate) fn shutdown() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
