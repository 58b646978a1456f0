//! `probity backup`, `probity restore`: an installation on the embedded database, while its server runs or not.

use std::path::PathBuf;

use clap::Args;
use server::Config;
use system::clock::Clock;

use crate::output::{print, print_note};
use crate::shared_args::Global;

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Folder that the backup goes to; it holds none yet.
    dir: PathBuf,
    /// Take none: overwrite and remove the keys of backups below DIR that are older than 7 days.
    #[arg(long)]
    prune: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// Folder of the backup.
    dir: PathBuf,
    /// Keys of a later backup: what was erased since does not come back.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

fn config(global: &Global) -> Config {
    let mut config = Config::default();
    if let Some(data) = &global.data {
        config.data.clone_from(data);
    }
    config.database_url = std::env::var("PROBITY_DATABASE_URL").ok();
    config
}

pub(crate) fn backup(global: &Global, Backup { dir, prune }: Backup) -> anyhow::Result<()> {
    let clock = Clock::system();
    crate::daemon::runtime()?.block_on(async {
        if prune {
            for path in server::backup::prune(&clock, &dir).await? {
                print(&format!("{}\n", path.display()))?;
            }
            return Ok(());
        }
        let done = server::backup::back_up(&config(global), &clock, &dir).await?;
        let dir = dir.display();
        print_note(&format!("{} orders are in {dir}", done.orders));
        print_note(&format!(
            "{dir}/keys.db must be gone in 7 days: `probity backup --prune {dir}` removes it"
        ));
        print_note("the root key is not in it: keep that one elsewhere");
        Ok(())
    })
}

pub(crate) fn restore(global: &Global, Restore { dir, keys }: Restore) -> anyhow::Result<()> {
    let clock = Clock::system();
    crate::daemon::runtime()?.block_on(async {
        let config = config(global);
        let done = server::backup::restore(&config, &clock, &dir, keys.as_deref()).await?;
        let (orders, erased, data) = (done.orders, done.erased, config.data.display());
        print_note(&format!("{orders} orders are restored in {data}; {erased} were erased since"));
        print_note(&format!("put the root key into {data}/root.key, or set PROBITY_ROOT_KEY, before the server starts"));
        print_note(&format!(
            "keys for the API are those of the backup; without an operator key of then, make one: \
             `probity key replace-operator --data {data}`"
        ));
        check_objects(&done.lost_objects)
    })
}

fn check_objects(lost: &[String]) -> anyhow::Result<()> {
    const NAMED_MAX: usize = 5;
    if lost.is_empty() {
        return Ok(());
    }
    let named = lost.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if lost.len() > NAMED_MAX { ", …" } else { "" };
    print_note(
        "copy them from another backup into `reports`, or ask their sources again: `probity report refetch`",
    );
    anyhow::bail!(
        "everything else is restored, but {} contents are missing or cut in this backup: {named}{more}",
        lost.len()
    )
}
