//! Once a minute: when each key of the control API was last used.

use store::Fault;

use super::{Step, Worker};
use crate::app::{App, SharedApp};

const MINUTE_MS: u64 = 60_000;

/// Records what was noted.
pub(super) struct RecordKeyUses {
    app: SharedApp,
    /// On the clock's monotonic count.
    next_at_ms: u64,
}

impl RecordKeyUses {
    pub(super) fn new(app: &SharedApp) -> RecordKeyUses {
        RecordKeyUses { app: SharedApp::clone(app), next_at_ms: 0 }
    }
}

impl Worker for RecordKeyUses {
    async fn signal(_: &App) {
        std::future::pending::<()>().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let now_ms = self.app.hub.clock.mono_ms();
        if now_ms >= self.next_at_ms {
            self.app.hub.key_uses.record(&self.app.hub.store).await?;
            self.next_at_ms = now_ms + MINUTE_MS;
        }
        Ok(Step::Idle)
    }

    fn is_busy(&self) -> bool {
        false
    }

    async fn ended(&mut self) -> bool {
        std::future::pending().await
    }

    async fn stop(&mut self) {
        if let Err(fault) = self.app.hub.key_uses.record(&self.app.hub.store).await {
            tracing::warn!(%fault, "the last uses of keys are not recorded");
        }
    }
}
