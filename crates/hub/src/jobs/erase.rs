//! Erasing: once an hour every tenant's orders are looked through for those whose retention is over; and what an
//! erasure leaves behind, its objects and old pages of the database's files, is removed until nothing is left.
//!
//! An order's keys are destroyed in the transaction that says so; everything here may be broken off at any moment and
//! is done again. Source: product, section 4.

use contract::evidence::ErasureRule;
use domain::retention::{DAY_MS, check};
use domain::{Id, UnixMs};
use store::audit::By;
use store::erasing::Why;
use store::retention::Candidate;
use store::tenants::Tenant;
use store::{Fault, FaultKind};

use crate::Hub;

/// Orders, tenants and erasures looked at at once.
const AT_ONCE: u32 = 100;

/// Erases the due orders of every tenant.
pub(super) async fn erase_due(hub: &Hub) -> Result<(), Fault> {
    let (store, mut before) = (&hub.store, None);
    loop {
        let tenants = store.list_tenants(before, AT_ONCE).await?;
        let Some(last) = tenants.last() else {
            return Ok(());
        };
        before = Some((last.created_at, last.tenant_id));
        for tenant in &tenants {
            erase_due_of(hub, tenant).await?;
        }
    }
}

async fn erase_due_of(hub: &Hub, tenant: &Tenant) -> Result<(), Fault> {
    let (store, now) = (&hub.store, hub.clock(tenant).now());
    let bounds = hub.retention;
    let rules = store.list_retention_rules(tenant.tenant_id).await?;
    let own = u32::try_from(tenant.settings.retention_days).unwrap_or(u32::MAX);
    let days = rules.iter().map(|(_, days)| *days).chain([own]).min().unwrap_or(own);
    // What was placed later has not ended long enough ago, whatever its package.
    let placed_before = now.plus_ms(-i64::from(bounds.within(days)) * DAY_MS).plus_ms(1);
    let mut after = store.find_erase_mark(tenant.tenant_id).await?;
    let mut is_all_erased = true;
    loop {
        let found = store.list_candidates(tenant, bounds, after, placed_before, AT_ONCE).await?;
        for candidate in &found.orders {
            is_all_erased &= erase(hub, tenant, candidate, now).await?;
        }
        let Some(next) = found.next else {
            return Ok(());
        };
        after = next;
        if is_all_erased {
            store.move_erase_mark(tenant.tenant_id, next).await?;
        }
    }
}

/// Erases an order if it is due; whether it is erased then.
async fn erase(
    hub: &Hub,
    tenant: &Tenant,
    candidate: &Candidate,
    now: UnixMs,
) -> Result<bool, Fault> {
    if check(&candidate.facts, now).is_err() {
        return Ok(false);
    }
    let days = candidate.facts.rule.days;
    let why = Why::Retention(match candidate.facts.rule.is_of_package {
        true => ErasureRule::PackageRetention { days },
        false => ErasureRule::TenantRetention { days },
    });
    let order_id = candidate.order_id;
    match hub
        .store
        .erase_order(By::system(hub.installation_clock.now()), tenant, order_id, &why)
        .await
    {
        Ok(erased) => {
            if erased.is_some() {
                tracing::info!(%order_id, days, "an order was erased");
            }
            Ok(erased.is_some())
        }
        // One order that does not open keeps no other.
        Err(fault) if fault.kind() == FaultKind::Damaged => {
            tracing::error!(%order_id, %fault, "an order cannot be erased");
            Ok(false)
        }
        Err(fault) => Err(fault),
    }
}

/// Removes what erasures left behind.
pub(super) async fn finish(hub: &Hub) -> Result<(), Fault> {
    let store = &hub.store;
    loop {
        let open = store.list_open_erasures(Id(0), AT_ONCE).await?;
        if open.is_empty() {
            return Ok(());
        }
        for object in open.iter().flat_map(|erasure| &erasure.objects) {
            let removed = hub.objects.remove(*object).await;
            removed.map_err(|error| Fault::new(FaultKind::Storage, error))?;
        }
        if !store.scrub().await? {
            // Somebody reads from the old pages: the next step tries again.
            return Ok(());
        }
        for erasure in &open {
            let tenant = store.find_tenant(erasure.tenant_id).await?;
            let now = hub.installation_clock.now();
            let now = tenant.map_or(now, |tenant| tenant.time(now));
            store.finish_erasure(erasure.tenant_id, erasure.erasure_id, now).await?;
        }
    }
}
