//! One order as the actor may see it.

use contract::control::Order;
use domain::{Act, Actor, Id};
use store::tenants::Tenant;
use store::{Fault, FaultKind};

use super::view::{self, Sight};
use super::{authorize_own, form};
use crate::error::authorize;
use crate::{Error, Hub};

/// One order with all that belongs to it, as far as the actor may see it; refused as not found when it may not.
pub async fn get(hub: &Hub, actor: &Actor, tenant: &Tenant, order_id: Id) -> Result<Order, Error> {
    authorize(actor, Act::SeeOrders)?;
    authorize_own(hub, actor, tenant, order_id, Act::SeeOrders).await?;
    find(hub, actor, tenant, order_id).await?.ok_or(Error::NotFound)
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
