//! `GET /tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content`.
//!
//! What a vendor sent is shown to nobody's browser as a page: it is an attachment, sandboxed, never sniffed, and
//! never kept by a cache.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::control::{ProblemCode, ReportState};
use store::reports::Report;
use store::{Fault, FaultKind};

use super::disposition::attachment;
use super::find;
use super::range::{self, Asked};
use crate::chance;
use crate::control::failure::Failure;
use crate::control::gate::Call;

/// Gives a report's content, a PDF, whole or one range of it.
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
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let report = find(&call).await?;
    judge_state(&report)?;
    let gone = || Fault::new(FaultKind::Damaged, "a stored report has no content");
    let size_bytes = report.size_bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let size_bytes = size_bytes.ok_or_else(gone)?;
    let tag = format!("\"{}\"", chance::to_hex(report.sha256.as_deref().unwrap_or_default()));
    let asked = range::asked(&headers, &tag, size_bytes);
    let range = match &asked {
        Asked::Whole => None,
        Asked::Part(range) => Some(range.clone()),
        Asked::Outside => return Ok(outside(size_bytes)),
    };
    let read = call.app.objects.read(report.report_id, range).await.map_err(Failure::Objects)?;
    let content = read.filter(|content| content.size_bytes() == size_bytes).ok_or_else(gone)?;

    let given = content.range();
    let mut response = Response::new(Body::from_stream(content));
    let headers = response.headers_mut();
    let texts = [
        (header::CONTENT_DISPOSITION, attachment(&report.source.name)),
        (header::ETAG, tag),
        (header::CONTENT_LENGTH, (given.end - given.start).to_string()),
    ];
    for (name, text) in texts {
        let value = HeaderValue::try_from(text);
        headers.insert(name, value.expect("the texts are visible ASCII"));
    }
    let pdf = HeaderValue::from_static("application/pdf");
    headers.insert(header::CONTENT_TYPE, pdf);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    if matches!(asked, Asked::Part(_)) {
        let text = format!("bytes {}-{}/{size_bytes}", given.start, given.end - 1);
        let value = HeaderValue::try_from(text).expect("digits are visible ASCII");
        headers.insert(header::CONTENT_RANGE, value);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
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

fn outside(size_bytes: u64) -> Response {
    let detail = format!("expected a range within {size_bytes} bytes");
    let mut response = Failure::refused(ProblemCode::RangeNotSatisfiable, detail).into_response();
    let value = HeaderValue::try_from(format!("bytes */{size_bytes}"));
    let value = value.expect("digits are visible ASCII");
    response.headers_mut().insert(header::CONTENT_RANGE, value);
    response
}
