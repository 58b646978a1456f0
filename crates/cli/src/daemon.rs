//! What `serve`, `work` and `migrate` share: where things are kept, where the server may connect to,
//! the runtime, and the signals that stop it.

use clap::Args;
use server::Config;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Global;

#[derive(Debug, Args)]
pub(crate) struct Storage {
    /// PostgreSQL to keep everything in (`postgres://…`); SQLite in `--data` when left out.
    #[arg(long, value_name = "URL", env = "PROBITY_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Outbound {
    /// Range or host that events may go to and reports come from although it is not public; may be
    /// repeated.
    #[arg(long, value_name = "CIDR|HOST", env = "PROBITY_ALLOW_OUTBOUND", value_delimiter = ',')]
    pub(crate) allow_outbound: Vec<String>,
}

/// The settings that all three have, the rest by default. The root key comes by the environment only:
/// a flag would show in the list of processes.
pub(crate) fn config(global: &Global, storage: Storage) -> Config {
    let root_key = std::env::var("PROBITY_ROOT_KEY").ok();
    let mut config = Config { database_url: storage.database_url, root_key, ..Config::default() };
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
