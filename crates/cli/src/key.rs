//! `probity key`: keys for the control API (`api_key.rs`), and the installation's own.

use std::path::Path;

use anyhow::Context as _;
use clap::Subcommand;
use client::evidence::PublicKey;
use contract::control::{self, RotateKeys, RotatedKeys};

use crate::api_key;
use crate::output::Show;
use crate::shared_args::Global;
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Api(api_key::Command),
    /// Change the root key while everybody works on; backups made before still need the old one.
    ///
    /// The next key comes from where the present one does: root.key.next in the data folder,
    /// PROBITY_ROOT_KEY_NEXT, or the second line of the root key command. With several servers, give it
    /// to each of them first.
    Rotate {
        /// Make the next key in the data folder where none lies there. With PostgreSQL only where one
        /// process runs.
        #[arg(long)]
        make_key: bool,
    },
    /// Print the public key that verifies manifests, certificates and anchors, 64 hex digits.
    Public,
}

impl Show for RotatedKeys {
    fn show(&self, table: &mut Table) {
        table.field("root key", &self.key_id);
        table.field("changes", self.generation.to_string());
        table.field("tenants", self.tenant_count.to_string());
    }
}

impl Show for control::PublicKey {
    fn show(&self, table: &mut Table) {
        table.field("public key", &self.public_key);
        table.field("key id", &self.key_id);
        table.field("algorithm", &self.algorithm);
    }
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Api(command) => api_key::run(global, command).await,
        Command::Rotate { make_key } => {
            let rotated = global.operator()?.rotate_keys(&RotateKeys { make_key }).await?;
            global.print(&rotated)
        }
        Command::Public => {
            let control = match global.operator() {
                Ok(operator) => operator,
                Err(_) => global.tenant()?.0,
            };
            global.print(&control.get_public_key().await?)
        }
    }
}

/// A public key given as digits, or as the file that holds them.
pub(crate) fn read_key(given: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = given.parse() {
        return Ok(key);
    }
    let text = std::fs::read_to_string(Path::new(given));
    let text = text.with_context(|| format!("expected 64 hex digits or a file, came {given}"))?;
    Ok(text.trim_end().parse()?)
}
