//! `POST /tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/accept`.

use axum::response::Response;
use contract::control;

use super::refetch::ask_again;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::{Command, Nothing};

/// Takes a content that was refused as it is: it is fetched once more and stored, flagged with `refused_content`. What is
/// empty, and what the scanner refused, is not taken.
///
/// It is given away as a file of unknown kind, never as a PDF. The audit chain says who took it.
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
    ask_again(call, command, true).await
}
