//! Time, as everything in the server gets it: a [`Clock`] is handed in, never asked for elsewhere.
//!
//! Two readings: the wall clock for instants that are stored or shown, and a monotonic count for what
//! must not jump when somebody sets the machine's time (rate windows, lives, durations).
//! A manual clock stands still until it is moved, so that a test decides when a token runs out.
//! Socket timers are the exception: a peer's slowness is real time in a test too, see
//! [`socket_now`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use domain::UnixMs;

/// The source of instants: the machine's, or one moved by hand. Cheap to clone; clones of a manual
/// clock move together.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System { started: Instant },
    Manual(Arc<Hands>),
}

/// The two readings of a manual clock.
#[derive(Debug)]
struct Hands {
    wall_ms: AtomicI64,
    mono_ms: AtomicU64,
}

impl Clock {
    /// The machine's clock; its monotonic count begins at 0 with this call.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn system() -> Clock {
        Clock(Source::System { started: Instant::now() })
    }

    /// A clock that stands at `now` until it is moved; its monotonic count begins at 0.
    #[must_use]
    pub fn manual(now: UnixMs) -> Clock {
        let hands = Hands { wall_ms: AtomicI64::new(now.0), mono_ms: AtomicU64::new(0) };
        Clock(Source::Manual(Arc::new(hands)))
    }

    /// The wall clock's instant. May go back when the machine's time is set.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> UnixMs {
        match &self.0 {
            Source::System { .. } => UnixMs(unix_ms(SystemTime::now())),
            Source::Manual(hands) => UnixMs(hands.wall_ms.load(Ordering::SeqCst)),
        }
    }

    /// Milliseconds since the clock was made; never goes back.
    #[must_use]
    pub fn mono_ms(&self) -> u64 {
        match &self.0 {
            Source::System { started } => {
                u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
            }
            Source::Manual(hands) => hands.mono_ms.load(Ordering::SeqCst),
        }
    }

    /// Whether this clock is moved by hand.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }

    /// Moves a manual clock on: both readings grow by `ms`.
    ///
    /// # Panics
    /// On the system clock, which nobody moves.
    pub fn advance_ms(&self, ms: u64) {
        let hands = self.hands();
        hands.mono_ms.fetch_add(ms, Ordering::SeqCst);
        hands.wall_ms.fetch_add(i64::try_from(ms).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Sets a manual clock's wall reading, back or forth; the monotonic count stays, as it does
    /// when a machine's time is set.
    ///
    /// # Panics
    /// On the system clock, which nobody moves.
    pub fn set(&self, now: UnixMs) {
        self.hands().wall_ms.store(now.0, Ordering::SeqCst);
    }

    fn hands(&self) -> &Hands {
        match &self.0 {
            Source::Manual(hands) => hands,
            Source::System { .. } => panic!("only a manual clock can be moved"),
        }
    }
}

/// The instant from which socket timers count: always the machine's monotonic time, because a
/// connection that stalls does so whatever the clock of the World says.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
pub fn socket_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Milliseconds since the Unix epoch; negative before it, at the range's ends when beyond.
fn unix_ms(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = Clock::manual(UnixMs(1_795_000_000_000));
        let other = clock.clone();
        assert_eq!((clock.now(), clock.mono_ms()), (UnixMs(1_795_000_000_000), 0));
        clock.advance_ms(1_500);
        assert_eq!((other.now(), other.mono_ms()), (UnixMs(1_795_000_001_500), 1_500));
        assert!(other.is_manual());
    }

    #[test]
    fn setting_the_wall_clock_back_leaves_the_monotonic_count() {
        let clock = Clock::manual(UnixMs(1_795_000_000_000));
        clock.advance_ms(10);
        clock.set(UnixMs(1_000));
        assert_eq!((clock.now(), clock.mono_ms()), (UnixMs(1_000), 10));
    }

    #[test]
    fn the_system_clock_tells_this_century_and_counts_up() {
        let clock = Clock::system();
        let first = clock.mono_ms();
        assert!(clock.now() > UnixMs(1_700_000_000_000) && clock.now() < UnixMs(4_102_444_800_000));
        assert!(clock.mono_ms() >= first);
        assert!(!clock.is_manual());
    }

    #[test]
    fn instants_before_the_epoch_are_negative() {
        assert_eq!(unix_ms(SystemTime::UNIX_EPOCH - Duration::from_millis(5)), -5);
    }

    #[test]
    #[should_panic(expected = "only a manual clock can be moved")]
    fn the_system_clock_refuses_to_be_moved() {
        Clock::system().advance_ms(1);
    }
}
