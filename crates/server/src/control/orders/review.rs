//! `POST /tenants/{tenant_key}/orders/{order_id}/approve`, `…/reject`, `…/withdraw`: the decision on a returned
//! result (背调报告审批).

use axum::response::Response;
use contract::control::{ApproveOrder, Order, RejectOrder};
use domain::Act;
use store::Request;
use store::content::{Comment, to_text};

use super::act;
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::{Command, Nothing};

/// Accepts the result under review: the order is completed.
///
/// With `four_eyes` on, who placed the order is refused with 403.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/orders/{order_id}/approve",
    tag = "orders",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    request_body = ApproveOrder,
    responses(
        (status = 200, description = "The order as it is now", body = Order),
        (status = 409, description = "The order is not in review"),
    )
)]
pub(crate) async fn approve_order(
    call: Call,
    command: Command<ApproveOrder>,
) -> Result<Response, Failure> {
    validate(command.body.faults())?;
    let text = command.body.comment.unwrap_or_default();
    let content = to_text(&Comment { text });
    act(&call, Act::ReviewOrders, command.key, || Request::Approve { content: content.clone() })
        .await
}

/// Sends the result under review back with a reason; the vendor may return another one.
///
/// With `four_eyes` on, who placed the order is refused with 403.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/orders/{order_id}/reject",
    tag = "orders",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    request_body = RejectOrder,
    responses(
        (status = 200, description = "The order as it is now", body = Order),
        (status = 409, description = "The order is not in review"),
    )
)]
pub(crate) async fn reject_order(
    call: Call,
    command: Command<RejectOrder>,
) -> Result<Response, Failure> {
    validate(command.body.faults())?;
    let content = to_text(&Comment { text: command.body.reason });
    act(&call, Act::ReviewOrders, command.key, || Request::Reject { content: content.clone() })
        .await
}

/// Takes the review request back; the vendor may return another result.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/orders/{order_id}/withdraw",
    tag = "orders",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    responses(
        (status = 200, description = "The order as it is now", body = Order),
        (status = 409, description = "The order is not in review"),
    )
)]
pub(crate) async fn withdraw_order(
    call: Call,
    command: Command<Nothing>,
) -> Result<Response, Failure> {
    act(&call, Act::ReviewOrders, command.key, || Request::Withdraw).await
}
