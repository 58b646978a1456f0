//! How tries to sign in slow down: some are free, then each failure doubles the wait. Counted for each account and for each
//! address, since an attacker has many of either.
//!
//! A try is counted before it is made and given back when it succeeds, so that many at once are no way around.

use crate::time::UnixMs;

/// How many tries are free, and when waiting ends to grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Tries that need no wait.
    pub free: i64,
}

/// Tries at one account.
pub const ACCOUNT: Limit = Limit { free: 5 };
/// Tries from one address, which an office shares.
pub const ADDRESS: Limit = Limit { free: 20 };
/// Tries at the second factor of one person.
pub const SECOND_FACTOR: Limit = Limit { free: 5 };

const FIRST_WAIT_MS: i64 = 1_000;
/// The longest wait: 15 minutes.
pub const WAIT_MS_MAX: i64 = 900_000;
/// What failed longer ago than this is forgotten.
pub const FORGOTTEN_AFTER_MS: i64 = 86_400_000;

/// How long it is known where somebody signed in: 30 days.
pub const PLACE_KNOWN_MS: i64 = 30 * 86_400_000;

/// The tries so far that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tries {
    /// How many.
    pub count: i64,
    /// From when the next one is free.
    pub free_at: UnixMs,
    /// When the last one was.
    pub last_at: UnixMs,
}

impl Tries {
    /// One try more, or the instant from which it is free.
    pub fn add(self, limit: Limit, now: UnixMs) -> Result<Tries, UnixMs> {
        let before =
            if now.ms_since(self.last_at) > FORGOTTEN_AFTER_MS { Tries::default() } else { self };
        if before.free_at > now {
            // A clock that was set back does not make a wait longer than any.
            return Err(before.free_at.min(now.plus_ms(WAIT_MS_MAX)));
        }
        let count = before.count.saturating_add(1);
        Ok(Tries { count, free_at: now.plus_ms(wait_ms(count - limit.free)), last_at: now })
    }

    /// Whether this many is worth an entry of the audit chain: the last free try, and each doubling after it.
    #[must_use]
    pub fn is_worth_an_entry(self, limit: Limit) -> bool {
        let times = self.count / limit.free;
        self.count > 0 && self.count % limit.free == 0 && times.count_ones() == 1
    }
}

/// The wait after so many tries that were not free.
fn wait_ms(not_free: i64) -> i64 {
    match not_free {
        ..=0 => 0,
        1..=20 => (FIRST_WAIT_MS << (not_free - 1)).min(WAIT_MS_MAX),
        _ => WAIT_MS_MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_tries_are_free_and_then_the_wait_doubles_up_to_fifteen_minutes() {
        let (mut tries, mut now, mut waits) = (Tries::default(), UnixMs(1_000_000), Vec::new());
        for _ in 0..17 {
            tries = tries.add(ACCOUNT, now).unwrap();
            waits.push(tries.free_at.ms_since(now) / 1_000);
            now = tries.free_at;
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(wait_ms(i64::MAX), WAIT_MS_MAX);
    }

    #[test]
    fn a_try_before_its_time_is_refused_and_does_not_count() {
        let now = UnixMs(1_000_000);
        let tries = Tries { count: 6, free_at: now.plus_ms(1_000), last_at: now };
        assert_eq!(tries.add(ACCOUNT, now.plus_ms(999)), Err(now.plus_ms(1_000)));
        let next = tries.add(ACCOUNT, now.plus_ms(1_000)).unwrap();
        assert_eq!((next.count, next.free_at), (7, now.plus_ms(3_000)));
        // After a day it begins anew.
        let late = now.plus_ms(FORGOTTEN_AFTER_MS + 1);
        assert_eq!(tries.add(ACCOUNT, late).unwrap().count, 1);
        // A clock that was set back by a year makes nobody wait for one.
        let back = now.plus_ms(-31_536_000_000);
        assert_eq!(tries.add(ACCOUNT, back), Err(back.plus_ms(WAIT_MS_MAX)));
    }

    #[test]
    fn an_attack_leaves_few_entries() {
        let worth = |count| Tries { count, ..Tries::default() }.is_worth_an_entry(ACCOUNT);
        let entries: Vec<i64> = (0..1_000).filter(|count| worth(*count)).collect();
        assert_eq!(entries, [5, 10, 20, 40, 80, 160, 320, 640]);
    }
}
