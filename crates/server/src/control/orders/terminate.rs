//! `POST /tenants/{tenant_key}/orders/{order_id}/terminate`.

use axum::response::Response;
use contract::control::{Order, TerminateOrder};
use domain::Act;
use store::Request;
use store::content::{Comment, to_text};

use super::act;
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::Command;

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
    validate(command.body.faults())?;
    let content = to_text(&Comment { text: command.body.reason });
    act(&call, Act::TerminateOrders, command.key, || Request::Terminate {
        content: content.clone(),
    })
    .await
}
