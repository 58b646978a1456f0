//! `POST /tenants/{tenant_key}/orders`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{Order, PlaceOrder};
use hub::orders;

use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::{Command, json};

/// Arranges a background check; the vendor is notified.
///
/// The account, its package and its additional items must exist; the values of custom fields must fit the vendor's
/// form: known keys, types, lengths, options, files, and all required ones. All faults are named at once.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/orders",
    tag = "orders",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    request_body = PlaceOrder,
    responses((status = 201, description = "The order, arranged", body = Order))
)]
pub(crate) async fn place_order(
    call: Call,
    command: Command<PlaceOrder>,
) -> Result<Response, Failure> {
    let Command { body, key } = command;
    let tenant = call.tenant().await?;
    let order = orders::place(&call.app.hub, &call.caller.actor, &tenant, body, key).await?;
    Ok(json(StatusCode::CREATED, &order))
}
