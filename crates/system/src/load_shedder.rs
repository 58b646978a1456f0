//! Whether calls are coming in, and the permits of work that nobody waits for, which stands back while they do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::clock::socket_now;

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// From how many calls a second on work stands back. A call and the work that it brings are not yet traffic.
const BUSY_CALLS_PER_SECOND: u128 = 100;
const PAUSE_FACTOR: u32 = 11;
/// The longest pause by default: on a slow disk all fetches at once must end within the time of a fetch.
const PAUSE_MAX: Duration = Duration::from_millis(25);

/// How many calls come. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct CallRate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    calls: AtomicU64,
    last_look: Mutex<Look>,
}

#[derive(Debug)]
struct Look {
    at: Instant,
    calls: u64,
    is_busy: bool,
}

impl Default for CallRate {
    fn default() -> CallRate {
        let last_look = Look { at: socket_now(), calls: 0, is_busy: false };
        CallRate(Arc::new(Inner { calls: AtomicU64::new(0), last_look: Mutex::new(last_look) }))
    }
}

impl CallRate {
    /// Counts a call.
    pub fn call_came(&self) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// How long to pause after `worked`, so that calls find the machine free for most of the time; nothing while few come.
    fn rest_after(&self, worked: Duration) -> Duration {
        match self.is_busy() {
            true => worked * PAUSE_FACTOR,
            false => Duration::ZERO,
        }
    }

    fn is_busy(&self) -> bool {
        let mut last = self.0.last_look.lock().unwrap_or_else(PoisonError::into_inner);
        let since = last.at.elapsed();
        if since >= LOOK_EVERY {
            let calls = self.0.calls.load(Ordering::Relaxed);
            let came = u128::from(calls - last.calls);
            let is_busy = came * 1_000 >= BUSY_CALLS_PER_SECOND * since.as_millis();
            *last = Look { at: socket_now(), calls, is_busy };
        }
        last.is_busy
    }
}

/// A few places for work of one kind. Clones share the places.
#[derive(Debug, Clone)]
pub struct LoadShedder {
    permits: Arc<Semaphore>,
    /// Whose calls the work rests for.
    call_rate: Option<CallRate>,
    rest_max: Duration,
}

/// A place that is held. Dropped, it is free, after the pause that its work needs.
#[derive(Debug)]
pub struct Permit {
    permits: Option<OwnedSemaphorePermit>,
    began: Instant,
    call_rate: Option<CallRate>,
    rest_max: Duration,
}

impl LoadShedder {
    /// Places for half of the processors, at least one; without traffic the work never rests.
    pub fn new(call_rate: Option<&CallRate>) -> LoadShedder {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let permits = Arc::new(Semaphore::new((processors / 2).max(1)));
        LoadShedder { permits, call_rate: call_rate.cloned(), rest_max: PAUSE_MAX }
    }

    /// The same with no more places than these.
    pub fn at_most(self, places_max: usize) -> LoadShedder {
        let permits = self.permits.available_permits().min(places_max);
        LoadShedder { permits: Arc::new(Semaphore::new(permits)), ..self }
    }

    /// The same with another longest pause.
    pub fn pausing_at_most(self, rest_max: Duration) -> LoadShedder {
        LoadShedder { rest_max, ..self }
    }

    /// Whether the work rests now.
    pub fn is_pausing(&self) -> bool {
        self.call_rate.as_ref().is_some_and(CallRate::is_busy)
    }

    /// Waits for a place.
    pub async fn permit(&self) -> Permit {
        let permits = Arc::clone(&self.permits).acquire_owned().await.ok();
        let (call_rate, rest_max) = (self.call_rate.clone(), self.rest_max);
        Permit { permits, began: socket_now(), call_rate, rest_max }
    }
}

impl Drop for Permit {
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing is waited for but the time that a rest takes"
    )]
    fn drop(&mut self) {
        let Some(call_rate) = &self.call_rate else { return };
        let rest = call_rate.rest_after(self.began.elapsed()).min(self.rest_max);
        let permits = self.permits.take();
        if !rest.is_zero()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                tokio::time::sleep(rest).await;
                drop(permits);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKED: Duration = Duration::from_millis(2);

    async fn pass(call_rate: &CallRate, calls: u32, ms: u64) -> Duration {
        for _ in 0..calls {
            call_rate.call_came();
        }
        tokio::time::advance(Duration::from_millis(ms)).await;
        call_rate.rest_after(WORKED)
    }

    #[tokio::test(start_paused = true)]
    async fn work_rests_while_many_calls_come() {
        let call_rate = CallRate::default();
        assert_eq!(pass(&call_rate, 0, 0).await, Duration::ZERO);
        // One call that brings work, then none.
        assert_eq!(pass(&call_rate, 1, 20).await, Duration::ZERO);
        assert_eq!(pass(&call_rate, 2, 20).await, WORKED * PAUSE_FACTOR);
        // Until it is known that they have ceased.
        assert_eq!(pass(&call_rate, 0, 19).await, WORKED * PAUSE_FACTOR);
        assert_eq!(pass(&call_rate, 0, 1).await, Duration::ZERO);
        // Many, but over a long time.
        assert_eq!(pass(&call_rate, 99, 1_000).await, Duration::ZERO);
        assert_eq!(pass(&call_rate, 100, 1_000).await, WORKED * PAUSE_FACTOR);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_rests_in_its_place() {
        let call_rate = CallRate::default();
        for (behind, rest) in [(None, Duration::ZERO), (Some(&call_rate), WORKED * PAUSE_FACTOR)] {
            let mut load_shedder = LoadShedder::new(behind);
            load_shedder.permits = Arc::new(Semaphore::new(1));
            assert_eq!(pass(&call_rate, 100, 20).await, WORKED * PAUSE_FACTOR);
            let permit = load_shedder.permit().await;
            tokio::time::advance(WORKED).await;
            drop(permit);
            let ended = socket_now();
            drop(load_shedder.permit().await);
            assert!(ended.elapsed() >= rest && ended.elapsed() < rest + WORKED, "{behind:?}");
        }
        for (load_shedder, rest) in [
            (LoadShedder::new(Some(&call_rate)), PAUSE_MAX),
            (LoadShedder::new(Some(&call_rate)).pausing_at_most(WORKED), WORKED),
        ] {
            let load_shedder = LoadShedder { permits: Arc::new(Semaphore::new(1)), ..load_shedder };
            let permit = load_shedder.permit().await;
            // Long enough for the longest pause.
            pass(&call_rate, 100, 25).await;
            drop(permit);
            let ended = socket_now();
            drop(load_shedder.permit().await);
            assert!(ended.elapsed() >= rest && ended.elapsed() < rest + WORKED, "{rest:?}");
        }
    }
}
