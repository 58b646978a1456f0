//! `probity key`: the root key of an installation.

use clap::Subcommand;
use contract::control::{RotateKeys, RotatedKeys};

use crate::args::Global;
use crate::output::Show;
use crate::sheet::Sheet;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Change the root key while everybody works on; backups made before still need the old one.
    ///
    /// The next key comes from where the present one does: root.key.next in the data folder,
    /// PROBITY_ROOT_KEY_NEXT, or the second line of the root key command. With several servers, give it
    /// to each of them first.
    Rotate {
        /// Make the next key in the data folder where none lies there. With SQLite this needs no asking;
        /// with PostgreSQL only where one process runs.
        #[arg(long)]
        make_key: bool,
    },
}

impl Show for RotatedKeys {
    fn show(&self, sheet: &mut Sheet) {
        sheet.field("root key", &self.key_id);
        sheet.field("changes", self.generation.to_string());
        sheet.field("tenants", self.tenant_count.to_string());
    }
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let Command::Rotate { make_key } = command;
    let rotated = global.operator()?.rotate_keys(&RotateKeys { make_key }).await?;
    global.print(&rotated)
}
