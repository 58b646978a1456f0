//! Purging: forgets the answers that were stored for an Idempotency-Key longer than 24 hours ago, and the events that
//! brought tickets more than 7 days ago; sessions and one-time links that are over, and old tries to sign in; removes the files that came 24 hours ago and that no order uses.

use domain::UnixMs;
use store::{Fault, FaultKind};

use crate::Hub;

/// How long the events of tickets are stored, to see how their deliveries went.
const TICKETS_STORED_MS: i64 = 7 * 24 * 3_600_000;
const DAY_MS: i64 = 86_400_000;
/// Files whose names are held at once.
const FILES_AT_ONCE: u32 = 100;

/// Purges.
pub(super) async fn purge(hub: &Hub) -> Result<(), Fault> {
    let (store, now) = (&hub.store, hub.installation_clock.now());
    store.forget_old_answers(now).await?;
    store.forget_old_sessions(now).await?;
    store.forget_old_links(now).await?;
    store.forget_old_tries(now).await?;
    store.forget_old_tickets(now.plus_ms(-TICKETS_STORED_MS)).await?;
    remove_unused_files(hub, now.plus_ms(-DAY_MS)).await
}

/// First the row, with the only key of the content: what is left of a file when the process dies between is noise.
async fn remove_unused_files(hub: &Hub, before: UnixMs) -> Result<(), Fault> {
    loop {
        let files = hub.store.list_unused_files(before, FILES_AT_ONCE).await?;
        if files.is_empty() {
            return Ok(());
        }
        for (tenant_id, file_id) in files {
            if hub.store.delete_unused_file(tenant_id, file_id).await? {
                let removed = hub.objects.remove(file_id).await;
                removed.map_err(|error| Fault::new(FaultKind::Storage, error))?;
            }
        }
    }
}
