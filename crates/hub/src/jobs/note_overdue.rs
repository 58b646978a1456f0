//! Notes of each result on which nobody decided within the tenant's time that it is overdue: once, in its order's timeline.

use std::sync::Arc;

use domain::{Actor, Id};
use store::reviews::ReviewFilter;
use store::tenants::Tenant;
use store::{CommandResult, Fault, IdempotencyKey, OrderCommand, Request};

use crate::Hub;

/// Tenants, or results, that are read at once.
const AT_ONCE: u32 = 100;
const HOUR_MS: i64 = 3_600_000;

/// Notes what is overdue. Two replicas may find the same result: their commands carry the same key, and the desk takes one.
pub(super) async fn note(hub: &Hub) -> Result<(), Fault> {
    let (store, mut before) = (&hub.store, None);
    loop {
        let tenants = store.list_tenants(before, AT_ONCE).await?;
        let Some(last) = tenants.last() else { return Ok(()) };
        before = Some((last.created_at, last.tenant_id));
        for tenant in tenants {
            if let Some(hours) = tenant.settings.review_hours {
                note_of(hub, &Arc::new(tenant), hours).await?;
            }
        }
    }
}

async fn note_of(hub: &Hub, tenant: &Arc<Tenant>, hours: i64) -> Result<(), Fault> {
    let since = hub.clock(tenant).now().plus_ms(-hours * HOUR_MS);
    let filter = ReviewFilter { overdue_since: Some(since), ..ReviewFilter::default() };
    let mut after = Id(0);
    loop {
        let found = hub.store.list_waiting_reviews(tenant, filter, after, AT_ONCE).await?;
        let Some(last) = found.last() else { return Ok(()) };
        after = last.result_id;
        for review in found {
            let result_number = review.result_number;
            let command = OrderCommand {
                tenant: Arc::clone(tenant),
                order_id: review.summary.order_id,
                at: hub.installation_clock.now(),
                actor: Actor::job(),
                request: Request::NoteOverdue { result_number },
                idempotency: Some(once(tenant, review.summary.order_id, result_number)),
            };
            // Refused, when somebody decided meanwhile.
            let noted = hub.store.command(command).await?;
            if let CommandResult::Accepted(order_id) = noted {
                tracing::info!(%order_id, hours, "a result waits for a decision too long");
            }
        }
    }
}

/// The key by which the note on one result is written once. No caller's key belongs to the actor 0.
fn once(tenant: &Tenant, order_id: Id, result_number: i64) -> IdempotencyKey {
    let text = format!("{order_id} {result_number}");
    let digest = tenant.digester.digest("review_overdue", text.as_bytes());
    IdempotencyKey {
        tenant_id: tenant.tenant_id,
        actor_id: Id(0),
        key_digest: digest,
        request_digest: digest,
    }
}
