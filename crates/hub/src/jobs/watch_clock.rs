//! Watching the clock: when the machine's time is set, that is logged and counted, and what waits too long for it
//! becomes due.
//!
//! A machine that booted with local time writes instants hours ahead until its clock is corrected: leases, tries after
//! a failure. The jump may also have happened while nothing ran, so the first step looks as well.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use store::Fault;
use store::waits::Leases;

use super::job::Job;
use crate::{Hub, deliver, fetch_report};

/// How far wall clock and monotonic count may drift apart between two looks, in milliseconds: more than what
/// correcting a clock bit by bit does.
const JUMP_MS_MIN: i64 = 2_000;

/// Looks at the clock.
#[derive(Default)]
pub(super) struct WatchClock {
    /// The wall clock's instant when the monotonic count was 0, as it was seen last.
    seen_origin_ms: Option<i64>,
}

impl Job for WatchClock {
    fn run<'j>(&'j mut self, hub: &'j Hub) -> BoxFuture<'j, Result<(), Fault>> {
        self.look(hub).boxed()
    }
}

impl WatchClock {
    /// By how much the wall clock was set since the last look, in milliseconds; negative when it was set back. None
    /// at the first look.
    fn jump_ms(&mut self, hub: &Hub) -> Option<i64> {
        let installation_clock = &hub.installation_clock;
        let mono_ms = i64::try_from(installation_clock.mono_ms()).unwrap_or(i64::MAX);
        let origin_ms = installation_clock.now().0.saturating_sub(mono_ms);
        let seen = self.seen_origin_ms.replace(origin_ms);
        seen.map(|seen| origin_ms.saturating_sub(seen))
    }

    async fn look(&mut self, hub: &Hub) -> Result<(), Fault> {
        let jump_ms = self.jump_ms(hub);
        if let Some(jump_ms) = jump_ms
            && jump_ms.abs() < JUMP_MS_MIN
        {
            return Ok(());
        }
        if let Some(jump_ms) = jump_ms {
            tracing::warn!(jump_ms, "the machine's clock was set while the server ran");
            hub.metrics.count_clock_jump(jump_ms);
        }
        let leases = Leases { delivery_ms: deliver::LEASE_MS, report_ms: fetch_report::LEASE_MS };
        let shortened = hub.store.shorten_waits(hub.installation_clock.now(), leases).await;
        // Not looked at yet: the next step does it again.
        let shortened = shortened.inspect_err(|_| self.seen_origin_ms = None)?;
        if shortened > 0 {
            tracing::warn!(shortened, "what waited longer than its schedule allows is due now");
        }
        Ok(())
    }
}
