//! Reports of an order: `/tenants/{tenant_key}/orders/{order_id}/reports`.

pub(super) mod accept;
pub(super) mod content;
pub(super) mod refetch;
pub(super) mod versions;
pub(super) mod views;

use contract::control;
use contract::hex::to_hex;
use domain::report::ReportState;
use store::reports::Report;

use super::auth::Call;
use super::failure::Failure;
use super::instant::rfc3339;

/// A report as the API shows it.
pub(super) fn view(report: &Report) -> control::Report {
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
        created_at: rfc3339(report.report_id.made_at()),
    }
}

/// The report in the path.
async fn find(call: &Call) -> Result<Report, Failure> {
    let tenant = call.tenant().await?;
    let (order_id, report_id) = (call.path_param("order_id")?, call.path_param("report_id")?);
    let report = call.app.store.find_report(&tenant, order_id, report_id).await?;
    report.ok_or_else(Failure::not_found)
}
