//! The blind index by which orders are found: keyed digests of their terms, never a name.
//!
//! An order's terms (`domain::search`) are written with it by the desk, and deleted with its key by an erasure. What is in the
//! index is 64 bits of a HMAC under the tenant's key: who has the database alone learns how many orders share a term, and no
//! more. Two terms have the same digest once in 2^64; an order that is found is opened all the same, and compared.
//! Orders of before the index get their terms by a job, stretch by stretch. Source: decision 086.

use const_format::formatcp;
use domain::search::{self, Searched};
use domain::{Id, TenantId, UnixMs};

use crate::Store;
use crate::candidates::candidate;
use crate::content::{self, Form};
use crate::fault::{Fault, FaultKind};
use crate::orders::entry_context;
use crate::retention::take_mark;
use crate::rows::{ORDER_COLUMNS, OrderRow};
use crate::tenants::Tenant;
use crate::value::{Row, Statement, any, values};

/// Orders of one step of a back-fill.
const BACKFILL_STEP: i64 = 100;
/// Terms that one statement writes or deletes.
const TERMS_AT_ONCE: usize = 8;
/// How long orders may come that have no terms: programs of the version before may run beside this one.
const BACKFILL_MS: i64 = 24 * 3_600_000;

/// An order that was erased meanwhile gets none: erasures of the tenant wait for the mark that is taken before.
const INSERT_OLD: &str = "INSERT INTO order_terms (tenant_id, term, order_id) \
    SELECT o.tenant_id, v.column1, o.order_id FROM orders o, (VALUES (CAST($3 AS BIGINT)), ($4), ($5), ($6), ($7), ($8), ($9), ($10)) AS v \
    WHERE o.tenant_id = $1 AND o.order_id = $2 AND length(o.wrapped_key) > 0 \
    ON CONFLICT (tenant_id, term, order_id) DO NOTHING";
const DELETE: &str = "DELETE FROM order_terms WHERE tenant_id = $1 AND order_id = $2 \
    AND term IN ($3, $4, $5, $6, $7, $8, $9, $10)";
const LIST_BACKFILLS: &str = "SELECT tenant_id, order_id, ends_at FROM term_backfills WHERE tenant_id > $1 \
    ORDER BY tenant_id LIMIT $2";
const LIST_OLD: &str = formatcp!(
    "SELECT {ORDER_COLUMNS}, e.sealed FROM orders o \
    JOIN timeline_entries e ON e.tenant_id = o.tenant_id AND e.entry_id = o.order_id \
    WHERE o.tenant_id = $1 AND o.order_id > $2 ORDER BY o.order_id LIMIT $3"
);
const MOVE_BACKFILL: &str = "UPDATE term_backfills SET order_id = $2, ends_at = coalesce(ends_at, $3) \
    WHERE tenant_id = $1 AND order_id <= $2";
const END_BACKFILL: &str = "DELETE FROM term_backfills WHERE tenant_id = $1 AND order_id = $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[INSERT_OLD, DELETE, LIST_BACKFILLS, LIST_OLD, MOVE_BACKFILL, END_BACKFILL];

/// How far a tenant's orders of before have their terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backfill {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The last order that has them.
    order_id: Id,
    /// When no further order can come without.
    ends_at: Option<UnixMs>,
}

/// How a step of a back-fill went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackfillStep {
    /// There is more to do at once.
    GoesOn(Backfill),
    /// All orders so far have their terms.
    Waits,
    /// No order can come any more that has none.
    Ended,
}

/// The digest by which orders with this term are found.
pub(crate) fn digest(tenant: &Tenant, term: &str) -> i64 {
    let digest = tenant.digester.digest("term", term.as_bytes());
    i64::from_be_bytes(digest[..8].try_into().expect("a digest has 16 bytes"))
}

/// The digests of an order's terms.
pub(crate) fn of_form(tenant: &Tenant, form: &Form) -> Vec<i64> {
    let mut terms: Vec<_> =
        search::terms(&searched(form)).iter().map(|term| digest(tenant, term)).collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The digests of the terms of a form as it stands; none of what is no form.
pub(crate) fn of_text(tenant: &Tenant, text: &[u8]) -> Vec<i64> {
    let form: Result<Form, Fault> = content::from_text(text);
    form.map(|form| of_form(tenant, &form)).unwrap_or_default()
}

/// What an order is found by.
pub(crate) fn searched(form: &Form) -> Searched<'_> {
    Searched { candidate: candidate(&form.candidate), application_id: &form.application_id }
}

/// The form that stands in a row behind the order's own columns.
pub(crate) fn open_form(tenant: &Tenant, order: &OrderRow, row: &Row) -> Result<Form, Fault> {
    let context = OrderRow::key_context(tenant.tenant_id, order.order_id);
    let data_key = tenant.key.open_key(context, &order.wrapped_key)?;
    let context = entry_context(tenant.tenant_id, order.order_id);
    content::from_text(&data_key.open(context, row.bytes(OrderRow::COLUMNS)?)?)
}

/// Deletes an order's terms.
pub(crate) fn delete(tenant: &Tenant, order_id: Id, form: &Form) -> Vec<Statement> {
    statements(DELETE, tenant, order_id, form)
}

/// Each group of an order's terms, the last one filled up by its last term.
fn statements(sql: &'static str, tenant: &Tenant, order_id: Id, form: &Form) -> Vec<Statement> {
    let terms = of_form(tenant, form);
    let statement = |terms: &[i64]| {
        let last = terms.last().copied().into_iter().cycle();
        let mut values = values![tenant.tenant_id.0, order_id.0];
        values.extend(terms.iter().copied().chain(last).take(TERMS_AT_ONCE).map(Into::into));
        any(sql, values)
    };
    terms.chunks(TERMS_AT_ONCE).map(statement).collect()
}

impl Store {
    /// At most `limit` back-fills that have not ended, of tenants after the given one.
    pub async fn list_backfills(
        &self,
        after: TenantId,
        limit: u32,
    ) -> Result<Vec<Backfill>, Fault> {
        let rows = self.read(LIST_BACKFILLS, values![after.0, i64::from(limit)]).await?;
        let backfill = |row: &Row| {
            Ok(Backfill {
                tenant_id: TenantId(row.int(0)?),
                order_id: Id(row.int(1)?),
                ends_at: row.find_int(2)?.map(UnixMs),
            })
        };
        rows.iter().map(backfill).collect()
    }

    /// Gives the next orders of a tenant their terms. May be broken off at any moment, and run twice at once.
    pub async fn step_backfill(
        &self,
        tenant: &Tenant,
        backfill: Backfill,
        now: UnixMs,
    ) -> Result<BackfillStep, Fault> {
        let (tenant_id, after) = (tenant.tenant_id.0, backfill.order_id.0);
        let rows = self.read(LIST_OLD, values![tenant_id, after, BACKFILL_STEP]).await?;
        let mut statements = vec![take_mark(tenant.tenant_id)];
        let mut last = backfill.order_id;
        for row in &rows {
            let order = OrderRow::read(row)?;
            last = order.order_id;
            if order.is_erased() {
                continue;
            }
            match open_form(tenant, &order, row) {
                Ok(form) => statements.extend(self::statements(INSERT_OLD, tenant, last, &form)),
                // Erased between the two reads, or damaged: it keeps no other from its terms.
                Err(fault) if fault.kind() == FaultKind::Damaged => {
                    tracing::warn!(order_id = %last, %fault, "an order cannot be searched for");
                }
                Err(fault) => return Err(fault),
            }
        }
        let is_end = rows.len() < BACKFILL_STEP as usize;
        if is_end && backfill.ends_at.is_some_and(|end| end <= now) {
            statements.push(any(END_BACKFILL, values![tenant_id, after]));
            self.write(statements).await?;
            return Ok(BackfillStep::Ended);
        }
        let ends_at = backfill.ends_at.unwrap_or(now.plus_ms(BACKFILL_MS));
        if last != backfill.order_id || backfill.ends_at.is_none() {
            statements.push(any(MOVE_BACKFILL, values![tenant_id, last.0, ends_at.0]));
            self.write(statements).await?;
        }
        let next = Backfill { order_id: last, ends_at: Some(ends_at), ..backfill };
        Ok(if is_end { BackfillStep::Waits } else { BackfillStep::GoesOn(next) })
    }
}
