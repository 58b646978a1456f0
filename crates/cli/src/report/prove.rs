//! What proves something of reports: who looked at them, and that a file is the one that was stored.

use std::path::Path;

use anyhow::Context as _;
use client::evidence::{Proved, verify_content};
use contract::control::ReportView;
use contract::evidence::ManifestVersion;
use serde::Serialize;

use crate::key::read_key;
use crate::output::{Row, Show, short_time, wire_name};
use crate::shared_args::Global;
use crate::table::Table;

#[derive(Serialize)]
struct Verified {
    order_id: String,
    number: u64,
    key_id: String,
    version: ManifestVersion,
}

impl Show for Verified {
    fn show(&self, table: &mut Table) {
        let version = &self.version;
        table.field("verdict", "the file is the one that the manifest lists");
        table.field("order", &self.order_id);
        table.field("report", &version.report_id);
        table
            .field("content", format!("version {}, {} bytes", version.version, version.size_bytes));
        table.field("SHA-256", &version.sha256);
        table.optional("came from", version.source_host.as_deref());
        table.optional("named by call", version.log_id.as_deref());
        table.field("named at", version.accepted_at_ms.to_string());
        table.field("fetched at", version.fetched_at_ms.to_string());
        table.field("manifest", format!("number {}, signed by key {}", self.number, self.key_id));
    }
}

impl Row for ReportView {
    const COLUMNS: &'static str = "AT|VIEWER|KEY OR APP|~ADDRESS|VERSION|BYTES";

    fn cells(&self) -> Vec<String> {
        vec![
            short_time(&self.at),
            wire_name(&self.viewer),
            self.key_id.clone().or_else(|| self.app_id.clone()).unwrap_or_default(),
            self.address.clone().unwrap_or_default(),
            self.version.to_string(),
            self.range.clone().unwrap_or_else(|| "all".to_owned()),
        ]
    }
}

pub(super) fn verify(
    global: &Global,
    file: &Path,
    manifest: &Path,
    public_key: &str,
) -> anyhow::Result<()> {
    let key = read_key(public_key)?;
    let text = std::fs::read_to_string(manifest);
    let text = text.with_context(|| manifest.display().to_string())?;
    let content = std::fs::File::open(file).with_context(|| file.display().to_string())?;
    let Proved { manifest, version } = verify_content(content, &text, &key)?;
    let (order_id, number, key_id) = (manifest.order_id, manifest.number, key.key_id());
    global.print(&Verified { order_id, number, key_id, version })
}
