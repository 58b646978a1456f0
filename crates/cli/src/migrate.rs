//! `probity migrate`: brings the database to this version's shape, and ends.

use clap::Args;

use crate::daemon::{self, Storage};
use crate::output::say;
use crate::shared_args::Global;

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    storage: Storage,
}

pub(crate) fn run(global: &Global, Migrate { storage }: Migrate) -> anyhow::Result<()> {
    let config = daemon::config(global, storage);
    let applied = daemon::runtime()?.block_on(server::start::migrate(&config))?;
    for name in &applied {
        say(&format!("applied {name}"));
    }
    say("the database has this version's shape");
    Ok(())
}
