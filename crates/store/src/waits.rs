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
use crate::by_tenant::{KEYS, keys};
use crate::connections::BEAT_AGE_MAX_MS;
use crate::fault::Fault;
use crate::states::REPORT_FETCHING;
use crate::value::{Value, Written, any, values};

/// How long a worker may hold a lease, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leases {
    /// Of a delivery.
    pub delivery_ms: i64,
    /// Of the fetch of a report.
    pub report_ms: i64,
}

/// By how much a wait must be too long: what is claimed while this looks has a lease that began after its `now`.
const MARGIN_MS: i64 = 10_000;

/// Each first read over all tenants, then changed where it still waits.
const DELIVERIES: [&str; 2] = [
    "SELECT tenant_id, event_no FROM deliveries WHERE due_at > $1 AND attempts - tries_before BETWEEN $2 AND $3",
    formatcp!(
        "UPDATE deliveries SET due_at = $21 WHERE tenant_id = $1 AND event_no IN ({KEYS}) \
        AND due_at > $18 AND attempts - tries_before BETWEEN $19 AND $20 RETURNING event_no"
    ),
];
/// While one is being fetched, its `due_at` is the end of a lease.
const REPORTS: [&str; 2] = [
    formatcp!(
        "SELECT tenant_id, report_id FROM reports WHERE due_at > $1 AND attempts BETWEEN $2 AND $3 \
        AND state <> {REPORT_FETCHING}"
    ),
    formatcp!(
        "UPDATE reports SET due_at = $21 WHERE tenant_id = $1 AND report_id IN ({KEYS}) AND due_at > $18 \
        AND attempts BETWEEN $19 AND $20 AND state <> {REPORT_FETCHING} RETURNING report_id"
    ),
];
const FETCHES: [&str; 2] = [
    formatcp!(
        "SELECT tenant_id, report_id FROM reports WHERE due_at > $1 AND attempts BETWEEN $2 AND $3 \
        AND state = {REPORT_FETCHING}"
    ),
    formatcp!(
        "UPDATE reports SET due_at = $21 WHERE tenant_id = $1 AND report_id IN ({KEYS}) AND due_at > $18 \
        AND attempts BETWEEN $19 AND $20 AND state = {REPORT_FETCHING} RETURNING report_id"
    ),
];
const TICKETS: &str = "UPDATE app_tickets SET due_at = $1 WHERE due_at > $2 RETURNING app_id";
/// Of a replica that lives another beat comes soon; one that died counts as alive no longer than usual.
const BEATS: &str = "UPDATE replicas SET beat_at = $1 WHERE beat_at > $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[DELIVERIES[0], DELIVERIES[1], REPORTS[0], REPORTS[1], FETCHES[0], FETCHES[1], TICKETS, BEATS];

/// Rows of so many tries that are due later than at an instant.
type Wait = [i64; 3];

impl Store {
    /// Makes everything due at `now` that waits longer than its own schedule or lease allows: deliveries, reports,
    /// tickets of store apps. Gives how many; replicas whose last beat lies ahead are not counted.
    pub async fn shorten_waits(&self, now: UnixMs, leases: Leases) -> Result<usize, Fault> {
        let latest = now.plus_ms(MARGIN_MS);
        let fetches = [latest.plus_ms(leases.report_ms).0, 0, i64::MAX];
        let mut shortened = 0;
        for (waits, sql) in [
            (by_tries(retry::DELIVERY, leases.delivery_ms, latest), DELIVERIES),
            (by_tries(retry::REPORT, leases.report_ms, latest), REPORTS),
            (vec![fetches], FETCHES),
        ] {
            for wait in waits {
                shortened += self.shorten(sql, wait, now).await?;
            }
        }
        let statements = vec![
            any(TICKETS, values![now.0, now.plus_ms(TICKET_EVERY_MS).0]),
            any(BEATS, values![now.0, now.plus_ms(BEAT_AGE_MAX_MS).0]),
        ];
        if let Written::Done(rows) = self.write(statements).await? {
            shortened += rows.len();
        }
        if shortened > 0 {
            self.wake_deliveries();
            self.wake_reports();
        }
        Ok(shortened)
    }

    async fn shorten(
        &self,
        sql: [&'static str; 2],
        wait: Wait,
        now: UnixMs,
    ) -> Result<usize, Fault> {
        let [list, change] = sql;
        let mut values = Vec::from(wait.map(Value::from));
        let waiting = self.read(list, values.clone()).await?;
        values.push(now.0.into());
        Ok(self.write_keys(&keys(&waiting)?, None, change, &values).await?.len())
    }
}

/// For each number of tries made: the wait that the schedule has after it, or a lease where that is longer.
fn by_tries(schedule: Schedule, lease_ms: i64, now: UnixMs) -> Vec<Wait> {
    let after = |tries: u32| schedule.next(tries, UnixMs(0)).map_or(0, |wait| wait.0);
    let last = schedule.0.len() as i64;
    let waits = (0..=last).map(|tries| {
        let wait_ms = after(u32::try_from(tries).unwrap_or(u32::MAX)).max(lease_ms);
        [now.plus_ms(wait_ms).0, tries, tries]
    });
    let beyond = [now.plus_ms(lease_ms).0, last + 1, i64::from(u32::MAX)];
    waits.chain([beyond]).collect()
}
