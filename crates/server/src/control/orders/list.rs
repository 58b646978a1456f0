//! `GET /tenants/{tenant_key}/orders`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{LIMIT_MAX, ListOrders, OrderSummary, Page};
use domain::order::State;
use domain::{Id, TenantId};
use store::orders;

use super::view;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, judge};
use crate::control::gate::Call;
use crate::control::request::{Query, json};

/// How many orders one call looks through for the caller's own ones.
const LOOKED_THROUGH_MAX: usize = 10_000;

/// Lists a tenant's orders, newest first: nothing that tells about a person.
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
    judge(list.faults())?;
    let tenant_id = call.tenant().await?.tenant_id;
    let before = cursor::read(Of::Orders, list.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[order_id]| Id(order_id));
    let limit = cursor::limit(list.limit);
    let state = list.state.map(view::from_state);
    let page = if call.caller.role.sees_own_orders_only() {
        list_own(&call, tenant_id, state, before, limit).await?
    } else {
        let found = call.app.store.list_orders(tenant_id, state, before, limit + 1).await?;
        cursor::page(found, limit, view::summary, |last| after(last.order_id))
    };
    Ok(json(StatusCode::OK, &page))
}

fn after(order_id: Id) -> String {
    cursor::write(Of::Orders, [order_id.0])
}

/// The caller's own orders among the tenant's.
async fn list_own(
    call: &Call,
    tenant_id: TenantId,
    state: Option<State>,
    mut before: Id,
    limit: u32,
) -> Result<Page<OrderSummary>, Failure> {
    let mut own: Vec<orders::OrderSummary> = Vec::new();
    for _ in 0..LOOKED_THROUGH_MAX / LIMIT_MAX as usize {
        let found = call.app.store.list_orders(tenant_id, state, before, LIMIT_MAX).await?;
        let is_last = found.len() < LIMIT_MAX as usize;
        before = found.last().map_or(before, |last| last.order_id);
        own.extend(found.into_iter().filter(|order| order.placed_by == call.caller.key_id));
        if is_last || own.len() > limit as usize {
            return Ok(cursor::page(own, limit, view::summary, |last| after(last.order_id)));
        }
    }
    let items = own.iter().map(view::summary).collect();
    Ok(Page { items, next_cursor: Some(after(before)) })
}
