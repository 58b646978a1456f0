//! `GET /tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/versions`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, Page};
use contract::hex::to_hex;
use store::report_versions::ReportVersion;

use super::find;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;
use hub::instant::rfc3339;

/// Lists everything that was ever fetched for a report, the newest first.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/versions",
    tag = "reports",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
        ("report_id" = String, Path, description = "19 decimal digits"),
    ),
    responses((status = 200, description = "All of them", body = Page<control::ReportVersion>))
)]
pub(crate) async fn list_report_versions(call: Call) -> Result<Response, Failure> {
    let report = find(&call).await?;
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    let store = &call.app.hub.store;
    let versions = store.list_report_versions(&tenant, order_id, report.report_id).await?;
    let items = versions.iter().rev().map(view).collect();
    Ok(json(StatusCode::OK, &Page { items, next_cursor: None }))
}

fn view(version: &ReportVersion) -> control::ReportVersion {
    let facts = version.opened.as_ref().map(|(_, facts)| facts);
    control::ReportVersion {
        version: u32::try_from(version.version).unwrap_or(u32::MAX),
        size_bytes: u64::try_from(version.size_bytes).unwrap_or_default(),
        sha256: to_hex(&version.sha256),
        fetched_at: rfc3339(version.fetched_at),
        is_flagged: version.is_flagged,
        findings: facts.map(|facts| facts.findings.clone()).unwrap_or_default(),
        scanner: facts.and_then(|facts| facts.scanner.clone()),
        source_host: facts.map(|facts| facts.source_host.clone()),
        is_erased: version.opened.is_none(),
    }
}
