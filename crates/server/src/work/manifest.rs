//! Manifests: whenever a content was stored that no manifest lists, the order's next manifest is written and signed.

use domain::Id;
use store::{Fault, FaultKind};

use super::{Step, Worker};
use crate::app::{App, SharedApp};

/// Orders looked for at once.
const ORDERS_AT_ONCE: u32 = 100;

/// Writes the manifests that are due.
pub(super) struct WriteManifests {
    app: SharedApp,
}

impl WriteManifests {
    pub(super) fn new(app: &SharedApp) -> WriteManifests {
        WriteManifests { app: SharedApp::clone(app) }
    }
}

impl Worker for WriteManifests {
    async fn signal(_: &App) {
        // A second late is soon enough.
        std::future::pending::<()>().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let (store, now) = (&self.app.hub.store, self.app.hub.clock.now());
        let mut after = Id(0);
        loop {
            let orders = store.list_unlisted_orders(after, ORDERS_AT_ONCE).await?;
            let Some((_, last)) = orders.last() else { return Ok(Step::Idle) };
            after = *last;
            for (tenant_id, order_id) in orders {
                let Some(tenant) = store.find_tenant(tenant_id).await? else { continue };
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

    fn is_busy(&self) -> bool {
        false
    }

    async fn ended(&mut self) -> bool {
        std::future::pending().await
    }

    async fn stop(&mut self) {}
}
