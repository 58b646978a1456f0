//! `POST /tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/accept`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, ProblemCode, ReportState};
use domain::Id;

use super::{find, view};
use crate::control::failure::Failure;
use crate::control::gate::Call;
use crate::control::repeat;
use crate::control::request::{Command, Nothing};

/// Takes a content that was refused as it is: it is fetched once more and kept, flagged with `refused_content`. What is
/// empty, and what the scanner refused, is not taken.
///
/// It is given away as a file of unknown kind, never as a PDF. The audit chain tells who took it.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/accept",
    tag = "reports",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
        ("report_id" = String, Path, description = "19 decimal digits"),
    ),
    responses(
        (status = 200, description = "The report as it is now", body = control::Report),
        (status = 409, description = "Its content was not refused, or it is just being fetched"),
        (status = 410, description = "It was erased"),
    )
)]
pub(crate) async fn accept_report(
    call: Call,
    command: Command<Nothing>,
) -> Result<Response, Failure> {
    let report = find(&call).await?;
    if report.state == ReportState::Erased {
        return Err(Failure::refused(ProblemCode::Gone, "the report is erased"));
    }
    if let Some(first) = repeat::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let tenant_id = call.tenant().await?.tenant_id;
    let order_id: Id = call.name("order_id")?;
    let store = &call.app.store;
    if !store.accept_report(call.by(), tenant_id, order_id, report.report_id).await? {
        let detail = "expected a report whose content was refused and that is not being fetched";
        return Err(Failure::refused(ProblemCode::IllegalState, detail));
    }
    let body = view(&find(&call).await?);
    repeat::keep(&call, command.key, StatusCode::OK, &body).await
}
