//! Waits that are too long: what a clock that was set back leaves due or leased too far ahead.
//!
//! Whatever waits stands in its row as an instant. When the clock is set back by hours, the 15 s after a failed try
//! become hours, and the lease of a worker that died ends hours later. So each wait is compared with the longest that
//! its own schedule allows, and what waits longer is due at once. At least once stays true; a try that is under way
//! in that moment may be made twice.

use const_format::formatcp;
use contract::store_auth::TICKET_EVERY_MS;
use domain::UnixMs;
use domain::retry::{self, Schedule};

use crate::Store;
use crate::connections::BEAT_AGE_MAX_MS;
use crate::fault::Fault;
use crate::states::REPORT_FETCHING;
use crate::value::{Statement, Written, any, values};

/// How long a worker may hold a lease, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leases {
    /// Of a delivery.
    pub delivery_ms: i64,
    /// Of the fetch of a report.
    pub report_ms: i64,
}

const DELIVERIES: &str = "UPDATE deliveries SET due_at = $1 WHERE due_at > $2 \
    AND attempts - tries_before BETWEEN $3 AND $4 RETURNING event_no";
/// State 2 is being fetched: its `due_at` is the end of a lease.
const REPORTS: &str = formatcp!(
    "UPDATE reports SET due_at = $1 WHERE due_at > $2 \
    AND attempts BETWEEN $3 AND $4 AND state <> {REPORT_FETCHING} RETURNING report_id"
);
const FETCHES: &str = formatcp!(
    "UPDATE reports SET due_at = $1 WHERE due_at > $2 AND state = {REPORT_FETCHING} RETURNING report_id"
);
const TICKETS: &str = "UPDATE app_tickets SET due_at = $1 WHERE due_at > $2 RETURNING app_id";
/// Of a replica that lives another beat comes soon; one that died counts as alive no longer than usual.
const BEATS: &str = "UPDATE replicas SET beat_at = $1 WHERE beat_at > $2";

/// The statements of this file, for the test that prepares all of them.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[DELIVERIES, REPORTS, FETCHES, TICKETS, BEATS];

impl Store {
    /// Makes everything due at `now` that waits longer than its own schedule or lease allows: deliveries, reports,
    /// tickets of store apps. Gives how many; replicas whose last beat lies ahead are not counted.
    pub async fn shorten_waits(&self, now: UnixMs, leases: Leases) -> Result<usize, Fault> {
        let mut statements = by_tries(DELIVERIES, retry::DELIVERY, leases.delivery_ms, now);
        statements.extend(by_tries(REPORTS, retry::REPORT, leases.report_ms, now));
        statements.push(any(FETCHES, values![now.0, now.plus_ms(leases.report_ms).0]));
        statements.push(any(TICKETS, values![now.0, now.plus_ms(TICKET_EVERY_MS).0]));
        statements.push(any(BEATS, values![now.0, now.plus_ms(BEAT_AGE_MAX_MS).0]));
        let shortened = match self.write(statements).await? {
            Written::Done(rows) => rows.len(),
            Written::Unmet(_) => 0,
        };
        if shortened > 0 {
            self.wake_deliveries();
            self.wake_reports();
        }
        Ok(shortened)
    }
}

/// One statement for each number of tries made: the wait that the schedule has after it, or a lease where that is
/// longer.
fn by_tries(sql: &'static str, schedule: Schedule, lease_ms: i64, now: UnixMs) -> Vec<Statement> {
    let after = |tries: u32| schedule.next(tries, UnixMs(0)).map_or(0, |wait| wait.0);
    let last = schedule.0.len() as i64;
    let waits = (0..=last).map(|tries| {
        let wait_ms = after(u32::try_from(tries).unwrap_or(u32::MAX)).max(lease_ms);
        any(sql, values![now.0, now.plus_ms(wait_ms).0, tries, tries])
    });
    let beyond = any(sql, values![now.0, now.plus_ms(lease_ms).0, last + 1, i64::from(u32::MAX)]);
    waits.chain([beyond]).collect()
}
