//! `probity report`: the documents of an order.

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use client::control::Content;
use serde::Serialize;

use crate::args::Global;
use crate::failure::Usage;
use crate::output::Show;
use crate::sheet::Sheet;

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

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let Command::Download { order_id, report_id, out } = command;
    let (control, tenant_key) = global.tenant()?;
    let to_stdout = out.as_os_str() == "-";
    if to_stdout && std::io::stdout().is_terminal() {
        let message = "expected stdout to be a file or a pipe, it is a terminal".to_owned();
        return Err(Usage { message, hint: "name a file with --out" }.into());
    }
    let content = control.get_report_content(&tenant_key, &order_id, &report_id).await?;
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
