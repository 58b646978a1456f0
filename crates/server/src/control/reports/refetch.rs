//! `POST /tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/refetch`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, ProblemCode};
use domain::Id;
use domain::report::ReportState;

use hub::reports::view;

use super::find;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::idempotency;
use crate::control::request::{Command, Nothing};

/// Asks for a new try to fetch a report that failed, waits, or has a content already. The tries count from the start
/// again.
///
/// What comes is a new version. Until then, and when nothing comes, the content that is there stays as it is: the
/// report goes back to `stored` or `flagged`, and `failure_reason` says why nothing came.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/refetch",
    tag = "reports",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
        ("report_id" = String, Path, description = "19 decimal digits"),
    ),
    responses(
        (status = 200, description = "The report as it is now", body = control::Report),
        (status = 409, description = "The report is just being fetched, or is a preview link"),
        (status = 410, description = "It was erased"),
    )
)]
pub(crate) async fn refetch_report(
    call: Call,
    command: Command<Nothing>,
) -> Result<Response, Failure> {
    ask_again(call, command, false).await
}

/// Has a report fetched once more, to be stored `as_it_is` or inspected anew.
pub(super) async fn ask_again(
    call: Call,
    command: Command<Nothing>,
    as_it_is: bool,
) -> Result<Response, Failure> {
    let report = find(&call).await?;
    if report.state == ReportState::Erased {
        return Err(Failure::refused(ProblemCode::Gone, "the report is erased"));
    }
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let (by, tenant_id) = (call.by(), call.tenant().await?.tenant_id);
    let (order_id, report_id) = (call.path_param::<Id>("order_id")?, report.report_id);
    let store = &call.app.hub.store;
    let (is_asked, expected) = match as_it_is {
        true => (
            store.accept_report(by, tenant_id, order_id, report_id).await?,
            "expected a report whose content was refused and that is not being fetched",
        ),
        false => (
            store.refetch_report(by, tenant_id, order_id, report_id).await?,
            "expected a report that is pending, failed, stored or flagged",
        ),
    };
    if !is_asked {
        return Err(Failure::refused(ProblemCode::IllegalState, expected));
    }
    let body = view(&find(&call).await?);
    idempotency::keep(&call, command.key, StatusCode::OK, &body).await
}
