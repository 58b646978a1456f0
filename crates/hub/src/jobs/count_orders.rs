//! Moves the counts of each tenant's orders on, so that few entries of the timeline are left to count.

use store::Fault;

use crate::Hub;

/// Tenants that are read at once.
const AT_ONCE: u32 = 100;

/// Moves all counts on.
pub(super) async fn count(hub: &Hub) -> Result<(), Fault> {
    let (store, mut before) = (&hub.store, None);
    loop {
        let tenants = store.list_tenants(before, AT_ONCE).await?;
        let Some(last) = tenants.last() else { return Ok(()) };
        before = Some((last.created_at, last.tenant_id));
        for tenant in &tenants {
            store.move_order_counts(tenant, hub.installation_clock.now()).await?;
        }
    }
}
