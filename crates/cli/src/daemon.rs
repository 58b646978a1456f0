//! What `serve`, `work` and `migrate` share: where things are kept, where the server may connect to,
//! the runtime, and the signals that stop it.

use clap::Args;
use server::Config;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Global;
use crate::failure::Usage;

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

/// How long orders may and must be kept, and where the audit chains are anchored besides.
#[derive(Debug, Args)]
pub(crate) struct Evidence {
    /// Fewest days after an order's end before it is erased, by hand too.
    #[arg(long, value_name = "DAYS", env = "PROBITY_RETENTION_DAYS_MIN", default_value_t = 0)]
    retention_days_min: u32,
    /// Most days after an order's end that a rule may keep it.
    #[arg(long, value_name = "DAYS", env = "PROBITY_RETENTION_DAYS_MAX", default_value_t = 3_650)]
    retention_days_max: u32,
    /// Where the anchors of the audit chains are sent every minute, by POST as JSON lines.
    #[arg(long, value_name = "URL", env = "PROBITY_ANCHOR_URL")]
    anchor_url: Option<String>,
}

impl Evidence {
    /// Puts the settings where they belong.
    pub(crate) fn set(self, config: &mut Config) -> Result<(), Usage> {
        let (min_days, max_days) = (self.retention_days_min, self.retention_days_max);
        if min_days > max_days {
            let message = format!("expected --retention-days-min to be at most {max_days}");
            return Err(Usage { message, hint: "see `probity serve --help`" });
        }
        config.retention.min_days = min_days;
        config.retention.max_days = max_days;
        config.anchor_url = self.anchor_url;
        Ok(())
    }
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
