//! Gives the orders of before the search the terms by which they are found, stretch by stretch, until all have them.

use store::Fault;
use store::order_terms::{Backfill, BackfillStep};

use crate::Hub;

/// Back-fills that are read at once.
const AT_ONCE: u32 = 100;

/// Goes on with each back-fill that has not ended. One that was broken off goes on where it was.
pub(super) async fn index(hub: &Hub) -> Result<(), Fault> {
    let mut after = domain::TenantId(i64::MIN);
    loop {
        let backfills = hub.store.list_backfills(after, AT_ONCE).await?;
        let Some(last) = backfills.last() else { return Ok(()) };
        after = last.tenant_id;
        for backfill in backfills {
            index_tenant(hub, backfill).await?;
        }
    }
}

async fn index_tenant(hub: &Hub, mut backfill: Backfill) -> Result<(), Fault> {
    let (store, now) = (&hub.store, hub.installation_clock.now());
    let Some(tenant) = store.find_tenant(backfill.tenant_id).await? else { return Ok(()) };
    while let BackfillStep::GoesOn(next) = store.step_backfill(&tenant, backfill, now).await? {
        backfill = next;
        // Calls come first.
        tokio::task::yield_now().await;
    }
    Ok(())
}
