//! `GET /tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content`.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use contract::control::{ProblemCode, ReportState};
use store::reports::Report;
use store::views::Viewer;
use store::{Fault, FaultKind};

use super::find;
use crate::control::failure::Failure;
use crate::control::gate::Call;
use crate::download::{File, Given, View, give, viewed};

/// Gives a report's content, a PDF, whole or one range of it. The view is recorded first.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content",
    tag = "reports",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
        ("report_id" = String, Path, description = "19 decimal digits"),
        ("Range" = Option<String>, Header, description = "One range of bytes; several are answered with the whole"),
    ),
    responses(
        (status = 200, description = "The whole content", body = Vec<u8>, content_type = "application/pdf"),
        (status = 206, description = "The range that was asked for", body = Vec<u8>, content_type = "application/pdf"),
        (status = 409, description = "It has not been fetched yet, or is a preview link"),
        (status = 410, description = "It was erased"),
        (status = 416, description = "The range lies outside the content"),
    )
)]
pub(crate) async fn get_report_content(
    call: Call,
    method: Method,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let report = find(&call).await?;
    judge_state(&report)?;
    let gone = || Fault::new(FaultKind::Damaged, "a stored report has no content");
    let size_bytes = report.size_bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let file = File {
        object: report.report_id,
        name: &report.source.name,
        size_bytes: size_bytes.ok_or_else(gone)?,
        sha256: report.sha256.as_deref().unwrap_or_default(),
    };
    match give(&call.app.objects, file, &headers).await.map_err(Failure::Objects)? {
        Given::Content(response, range) => {
            let view = View {
                order_id: call.name("order_id")?,
                report_id: report.report_id,
                version: 1,
                viewer: Viewer::ApiKey(call.caller.key_id),
                address: peer.ip(),
                range,
            };
            // Whoever asks for the head alone gets nothing to look at.
            if method == Method::GET && !viewed(&call.app, &*call.tenant().await?, view).await? {
                return Err(Failure::refused(ProblemCode::Gone, "the report is erased"));
            }
            Ok(response)
        }
        Given::Outside(range) => Ok(outside(file.size_bytes, range)),
        Given::Gone => Err(gone().into()),
    }
}

/// Refuses a report that has no content.
fn judge_state(report: &Report) -> Result<(), Failure> {
    let (code, detail) = match report.state {
        ReportState::Stored | ReportState::Flagged => return Ok(()),
        ReportState::Pending | ReportState::Fetching => {
            (ProblemCode::IllegalState, "the report is pending: it has not been fetched yet")
        }
        ReportState::Failed => (
            ProblemCode::NotFound,
            "the report is failed: it could not be fetched; refetch asks for a new try",
        ),
        ReportState::Linked => (
            ProblemCode::IllegalState,
            "the report is linked: open its preview_url, it is not kept here",
        ),
        ReportState::Erased => (ProblemCode::Gone, "the report is erased"),
    };
    Err(Failure::refused(code, detail))
}

fn outside(size_bytes: u64, range: HeaderValue) -> Response {
    let detail = format!("expected a range within {size_bytes} bytes");
    let mut response = Failure::refused(ProblemCode::RangeNotSatisfiable, detail).into_response();
    response.headers_mut().insert(header::CONTENT_RANGE, range);
    response
}
