//! Leases that a process left behind when it ended at once.
//!
//! The embedded database has one process at a time: whatever is leased when it opens is nobody's, and due. With PostgreSQL
//! another replica may be at work, and leases end by themselves.

use const_format::formatcp;
use domain::UnixMs;

use crate::fault::Fault;
use crate::states::{DELIVERY_DUE, REPORT_FETCHING, REPORT_PENDING};
use crate::value::{any, values};
use crate::{Engine, Store};

const RELEASE_REPORTS: &str = formatcp!(
    "UPDATE reports SET state = {REPORT_PENDING}, due_at = $1 WHERE state = {REPORT_FETCHING} AND due_at > $1"
);
/// A try that is under way is counted and not recorded yet.
const RELEASE_DELIVERIES: &str = formatcp!(
    "UPDATE deliveries SET due_at = $1 WHERE state = {DELIVERY_DUE} AND due_at > $1 \
    AND attempts > (SELECT count(*) FROM attempts a \
      WHERE a.tenant_id = deliveries.tenant_id AND a.event_no = deliveries.event_no \
      AND a.endpoint_id = deliveries.endpoint_id)"
);

/// The statements of this file, which SQLite alone runs, for the test that prepares all of them.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[RELEASE_REPORTS, RELEASE_DELIVERIES];

impl Store {
    /// Makes what is leased due again, where nobody else can be at it. To be called before any worker begins.
    pub async fn release_leases(&self, now: UnixMs) -> Result<(), Fault> {
        let Engine::Sqlite(_) = self.engine else { return Ok(()) };
        let release =
            [RELEASE_REPORTS, RELEASE_DELIVERIES].map(|sql| any(sql, values![now.0])).into();
        self.write(release).await.map(drop)
    }
}
