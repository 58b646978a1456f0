//! Orders as the actor may see them.

use contract::control::{ListOrders, Order, OrderSummary, Page};
use domain::{Act, Actor, Id};
use store::order_pages::{After, OrderFilter};
use store::tenants::Tenant;
use store::{Fault, FaultKind};

use super::view::{self, Sight};
use super::{authorize_own, form};
use crate::error::authorize;
use crate::pages::{Of, Paging};
use crate::{Error, Hub, Input};

/// One order with all that belongs to it, as far as the actor may see it; refused as not found when it may not.
pub async fn get(hub: &Hub, actor: &Actor, tenant: &Tenant, order_id: Id) -> Result<Order, Error> {
    authorize(actor, Act::SeeOrders)?;
    authorize_own(hub, actor, tenant, order_id, Act::SeeOrders).await?;
    find(hub, actor, tenant, order_id).await?.ok_or(Error::NotFound)
}

/// A tenant's orders, newest first: no personal data. A page can be shorter than `limit` and still have a next one.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListOrders>,
) -> Result<Page<OrderSummary>, Error> {
    let found = find_page(hub, actor, tenant, list).await?;
    Ok(Page {
        items: found.orders.iter().map(view::summary).collect(),
        next_cursor: found.next_cursor,
    })
}

/// A page of orders before it is shown.
pub(super) struct FoundPage {
    pub(super) orders: Vec<store::orders::OrderSummary>,
    pub(super) next_cursor: Option<String>,
}

pub(super) async fn find_page(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListOrders>,
) -> Result<FoundPage, Error> {
    authorize(actor, Act::ListOrders)?;
    let list = list.valid()?;
    let paging = Paging::new(Of::Orders, list.cursor.as_deref(), list.limit)?;
    let is_own_only = actor.roles.sees_own_orders_only(Act::ListOrders);
    let filter = OrderFilter {
        state: list.state.map(Into::into),
        placed_by: is_own_only.then_some(actor.owner),
        ..OrderFilter::default()
    };
    let after = After::Order(paging.before());
    let found = hub.store.list_orders(tenant, &filter, after, paging.limit).await?;
    // Without a time range every page continues after an order.
    let next = found.next.map(|(After::Order(order_id) | After::Entry(order_id))| order_id);
    Ok(FoundPage {
        orders: found.orders,
        next_cursor: next.map(|order_id| paging.cursor([order_id.0])),
    })
}

pub(super) async fn accepted(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
) -> Result<Order, Error> {
    let gone = || Fault::new(FaultKind::Damaged, "an accepted order is gone");
    Ok(find(hub, actor, tenant, order_id).await?.ok_or_else(gone)?)
}

async fn find(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
) -> Result<Option<Order>, Error> {
    let Some(order) = hub.store.find_order(tenant, order_id).await? else { return Ok(None) };
    let ordered = form::ordered(&hub.store, tenant.tenant_id, &order).await?;
    Ok(Some(view::order(&order, ordered, Sight::of(actor))))
}
