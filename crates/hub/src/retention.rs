//! How long orders are stored, and what holds them.

use contract::control::{self, PackageRetention, ProblemCode, PutHold, PutRetention, Retention};
use domain::{Act, Actor, Id, TenantId};
use store::Saved;
use store::tenants::Tenant;

use crate::error::{authorize, validate};
use crate::instant::rfc3339;
use crate::tenants::{self, outside};
use crate::{Error, Hub, Input};

/// How long a tenant's orders are stored after their end.
pub async fn get(hub: &Hub, actor: &Actor, tenant_id: TenantId) -> Result<Retention, Error> {
    authorize(actor, Act::SeeRetention)?;
    view(hub, tenant_id).await
}

/// Replaces the rules for packages. A shorter rule counts for orders that have ended already.
pub async fn put(
    hub: &Hub,
    actor: &Actor,
    tenant_id: TenantId,
    input: Input<PutRetention>,
) -> Result<Retention, Error> {
    authorize(actor, Act::ManageRetention)?;
    let (input, mut faults) = input.with_faults();
    for (index, rule) in input.packages.iter().enumerate() {
        faults.extend(outside(hub, &format!("packages[{index}].days"), rule.days));
    }
    validate(faults)?;
    tenants::find(hub, tenant_id).await?;
    let rules = input.packages.into_iter().map(|rule| (rule.package_id, rule.days));
    let rules: Vec<_> = rules.collect();
    hub.store.set_retention_rules(hub.by(actor), tenant_id, &rules).await?;
    view(hub, tenant_id).await
}

async fn view(hub: &Hub, tenant_id: TenantId) -> Result<Retention, Error> {
    let (tenant, bounds) = (tenants::find(hub, tenant_id).await?, hub.retention);
    let rules = hub.store.list_retention_rules(tenant_id).await?;
    let rule = |(package_id, days)| PackageRetention { package_id, days };
    Ok(Retention {
        retention_days: u32::try_from(tenant.settings.retention_days).unwrap_or(u32::MAX),
        packages: rules.into_iter().map(rule).collect(),
        days_min: bounds.min_days,
        days_max: bounds.max_days,
    })
}

/// The legal hold of an order, or of a whole tenant without one.
pub async fn get_hold(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Option<Id>,
) -> Result<control::Hold, Error> {
    authorize(actor, Act::SeeRetention)?;
    view_hold(hub, tenant, order_id).await
}

/// Holds an order, or a whole tenant: nothing of it is erased until the hold is lifted. A repeat changes the reason.
/// Refuses an order that is erased.
pub async fn put_hold(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Option<Id>,
    input: Input<PutHold>,
) -> Result<control::Hold, Error> {
    authorize(actor, Act::ManageRetention)?;
    let input = input.valid()?;
    match hub.store.set_hold(hub.by(actor), tenant, order_id, &input.reason).await? {
        Saved::Done => view_hold(hub, tenant, order_id).await,
        Saved::Outdated | Saved::KeyTaken => {
            let order_id = order_id.ok_or(Error::NotFound)?;
            let found = hub.store.find_order_summary(tenant.tenant_id, order_id).await?;
            found.ok_or(Error::NotFound)?;
            Err(Error::refused(ProblemCode::Gone, "the order is erased"))
        }
    }
}

/// Lifts a legal hold; orders of a tenant may be under holds of their own.
pub async fn lift_hold(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Option<Id>,
) -> Result<(), Error> {
    authorize(actor, Act::ManageRetention)?;
    let is_done = hub.store.lift_hold(hub.by(actor), tenant.tenant_id, order_id).await?;
    is_done.then_some(()).ok_or(Error::NotFound)
}

async fn view_hold(
    hub: &Hub,
    tenant: &Tenant,
    order_id: Option<Id>,
) -> Result<control::Hold, Error> {
    let hold = hub.store.find_hold(tenant, order_id).await?.ok_or(Error::NotFound)?;
    Ok(control::Hold {
        reason: hold.reason,
        set_by: hold.set_by.to_string(),
        set_at: rfc3339(hold.set_at),
    })
}
