//! `POST /tenants/{tenant_key}/orders/{order_id}/approve`, `…/reject`, `…/withdraw`: the decision on a returned
//! result (背调报告审批).

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{ApproveOrder, Order, RejectOrder};
use hub::orders;

use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::{Command, Nothing, json};

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
    let Command { body, key } = command;
    let (tenant, order_id) = call.order().await?;
    let (hub, actor) = (&call.app.hub, &call.caller.actor);
    Ok(json(StatusCode::OK, &orders::approve(hub, actor, &tenant, order_id, body, key).await?))
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
    let Command { body, key } = command;
    let (tenant, order_id) = call.order().await?;
    let (hub, actor) = (&call.app.hub, &call.caller.actor);
    Ok(json(StatusCode::OK, &orders::reject(hub, actor, &tenant, order_id, body, key).await?))
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
    let (tenant, order_id) = call.order().await?;
    let (hub, actor) = (&call.app.hub, &call.caller.actor);
    Ok(json(StatusCode::OK, &orders::withdraw(hub, actor, &tenant, order_id, command.key).await?))
}
