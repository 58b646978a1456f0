//! Watching the clock: when the machine's time is set, that is logged and counted, and what waits too long for it
//! becomes due.
//!
//! A machine that booted with local time writes instants hours ahead until its clock is corrected: leases, tries after
//! a failure. The jump may also have happened while nothing ran, so the first step looks as well.

use store::Fault;
use store::waits::Leases;

use super::{Step, Worker, deliver, fetch_report};
use crate::app::{App, SharedApp};

/// How far wall clock and monotonic count may drift apart between two looks, in milliseconds: more than what
/// correcting a clock bit by bit does.
const JUMP_MS_MIN: i64 = 2_000;

/// Looks at the clock in every period of the workers.
pub(super) struct WatchClock {
    app: SharedApp,
    /// The wall clock's instant when the monotonic count was 0, as it was seen last.
    seen_origin_ms: Option<i64>,
}

impl WatchClock {
    pub(super) fn new(app: &SharedApp) -> WatchClock {
        WatchClock { app: SharedApp::clone(app), seen_origin_ms: None }
    }

    /// By how much the wall clock was set since the last look, in milliseconds; negative when it was set back. None
    /// at the first look.
    fn jump_ms(&mut self) -> Option<i64> {
        let clock = &self.app.hub.clock;
        let mono_ms = i64::try_from(clock.mono_ms()).unwrap_or(i64::MAX);
        let origin_ms = clock.now().0.saturating_sub(mono_ms);
        let seen = self.seen_origin_ms.replace(origin_ms);
        seen.map(|seen| origin_ms.saturating_sub(seen))
    }
}

impl Worker for WatchClock {
    async fn signal(_: &App) {
        // Nobody signals that the clock was set.
        std::future::pending::<()>().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let jump_ms = self.jump_ms();
        if let Some(jump_ms) = jump_ms
            && jump_ms.abs() < JUMP_MS_MIN
        {
            return Ok(Step::Idle);
        }
        if let Some(jump_ms) = jump_ms {
            tracing::warn!(jump_ms, "the machine's clock was set while the server ran");
            self.app.metrics.count_clock_jump(jump_ms);
        }
        let leases = Leases { delivery_ms: deliver::LEASE_MS, report_ms: fetch_report::LEASE_MS };
        let shortened = self.app.hub.store.shorten_waits(self.app.hub.clock.now(), leases).await;
        // Not looked at yet: the next step does it again.
        let shortened = shortened.inspect_err(|_| self.seen_origin_ms = None)?;
        if shortened > 0 {
            tracing::warn!(shortened, "what waited longer than its schedule allows is due now");
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
