//! `GET /tenants/{tenant_key}/orders/{order_id}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::Order;
use hub::orders;

use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;

/// Reads one order with its form, stages, results, reports and timeline.
///
/// Results and reports, and the reasons and comments of decisions, are there for who may see reports only.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders/{order_id}",
    tag = "orders",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    responses((status = 200, description = "The order", body = Order))
)]
pub(crate) async fn get_order(call: Call) -> Result<Response, Failure> {
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    let order = orders::get(&call.app.hub, &call.caller.actor, &tenant, order_id).await?;
    Ok(json(StatusCode::OK, &order))
}
