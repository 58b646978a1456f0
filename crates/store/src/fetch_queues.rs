//! Queues: due reports of one app and one host, so that whoever takes work sees at once for whom something waits, and a
//! host that is slow holds up nobody else's reports.
//!
//! A row says its queue once a worker has opened its address, which is sealed; until then it waits in queue 0. Claims go
//! queue by queue_id: first what has a link that ends soon, then what is due longest. What does not fit the quotas of its
//! tenant and its app ([`crate::storage_use`]) is passed over, and taken when it fits.

use aws_lc_rs::digest;
use const_format::formatcp;
use domain::{AppId, Id, TenantId, UnixMs, link_ends_at};
use url::Url;

use crate::Store;
use crate::content::{self, ReportSource};
use crate::fault::{Fault, FaultKind};
use crate::reports::{self, ClaimedReport};
use crate::states::{REPORT_FETCHING, REPORT_PENDING};
use crate::value::{Row, Written, any, one, values};

/// Reports placed by one step.
const PLACED_AT_ONCE: i64 = 100;
/// A link that ends within this time is taken before what is due longer.
const SOON_MS: i64 = 3_600_000;
/// Reports for which one statement notes why they wait.
const NOTED_AT_ONCE: i64 = 1_000;

/// A queue in which something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchQueue {
    /// Its number.
    pub queue_id: i64,
    /// Whose reports they are.
    pub app_id: AppId,
    /// Since when the first of them is due.
    pub due_at: UnixMs,
    /// When the first of the links ends that say so and have not ended.
    pub link_ends_at: Option<UnixMs>,
}

/// What of a queue is asked for.
#[derive(Debug, Clone, Copy)]
pub struct QueueClaim {
    /// The queue.
    pub queue_id: i64,
    /// Most reports.
    pub limit: u32,
    /// Only what needs no more bytes than this, as far as that is known.
    pub room_bytes: i64,
}

const LIST_UNPLACED: &str = "SELECT tenant_id, report_id, order_id, sealed FROM reports \
    WHERE queue_id = 0 AND due_at <= $1 ORDER BY due_at LIMIT $2";
const PLACE: &str = "UPDATE reports SET queue_id = $3, app_id = $4, link_ends_at = $5 \
    WHERE tenant_id = $1 AND report_id = $2 AND queue_id = 0";
const SET_ASIDE: &str = "UPDATE reports SET due_at = $3 \
    WHERE tenant_id = $1 AND report_id = $2 AND queue_id = 0 AND due_at < $3";
/// From one queue to the next by the index, whatever waits in each.
const LIST_QUEUES: &str = "WITH RECURSIVE queue (queue_id) AS (\
    SELECT min(f.queue_id) FROM reports f WHERE f.due_at IS NOT NULL \
    UNION ALL SELECT (SELECT min(n.queue_id) FROM reports n \
      WHERE n.due_at IS NOT NULL AND n.queue_id > queue.queue_id) FROM queue WHERE queue.queue_id IS NOT NULL) \
    SELECT queue_id, \
      (SELECT r.app_id FROM reports r WHERE r.queue_id = queue.queue_id AND r.due_at <= $1 \
        ORDER BY r.due_at LIMIT 1), \
      (SELECT min(d.due_at) FROM reports d WHERE d.queue_id = queue.queue_id AND d.due_at <= $1), \
      (SELECT e.link_ends_at FROM reports e WHERE e.queue_id = queue.queue_id AND e.link_ends_at > $1 \
        AND e.due_at <= $1 ORDER BY e.link_ends_at LIMIT 1) \
    FROM queue WHERE queue_id <> 0 AND EXISTS (SELECT 1 FROM reports x \
      WHERE x.queue_id = queue.queue_id AND x.due_at <= $1)";

/// A claim of a queue_id: which rows, in which order.
macro_rules! claim {
    ($which:literal) => {
        formatcp!(
            "WITH due (tenant, number) AS MATERIALIZED (\
            SELECT r.tenant_id, r.report_id FROM reports r WHERE r.queue_id = $4 AND r.due_at <= $1 \
              AND r.needed_bytes <= $7 \
              AND NOT EXISTS (SELECT 1 FROM storage_use t WHERE t.tenant_id = r.tenant_id \
                AND t.app_id = 0 AND t.used_bytes + r.needed_bytes > coalesce(t.quota_bytes, $5)) \
              AND NOT EXISTS (SELECT 1 FROM storage_use a WHERE a.tenant_id = 0 \
                AND a.app_id = r.app_id AND a.used_bytes + r.needed_bytes > coalesce(a.quota_bytes, $6)) {which} LIMIT $3 /* skip locked */) \
            UPDATE reports SET due_at = $2, attempts = attempts + 1, state = {REPORT_FETCHING} FROM due \
              WHERE tenant_id = due.tenant AND report_id = due.number \
            RETURNING tenant_id, report_id, order_id, attempts, sealed, app_id, queue_id, link_ends_at, \
              is_accepted",
            which = $which
        )
    };
}

const CLAIM_ENDING: &str = claim!(
    "AND r.due_at IS NOT NULL AND r.link_ends_at > $1 AND r.link_ends_at < $8 ORDER BY r.link_ends_at"
);
const CLAIM: &str = claim!("ORDER BY r.due_at");
const TELL: &str = formatcp!(
    "WITH due (tenant, number) AS MATERIALIZED (\
    SELECT r.tenant_id, r.report_id FROM reports r WHERE r.queue_id = $1 AND r.due_at <= $2 AND r.state = {REPORT_PENDING} \
      AND (r.failure IS NULL OR r.failure <> $3) LIMIT $4 /* skip locked */) \
    UPDATE reports SET failure = $3 FROM due WHERE tenant_id = due.tenant AND report_id = due.number"
);
/// A try that came to nothing for want of room counts as none.
const PUT_BACK: &str = "UPDATE reports SET state = $4, due_at = $5, failure = coalesce($6, failure), \
    needed_bytes = $7, attempts = attempts - 1 WHERE tenant_id = $1 AND report_id = $2 AND due_at = $3";

/// The statements of this file, for the test that prepares all of them.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[LIST_UNPLACED, PLACE, SET_ASIDE, LIST_QUEUES, CLAIM_ENDING, CLAIM, TELL, PUT_BACK];

impl Store {
    /// Gives due reports that have no queue yet the one that they belong to; how many. A row that is damaged is logged
    /// and set aside until `lease_until`.
    pub async fn place_reports(&self, now: UnixMs, lease_until: UnixMs) -> Result<usize, Fault> {
        let rows = self.read(LIST_UNPLACED, values![now.0, PLACED_AT_ONCE]).await?;
        let mut statements = Vec::with_capacity(rows.len());
        for row in &rows {
            let (tenant_id, report_id) = (row.int(0)?, row.int(1)?);
            match self.opened_source(row).await {
                Ok((app_id, source)) => {
                    let (queue_id, ends_at) =
                        (queue_id(app_id, &source.url), link_ends_at(&source.url));
                    let ends_at = ends_at.map(|ends_at| ends_at.0);
                    let values = values![tenant_id, report_id, queue_id, app_id.0, ends_at];
                    statements.push(any(PLACE, values));
                }
                Err(fault) if fault.kind() == FaultKind::Damaged => {
                    tracing::error!(%fault, "a report cannot be read and is tried later");
                    statements.push(any(SET_ASIDE, values![tenant_id, report_id, lease_until.0]));
                }
                Err(fault) => return Err(fault),
            }
        }
        if !statements.is_empty() {
            self.write(statements).await?;
        }
        Ok(rows.len())
    }

    async fn opened_source(&self, row: &Row) -> Result<(AppId, ReportSource), Fault> {
        let (tenant_id, report_id) = (TenantId(row.int(0)?), Id(row.int(1)?));
        let gone = || Fault::new(FaultKind::Damaged, "a report has no order");
        let tenant = self.find_tenant(tenant_id).await?.ok_or_else(gone)?;
        let found = self.find_order_row(&tenant, Id(row.int(2)?)).await?;
        let (order, data_key) = found.ok_or_else(gone)?;
        let text = data_key.open(reports::context(tenant_id, report_id), row.bytes(3)?)?;
        Ok((order.app_id, content::from_text(&text)?))
    }

    /// The queues in which something is due, those first that have a link which ends soon.
    pub async fn list_fetch_queues(&self, now: UnixMs) -> Result<Vec<FetchQueue>, Fault> {
        let rows = self.read(LIST_QUEUES, values![now.0]).await?;
        let queue = |row: &Row| {
            Ok(FetchQueue {
                queue_id: row.int(0)?,
                app_id: AppId(row.find_int(1)?.unwrap_or_default()),
                due_at: UnixMs(row.find_int(2)?.unwrap_or_default()),
                link_ends_at: row.find_int(3)?.map(UnixMs),
            })
        };
        let mut queues = rows.iter().map(queue).collect::<Result<Vec<_>, Fault>>()?;
        let soon = now.plus_ms(SOON_MS);
        queues.sort_by_key(|queue| {
            let ends_soon = queue.link_ends_at.filter(|ends_at| *ends_at < soon);
            (ends_soon.unwrap_or(UnixMs(i64::MAX)), queue.due_at)
        });
        Ok(queues)
    }

    /// Claims due reports of a queue until `lease_until`: first what has a link that ends soon, then what is due longest.
    /// A row that is damaged is logged and left until its lease ends.
    pub async fn claim_lane(
        &self,
        claim: QueueClaim,
        now: UnixMs,
        lease_until: UnixMs,
    ) -> Result<Vec<ClaimedReport>, Fault> {
        let mut claimed = Vec::new();
        let soon = now.plus_ms(SOON_MS);
        let quotas = self.quotas();
        for sql in [CLAIM_ENDING, CLAIM] {
            let taken = u32::try_from(claimed.len()).unwrap_or(u32::MAX);
            let left = claim.limit.saturating_sub(taken);
            if left == 0 {
                break;
            }
            let mut values = values![
                now.0,
                lease_until.0,
                i64::from(left),
                claim.queue_id,
                quotas.tenant_bytes,
                quotas.app_bytes,
                claim.room_bytes,
            ];
            if sql == CLAIM_ENDING {
                values.push(soon.0.into());
            }
            let Written::Done(rows) = self.write(vec![any(sql, values)]).await? else { continue };
            for row in &rows {
                match self.claimed_report(row, lease_until).await {
                    Ok(report) => claimed.push(report),
                    Err(fault) if fault.kind() == FaultKind::Damaged => {
                        tracing::error!(%fault, "a report cannot be read and is tried later");
                    }
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(claimed)
    }

    /// Claims at most `limit` due reports of all tenants until `lease_until`, without regard to who else waits.
    pub async fn claim_reports(
        &self,
        now: UnixMs,
        lease_until: UnixMs,
        limit: u32,
    ) -> Result<Vec<ClaimedReport>, Fault> {
        while self.place_reports(now, lease_until).await? > 0 {}
        let mut claimed = Vec::new();
        for queue in self.list_fetch_queues(now).await? {
            let left = limit.saturating_sub(u32::try_from(claimed.len()).unwrap_or(u32::MAX));
            let claim = QueueClaim { queue_id: queue.queue_id, limit: left, room_bytes: i64::MAX };
            claimed.extend(self.claim_lane(claim, now, lease_until).await?);
        }
        Ok(claimed)
    }

    /// Says due reports of a queue, at most 1,000, why they wait.
    pub async fn tell_waiting(
        &self,
        queue_id: i64,
        now: UnixMs,
        reason: &str,
    ) -> Result<(), Fault> {
        self.write(vec![any(TELL, values![queue_id, now.0, reason, NOTED_AT_ONCE])]).await.map(drop)
    }

    /// Gives a claimed report back as if it had not been tried, due at `due_at`, with the reason for people if there is
    /// one, and what its content needs at least. False, and nothing changes, when the lease was lost.
    pub async fn put_back_report(
        &self,
        claimed: &ClaimedReport,
        reason: Option<&str>,
        needed_bytes: i64,
        due_at: UnixMs,
    ) -> Result<bool, Fault> {
        let values = values![
            claimed.tenant_id.0,
            claimed.report_id.0,
            claimed.lease_until.0,
            REPORT_PENDING,
            due_at.0,
            reason,
            needed_bytes,
        ];
        Ok(matches!(self.write(vec![one(PUT_BACK, values)]).await?, Written::Done(_)))
    }
}

/// The number of the queue for an app's reports at the host of `url`, never 0.
fn queue_id(app_id: AppId, url: &str) -> i64 {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().trim_end_matches('.');
    let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
    let text = format!("{} {port} {host}", app_id.0);
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let first = hash.as_ref()[..8].try_into().expect("SHA-256 gives 32 bytes");
    (i64::from_be_bytes(first) & i64::MAX) | 1
}
