//! Whether calls are coming in, and the turns of work that nobody waits for, which stands back while they do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::clock::socket_now;

/// How long calls are counted before it is checked anew whether many come.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// From how many calls a second on work stands back. A call and the work that it brings are not yet traffic.
const BUSY_CALLS_PER_SECOND: u128 = 100;
/// How many times as long as it worked something rests: it works a twelfth of the time.
const REST_FACTOR: u32 = 11;
/// The longest rest where nothing else is said: so on a machine that is never free, with a slow disk, as many large
/// reports as are fetched at once come to their ends within the time of a fetch.
const REST_MAX: Duration = Duration::from_millis(25);

/// How many calls come. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Traffic(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    calls: AtomicU64,
    last_look: Mutex<Look>,
}

/// What was seen when somebody looked.
#[derive(Debug)]
struct Look {
    at: Instant,
    calls: u64,
    is_busy: bool,
}

impl Traffic {
    /// No call came yet.
    pub(crate) fn new() -> Traffic {
        let last_look = Look { at: socket_now(), calls: 0, is_busy: false };
        Traffic(Arc::new(Inner { calls: AtomicU64::new(0), last_look: Mutex::new(last_look) }))
    }

    /// Counts a call.
    pub(crate) fn call_came(&self) {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// How long to rest after `worked`, so that calls find the machine free for most of the time; nothing while few come.
    fn rest_after(&self, worked: Duration) -> Duration {
        match self.is_busy() {
            true => worked * REST_FACTOR,
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
pub(crate) struct Turns {
    places: Arc<Semaphore>,
    /// Whose calls the work rests for.
    traffic: Option<Traffic>,
    rest_max: Duration,
}

/// A place that is held. Dropped, it is free, after the rest that its work needs.
#[derive(Debug)]
pub(crate) struct Turn {
    place: Option<OwnedSemaphorePermit>,
    began: Instant,
    traffic: Option<Traffic>,
    rest_max: Duration,
}

impl Turns {
    /// Places for half of the processors, at least one; without traffic the work never rests.
    pub(crate) fn new(traffic: Option<&Traffic>) -> Turns {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let places = Arc::new(Semaphore::new((processors / 2).max(1)));
        Turns { places, traffic: traffic.cloned(), rest_max: REST_MAX }
    }

    /// The same with no more places than these.
    pub(crate) fn at_most(self, places_max: usize) -> Turns {
        let places = self.places.available_permits().min(places_max);
        Turns { places: Arc::new(Semaphore::new(places)), ..self }
    }

    /// The same with another longest rest.
    pub(crate) fn resting_at_most(self, rest_max: Duration) -> Turns {
        Turns { rest_max, ..self }
    }

    /// Whether the work rests now.
    pub(crate) fn is_resting(&self) -> bool {
        self.traffic.as_ref().is_some_and(Traffic::is_busy)
    }

    /// Waits for a place.
    pub(crate) async fn turn(&self) -> Turn {
        // The places are never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (traffic, rest_max) = (self.traffic.clone(), self.rest_max);
        Turn { place, began: socket_now(), traffic, rest_max }
    }
}

impl Drop for Turn {
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing is waited for but the time that a rest takes"
    )]
    fn drop(&mut self) {
        let Some(traffic) = &self.traffic else { return };
        let rest = traffic.rest_after(self.began.elapsed()).min(self.rest_max);
        let place = self.place.take();
        if !rest.is_zero()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                tokio::time::sleep(rest).await;
                drop(place);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKED: Duration = Duration::from_millis(2);

    async fn pass(traffic: &Traffic, calls: u32, ms: u64) -> Duration {
        for _ in 0..calls {
            traffic.call_came();
        }
        tokio::time::advance(Duration::from_millis(ms)).await;
        traffic.rest_after(WORKED)
    }

    #[tokio::test(start_paused = true)]
    async fn work_rests_while_many_calls_come() {
        let traffic = Traffic::new();
        assert_eq!(pass(&traffic, 0, 0).await, Duration::ZERO);
        // One call that brings work, then none.
        assert_eq!(pass(&traffic, 1, 20).await, Duration::ZERO);
        assert_eq!(pass(&traffic, 2, 20).await, WORKED * REST_FACTOR);
        // Until it is known that they have ceased.
        assert_eq!(pass(&traffic, 0, 19).await, WORKED * REST_FACTOR);
        assert_eq!(pass(&traffic, 0, 1).await, Duration::ZERO);
        // Many, but over a long time.
        assert_eq!(pass(&traffic, 99, 1_000).await, Duration::ZERO);
        assert_eq!(pass(&traffic, 100, 1_000).await, WORKED * REST_FACTOR);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_rests_in_its_place() {
        let traffic = Traffic::new();
        for (behind, rest) in [(None, Duration::ZERO), (Some(&traffic), WORKED * REST_FACTOR)] {
            let mut turns = Turns::new(behind);
            turns.places = Arc::new(Semaphore::new(1));
            assert_eq!(pass(&traffic, 100, 20).await, WORKED * REST_FACTOR);
            let turn = turns.turn().await;
            tokio::time::advance(WORKED).await;
            drop(turn);
            let ended = socket_now();
            drop(turns.turn().await);
            assert!(ended.elapsed() >= rest && ended.elapsed() < rest + WORKED, "{behind:?}");
        }
        for (turns, rest) in [
            (Turns::new(Some(&traffic)), REST_MAX),
            (Turns::new(Some(&traffic)).resting_at_most(WORKED), WORKED),
        ] {
            let turns = Turns { places: Arc::new(Semaphore::new(1)), ..turns };
            let turn = turns.turn().await;
            // Long enough for the longest rest.
            pass(&traffic, 100, 25).await;
            drop(turn);
            let ended = socket_now();
            drop(turns.turn().await);
            assert!(ended.elapsed() >= rest && ended.elapsed() < rest + WORKED, "{rest:?}");
        }
    }
}
