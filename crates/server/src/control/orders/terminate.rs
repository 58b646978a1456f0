//! `POST /tenants/{tenant_key}/orders/{order_id}/terminate`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{Order, TerminateOrder};
use hub::orders;

use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::{Command, json};

/// Ends an order without a conclusion; the vendor is notified of the reason.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/orders/{order_id}/terminate",
    tag = "orders",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    request_body = TerminateOrder,
    responses(
        (status = 200, description = "The order as it is now", body = Order),
        (status = 409, description = "The order has ended"),
    )
)]
pub(crate) async fn terminate_order(
    call: Call,
    command: Command<TerminateOrder>,
) -> Result<Response, Failure> {
    let Command { body, key } = command;
    let (tenant, order_id) = call.order().await?;
    let (hub, actor) = (&call.app.hub, &call.caller.actor);
    Ok(json(StatusCode::OK, &orders::terminate(hub, actor, &tenant, order_id, body, key).await?))
}
