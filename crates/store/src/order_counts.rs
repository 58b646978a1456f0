//! How many orders a tenant has in each state, exactly, and without a count of them all.
//!
//! The timeline says of each change from which state to which it went. So a count as of one entry (`order_counts`, by placer,
//! with the entry in `order_count_marks`) and the entries after it give the count as of now; a job moves the mark on. Neither
//! placing an order nor any other command writes here.
//!
//! On PostgreSQL an entry can be committed after one with a higher id, by another process. So the mark stays a minute behind
//! the clock, and everything is counted anew once a day, in case a clock was off by more. Source: decision 087.

use std::collections::BTreeMap;

use domain::order::State;
use domain::{Id, UnixMs};

use crate::fault::{Fault, FaultKind};
use crate::reviews;
use crate::tenants::Tenant;
use crate::value::{Row, Statement, any, one, values};
use crate::{Engine, Store};

/// How far the mark stays behind where several processes write.
const MARGIN_MS: i64 = 60_000;
/// How old a mark may be of a tenant in which nothing happens: what others do is looked through from there.
const MARK_AGE_MAX_MS: i64 = 600_000;
const COUNTED_ANEW_MS: i64 = 24 * 3_600_000;

const FIND_MARK: &str = "SELECT entry_id, counted_at FROM order_count_marks WHERE tenant_id = $1";
const FIND: &str = "SELECT m.entry_id, coalesce(c.state, 0), CAST(coalesce(sum(c.orders), 0) AS BIGINT) \
    FROM order_count_marks m LEFT JOIN order_counts c ON c.tenant_id = m.tenant_id AND c.placed_by BETWEEN $2 AND $3 \
    WHERE m.tenant_id = $1 GROUP BY m.entry_id, c.state";
/// What changed after the mark.
const FIND_CHANGES: &str = "SELECT e.from_state, e.to_state, count(*) FROM timeline_entries e \
    JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id \
    WHERE e.tenant_id = $1 AND e.entry_id > $2 AND e.from_state <> e.to_state AND +o.placed_by BETWEEN $3 AND $4 \
    GROUP BY e.from_state, e.to_state";
const LIST_CHANGES: &str = "SELECT o.placed_by, e.from_state, e.to_state, count(*) FROM timeline_entries e \
    JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id \
    WHERE e.tenant_id = $1 AND e.entry_id > $2 AND e.entry_id <= $3 AND e.from_state <> e.to_state \
    GROUP BY o.placed_by, e.from_state, e.to_state";
/// All orders as of an entry: as they are now, without what came after it.
const COUNT_ANEW: &str = "SELECT placed_by, state, count(*) FROM orders WHERE tenant_id = $1 GROUP BY placed_by, state \
    UNION ALL SELECT o.placed_by, e.to_state, -count(*) FROM timeline_entries e \
      JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id \
      WHERE e.tenant_id = $1 AND e.entry_id > $2 AND e.from_state <> e.to_state GROUP BY o.placed_by, e.to_state \
    UNION ALL SELECT o.placed_by, e.from_state, count(*) FROM timeline_entries e \
      JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id \
      WHERE e.tenant_id = $1 AND e.entry_id > $2 AND e.from_state <> e.to_state AND e.from_state <> 0 \
      GROUP BY o.placed_by, e.from_state";
const BEGIN_MARK: &str = "INSERT INTO order_count_marks (tenant_id, entry_id, counted_at) VALUES ($1, $2, $3) \
    ON CONFLICT (tenant_id) DO NOTHING";
const MOVE_MARK: &str = "UPDATE order_count_marks SET entry_id = $2, counted_at = $3 WHERE tenant_id = $1 AND entry_id = $4";
const FORGET: &str = "DELETE FROM order_counts WHERE tenant_id = $1";
const ADD: &str = "INSERT INTO order_counts (tenant_id, placed_by, state, orders) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (tenant_id, placed_by, state) DO UPDATE SET orders = order_counts.orders + excluded.orders";

/// The newest entry of all tenants, whose ids come in the order of their commits on SQLite alone.
pub(crate) const SQLITE_NEWEST: &str = "SELECT coalesce(max(entry_id), 0) FROM timeline_entries";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[FIND_MARK, FIND, FIND_CHANGES, LIST_CHANGES, COUNT_ANEW, BEGIN_MARK, MOVE_MARK, FORGET, ADD];

/// How many orders there are in each state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderCounts(BTreeMap<i64, i64>);

impl OrderCounts {
    /// How many orders are in this state.
    #[must_use]
    pub fn of(&self, state: State) -> u64 {
        let count = self.0.get(&state.number()).copied().unwrap_or_default();
        u64::try_from(count).unwrap_or_default()
    }

    fn add(&mut self, state: i64, count: i64) {
        *self.0.entry(state).or_default() += count;
    }
}

/// The mark of a tenant's counts.
#[derive(Debug, Clone, Copy)]
struct Mark {
    entry_id: Id,
    counted_at: UnixMs,
}

type Counts = BTreeMap<(i64, i64), i64>;

impl Store {
    /// How many orders the tenant has in each state; those of one placer, where that is given.
    pub async fn count_orders(
        &self,
        tenant: &Tenant,
        placed_by: Option<Id>,
    ) -> Result<OrderCounts, Fault> {
        let tenant_id = tenant.tenant_id.0;
        let (from, to) = placed_by.map_or((i64::MIN, i64::MAX), |placer| (placer.0, placer.0));
        let (mut counts, mut mark) = (OrderCounts::default(), 0);
        for row in self.read(FIND, values![tenant_id, from, to]).await? {
            mark = row.int(0)?;
            counts.add(row.int(1)?, row.int(2)?);
        }
        // A mark that moves between the two reads changes nothing: entries stay.
        for row in self.read(FIND_CHANGES, values![tenant_id, mark, from, to]).await? {
            let count = row.int(2)?;
            counts.add(row.int(0)?, -count);
            counts.add(row.int(1)?, count);
        }
        Ok(counts)
    }

    /// Moves the tenant's counts on, and counts anew where there are none or it is time to. May be broken off at any moment,
    /// and run twice at once.
    pub async fn move_order_counts(&self, tenant: &Tenant, now: UnixMs) -> Result<(), Fault> {
        let mark = self.find_count_mark(tenant).await?;
        let until = self.countable_until(now).await?;
        match mark {
            Some(mark) if !self.is_counted_anew(mark, now) => {
                self.add_counts(tenant, mark, until, now).await
            }
            _ => self.count_anew(tenant, mark, until, now).await,
        }
    }

    async fn find_count_mark(&self, tenant: &Tenant) -> Result<Option<Mark>, Fault> {
        let rows = self.read(FIND_MARK, values![tenant.tenant_id.0]).await?;
        let mark =
            |row: &Row| Ok(Mark { entry_id: Id(row.int(0)?), counted_at: UnixMs(row.int(1)?) });
        rows.first().map(mark).transpose()
    }

    /// The last entry below which none can be committed any more.
    async fn countable_until(&self, now: UnixMs) -> Result<Id, Fault> {
        match &self.engine {
            Engine::Sqlite(_) => {
                let rows = self.read(SQLITE_NEWEST, Vec::new()).await?;
                rows.first().map_or(Ok(Id(0)), |row| row.int(0).map(Id))
            }
            Engine::Postgres(_) => Ok(Id(Id::first_of(now.plus_ms(-MARGIN_MS)).0 - 1)),
        }
    }

    fn is_counted_anew(&self, mark: Mark, now: UnixMs) -> bool {
        let has_several_writers = matches!(self.engine, Engine::Postgres(_));
        has_several_writers && now.ms_since(mark.counted_at) >= COUNTED_ANEW_MS
    }

    async fn add_counts(
        &self,
        tenant: &Tenant,
        mark: Mark,
        until: Id,
        now: UnixMs,
    ) -> Result<(), Fault> {
        if until <= mark.entry_id {
            return Ok(());
        }
        let tenant_id = tenant.tenant_id.0;
        let mut counts = Counts::new();
        for row in self.read(LIST_CHANGES, values![tenant_id, mark.entry_id.0, until.0]).await? {
            let (placer, count) = (row.int(0)?, row.int(3)?);
            // What was placed comes from no state.
            *counts.entry((placer, row.int(1)?)).or_default() -= count;
            *counts.entry((placer, row.int(2)?)).or_default() += count;
        }
        let is_recent = now.ms_since(mark.entry_id.made_at()) < MARK_AGE_MAX_MS;
        if counts.is_empty() && is_recent {
            return Ok(());
        }
        let values = values![tenant_id, until.0, mark.counted_at.0, mark.entry_id.0];
        let mut statements = vec![one(MOVE_MARK, values)];
        statements.extend(additions(tenant_id, counts));
        if let Engine::Postgres(_) = self.engine {
            statements.push(reviews::insert_missing(tenant.tenant_id, mark.entry_id, until));
        }
        // Another process that was quicker did the same.
        self.write(statements).await.map(drop)
    }

    async fn count_anew(
        &self,
        tenant: &Tenant,
        mark: Option<Mark>,
        until: Id,
        now: UnixMs,
    ) -> Result<(), Fault> {
        let tenant_id = tenant.tenant_id.0;
        let mut counts = Counts::new();
        for row in self.read(COUNT_ANEW, values![tenant_id, until.0]).await? {
            *counts.entry((row.int(0)?, row.int(1)?)).or_default() += row.int(2)?;
        }
        if counts.values().any(|count| *count < 0) {
            let detail = "more orders left a state than came into it";
            return Err(Fault::new(FaultKind::Damaged, detail));
        }
        let mut statements = vec![match mark {
            None => one(BEGIN_MARK, values![tenant_id, until.0, now.0]),
            Some(mark) => one(MOVE_MARK, values![tenant_id, until.0, now.0, mark.entry_id.0]),
        }];
        statements.push(any(FORGET, values![tenant_id]));
        statements.extend(additions(tenant_id, counts));
        self.write(statements).await.map(drop)
    }
}

fn additions(tenant_id: i64, counts: Counts) -> impl Iterator<Item = Statement> {
    let is_state = |(_, state): (i64, i64), count: i64| state != 0 && count != 0;
    let counts = counts.into_iter().filter(move |(key, count)| is_state(*key, *count));
    counts.map(move |((placer, state), count)| any(ADD, values![tenant_id, placer, state, count]))
}
