//! Pages of a tenant's orders: by state, vendor, account, package, placer, application, by when they were placed or changed
//! last, and by what somebody typed (`order_search.rs`).
//!
//! Paging neither skips nor repeats while orders change, because a page continues after a key that never changes:
//! an order's id, or the id of the entry with which an order first changed within the time range. Applications are
//! found by a blind index (`order_applications`), placed orders by id, those of a placer or vendor by an index of columns
//! that never change, those with an open review by the table of these, changed ones by the first entry within the
//! range. A page reads at most [`LOOKED_THROUGH_MAX`] rows, so that it can be short although there is a next one.

use const_format::formatcp;
use domain::order::State;
use domain::search::Query;
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
pub(crate) const STRETCH: i64 = 5_000;
/// How far the clock of an id may be ahead of the instant that its row names.
const SKEW_MS: i64 = 86_400_000;

/// Which orders are asked for; what is not named fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// In one of these states; in any when there is none.
    pub states: Vec<State>,
    /// Placed with this vendor.
    pub vendor: Option<AppId>,
    /// Placed with this account.
    pub account: Option<Id>,
    /// Of this package.
    pub package: Option<String>,
    /// Placed by this member.
    pub placed_by: Option<Id>,
    /// Of this application in the hirer's system.
    pub application_id: Option<String>,
    /// Found by what somebody typed.
    pub query: Option<Query>,
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

/// What an order fits beside the way on which it is found. The signs keep SQLite from another way.
pub(crate) const FITS: &str = "o.state IN ($4, $5, $6, $7, $8, $9) AND +o.app_id BETWEEN $10 AND $11 \
    AND +o.placed_by BETWEEN $12 AND $13 AND o.updated_at BETWEEN $14 AND $15 AND o.account_id BETWEEN $16 AND $17 \
    AND ($18 = '' OR o.package_id = $18)";
const LIST: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM orders o WHERE o.tenant_id = $1 AND o.order_id >= $2 AND o.order_id < $3 \
    AND {FITS} ORDER BY o.order_id DESC LIMIT $19"
);
const LIST_OF_PLACER: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM orders o WHERE o.tenant_id = $1 AND o.order_id >= $2 AND o.order_id < $3 \
    AND {FITS} AND o.placed_by = $20 ORDER BY o.order_id DESC LIMIT $19"
);
const LIST_OF_VENDOR: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM orders o WHERE o.tenant_id = $1 AND o.order_id >= $2 AND o.order_id < $3 \
    AND {FITS} AND o.app_id = $20 ORDER BY o.order_id DESC LIMIT $19"
);
const LIST_OF_REVIEWS: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM open_reviews r \
    JOIN orders o ON o.tenant_id = r.tenant_id AND o.order_id = r.order_id AND o.state = r.state \
    WHERE r.tenant_id = $1 AND r.order_id >= $2 AND r.order_id < $3 AND {FITS} ORDER BY r.order_id DESC LIMIT $19"
);
/// How far down a stretch of orders reaches.
const REACH: &str = "SELECT order_id FROM orders WHERE tenant_id = $1 AND order_id >= $2 \
    AND order_id < $3 ORDER BY order_id DESC LIMIT 1 OFFSET $4";
const REACH_OF_PLACER: &str = "SELECT order_id FROM orders WHERE tenant_id = $1 AND order_id >= $2 \
    AND order_id < $3 AND placed_by = $5 ORDER BY order_id DESC LIMIT 1 OFFSET $4";
const REACH_OF_VENDOR: &str = "SELECT order_id FROM orders WHERE tenant_id = $1 AND order_id >= $2 \
    AND order_id < $3 AND app_id = $5 ORDER BY order_id DESC LIMIT 1 OFFSET $4";
const REACH_OF_REVIEWS: &str = "SELECT order_id FROM open_reviews WHERE tenant_id = $1 AND order_id >= $2 \
    AND order_id < $3 ORDER BY order_id DESC LIMIT 1 OFFSET $4";
const LIST_OF_APPLICATION: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM order_applications a \
    JOIN orders o ON o.tenant_id = a.tenant_id AND o.order_id = a.order_id \
    WHERE a.tenant_id = $1 AND a.order_id >= $2 AND a.order_id < $3 AND a.application = $20 \
    AND {FITS} ORDER BY a.order_id DESC LIMIT $19"
);
/// Of orders older than $22 the one entry each that is the first since: its place in the chain says so.
const LIST_CHANGED: &str = formatcp!(
    "SELECT {ORDER_COLUMNS}, e.entry_id FROM timeline_entries e \
    JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id \
    WHERE e.tenant_id = $1 AND e.entry_id >= $2 AND e.entry_id < $3 AND e.entry_before < $22 \
    AND {FITS} AND e.order_id >= $20 AND e.order_id < $21 ORDER BY e.entry_id DESC LIMIT $19"
);
/// How far down a stretch of entries reaches.
const REACH_OF_ENTRIES: &str = "SELECT entry_id FROM timeline_entries WHERE tenant_id = $1 \
    AND entry_id >= $2 AND entry_id < $3 ORDER BY entry_id DESC LIMIT 1 OFFSET $4";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    LIST,
    LIST_OF_PLACER,
    LIST_OF_VENDOR,
    LIST_OF_REVIEWS,
    REACH,
    REACH_OF_PLACER,
    REACH_OF_VENDOR,
    REACH_OF_REVIEWS,
    LIST_OF_APPLICATION,
    LIST_CHANGED,
    REACH_OF_ENTRIES,
];

/// On which orders are found, newest first: the statements, and what they take beside the filter.
struct Walk {
    list: &'static str,
    reach: &'static str,
    key: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) first: Id,
    pub(crate) end: Id,
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
        // Ids are of the installation's clock, instants of the tenant's.
        let id_of = |at: UnixMs, ms: i64| first_after(at.plus_ms(-tenant.clock_offset_ms), ms);
        let placed = Range {
            first: filter.placed.start.map_or(Id(0), |start| id_of(start, 0)),
            end: filter.placed.end.map_or(Id(i64::MAX), |end| id_of(end, 1)),
        };
        let mut page =
            Page { orders: Vec::new(), limit: limit as usize, budget: LOOKED_THROUGH_MAX };
        if let Some(query) = &filter.query {
            let After::Order(before) = after else { return Ok(page.over()) };
            let range = Range { end: placed.end.min(before), ..placed };
            let next = self.search_orders(tenant, filter, query, range, &mut page).await?;
            return Ok(OrderPage { next: next.map(After::Order), orders: page.orders });
        }
        if let Some(application_id) = &filter.application_id {
            let next =
                self.list_of_application(tenant, filter, placed, after, application_id, &mut page);
            return Ok(OrderPage { next: next.await?, orders: page.orders });
        }
        let since = filter.updated.start.map_or(Id(0), |start| id_of(start, 0));
        // Nothing can have been placed, nor begun to change, after its last change.
        let until = filter.updated.end.map_or(Id(i64::MAX), |end| id_of(end, SKEW_MS));
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

    /// Orders placed within `range`; gives the order after which the next page begins.
    pub(crate) async fn list_placed(
        &self,
        tenant: &Tenant,
        filter: &OrderFilter,
        range: Range,
        page: &mut Page,
    ) -> Result<Option<Id>, Fault> {
        let walk = filter.walk();
        let mut end = range.end;
        while range.first < end {
            let first = match filter.fits_few(&walk) {
                true => self.reach(walk.reach, tenant, Range { end, ..range }, walk.key).await?,
                false => None,
            };
            let looked_at = Range { first: first.unwrap_or(range.first), end };
            let mut values = filter.values(tenant, looked_at, page.asked());
            values.extend(walk.key.map(Value::from));
            let rows = self.read(walk.list, values).await?;
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
            let first = self.reach(REACH_OF_ENTRIES, tenant, Range { end, ..range }, None).await?;
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
    pub(crate) async fn reach(
        &self,
        sql: &'static str,
        tenant: &Tenant,
        range: Range,
        key: Option<i64>,
    ) -> Result<Option<Id>, Fault> {
        let mut values = values![tenant.tenant_id.0, range.first.0, range.end.0, STRETCH - 1];
        values.extend(key.map(Value::from));
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
    fn walk(&self) -> Walk {
        let is_of_reviews =
            !self.states.is_empty() && self.states.iter().all(|state| state.has_open_review());
        if is_of_reviews {
            return Walk { list: LIST_OF_REVIEWS, reach: REACH_OF_REVIEWS, key: None };
        }
        match (self.placed_by, self.vendor) {
            (Some(placer), _) => {
                Walk { list: LIST_OF_PLACER, reach: REACH_OF_PLACER, key: Some(placer.0) }
            }
            (None, Some(vendor)) => {
                Walk { list: LIST_OF_VENDOR, reach: REACH_OF_VENDOR, key: Some(vendor.0) }
            }
            (None, None) => Walk { list: LIST, reach: REACH, key: None },
        }
    }

    /// Whether it names more than the way on which orders are found: then few of these may fit.
    fn fits_few(&self, walk: &Walk) -> bool {
        let UnixMsRange { start, end } = self.updated;
        let named = [
            !self.states.is_empty(),
            self.vendor.is_some(),
            self.placed_by.is_some(),
            self.account.is_some(),
            self.package.is_some(),
            start.is_some(),
            end.is_some(),
        ];
        let is_named_by_walk = walk.list != LIST;
        named.into_iter().filter(|is_named| *is_named).count() > usize::from(is_named_by_walk)
    }

    /// Whether it names anything that a search has to look for on the orders themselves.
    pub(crate) fn is_narrow(&self) -> bool {
        let walk = Walk { list: LIST, reach: REACH, key: None };
        self.fits_few(&walk)
    }

    /// The first nineteen parameters of each list.
    pub(crate) fn values(&self, tenant: &Tenant, range: Range, limit: i64) -> Vec<Value> {
        let one = |number: Option<i64>| match number {
            Some(number) => [number, number],
            None => [i64::MIN, i64::MAX],
        };
        let mut values = values![tenant.tenant_id.0, range.first.0, range.end.0];
        let states = if self.states.is_empty() { State::ALL } else { &self.states };
        values.extend(states.iter().cycle().take(State::ALL.len()).map(|it| it.number().into()));
        for [from, to] in [
            one(self.vendor.map(|vendor| vendor.0)),
            one(self.placed_by.map(|placed_by| placed_by.0)),
            [
                self.updated.start.map_or(i64::MIN, |start| start.0),
                self.updated.end.map_or(i64::MAX, |end| end.0),
            ],
            one(self.account.map(|account| account.0)),
        ] {
            values.extend(values![from, to]);
        }
        values.extend(values![self.package.as_deref().unwrap_or_default(), limit]);
        values
    }
}

pub(crate) struct Page {
    orders: Vec<OrderSummary>,
    limit: usize,
    budget: usize,
}

impl Page {
    /// One more than fits, to know whether there is a next page.
    pub(crate) fn asked(&self) -> i64 {
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
        self.spend(STRETCH as usize);
        Ok((rows.len() > room).then_some(last))
    }

    /// Takes an order unless the page is full.
    pub(crate) fn push(&mut self, order: &OrderRow) -> bool {
        let has_room = self.orders.len() < self.limit;
        if has_room {
            self.orders.push(summary(order));
        }
        has_room
    }

    /// Notes how many rows were looked through.
    pub(crate) fn spend(&mut self, rows: usize) {
        self.budget = self.budget.saturating_sub(rows);
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.budget == 0
    }

    fn over(self) -> OrderPage {
        OrderPage { orders: self.orders, next: None }
    }
}
