//! `probity work`: workers alone, beside the servers of an installation.

use clap::Args;

use crate::args::Global;
use crate::daemon::{self, Evidence, Outbound, Storage};

#[derive(Debug, Args)]
pub(crate) struct Work {
    #[command(flatten)]
    storage: Storage,
    #[command(flatten)]
    outbound: Outbound,
    #[command(flatten)]
    evidence: Evidence,
}

pub(crate) fn run(
    global: &Global,
    Work { storage, outbound, evidence }: Work,
) -> anyhow::Result<()> {
    let mut config = daemon::config(global, storage);
    config.allow_outbound = outbound.allow_outbound;
    evidence.set(&mut config)?;
    daemon::runtime()?.block_on(async {
        let shutdown = daemon::shutdown()?;
        Ok(server::start::run_workers(config, shutdown).await?)
    })
}
