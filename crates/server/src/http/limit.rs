//! The rate limiter: exact sliding windows for each call × app × tenant of the open API, and for each key of the control API.
//!
//! Windows are checked over the times of accepted calls, so no span of a window's length holds more
//! calls than allowed; a token bucket would let nearly twice as many through. 4 bytes a call. All
//! windows of a key are checked and counted under one lock; a refused call leaves no trace. Times
//! are whole milliseconds: two calls exactly one window apart count as within it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::route::Window;
use domain::{AppId, Id, TenantId};

const SHARDS: usize = 64;
/// The least time between two sweeps of a shard.
const SWEEP_EVERY_MS: u64 = 60_000;

/// Whose budget a call is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKey {
    /// A call of the open API.
    Call {
        /// Its place in the route table.
        call: u16,
        /// The calling app.
        app: AppId,
        /// The tenant of its token.
        tenant: TenantId,
    },
    /// Whatever a key of the control API calls, by its id.
    ApiKey(Id),
}

/// What a key may still call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The calls that fit the window, and the window's length.
    pub window: Window,
    /// How many of them are left.
    pub remaining: u32,
    /// Whole seconds, rounded up, after which there is room for one more; 0 when all are left.
    pub reset_s: u64,
}

/// A call over its limit; goes out as 429 with code 99991400 and the two headers of contract §2.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {limit} calls fit the window, the next one in {reset_s} s")]
pub struct RateLimitError {
    /// The ceiling of the window that is longest to wait for, for `x-ogw-ratelimit-limit`.
    pub limit: u32,
    /// Whole seconds, rounded up and at least 1, after which a call would be accepted if none came
    /// before it, for `x-ogw-ratelimit-reset`.
    pub reset_s: u64,
}

/// The accepted calls of all keys, in memory; idle keys are forgotten.
#[derive(Debug)]
pub struct RateLimits {
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    keys: HashMap<LimitKey, Calls>,
    swept_ms: u64,
}

#[derive(Debug)]
struct Calls {
    /// The low 32 bits of each time: 49 days before they repeat, and nothing that old is stored.
    times: VecDeque<u32>,
    last_ms: u64,
    longest_ms: u64,
}

impl RateLimits {
    /// No calls remembered.
    #[must_use]
    pub fn new() -> RateLimits {
        RateLimits { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Checks one call of `key` at `mono_ms` (monotonic milliseconds) and counts it if accepted.
    /// `windows` are those of the call's rate tier, always the same for a key, each 1 to 2^31 ms
    /// long with room for at least one call; without any, all is accepted. Source: contract, section 2.4.
    pub fn check(
        &self,
        key: LimitKey,
        windows: &[Window],
        mono_ms: u64,
    ) -> Result<(), RateLimitError> {
        let longest_ms = windows.iter().map(|window| u64::from(window.length_ms)).max();
        let Some(longest_ms) = longest_ms else { return Ok(()) };
        let mut shard = self.shard(key);
        shard.sweep(mono_ms);
        let calls = shard.keys.entry(key).or_insert_with(|| Calls {
            times: VecDeque::new(),
            last_ms: mono_ms,
            longest_ms,
        });
        calls.check(windows, mono_ms)
    }

    /// What `key` has left of `window` at `mono_ms`.
    #[must_use]
    pub fn budget(&self, key: LimitKey, window: Window, mono_ms: u64) -> Budget {
        let shard = self.shard(key);
        let all = Budget { window, remaining: window.calls, reset_s: 0 };
        shard.keys.get(&key).map_or(all, |calls| calls.budget(window, mono_ms))
    }

    /// The number of keys remembered, for the metrics.
    #[must_use]
    pub fn keys_count(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).keys.len()).sum()
    }

    fn shard(&self, key: LimitKey) -> MutexGuard<'_, Shard> {
        // The names are random bits of our own making, so a plain mix spreads them.
        let mixed = match key {
            LimitKey::Call { call, app, tenant } => {
                app.0 ^ tenant.0.rotate_left(32) ^ i64::from(call)
            }
            LimitKey::ApiKey(key_id) => key_id.0,
        };
        let high = (mixed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        lock(&self.shards[high as usize])
    }
}

impl Default for RateLimits {
    fn default() -> RateLimits {
        RateLimits::new()
    }
}

/// A shard is whole at every step, so a panic elsewhere says nothing about it.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    /// Forgets the keys whose last call lies before their longest window, once a minute at most.
    fn sweep(&mut self, mono_ms: u64) {
        if mono_ms.saturating_sub(self.swept_ms) < SWEEP_EVERY_MS {
            return;
        }
        self.swept_ms = mono_ms;
        self.keys.retain(|_, calls| mono_ms.saturating_sub(calls.last_ms) <= calls.longest_ms);
        if self.keys.capacity() / 4 > self.keys.len() {
            self.keys.shrink_to_fit();
        }
    }
}

impl Calls {
    fn check(&mut self, windows: &[Window], mono_ms: u64) -> Result<(), RateLimitError> {
        // Two threads may read the clock in one order and come here in the other.
        let now_ms = mono_ms.max(self.last_ms);
        self.forget_old(now_ms);

        let mut wait = None;
        for window in windows {
            let (length_ms, calls_max) = (u64::from(window.length_ms), window.calls);
            // The window is full while the call that lies `calls_max` back is still within it.
            let Some(index) = self.times.len().checked_sub(calls_max as usize) else { continue };
            let Some(&time) = self.times.get(index) else { continue };
            let age_ms = age_ms(time, now_ms);
            if age_ms <= length_ms {
                wait = wait.max(Some((length_ms - age_ms + 1, calls_max)));
            }
        }
        if let Some((wait_ms, limit)) = wait {
            return Err(RateLimitError { limit, reset_s: wait_ms.div_ceil(1_000) });
        }

        self.times.push_back(now_ms as u32);
        self.last_ms = now_ms;
        Ok(())
    }

    fn budget(&self, window: Window, mono_ms: u64) -> Budget {
        let (now_ms, length_ms) = (mono_ms.max(self.last_ms), u64::from(window.length_ms));
        let is_old =
            |&time: &u32| now_ms - self.last_ms > length_ms || age_ms(time, now_ms) > length_ms;
        let first = self.times.partition_point(is_old);
        let used = u32::try_from(self.times.len() - first).unwrap_or(u32::MAX);
        let oldest = self.times.get(first).map(|&time| length_ms - age_ms(time, now_ms) + 1);
        Budget {
            window,
            remaining: window.calls.saturating_sub(used),
            reset_s: oldest.map_or(0, |wait_ms| wait_ms.div_ceil(1_000)),
        }
    }

    fn forget_old(&mut self, now_ms: u64) {
        if now_ms - self.last_ms > self.longest_ms {
            self.times.clear();
        }
        while self.times.front().is_some_and(|&time| age_ms(time, now_ms) > self.longest_ms) {
            self.times.pop_front();
        }
    }
}

/// How long before `now_ms` a remembered time lies; at most 2^32 ms.
fn age_ms(time: u32, now_ms: u64) -> u64 {
    u64::from((now_ms as u32).wrapping_sub(time))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const TIER_4: &[Window] = contract::route::Tier::T4.windows();

    const fn window(length_ms: u32, calls: u32) -> Window {
        Window { length_ms, calls }
    }

    fn key(call: u16, app: i64, tenant: i64) -> LimitKey {
        LimitKey::Call { call, app: AppId(app), tenant: TenantId(tenant) }
    }

    /// A small generator (xorshift), so that a failing run can be repeated from its seed.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % bound
        }
    }

    /// The rule as one would say it: count what lies within each window, wait until it fits.
    fn naive(accepted: &[u64], windows: &[Window], now: u64) -> Result<(), RateLimitError> {
        let within = |at: u64, window: &Window| {
            let length = u64::from(window.length_ms);
            let first = accepted.partition_point(|&time| at - time > length);
            &accepted[first..]
        };
        let fits = |at: u64, window: &Window| within(at, window).len() < window.calls as usize;
        if windows.iter().all(|window| fits(now, window)) {
            return Ok(());
        }
        // A window makes room only when a call leaves it.
        let until = |window: &Window| {
            let length = u64::from(window.length_ms);
            let leaves = within(now, window).iter().map(|time| time + length + 1);
            std::iter::once(now).chain(leaves).find(|&at| fits(at, window)).unwrap()
        };
        let (at, limit) = windows.iter().map(|window| (until(window), window.calls)).max().unwrap();
        Err(RateLimitError { limit, reset_s: (at - now).div_ceil(1_000).max(1) })
    }

    #[test]
    fn a_million_random_calls_are_checked_as_the_naive_model_checks_them() {
        let seed = 0x5eed_1234_5678_9abc;
        println!("seed={seed:#x}");
        let mut dice = Dice(seed);
        let limits = RateLimits::new();
        // Small windows meet their borders often; the last one is tier 4 itself.
        let cases: [&[Window]; 4] = [
            &[window(10, 3)],
            &[window(7, 2), window(40, 5)],
            &[window(20, 1), window(50, 3), window(300, 9)],
            TIER_4,
        ];
        let mut now = 0;
        let mut accepted: [Vec<u64>; 4] = Default::default();
        let mut refused = [0; 4];
        for _ in 0..1_000_000 {
            let case = dice.below(4) as usize;
            now += match dice.below(400) {
                0 => dice.below(400),
                1 => dice.below(3),
                2..60 => 1,
                _ => 0,
            };
            if dice.below(200_000) == 0 {
                now += 100_000;
            }
            let expected = naive(&accepted[case], cases[case], now);
            let checked = limits.check(key(case as u16, 1, 1), cases[case], now);
            assert_eq!(checked, expected, "case {case} at {now} ms");
            match checked {
                Ok(()) => accepted[case].push(now),
                Err(_) => refused[case] += 1,
            }
        }
        assert!(accepted.iter().all(|times| times.len() > 1_000), "each case accepts often");
        assert!(refused.iter().all(|&count| count > 1_000), "each case refuses often: {refused:?}");
    }

    #[test]
    fn tier_4_never_holds_more_than_50_in_a_second_nor_1000_in_a_minute() {
        let limits = RateLimits::new();
        let mut times = Vec::new();
        for now in 0..180_000 {
            for _ in 0..2 {
                if limits.check(key(1, 1, 1), TIER_4, now).is_ok() {
                    times.push(now);
                }
            }
        }
        for (index, &time) in times.iter().enumerate() {
            assert!(times.get(index + 50).is_none_or(|&later| later - time > 1_000));
            assert!(times.get(index + 1_000).is_none_or(|&later| later - time > 60_000));
        }
        assert!(times.len() >= 2_950, "and lets through all that fits: {}", times.len());
    }

    #[test]
    fn the_headers_name_the_window_that_holds_longest() {
        let limits = RateLimits::new();
        let mut now = 0;
        for call in 0..1_000 {
            now = call * 25;
            assert_eq!(limits.check(key(1, 1, 1), TIER_4, now), Ok(()));
        }
        let refusal = RateLimitError { limit: 1_000, reset_s: (60_000 - now + 1).div_ceil(1_000) };
        assert_eq!(limits.check(key(1, 1, 1), TIER_4, now), Err(refusal));
        assert_eq!(limits.check(key(1, 1, 1), TIER_4, 60_000).map_err(|e| e.reset_s), Err(1));
        assert_eq!(limits.check(key(1, 1, 1), TIER_4, 60_001), Ok(()));

        for now in 0..50 {
            assert_eq!(limits.check(key(2, 1, 1), TIER_4, 90_000 + now), Ok(()));
        }
        let refusal = RateLimitError { limit: 50, reset_s: 1 };
        assert_eq!(limits.check(key(2, 1, 1), TIER_4, 90_050), Err(refusal));
    }

    #[test]
    fn a_refused_call_is_not_counted() {
        let limits = RateLimits::new();
        let windows = &[window(1_000, 1)];
        assert_eq!(limits.check(key(1, 1, 1), windows, 0), Ok(()));
        for now in 1..=1_000 {
            assert!(limits.check(key(1, 1, 1), windows, now).is_err());
        }
        assert_eq!(limits.check(key(1, 1, 1), windows, 1_001), Ok(()));
    }

    #[test]
    fn the_budget_is_what_the_window_still_takes() {
        let (limits, window) = (RateLimits::new(), window(60_000, 3));
        let key = LimitKey::ApiKey(Id(7));
        let left = |now| {
            let Budget { remaining, reset_s, .. } = limits.budget(key, window, now);
            (remaining, reset_s)
        };
        assert_eq!(left(0), (3, 0));
        for (now, expected) in [(0, (2, 61)), (500, (1, 60)), (30_000, (0, 31))] {
            limits.check(key, &[window], now).unwrap();
            assert_eq!(left(now), expected, "{now}");
        }
        assert!(limits.check(key, &[window], 59_999).is_err());
        assert_eq!(left(60_001), (1, 1));
        assert_eq!(left(90_001), (3, 0));
        // Long after, when the low bits of the times are the same again.
        assert_eq!(left(1 << 32), (3, 0));
    }

    #[test]
    fn keys_never_share_a_budget() {
        let limits = RateLimits::new();
        for each in [key(1, 1, 1), key(2, 1, 1), key(1, 2, 1), key(1, 1, 2), key(1, 2, 2)] {
            for _ in 0..50 {
                assert_eq!(limits.check(each, TIER_4, 5), Ok(()));
            }
            assert!(limits.check(each, TIER_4, 5).is_err());
        }
    }

    #[test]
    fn idle_keys_are_swept_and_old_times_never_come_back_young() {
        let limits = RateLimits::new();
        for app in 0..10_000 {
            limits.check(key(1, app, 1), TIER_4, 1_000).unwrap();
        }
        assert_eq!(limits.keys_count(), 10_000);
        // 2^32 ms later the low bits of the time are the same again.
        let again = 1_000 + (1 << 32);
        for app in 0..50 {
            for _ in 0..50 {
                assert_eq!(limits.check(key(1, app, 1), TIER_4, again), Ok(()));
            }
        }
        assert!(limits.keys_count() < 10_000);
        for app in 0..2_000 {
            limits.check(key(3, app, 3), TIER_4, again + 120_000).unwrap();
        }
        assert_eq!(limits.keys_count(), 2_000);
    }

    #[test]
    fn threads_together_get_no_more_than_one_would() {
        let limits = RateLimits::new();
        let ticks = AtomicU64::new(0);
        let mut times: Vec<u64> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut times = Vec::new();
                        for _ in 0..50_000 {
                            let now = ticks.fetch_add(1, Ordering::Relaxed) / 50;
                            if limits.check(key(1, 1, 1), &[window(100, 7)], now).is_ok() {
                                times.push(now);
                            }
                        }
                        times
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        times.sort_unstable();
        // The limiter may place a call a few ticks later than its thread read, never earlier.
        assert!(times.len() <= 7 * (4_000 / 101 + 1), "{} accepted", times.len());
        assert!(times.len() >= 7 * 35, "{} accepted", times.len());
    }
}
