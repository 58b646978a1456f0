//! The schedules by which failed work is tried again.

use crate::time::UnixMs;

/// Waits before each further try, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule(pub &'static [i64]);

/// A delivery: 15 s, 5 min, 1 h, 6 h after a failure. Source: contract, section 5.2.
pub const DELIVERY: Schedule = Schedule(&[15_000, 300_000, 3_600_000, 21_600_000]);

/// The fetch of a report: 10 s, 1 min, 10 min, 1 h, 6 h, 24 h after a failure. Source: product, section 4.
pub const REPORT: Schedule =
    Schedule(&[10_000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000]);

/// The least time left in which one more try is worth while.
const HURRY_MS_MIN: i64 = 4_000;

impl Schedule {
    /// When to try again after try number `attempts` (from 1) failed at `now`; none when the schedule is exhausted.
    #[must_use]
    pub fn next(self, attempts: u32, now: UnixMs) -> Option<UnixMs> {
        let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
        self.0.get(index).map(|wait_ms| now.plus_ms(*wait_ms))
    }

    /// The same for what ends at `ends_at`: at half of the time left, if that is sooner and worth a try.
    #[must_use]
    pub fn next_before(
        self,
        attempts: u32,
        now: UnixMs,
        ends_at: Option<UnixMs>,
    ) -> Option<UnixMs> {
        let next = self.next(attempts, now)?;
        let left_ms = ends_at.map_or(0, |ends_at| ends_at.ms_since(now));
        Some(if left_ms < HURRY_MS_MIN { next } else { next.min(now.plus_ms(left_ms / 2)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_comes_before_the_end() {
        let next =
            |attempts, ends_at| REPORT.next_before(attempts, UnixMs(0), ends_at).map(|at| at.0);
        assert_eq!(next(1, None), Some(10_000));
        assert_eq!(next(1, Some(UnixMs(60_000))), Some(10_000));
        assert_eq!(next(2, Some(UnixMs(50_000))), Some(25_000));
        assert_eq!(next(6, Some(UnixMs(3_600_000))), Some(1_800_000));
        // What ended, or is about to, is tried as anything else.
        assert_eq!(next(2, Some(UnixMs(3_999))), Some(60_000));
        assert_eq!(next(2, Some(UnixMs(-5))), Some(60_000));
        assert_eq!(next(7, Some(UnixMs(60_000))), None);
    }

    #[test]
    fn a_delivery_is_tried_five_times() {
        let waits: Vec<_> =
            (0..7).map(|attempts| DELIVERY.next(attempts, UnixMs(1)).map(|at| at.0 - 1)).collect();
        let minute = 60_000;
        let expected = [
            None,
            Some(15_000),
            Some(5 * minute),
            Some(60 * minute),
            Some(360 * minute),
            None,
            None,
        ];
        assert_eq!(waits, expected);
    }
}
