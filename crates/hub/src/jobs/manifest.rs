//! Manifests: whenever a content was stored that no manifest lists, the order's next manifest is written and signed.

use domain::Id;
use store::{Fault, FaultKind};

use crate::Hub;

/// Orders looked for at once.
const ORDERS_AT_ONCE: u32 = 100;

/// Writes the manifests that are due.
pub(super) async fn write_due(hub: &Hub) -> Result<(), Fault> {
    let (store, now) = (&hub.store, hub.installation_clock.now());
    let mut after = Id(0);
    loop {
        let orders = store.list_unlisted_orders(after, ORDERS_AT_ONCE).await?;
        let Some((_, last)) = orders.last() else {
            return Ok(());
        };
        after = *last;
        for (tenant_id, order_id) in orders {
            let Some(tenant) = store.find_tenant(tenant_id).await? else {
                continue;
            };
            match store.write_manifest(&tenant, order_id, now).await {
                Ok(_) => {}
                // One order that does not open keeps no other from its manifest.
                Err(fault) if fault.kind() == FaultKind::Damaged => {
                    tracing::error!(%order_id, %fault, "a manifest cannot be written");
                }
                Err(fault) => return Err(fault),
            }
        }
    }
}
