//! `probity report`: the documents of an order, and the operator's check of all that is stored.

mod check;
mod prove;

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use client::control::Content;
use contract::control::{GetReportContent, ReportVersion};
use serde::Serialize;

use crate::output::{Row, Show, print_note, short_time, wire_name};
use crate::shared_args::{Global, Paging};
use crate::table::Table;
use crate::usage_error::UsageError;

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
        /// The number of the version; the newest when left out.
        #[arg(long)]
        version_number: Option<u32>,
    },
    /// List everything that was ever fetched for a report.
    Versions {
        /// The order.
        order_id: String,
        /// The report.
        report_id: String,
    },
    /// Ask for a new try to fetch a report; what comes is a new version.
    Refetch {
        /// The order.
        order_id: String,
        /// The report.
        report_id: String,
    },
    /// Take a content that was refused as it is: it is fetched once more, stored and flagged. The audit
    /// chain says who took it.
    Accept {
        /// The order.
        order_id: String,
        /// The report.
        report_id: String,
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
    /// Save an order's newest manifest: the signed list of what was stored of its reports.
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
    /// Compare what is stored with what is known, both ways; exit code 1 when something is wrong. For the
    /// operator.
    Check {
        /// Look only whether contents are there, without reading them.
        #[arg(long)]
        quick: bool,
        /// Remove what nothing stands for: orphans older than an hour, and dead drafts.
        #[arg(long)]
        sweep: bool,
    },
}

#[derive(Serialize)]
struct Downloaded {
    path: PathBuf,
    size_bytes: u64,
}

impl Show for Downloaded {
    fn show(&self, table: &mut Table) {
        table.field("file", self.path.display().to_string());
        table.field("bytes", self.size_bytes.to_string());
    }
}

impl Row for ReportVersion {
    const COLUMNS: &'static str = "VERSION|FETCHED|BYTES|~FROM|~FINDINGS";

    fn cells(&self) -> Vec<String> {
        let from =
            if self.is_erased { "erased" } else { self.source_host.as_deref().unwrap_or("") };
        vec![
            self.version.to_string(),
            short_time(&self.fetched_at),
            self.size_bytes.to_string(),
            from.to_owned(),
            self.findings.join(", "),
        ]
    }
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Download { order_id, report_id, out, version_number } => {
            download(global, &order_id, &report_id, out, version_number).await
        }
        Command::Versions { order_id, report_id } => {
            let (control, tenant_key) = global.tenant()?;
            let page = control.list_report_versions(&tenant_key, &order_id, &report_id).await?;
            global.print_page(&page)
        }
        Command::Refetch { order_id, report_id } => {
            let (control, tenant_key) = global.tenant()?;
            let report = control.refetch_report(&tenant_key, &order_id, &report_id).await?;
            print_note(&format!("the report is {}", wire_name(&report.state)));
            Ok(())
        }
        Command::Accept { order_id, report_id } => {
            let (control, tenant_key) = global.tenant()?;
            let report = control.accept_report(&tenant_key, &order_id, &report_id).await?;
            print_note(&format!(
                "the report is {}, and will be kept as it is",
                wire_name(&report.state)
            ));
            Ok(())
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
            prove::verify(global, &file, &manifest, &public_key)
        }
        Command::Check { quick, sweep } => check::run(global, quick, sweep).await,
    }
}

async fn download(
    global: &Global,
    order_id: &str,
    report_id: &str,
    out: PathBuf,
    version: Option<u32>,
) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    let to_stdout = out.as_os_str() == "-";
    if to_stdout && std::io::stdout().is_terminal() {
        let message = "expected stdout to be a file or a pipe, it is a terminal".to_owned();
        return Err(UsageError { message, hint: "name a file with --out" }.into());
    }
    let query = GetReportContent { version };
    let content = control.get_report_version(&tenant_key, order_id, report_id, &query).await?;
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
pub(crate) async fn save(content: Content, path: &Path) -> anyhow::Result<u64> {
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
            // What came is no report; the first error is the one to show.
            let _ = std::fs::remove_file(path);
            Err(error)
        }
    }
}

pub(crate) async fn copy(mut content: Content, to: &mut impl Write) -> anyhow::Result<u64> {
    let mut size_bytes = 0;
    while let Some(chunk) = content.chunk().await? {
        to.write_all(&chunk)?;
        size_bytes += chunk.len() as u64;
    }
    to.flush()?;
    Ok(size_bytes)
}
