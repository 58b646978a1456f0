//! The orders whose review is not over (`open_reviews`): which wait for a decision, since when, and which wait too long.
//!
//! The desk writes a row when a result comes that waits for a decision, and deletes it when the last word is said. A list
//! compares it with the order itself: a program of the version before, running beside this one, leaves rows behind, and
//! lacks some, which the job adds.

use const_format::formatcp;
use domain::{Id, TenantId, UnixMs};

use crate::Store;
use crate::fault::Fault;
use crate::orders::{OrderSummary, summary};
use crate::rows::{ORDER_COLUMNS, OrderRow};
use crate::states::{IN_REVIEW, REJECTED, RESULT_AWAITS_REVIEW, REVIEW_WITHDRAWN};
use crate::tenants::Tenant;
use crate::value::{Row, Statement, any, values};

/// Orders that one statement names.
const KEYS_AT_ONCE: usize = 8;

/// An order that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingReview {
    /// The order.
    pub summary: OrderSummary,
    /// The entry of the newest result.
    pub result_id: Id,
    /// How many results the order has: the newest one's number.
    pub result_number: i64,
    /// When the newest result came.
    pub returned_at: UnixMs,
    /// Since when it is noted that nobody decided in time.
    pub overdue_at: Option<UnixMs>,
}

/// Of an order in review: since when it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The order.
    pub order_id: Id,
    /// When the newest result came.
    pub returned_at: UnixMs,
    /// Since when it is noted that nobody decided in time.
    pub overdue_at: Option<UnixMs>,
}

/// Which reviews are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewFilter {
    /// Not of orders that this one placed.
    pub not_placed_by: Option<Id>,
    /// Only of results that came until then, and of which that is not noted.
    pub overdue_since: Option<UnixMs>,
}

const LIST: &str = formatcp!(
    "SELECT {ORDER_COLUMNS}, r.result_id, r.returned_at, r.overdue_at FROM open_reviews r \
    JOIN orders o ON o.tenant_id = r.tenant_id AND o.order_id = r.order_id AND o.state = r.state \
    WHERE r.tenant_id = $1 AND r.state = {IN_REVIEW} AND r.result_id > $2 AND +o.placed_by <> $3 \
    AND r.returned_at <= $4 AND (CAST($5 AS BIGINT) = 0 OR r.overdue_at IS NULL) ORDER BY r.result_id LIMIT $6"
);
const COUNT: &str = formatcp!(
    "SELECT count(*) FROM (SELECT 1 FROM open_reviews r \
    JOIN orders o ON o.tenant_id = r.tenant_id AND o.order_id = r.order_id AND o.state = r.state \
    WHERE r.tenant_id = $1 AND r.state = {IN_REVIEW} AND +o.placed_by <> $2 LIMIT $3) AS counted"
);
const LIST_OF: &str = formatcp!(
    "SELECT order_id, returned_at, overdue_at FROM open_reviews WHERE tenant_id = $1 AND +state = {IN_REVIEW} \
    AND order_id IN ($2, $3, $4, $5, $6, $7, $8, $9)"
);
const INSERT_MISSING: &str = formatcp!(
    "INSERT INTO open_reviews (tenant_id, order_id, state, result_id, returned_at) \
    SELECT o.tenant_id, o.order_id, o.state, e.entry_id, e.at FROM timeline_entries e \
    JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id \
    WHERE e.tenant_id = $1 AND e.entry_id > $2 AND e.entry_id <= $3 AND e.rule = {RESULT_AWAITS_REVIEW} \
    AND o.state IN ({IN_REVIEW}, {REVIEW_WITHDRAWN}, {REJECTED}) ORDER BY e.entry_id DESC \
    ON CONFLICT (tenant_id, order_id) DO NOTHING"
);

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[LIST, COUNT, LIST_OF, INSERT_MISSING];

/// Adds what a program of the version before did not write for the results within these entries.
pub(crate) fn insert_missing(tenant_id: TenantId, after: Id, until: Id) -> Statement {
    any(INSERT_MISSING, values![tenant_id.0, after.0, until.0])
}

impl Store {
    /// At most `limit` of the tenant's orders in review whose newest result came after the given entry, the oldest first.
    pub async fn list_waiting_reviews(
        &self,
        tenant: &Tenant,
        filter: ReviewFilter,
        after: Id,
        limit: u32,
    ) -> Result<Vec<WaitingReview>, Fault> {
        let values = values![
            tenant.tenant_id.0,
            after.0,
            filter.not_placed_by.map_or(0, |placer| placer.0),
            filter.overdue_since.map_or(i64::MAX, |since| since.0),
            filter.overdue_since.is_some(),
            i64::from(limit),
        ];
        let rows = self.read(LIST, values).await?;
        let review = |row: &Row| {
            let order = OrderRow::read(row)?;
            Ok(WaitingReview {
                summary: summary(&order),
                result_id: Id(row.int(OrderRow::COLUMNS)?),
                result_number: order.result_count,
                returned_at: UnixMs(row.int(OrderRow::COLUMNS + 1)?),
                overdue_at: row.find_int(OrderRow::COLUMNS + 2)?.map(UnixMs),
            })
        };
        rows.iter().map(review).collect()
    }

    /// How many of the tenant's orders are in review, counted up to `max`.
    pub async fn count_waiting_reviews(
        &self,
        tenant: &Tenant,
        not_placed_by: Option<Id>,
        max: u32,
    ) -> Result<u32, Fault> {
        let placer = not_placed_by.map_or(0, |placer| placer.0);
        let rows = self.read(COUNT, values![tenant.tenant_id.0, placer, i64::from(max)]).await?;
        let count = rows.first().map_or(Ok(0), |row| row.int(0))?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Since when those of these orders that are in review wait.
    pub async fn list_waiting(
        &self,
        tenant_id: TenantId,
        order_ids: &[Id],
    ) -> Result<Vec<Waiting>, Fault> {
        let mut waiting = Vec::new();
        for ids in order_ids.chunks(KEYS_AT_ONCE) {
            let mut values = values![tenant_id.0];
            let last = ids.last().into_iter().cycle();
            values.extend(ids.iter().chain(last).take(KEYS_AT_ONCE).map(|id| id.0.into()));
            for row in self.read(LIST_OF, values).await? {
                let (order_id, returned_at) = (Id(row.int(0)?), UnixMs(row.int(1)?));
                let overdue_at = row.find_int(2)?.map(UnixMs);
                waiting.push(Waiting { order_id, returned_at, overdue_at });
            }
        }
        Ok(waiting)
    }
}
