//! `GET /tenants/{tenant_key}/orders`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{ListOrders, OrderSummary, Page};
use domain::Id;
use hub::orders;

use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};

/// Lists a tenant's orders, newest first: no personal data.
///
/// A page can be shorter than `limit` and still have a `next_cursor`.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders",
    tag = "orders",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits"), ListOrders),
    responses((status = 200, description = "A page of orders", body = Page<OrderSummary>))
)]
pub(crate) async fn list_orders(
    call: Call,
    Query(list): Query<ListOrders>,
) -> Result<Response, Failure> {
    validate(list.faults())?;
    let tenant = call.tenant().await?;
    let before = cursor::read(Of::Orders, list.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[order_id]| Id(order_id));
    let (hub, limit) = (&call.app.hub, cursor::limit(list.limit));
    let state = list.state.map(Into::into);
    let (items, next) =
        orders::list(hub, &call.caller.actor, &tenant, state, before, limit).await?;
    let next_cursor = next.map(|order_id| cursor::write(Of::Orders, [order_id.0]));
    Ok(json(StatusCode::OK, &Page { items, next_cursor }))
}
