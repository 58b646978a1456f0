//! `GET /tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content`.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use contract::control::{GetReportContent, ProblemCode};
use domain::report::ReportState;
use store::reports::Report;
use store::views::Viewer;

use super::find;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::Query;
use crate::download::{Content, Download, DownloadRequest, download};

/// Gives a report's content, a PDF, whole or in ranges; of the newest version, or of any. The view is recorded first.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/content",
    tag = "reports",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
        ("report_id" = String, Path, description = "19 decimal digits"),
        GetReportContent,
        ("Range" = Option<String>, Header, description = "At most 16 ranges of bytes; those that touch are made one"),
    ),
    responses(
        (status = 200, description = "The whole content", body = Vec<u8>, content_type = "application/pdf"),
        (status = 206, description = "The ranges that were asked for; several as multipart/byteranges", body = Vec<u8>, content_type = "application/pdf"),
        (status = 304, description = "The caller has it already, as if-none-match says"),
        (status = 409, description = "It has not been fetched yet, or is a preview link"),
        (status = 410, description = "It was erased"),
        (status = 416, description = "The ranges lie outside the content, or are too many"),
        (status = 503, description = "The store of the contents does not answer"),
    )
)]
pub(crate) async fn get_report_content(
    call: Call,
    Query(query): Query<GetReportContent>,
    request: DownloadRequest,
) -> Result<Response, Failure> {
    let report = find(&call).await?;
    validate_state(&report)?;
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    let wanted = query.version.map_or(report.version_last, i64::from);
    let store = &call.app.hub.store;
    let version = store.find_report_version(&tenant, order_id, report.report_id, wanted).await?;
    let version = version.ok_or_else(Failure::not_found)?;
    let content = Content {
        tenant: &tenant,
        order_id,
        report_id: report.report_id,
        name: &report.source.name,
        version: &version,
    };
    match download(&call.app, content, &request, Viewer::ApiKey(call.caller.actor.id.id)).await? {
        Download::Content(response) => Ok(response),
        Download::Outside(range) => Ok(outside(version.size_bytes, range)),
        Download::Erased => Err(erased()),
    }
}

/// Refuses a report that has no content.
fn validate_state(report: &Report) -> Result<(), Failure> {
    if report.has_content() {
        return Ok(());
    }
    let (code, detail) = match report.state {
        ReportState::Failed => (
            ProblemCode::NotFound,
            "the report is failed: it could not be fetched; refetch asks for a new try",
        ),
        ReportState::Linked => (
            ProblemCode::IllegalState,
            "the report is linked: open its preview_url, it is not kept here",
        ),
        ReportState::Erased => return Err(erased()),
        ReportState::Pending
        | ReportState::Fetching
        | ReportState::Stored
        | ReportState::Flagged => {
            (ProblemCode::IllegalState, "the report is pending: it has not been fetched yet")
        }
    };
    Err(Failure::refused(code, detail))
}

fn erased() -> Failure {
    Failure::refused(ProblemCode::Gone, "the report is erased")
}

fn outside(size_bytes: i64, range: HeaderValue) -> Response {
    let detail = format!("expected at most 16 ranges, of which one lies within {size_bytes} bytes");
    let mut response = Failure::refused(ProblemCode::RangeNotSatisfiable, detail).into_response();
    response.headers_mut().insert(header::CONTENT_RANGE, range);
    response
}
