//! `GET /tenants/{tenant_key}/orders/{order_id}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::Order;
use domain::Act;

use super::view::{self, Sight};
use super::{authorize_own, form};
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
    let tenant = call.tenant().await?;
    let order_id = call.path_param("order_id")?;
    authorize_own(&call, &tenant, order_id, Act::SeeOrders).await?;
    let order = call.app.store.find_order(&tenant, order_id).await?;
    let order = order.ok_or_else(Failure::not_found)?;
    let ordered = form::ordered(&call.app.store, tenant.tenant_id, &order).await?;
    Ok(json(StatusCode::OK, &view::order(&order, ordered, Sight::of(call.caller))))
}
