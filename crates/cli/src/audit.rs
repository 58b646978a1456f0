//! `probity audit`: the chains of what was done; exported, and verified here or on any other machine.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use client::control::Control;
use client::evidence::{PublicKey, WholeChain, read_anchors, verify_chain, whole};
use contract::control::ListAudit;
use contract::evidence::{Anchor, AuditEntry, Chain, OPERATOR_CHAIN, chain_header};
use serde::Serialize;

use crate::key::read_key;
use crate::output::{Show, wire_name};
use crate::shared_args::Global;
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a chain as JSON lines: the tenant's, or the operator's.
    Export {
        /// The operator's own chain: tenants, apps, installations, keys.
        #[arg(long)]
        operator: bool,
        /// Where it goes: a file that does not exist yet; stdout when left out.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify a chain, entry by entry: of an exported file, or of the server's own.
    Verify {
        /// An exported file; no server is asked then.
        file: Option<PathBuf>,
        /// The operator's own chain, from the server.
        #[arg(long, conflicts_with = "file")]
        operator: bool,
        /// The server's `audit-anchors.jsonl`, or what another host stored of it: finds what was cut off.
        #[arg(long, value_name = "FILE")]
        anchors: Option<PathBuf>,
        /// The key that signed the anchors, 64 hex digits or a file that holds them.
        #[arg(long, value_name = "KEY|FILE", requires = "anchors")]
        public_key: Option<String>,
    },
}

#[derive(Serialize)]
struct Verified {
    chain: String,
    entries: u64,
    hash: String,
    anchored: Option<u64>,
    last_act: Option<String>,
}

impl Show for Verified {
    fn show(&self, table: &mut Table) {
        table.field("chain of", &self.chain);
        table.field("entries", self.entries.to_string());
        table.field("last hash", &self.hash);
        table.optional("last act", self.last_act.as_deref());
        match self.anchored {
            Some(seq) => table.field("anchored", format!("up to entry {seq}")),
            None => table.field("anchored", "no: a cut of the end would not be found"),
        }
        table.field("verdict", "whole");
    }
}

impl From<WholeChain> for Verified {
    fn from(chain: WholeChain) -> Verified {
        Verified {
            chain: match chain.tenant_key.as_str() {
                OPERATOR_CHAIN => "the operator".to_owned(),
                tenant_key => tenant_key.to_owned(),
            },
            entries: chain.entries,
            hash: chain.hash,
            anchored: chain.anchored,
            last_act: chain.last.as_ref().map(|entry| wire_name(&entry.act)),
        }
    }
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Export { operator, out } => {
            let (source, tenant_key) = source(global, operator)?;
            let mut to: Box<dyn std::io::Write> = match out {
                Some(path) => Box::new(create(&path)?),
                None => Box::new(std::io::stdout().lock()),
            };
            writeln!(to, "{}", chain_header(&tenant_key))?;
            let mut after = 0;
            loop {
                let page = page(&source, &tenant_key, after).await?;
                if page.is_empty() {
                    return Ok(to.flush()?);
                }
                after += page.lines().count() as u64;
                to.write_all(page.as_bytes())?;
            }
        }
        Command::Verify { file, operator, anchors, public_key } => {
            let anchors = anchors_of(anchors.as_deref(), public_key.as_deref())?;
            let found = match file {
                Some(path) => {
                    let file = File::open(&path).with_context(|| path.display().to_string())?;
                    verify_chain(BufReader::new(file), &anchors)?
                }
                None => verify_server(global, operator, &anchors).await?,
            };
            global.print(&Verified::from(found))
        }
    }
}

async fn verify_server(
    global: &Global,
    operator: bool,
    anchors: &[Anchor],
) -> anyhow::Result<WholeChain> {
    let (source, tenant_key) = source(global, operator)?;
    let mut chain = Chain::new(&tenant_key, anchors);
    let mut last: Option<AuditEntry> = None;
    loop {
        let page = page(&source, &tenant_key, chain.seq()).await?;
        if page.is_empty() {
            chain.end()?;
            return Ok(whole(&chain, last, anchors));
        }
        for line in page.lines() {
            last = Some(chain.take(line)?);
        }
    }
}

fn source(global: &Global, operator: bool) -> anyhow::Result<(Control, String)> {
    match operator {
        true => Ok((global.operator()?, OPERATOR_CHAIN.to_owned())),
        false => global.tenant(),
    }
}

async fn page(source: &Control, tenant_key: &str, after: u64) -> anyhow::Result<String> {
    let list = ListAudit { after: Some(after), limit: None };
    Ok(match tenant_key {
        OPERATOR_CHAIN => source.list_operator_audit(&list).await?,
        tenant_key => source.list_audit(tenant_key, &list).await?,
    })
}

fn anchors_of(path: Option<&Path>, public_key: Option<&str>) -> anyhow::Result<Vec<Anchor>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let key: Option<PublicKey> = public_key.map(read_key).transpose()?;
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(read_anchors(&text, key.as_ref())?)
}

/// A file that does not exist yet, for its owner alone.
pub(crate) fn create(path: &Path) -> anyhow::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = File::options();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.with_context(|| path.display().to_string())
}
