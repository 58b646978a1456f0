//! `probity migrate`: brings the database to this version's shape, and ends.

use clap::Args;

use crate::daemon::{self, Storage};
use crate::output::print_note;
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
        print_note(&format!("applied {name}"));
    }
    print_note("the database has this version's shape");
    Ok(())
}
