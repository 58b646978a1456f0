//! Purging: forgets the answers that were kept for an Idempotency-Key longer than 24 hours ago, and the events that
//! brought tickets more than 7 days ago.

use store::Fault;

use super::{Step, Worker};
use crate::app::{App, SharedApp};

const HOUR_MS: u64 = 3_600_000;
/// How long the events of tickets are kept, to see how their deliveries went.
const TICKETS_KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// Purges once an hour.
pub(super) struct Purge {
    app: SharedApp,
    /// On the clock's monotonic count.
    next_at_ms: u64,
}

impl Purge {
    pub(super) fn new(app: &SharedApp) -> Purge {
        Purge { app: SharedApp::clone(app), next_at_ms: 0 }
    }
}

impl Worker for Purge {
    async fn signal(_: &App) {
        // Nobody signals that time has passed.
        std::future::pending::<()>().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let now_ms = self.app.clock.mono_ms();
        if now_ms >= self.next_at_ms {
            let (store, now) = (&self.app.store, self.app.clock.now());
            store.forget_old_answers(now).await?;
            store.forget_old_tickets(now.plus_ms(-TICKETS_KEPT_MS)).await?;
            self.next_at_ms = now_ms + HOUR_MS;
        }
        Ok(Step::Idle)
    }

    fn is_busy(&self) -> bool {
        false
    }

    async fn ended(&mut self) -> bool {
        std::future::pending().await
    }

    async fn stop(&mut self) {}
}
