//! Watching the room: who comes near a quota, and whether the disk is nearly full. Once a minute; said by alerts, the log
//! and the metrics.

use std::collections::HashSet;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use store::Fault;
use store::alerts::Subject;
use store::pauses::AlertKind;
use store::storage_use::{Holder, StorageUse};

use super::job::Job;
use crate::Hub;

/// Holders read at once.
const PAGE: u32 = 500;

/// Watches.
#[derive(Default)]
pub(super) struct WatchRoom {
    /// Who is near a quota; none before the first look, after which alerts that a process before left are ended.
    near: Option<HashSet<Holder>>,
    is_short: Option<bool>,
}

impl Job for WatchRoom {
    fn run<'j>(&'j mut self, hub: &'j Hub) -> BoxFuture<'j, Result<(), Fault>> {
        let look = async {
            self.look_at_disk(hub).await?;
            self.look_at_quotas(hub).await
        };
        look.boxed()
    }
}

impl WatchRoom {
    async fn look_at_quotas(&mut self, hub: &Hub) -> Result<(), Fault> {
        let (mut near, mut used_bytes, mut after) = (HashSet::new(), 0, None);
        loop {
            let page = hub.store.list_storage_use(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.holder);
            for found in &page {
                if let Holder::Tenant(_) = found.holder {
                    used_bytes += found.used_bytes;
                }
                if found.is_near_quota() {
                    near.insert(found.holder);
                }
                self.tell(hub, found).await?;
            }
        }
        let tenants = near.iter().filter(|holder| matches!(holder, Holder::Tenant(_))).count();
        hub.metrics.note_storage(used_bytes, tenants, near.len() - tenants);
        self.near = Some(near);
        Ok(())
    }

    async fn tell(&self, hub: &Hub, found: &StorageUse) -> Result<(), Fault> {
        let (store, now) = (&hub.store, hub.installation_clock.now());
        let was_near = self.near.as_ref().map(|near| near.contains(&found.holder));
        let (kind, subject) = match found.holder {
            Holder::Tenant(tenant_id) => (AlertKind::TenantNearQuota, Subject::Tenant(tenant_id)),
            Holder::App(app_id) => (AlertKind::AppNearQuota, Subject::App(app_id)),
        };
        match found.is_near_quota() {
            is_near if was_near == Some(is_near) => Ok(()),
            true => {
                let StorageUse { used_bytes, quota_bytes, .. } = found;
                let detail = format!("{used_bytes} of {quota_bytes} bytes are used");
                store.raise_alert(kind, subject, &detail, now).await
            }
            false => store.end_alert(kind, subject, now).await,
        }
    }

    async fn look_at_disk(&mut self, hub: &Hub) -> Result<(), Fault> {
        let Some(room) = hub.disk.room() else {
            return Ok(());
        };
        let is_short = room.is_short();
        if self.is_short == Some(is_short) {
            return Ok(());
        }
        let (store, now) = (&hub.store, hub.installation_clock.now());
        let (kind, subject) = (AlertKind::DiskNearlyFull, Subject::Installation);
        if is_short {
            let free_bytes = room.free_bytes;
            tracing::error!(free_bytes, "the disk is nearly full: reports and files wait");
            let detail = format!("{free_bytes} bytes are free: reports and files wait");
            store.raise_alert(kind, subject, &detail, now).await?;
        } else {
            store.end_alert(kind, subject, now).await?;
        }
        self.is_short = Some(is_short);
        Ok(())
    }
}
