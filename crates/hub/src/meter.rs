//! What jobs and services count for the operator; who shows it counts it.

use inspect::Finding;

/// Counts.
pub trait Meter: Send + Sync {
    /// The end of a fetch: `stored`, or the class of its failure.
    fn count_fetch(&self, outcome: &'static str);
    /// The bytes of a report that was fetched whole.
    fn count_fetched_bytes(&self, bytes: u64);
    /// What calls for caution in a report.
    fn count_finding(&self, finding: Finding);
    /// A deep check without a result.
    fn count_deep_failure(&self, class: &'static str);
    /// A try to deliver an event: `delivered`, or the class of its failure.
    fn count_delivery(&self, is_posted: bool, outcome: &'static str);
    /// That the machine's clock was set, by so many milliseconds; back when negative.
    fn count_clock_jump(&self, jump_ms: i64);
    /// What is stored, and how many tenants and apps are near their quota.
    fn note_storage(&self, used_bytes: i64, tenants: usize, apps: usize);
}
