//! `probity work`: workers alone, beside the servers of an installation.

use clap::Args;

use crate::daemon::{self, Evidence, Outbound, Reports, Storage};
use crate::shared_args::Global;

#[derive(Debug, Args)]
pub(crate) struct Work {
    /// The servers' address as others see it, for the links in events; nothing is fetched from it.
    #[arg(long, value_name = "URL", env = "PROBITY_PUBLIC_URL")]
    public_url: Option<String>,
    #[command(flatten)]
    storage: Storage,
    #[command(flatten)]
    outbound: Outbound,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    evidence: Evidence,
}

pub(crate) fn run(
    global: &Global,
    Work { public_url, storage, outbound, reports, evidence }: Work,
) -> anyhow::Result<()> {
    let mut config = daemon::config(global, storage);
    config.public_url = public_url;
    config.allow_outbound = outbound.allow_outbound;
    reports.set(&mut config);
    evidence.set(&mut config)?;
    daemon::runtime()?.block_on(async {
        let shutdown = daemon::shutdown()?;
        Ok(server::start::run_workers(config, shutdown).await?)
    })
}
