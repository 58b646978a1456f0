//! Issuing tickets: every store app is sent its next one every hour. Source: contract, section 1.4.
//!
//! A ticket is an event like any other from then on. One that was not delivered when the next one comes is given up,
//! so that a receiver which was away gets the newest alone.

use contract::store_auth::TICKET_EVERY_MS;
use store::Fault;
use store::tickets::DueTicket;

use super::{Step, Worker};
use crate::app::{App, SharedApp};

/// Apps looked at in one step.
const APPS_MAX: u32 = 64;

/// Issues what is due.
pub(super) struct IssueTickets {
    app: SharedApp,
}

impl IssueTickets {
    pub(super) fn new(app: &SharedApp) -> IssueTickets {
        IssueTickets { app: SharedApp::clone(app) }
    }
}

impl Worker for IssueTickets {
    async fn signal(_: &App) {
        // Nobody signals that time has passed.
        std::future::pending::<()>().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let (store, now) = (&self.app.hub.store, self.app.hub.clock.now());
        let due = store.list_due_tickets(now, APPS_MAX).await?;
        if due.is_empty() {
            return Ok(Step::Idle);
        }
        for due in due {
            let DueTicket { due_at, .. } = due;
            // Every hour after the one before; what was missed is not made up for.
            let on_time = due_at.plus_ms(TICKET_EVERY_MS);
            let next_at = if on_time > now { on_time } else { now.plus_ms(TICKET_EVERY_MS) };
            store.issue_due_ticket(due, now, next_at).await?;
        }
        Ok(Step::Worked)
    }

    fn is_busy(&self) -> bool {
        false
    }

    async fn ended(&mut self) -> bool {
        std::future::pending().await
    }

    async fn stop(&mut self) {}
}
