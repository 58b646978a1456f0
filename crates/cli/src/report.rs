//! `probity report`: the documents of an order.

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use client::control::Content;
use client::evidence::{Proved, verify_content};
use contract::control::ReportView;
use contract::evidence::ManifestVersion;
use serde::Serialize;

use crate::args::{Global, Paging};
use crate::failure::Usage;
use crate::key::read_key;
use crate::output::{Row, Show, short_time, word};
use crate::sheet::{Column, Sheet, fixed, flexible};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Download a report's content; the view is recorded.
    Download {
        /// The order.
        order_id: String,
        /// The report; `probity order show` lists them.
        report_id: String,
        /// Where it goes: a file that does not exist yet, or `-` for stdout.
        #[arg(long, value_name = "FILE", default_value = "REPORT_ID.pdf")]
        out: PathBuf,
    },
    /// List who was given a report's content, newest first.
    Views {
        /// The order.
        order_id: String,
        /// The report.
        report_id: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Save an order's newest manifest: the signed list of what was kept of its reports.
    Manifest {
        /// The order.
        order_id: String,
        /// Where it goes: a file that does not exist yet; stdout when left out.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify that a file is one that a manifest lists; no server is asked, on any machine.
    Verify {
        /// The file, as it was downloaded.
        file: PathBuf,
        /// The manifest, as it was saved.
        #[arg(long, value_name = "FILE")]
        manifest: PathBuf,
        /// The installation's public key, 64 hex digits or a file that holds them.
        #[arg(long, value_name = "KEY|FILE")]
        public_key: String,
    },
}

/// What was downloaded.
#[derive(Serialize)]
struct Downloaded {
    path: PathBuf,
    size_bytes: u64,
}

impl Show for Downloaded {
    fn show(&self, sheet: &mut Sheet) {
        sheet.field("file", self.path.display().to_string());
        sheet.field("bytes", self.size_bytes.to_string());
    }
}

/// What was verified.
#[derive(Serialize)]
struct Verified {
    order_id: String,
    number: u64,
    key_id: String,
    version: ManifestVersion,
}

impl Show for Verified {
    fn show(&self, sheet: &mut Sheet) {
        let version = &self.version;
        sheet.field("verdict", "the file is the one that the manifest lists");
        sheet.field("order", &self.order_id);
        sheet.field("report", &version.report_id);
        sheet
            .field("content", format!("version {}, {} bytes", version.version, version.size_bytes));
        sheet.field("SHA-256", &version.sha256);
        sheet.optional("came from", version.source_host.as_deref());
        sheet.optional("named by call", version.log_id.as_deref());
        sheet.field("named at", version.accepted_at_ms.to_string());
        sheet.field("fetched at", version.fetched_at_ms.to_string());
        sheet.field("manifest", format!("number {}, signed by key {}", self.number, self.key_id));
    }
}

impl Row for ReportView {
    const COLUMNS: &'static [Column] = &[
        fixed("AT"),
        fixed("VIEWER"),
        fixed("KEY"),
        flexible("ADDRESS"),
        fixed("VERSION"),
        fixed("BYTES"),
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            short_time(&self.at),
            word(&self.viewer),
            self.key_id.clone().unwrap_or_default(),
            self.address.clone().unwrap_or_default(),
            self.version.to_string(),
            self.range.clone().unwrap_or_else(|| "all".to_owned()),
        ]
    }
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Download { order_id, report_id, out } => {
            download(global, &order_id, &report_id, out).await
        }
        Command::Views { order_id, report_id, paging } => {
            let (control, tenant_key) = global.tenant()?;
            let list = paging.into();
            let views = control.list_report_views(&tenant_key, &order_id, &report_id, &list);
            global.print_page(&views.await?)
        }
        Command::Manifest { order_id, out } => {
            let (control, tenant_key) = global.tenant()?;
            crate::erasure::save(out, &control.get_manifest(&tenant_key, &order_id).await?)
        }
        Command::Verify { file, manifest, public_key } => {
            let key = read_key(&public_key)?;
            let text = std::fs::read_to_string(&manifest);
            let text = text.with_context(|| manifest.display().to_string())?;
            let content = std::fs::File::open(&file).with_context(|| file.display().to_string())?;
            let Proved { manifest, version } = verify_content(content, &text, &key)?;
            let (order_id, number, key_id) = (manifest.order_id, manifest.number, key.key_id());
            global.print(&Verified { order_id, number, key_id, version })
        }
    }
}

async fn download(
    global: &Global,
    order_id: &str,
    report_id: &str,
    out: PathBuf,
) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    let to_stdout = out.as_os_str() == "-";
    if to_stdout && std::io::stdout().is_terminal() {
        let message = "expected stdout to be a file or a pipe, it is a terminal".to_owned();
        return Err(Usage { message, hint: "name a file with --out" }.into());
    }
    let content = control.get_report_content(&tenant_key, order_id, report_id).await?;
    if to_stdout {
        copy(content, &mut std::io::stdout().lock()).await?;
        return Ok(());
    }
    let path = match out.to_str() {
        Some("REPORT_ID.pdf") => PathBuf::from(format!("{report_id}.pdf")),
        _ => out,
    };
    let size_bytes = save(content, &path).await?;
    global.print(&Downloaded { path, size_bytes })
}

/// Saves the content under `path`, which shows up complete or not at all, readable by its owner.
async fn save(content: Content, path: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())?;
    match copy(content, &mut file).await {
        Ok(size_bytes) => Ok(size_bytes),
        Err(error) => {
            // What came is no report; the first error is the one to tell.
            let _ = std::fs::remove_file(path);
            Err(error)
        }
    }
}

async fn copy(mut content: Content, to: &mut impl Write) -> anyhow::Result<u64> {
    let mut size_bytes = 0;
    while let Some(chunk) = content.chunk().await? {
        to.write_all(&chunk)?;
        size_bytes += chunk.len() as u64;
    }
    to.flush()?;
    Ok(size_bytes)
}
