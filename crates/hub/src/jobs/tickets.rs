//! Issuing tickets: every store app is sent its next one every hour. Source: contract, section 1.4.
//!
//! A ticket is an event like any other from then on. One that was not delivered when the next one comes is given up,
//! so that a receiver which was away gets the newest alone.

use contract::store_auth::TICKET_EVERY_MS;
use store::Fault;
use store::tickets::DueTicket;

use crate::Hub;

/// Apps looked at at once.
const APPS_MAX: u32 = 64;

/// Issues what is due.
pub(super) async fn issue(hub: &Hub) -> Result<(), Fault> {
    let (store, now) = (&hub.store, hub.installation_clock.now());
    loop {
        let due = store.list_due_tickets(now, APPS_MAX).await?;
        if due.is_empty() {
            return Ok(());
        }
        for due in due {
            let DueTicket { due_at, .. } = due;
            // Every hour after the one before; what was missed is not made up for.
            let on_time = due_at.plus_ms(TICKET_EVERY_MS);
            let next_at = if on_time > now { on_time } else { now.plus_ms(TICKET_EVERY_MS) };
            store.issue_due_ticket(due, now, next_at).await?;
        }
    }
}
