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

impl Schedule {
    /// When to try again after the failure, at `now`, of the try number `attempts` (1 is the first); none
    /// when the schedule is exhausted.
    #[must_use]
    pub fn next(self, attempts: u32, now: UnixMs) -> Option<UnixMs> {
        let place = usize::try_from(attempts.checked_sub(1)?).ok()?;
        self.0.get(place).map(|wait_ms| now.plus_ms(*wait_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
