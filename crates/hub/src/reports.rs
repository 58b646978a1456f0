//! Reports as they are shown.

use contract::control;
use contract::hex::to_hex;
use domain::report::ReportState;
use store::reports::Report;

use crate::instant::rfc3339;

/// A report as the API shows it.
#[must_use]
pub fn view(report: &Report) -> control::Report {
    let is_linked = report.state == ReportState::Linked;
    control::Report {
        report_id: report.report_id.to_string(),
        kind: report.kind.into(),
        name: report.source.name.clone(),
        state: report.state.into(),
        failure_reason: report.failure.clone(),
        is_refused: report.is_refused,
        preview_url: is_linked.then(|| report.source.url.clone()),
        version: u32::try_from(report.version_last).ok().filter(|version| *version > 0),
        size_bytes: report.size_bytes.and_then(|bytes| u64::try_from(bytes).ok()),
        sha256: report.sha256.as_deref().map(to_hex),
        created_at: rfc3339(report.created_at),
    }
}
