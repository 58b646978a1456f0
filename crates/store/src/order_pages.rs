//! Pages of a tenant's orders: by state, vendor, placer, application, and by when they were placed or changed last.
//!
//! Paging neither skips nor repeats while orders change, because a page continues after a key that never changes:
//! an order's id, or the id of the entry with which an order first changed within the time range. Applications are
//! found by a blind index (`order_applications`), placed orders by id, changed ones by the first entry within the
//! range. A page reads at most [`LOOKED_THROUGH_MAX`] rows, so that it can be short although there is a next one.

use const_format::formatcp;
use domain::order::State;
use domain::{AppId, Id, UnixMs};

use crate::Store;
use crate::fault::Fault;
use crate::orders::{OrderSummary, summary};
use crate::rows::{ORDER_COLUMNS, OrderRow};
use crate::tenants::Tenant;
use crate::value::{Row, Value, values};

/// Rows that one page looks through at most, about.
pub const LOOKED_THROUGH_MAX: usize = 20_000;
/// Rows that one statement looks through.
const STRETCH: i64 = 5_000;
/// How far the clock of an id may be ahead of the instant that its row names.
const SKEW_MS: i64 = 86_400_000;

/// Which orders are asked for; what is not named fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// In this state.
    pub state: Option<State>,
    /// Placed with this vendor.
    pub vendor: Option<AppId>,
    /// Placed by this member.
    pub placed_by: Option<Id>,
    /// Of this application in the hirer's system.
    pub application_id: Option<String>,
    /// Placed within, both ends included.
    pub placed: UnixMsRange,
    /// Changed last within, both ends included.
    pub updated: UnixMsRange,
}

/// A stretch of time, both ends within it; open where nothing stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnixMsRange {
    /// Its first instant.
    pub start: Option<UnixMs>,
    /// Its last instant.
    pub end: Option<UnixMs>,
}

/// Where a page begins: after this key of this walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Among orders, by their ids.
    Order(Id),
    /// Among orders that are older than the stretch within which they changed, by their first entry within.
    Entry(Id),
}

/// The beginning of every list.
pub const BEGINNING: After = After::Order(Id(i64::MAX));

/// A page of orders, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPage {
    /// The orders.
    pub orders: Vec<OrderSummary>,
    /// Where the next page begins; none after the last one.
    pub next: Option<After>,
}

const LIST: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM orders o WHERE o.tenant_id = $1 AND o.order_id >= $2 AND o.order_id < $3 \
    AND o.state BETWEEN $4 AND $5 AND o.app_id BETWEEN $6 AND $7 AND o.placed_by BETWEEN $8 AND $9 \
    AND o.updated_at BETWEEN $10 AND $11 ORDER BY o.order_id DESC LIMIT $12"
);
/// How far down a stretch of orders reaches.
const REACH: &str = "SELECT order_id FROM orders WHERE tenant_id = $1 AND order_id >= $2 \
    AND order_id < $3 ORDER BY order_id DESC LIMIT 1 OFFSET $4";
const LIST_OF_APPLICATION: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM order_applications a \
    JOIN orders o ON o.tenant_id = a.tenant_id AND o.order_id = a.order_id \
    WHERE a.tenant_id = $1 AND a.order_id >= $2 AND a.order_id < $3 AND a.application = $13 \
    AND o.state BETWEEN $4 AND $5 AND o.app_id BETWEEN $6 AND $7 AND o.placed_by BETWEEN $8 AND $9 \
    AND o.updated_at BETWEEN $10 AND $11 ORDER BY a.order_id DESC LIMIT $12"
);
/// Of orders older than $15 the one entry each that is the first since: its place in the chain says so.
const LIST_CHANGED: &str = formatcp!(
    "SELECT {ORDER_COLUMNS}, e.entry_id FROM timeline_entries e \
    JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id \
    WHERE e.tenant_id = $1 AND e.entry_id >= $2 AND e.entry_id < $3 AND e.entry_before < $15 \
    AND o.state BETWEEN $4 AND $5 AND o.app_id BETWEEN $6 AND $7 AND o.placed_by BETWEEN $8 AND $9 \
    AND o.updated_at BETWEEN $10 AND $11 AND e.order_id >= $13 AND e.order_id < $14 \
    ORDER BY e.entry_id DESC LIMIT $12"
);
/// How far down a stretch of entries reaches.
const REACH_OF_ENTRIES: &str = "SELECT entry_id FROM timeline_entries WHERE tenant_id = $1 \
    AND entry_id >= $2 AND entry_id < $3 ORDER BY entry_id DESC LIMIT 1 OFFSET $4";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[LIST, REACH, LIST_OF_APPLICATION, LIST_CHANGED, REACH_OF_ENTRIES];

#[derive(Debug, Clone, Copy)]
struct Range {
    first: Id,
    end: Id,
}

impl Store {
    /// At most `limit` of the tenant's orders that fit `filter`, newest first, after the key of the page before.
    pub async fn list_orders(
        &self,
        tenant: &Tenant,
        filter: &OrderFilter,
        after: After,
        limit: u32,
    ) -> Result<OrderPage, Fault> {
        let placed = Range {
            first: filter.placed.start.map_or(Id(0), Id::first_of),
            end: filter.placed.end.map_or(Id(i64::MAX), |end| first_after(end, 1)),
        };
        let mut page =
            Page { orders: Vec::new(), limit: limit as usize, budget: LOOKED_THROUGH_MAX };
        if let Some(application_id) = &filter.application_id {
            let next =
                self.list_of_application(tenant, filter, placed, after, application_id, &mut page);
            return Ok(OrderPage { next: next.await?, orders: page.orders });
        }
        let since = filter.updated.start.map_or(Id(0), Id::first_of);
        // Nothing can have been placed, nor begun to change, after its last change.
        let until = filter.updated.end.map_or(Id(i64::MAX), |end| first_after(end, SKEW_MS));
        if let After::Order(before) = after {
            let range =
                Range { first: placed.first.max(since), end: placed.end.min(until).min(before) };
            if let Some(next) = self.list_placed(tenant, filter, range, &mut page).await? {
                return Ok(OrderPage { next: Some(After::Order(next)), orders: page.orders });
            }
        }
        let mut next = None;
        if since > placed.first {
            let before = match after {
                After::Entry(before) => before,
                After::Order(_) => Id(i64::MAX),
            };
            let range = Range { first: since, end: until.min(before) };
            let older = Range { first: placed.first, end: placed.end.min(since) };
            next = self.list_changed(tenant, filter, range, older, &mut page).await?;
        }
        Ok(OrderPage { next: next.map(After::Entry), orders: page.orders })
    }

    /// The orders among `ids` that fit what `filter` says of vendors, newest first; each once.
    pub async fn find_orders(
        &self,
        tenant: &Tenant,
        vendor: Option<AppId>,
        ids: &[Id],
    ) -> Result<Vec<OrderSummary>, Fault> {
        let mut ids = ids.to_vec();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids.dedup();
        let mut orders = Vec::with_capacity(ids.len());
        for order_id in ids {
            let Some((row, _)) = self.find_order_row(tenant, order_id).await? else { continue };
            if vendor.is_none_or(|vendor| vendor == row.app_id) {
                orders.push(summary(&row));
            }
        }
        Ok(orders)
    }

    async fn list_placed(
        &self,
        tenant: &Tenant,
        filter: &OrderFilter,
        range: Range,
        page: &mut Page,
    ) -> Result<Option<Id>, Fault> {
        let mut end = range.end;
        while range.first < end {
            let first = match filter.fits_few() {
                true => self.reach(REACH, tenant, Range { end, ..range }).await?,
                false => None,
            };
            let looked_at = Range { first: first.unwrap_or(range.first), end };
            let rows = self.read(LIST, filter.values(tenant, looked_at, page.asked())).await?;
            if let Some(next) = page.take(&rows, end, |_, order| Ok(order.order_id))? {
                return Ok(Some(next));
            }
            let Some(first) = first else { return Ok(None) };
            if page.is_spent() {
                return Ok(Some(first));
            }
            end = first;
        }
        Ok(None)
    }

    /// Orders placed within `older`, by the entry with which they first changed since `range` begins; gives the
    /// entry after which the next page begins.
    async fn list_changed(
        &self,
        tenant: &Tenant,
        filter: &OrderFilter,
        range: Range,
        older: Range,
        page: &mut Page,
    ) -> Result<Option<Id>, Fault> {
        let mut end = range.end;
        while range.first < end {
            let first = self.reach(REACH_OF_ENTRIES, tenant, Range { end, ..range }).await?;
            let looked_at = Range { first: first.unwrap_or(range.first), end };
            let mut values = filter.values(tenant, looked_at, page.asked());
            values.extend(values![older.first.0, older.end.0, range.first.0]);
            let rows = self.read(LIST_CHANGED, values).await?;
            if let Some(next) =
                page.take(&rows, end, |row, _| Ok(Id(row.int(OrderRow::COLUMNS)?)))?
            {
                return Ok(Some(next));
            }
            let Some(first) = first else { return Ok(None) };
            if page.is_spent() {
                return Ok(Some(first));
            }
            end = first;
        }
        Ok(None)
    }

    async fn list_of_application(
        &self,
        tenant: &Tenant,
        filter: &OrderFilter,
        range: Range,
        after: After,
        application_id: &str,
        page: &mut Page,
    ) -> Result<Option<After>, Fault> {
        // An application's orders are few, so they are all in one walk.
        let After::Order(before) = after else { return Ok(None) };
        let range = Range { end: range.end.min(before), ..range };
        let mut values = filter.values(tenant, range, page.asked());
        values.push(application(tenant, application_id).as_slice().into());
        let rows = self.read(LIST_OF_APPLICATION, values).await?;
        let next = page.take(&rows, range.end, |_, order| Ok(order.order_id))?;
        Ok(next.map(After::Order))
    }

    /// Where [`STRETCH`] rows below the range's end begin; none when there are fewer.
    async fn reach(
        &self,
        sql: &'static str,
        tenant: &Tenant,
        range: Range,
    ) -> Result<Option<Id>, Fault> {
        let values = values![tenant.tenant_id.0, range.first.0, range.end.0, STRETCH - 1];
        let rows = self.read(sql, values).await?;
        rows.first().map(|row| row.int(0).map(Id)).transpose()
    }
}

/// The lowest id that can be made `ms` after `at`.
fn first_after(at: UnixMs, ms: i64) -> Id {
    Id::first_of(UnixMs(at.0.saturating_add(ms)))
}

/// The blind key under which an application's orders are found.
pub(crate) fn application(tenant: &Tenant, application_id: &str) -> domain::order::Digest {
    tenant.digester.digest("application", application_id.as_bytes())
}

impl OrderFilter {
    fn fits_few(&self) -> bool {
        let UnixMsRange { start, end } = self.updated;
        self.state.is_some()
            || self.vendor.is_some()
            || self.placed_by.is_some()
            || start.is_some()
            || end.is_some()
    }

    /// The first twelve parameters of each list.
    fn values(&self, tenant: &Tenant, range: Range, limit: i64) -> Vec<Value> {
        let one = |number: Option<i64>| match number {
            Some(number) => (number, number),
            None => (i64::MIN, i64::MAX),
        };
        let state = one(self.state.map(State::number));
        let vendor = one(self.vendor.map(|vendor| vendor.0));
        let placed_by = one(self.placed_by.map(|placed_by| placed_by.0));
        values![
            tenant.tenant_id.0,
            range.first.0,
            range.end.0,
            state.0,
            state.1,
            vendor.0,
            vendor.1,
            placed_by.0,
            placed_by.1,
            self.updated.start.map_or(i64::MIN, |start| start.0),
            self.updated.end.map_or(i64::MAX, |end| end.0),
            limit,
        ]
    }
}

struct Page {
    orders: Vec<OrderSummary>,
    limit: usize,
    budget: usize,
}

impl Page {
    /// One more than fits, to know whether there is a next page.
    fn asked(&self) -> i64 {
        i64::try_from(self.limit - self.orders.len() + 1).unwrap_or(i64::MAX)
    }

    /// Takes what fits; when there are more, gives the key of the last one, or `end` when none was taken.
    fn take(
        &mut self,
        rows: &[Row],
        end: Id,
        key: impl Fn(&Row, &OrderRow) -> Result<Id, Fault>,
    ) -> Result<Option<Id>, Fault> {
        let room = self.limit - self.orders.len();
        let mut last = end;
        for row in rows.iter().take(room) {
            let order = OrderRow::read(row)?;
            last = key(row, &order)?;
            self.orders.push(summary(&order));
        }
        self.budget = self.budget.saturating_sub(STRETCH as usize);
        Ok((rows.len() > room).then_some(last))
    }

    fn is_spent(&self) -> bool {
        self.budget == 0
    }
}
