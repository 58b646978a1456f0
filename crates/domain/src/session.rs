//! How long a person stays signed in.

use crate::time::UnixMs;

/// A session that was not used for this long is over: 30 minutes.
pub const IDLE_MS: i64 = 1_800_000;
/// A session is over this long after it began: 12 hours.
pub const WHOLE_MS: i64 = 43_200_000;
/// How often a session's last use is written at most: once a minute. So it may end a minute early, never late.
pub const NOTED_EVERY_MS: i64 = 60_000;
/// How long a session waits for its second factor: 10 minutes.
pub const SECOND_FACTOR_MS: i64 = 600_000;

/// Whether a session that began and was last used then is over.
#[must_use]
pub fn is_over(began_at: UnixMs, last_seen_at: UnixMs, now: UnixMs) -> bool {
    now.ms_since(began_at) >= WHOLE_MS || now.ms_since(last_seen_at) >= IDLE_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_it_is_idle_or_old() {
        for (began, seen, now, expected) in [
            (0, 0, IDLE_MS - 1, false),
            (0, 0, IDLE_MS, true),
            (0, IDLE_MS, 2 * IDLE_MS - 1, false),
            (0, WHOLE_MS - 1, WHOLE_MS - 1, false),
            (0, WHOLE_MS - 1, WHOLE_MS, true),
            // A clock that was set back ends nothing.
            (5_000, 5_000, 0, false),
        ] {
            assert_eq!(is_over(UnixMs(began), UnixMs(seen), UnixMs(now)), expected, "{now}");
        }
    }
}
