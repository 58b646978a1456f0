//! What the tests of crashes and of failing storage share: the real program as a child process, clients that mix
//! all calls, a book of everything that was acknowledged to them, a receiver of events, and the comparison of
//! the three.
//!
//! Each client has a tenant, an app and orders of its own and makes one call at a time. So it always knows what
//! must be remembered: everything acknowledged, and perhaps the one call that got no answer. That call it makes
//! again, byte by byte, as a vendor's SDK would, and then knows as well.

#![allow(dead_code, reason = "every test file uses its own part")]
#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

pub(crate) mod book;
pub(crate) mod call;
mod choose;
pub(crate) mod client;
pub(crate) mod compare;
pub(crate) mod daemon;
#[path = "../../../server/tests/harness/database.rs"]
pub(crate) mod database;
pub(crate) mod faults;
pub(crate) mod memory;
pub(crate) mod people;
pub(crate) mod receiver;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

/// Tests of one program that measure time run one after the other.
pub(crate) static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The machine's clock: these tests look at a process from outside.
#[expect(clippy::disallowed_methods, reason = "the process under test has the machine's clock too")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Lets time pass: between two looks at a process, or until it is killed.
#[expect(clippy::disallowed_methods, reason = "a process from outside gives no signal to wait for")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Looks again and again until `is_so`; gives the time it took.
///
/// # Panics
/// When it is not so within `at_most`.
pub(crate) async fn until(
    what: &str,
    at_most: Duration,
    mut is_so: impl AsyncFnMut() -> bool,
) -> Duration {
    let begin = now();
    while !is_so().await {
        assert!(begin.elapsed() < at_most, "expected within {at_most:?}: {what}");
        pause(Duration::from_millis(5)).await;
    }
    begin.elapsed()
}

/// Whether parts that need installed programs must run instead of being skipped.
pub(crate) fn is_demanded() -> bool {
    ["DEMANDED", "CI"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|value| value == "1" || value == "true"))
}

/// A number from the environment, else `default`.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("expected a number"))
}

/// The seed of this run: `SEED`, else a new one. It is printed, so that a failing run can be made again.
pub(crate) fn seed() -> u64 {
    let nanos = wall_clock().subsec_nanos();
    let seed = number("SEED", u64::from(nanos) ^ wall_clock().as_secs());
    eprintln!("seed={seed}");
    seed
}

/// The time since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "a new seed for every run, and times for the wire")]
pub(crate) fn wall_clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock stands after 1970")
}

/// Repeatable randomness (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end` - 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn is(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Another source of randomness that depends on this one.
    pub(crate) fn fork(&mut self) -> Random {
        Random(self.next())
    }
}

/// A folder that goes with its test, but stays when the test fails: data, log and journal say why.
pub(crate) struct Folder(Option<TempDir>);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(Some(TempDir::new().unwrap()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.as_ref().expect("it is there until dropped").path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.0.take()
        {
            eprintln!("data, log and journal are kept in {}", folder.keep().display());
        }
    }
}
