//! Fetch queues: due reports of one app and one host, so that a slow host does not delay other reports.
//!
//! A report is in queue 0 until a worker has opened its sealed address. Within a queue, links that end soon come first.
//! What does not fit a quota ([`crate::storage_use`]) is skipped until it does.

use std::collections::HashMap;

use aws_lc_rs::digest;
use const_format::formatcp;
use domain::{AppId, Id, TenantId, UnixMs, link_ends_at};
use url::Url;

use crate::Store;
use crate::by_tenant::{KEYS, TenantKey, keys};
use crate::content::{self, ReportSource};
use crate::fault::{Fault, FaultKind};
use crate::reports::{self, ClaimedReport};
use crate::states::{REPORT_FETCHING, REPORT_PENDING};
use crate::storage_use::Holder;
use crate::value::{Row, Value, any, one, values};

/// Reports placed by one step.
const PLACED_AT_ONCE: i64 = 100;
/// A link that ends within this time is taken before what is due longer.
const SOON_MS: i64 = 3_600_000;
/// Reports for which one call notes why they wait.
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
/// The queues in which something waits, with what is due first.
const LIST_QUEUES: &str = "SELECT queue_id, app_id, due_at, \
      (SELECT max(queue_id) FROM reports WHERE due_at IS NOT NULL) \
    FROM reports WHERE due_at IS NOT NULL AND queue_id > $1 \
    ORDER BY queue_id, due_at LIMIT $2";
const FIND_LINK_END: &str = "SELECT link_ends_at FROM reports WHERE queue_id = $1 AND due_at IS NOT NULL \
    AND link_ends_at > $2 AND due_at <= $2 ORDER BY link_ends_at LIMIT 1";
const FIND_APP: &str =
    "SELECT app_id FROM reports WHERE queue_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT 1";

/// What of a queue is due and fits the quotas, all of one app: which rows, in which order.
macro_rules! due {
    ($which:literal) => {
        concat!(
            "SELECT r.tenant_id, r.report_id FROM reports r WHERE r.queue_id = $1 AND r.due_at <= $2 \
              AND r.needed_bytes <= $4 \
              AND NOT EXISTS (SELECT 1 FROM storage_use t WHERE t.tenant_id = r.tenant_id \
                AND t.app_id = 0 AND t.used_bytes + r.needed_bytes > coalesce(t.quota_bytes, $5)) ",
            $which,
            " LIMIT $3"
        )
    };
}

const LIST_ENDING: &str = due!(
    "AND r.due_at IS NOT NULL AND r.link_ends_at > $2 AND r.link_ends_at < $6 ORDER BY r.link_ends_at"
);
const LIST_DUE: &str = due!("ORDER BY r.due_at");
/// A report that another worker claimed meanwhile is due later.
const CLAIM: &str = formatcp!(
    "UPDATE reports SET due_at = $18, attempts = attempts + 1, state = {REPORT_FETCHING} \
    WHERE tenant_id = $1 AND report_id IN ({KEYS}) AND due_at <= $19 \
    RETURNING tenant_id, report_id, order_id, attempts, sealed, app_id, queue_id, link_ends_at, is_accepted"
);
const LIST_WITHOUT_REASON: &str = formatcp!(
    "SELECT tenant_id, report_id FROM reports WHERE queue_id = $1 AND due_at <= $2 AND state = {REPORT_PENDING} \
    AND (failure IS NULL OR failure <> $3) LIMIT $4"
);
const SET_REASON: &str = formatcp!(
    "UPDATE reports SET failure = $19 WHERE tenant_id = $1 AND report_id IN ({KEYS}) \
    AND due_at <= $18 AND state = {REPORT_PENDING}"
);
/// A try that came to nothing for want of room counts as none.
const PUT_BACK: &str = "UPDATE reports SET state = $4, due_at = $5, failure = coalesce($6, failure), \
    needed_bytes = $7, attempts = attempts - 1 WHERE tenant_id = $1 AND report_id = $2 AND due_at = $3";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    LIST_UNPLACED,
    PLACE,
    SET_ASIDE,
    LIST_QUEUES,
    FIND_LINK_END,
    FIND_APP,
    LIST_ENDING,
    LIST_DUE,
    CLAIM,
    LIST_WITHOUT_REASON,
    SET_REASON,
    PUT_BACK,
];

impl Store {
    /// Places due reports without a queue; how many. A damaged row is logged and set aside until `lease_until`.
    pub async fn place_reports(&self, now: UnixMs, lease_until: UnixMs) -> Result<usize, Fault> {
        let rows = self.read(LIST_UNPLACED, values![now.0, PLACED_AT_ONCE]).await?;
        let mut statements = Vec::with_capacity(rows.len());
        for row in &rows {
            let (tenant_id, report_id) = (TenantId(row.int(0)?), row.int(1)?);
            match self.opened_source(row).await {
                Ok((app_id, source)) => {
                    let (queue_id, ends_at) =
                        (queue_id(app_id, &source.url), link_ends_at(&source.url));
                    let ends_at = ends_at.map(|ends_at| ends_at.0);
                    let values = values![tenant_id.0, report_id, queue_id, app_id.0, ends_at];
                    statements.push((tenant_id, any(PLACE, values)));
                }
                Err(fault) if fault.kind() == FaultKind::Damaged => {
                    tracing::error!(%fault, "a report cannot be read and is tried later");
                    let values = values![tenant_id.0, report_id, lease_until.0];
                    statements.push((tenant_id, any(SET_ASIDE, values)));
                }
                Err(fault) => return Err(fault),
            }
        }
        self.write_by_tenant(statements).await?;
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
        let mut queues = Vec::new();
        // Queue 0 is no queue.
        for row in self.read_first_of_each(LIST_QUEUES, 0).await? {
            let (queue_id, due_at) = (row.int(0)?, UnixMs(row.int(2)?));
            if due_at > now {
                continue;
            }
            let link_ends = self.read(FIND_LINK_END, values![queue_id, now.0]).await?;
            let link_ends_at = link_ends.first().map(|row| row.int(0).map(UnixMs)).transpose()?;
            queues.push(FetchQueue { queue_id, app_id: AppId(row.int(1)?), due_at, link_ends_at });
        }
        let soon = now.plus_ms(SOON_MS);
        queues.sort_by_key(|queue| {
            let ends_soon = queue.link_ends_at.filter(|ends_at| *ends_at < soon);
            (ends_soon.unwrap_or(UnixMs(i64::MAX)), queue.due_at)
        });
        Ok(queues)
    }

    /// Claims due reports of a queue until `lease_until`. A damaged row is logged and left until its lease ends.
    pub async fn claim_lane(
        &self,
        claim: QueueClaim,
        now: UnixMs,
        lease_until: UnixMs,
    ) -> Result<Vec<ClaimedReport>, Fault> {
        let found = self.read(FIND_APP, values![claim.queue_id, now.0]).await?;
        let Some(row) = found.first() else { return Ok(Vec::new()) };
        let of_app = self.find_storage_use(Holder::App(AppId(row.int(0)?))).await?;
        let room_bytes = claim.room_bytes.min(of_app.quota_bytes.saturating_sub(of_app.used_bytes));
        let mut claimed = Vec::new();
        for sql in [LIST_ENDING, LIST_DUE] {
            let taken = u32::try_from(claimed.len()).unwrap_or(u32::MAX);
            let left = claim.limit.saturating_sub(taken);
            if left == 0 {
                break;
            }
            let left = i64::from(left);
            let tenant_bytes = self.quotas().tenant_bytes;
            let mut values = values![claim.queue_id, now.0, left, room_bytes, tenant_bytes];
            if sql == LIST_ENDING {
                values.push(now.plus_ms(SOON_MS).0.into());
            }
            for row in self.claim_listed(sql, values, now, lease_until).await? {
                match self.claimed_report(&row, lease_until).await {
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

    async fn claim_listed(
        &self,
        list: &'static str,
        values: Vec<Value>,
        now: UnixMs,
        lease_until: UnixMs,
    ) -> Result<Vec<Row>, Fault> {
        loop {
            let due = keys(&self.read(list, values.clone()).await?)?;
            let until = values![lease_until.0, now.0];
            let claims = self.write_keys(&due, None, CLAIM, &until).await?;
            // When others were quicker with all of them, something else may be due.
            if due.is_empty() || !claims.is_empty() {
                let mut mine: HashMap<TenantKey, Row> =
                    keys(&claims)?.into_iter().zip(claims).collect();
                return Ok(due.iter().filter_map(|key| mine.remove(key)).collect());
            }
        }
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
        let values = values![queue_id, now.0, reason, NOTED_AT_ONCE];
        let waiting = self.read(LIST_WITHOUT_REASON, values).await?;
        let values = values![now.0, reason];
        self.write_keys(&keys(&waiting)?, None, SET_REASON, &values).await.map(drop)
    }

    /// Puts a claimed report back untried, due at `due_at`, with the reason and the bytes that it needs. False when the
    /// lease was lost.
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
        Ok(self.write(vec![one(PUT_BACK, values)]).await?.is_done())
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
