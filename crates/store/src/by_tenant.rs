//! Work over all tenants: a plain read finds the rows, then each tenant's are changed in a transaction of their own, on
//! SQLite in one for all.
//!
//! No statement locks or writes rows of several tenants, so that tables can be distributed by `tenant_id`. A change of
//! rows that were read a moment ago says once more which ones it means: another process may have been quicker.

use std::collections::BTreeMap;

use domain::{Id, TenantId};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::fault::Fault;
use crate::tenants::NO_TENANT;
use crate::value::{Row, Statement, Value, Written, any, values};
use crate::{Engine, Store};

/// Transactions of different tenants at once: half of the sessions that reads and writes share.
const AT_ONCE: usize = 4;
/// Rows that are read to find the next groups.
const PAGE_MIN: usize = 4;
const PAGE_MAX: usize = 100;
/// Rows that one statement names.
const KEYS_AT_ONCE: usize = 16;
/// The list of keys in a statement that [`Store::write_keys`] runs; its tenant is `$1`, its further values begin at `$18`.
pub(crate) const KEYS: &str =
    "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17";

/// The key of a row: of a delivery its event's number, of a report its id.
pub(crate) type TenantKey = (TenantId, Id);

/// The keys in the first two columns of what was read.
pub(crate) fn keys(rows: &[Row]) -> Result<Vec<TenantKey>, Fault> {
    rows.iter().map(|row| Ok((TenantId(row.int(0)?), Id(row.int(1)?)))).collect()
}

impl Store {
    /// The first row of each group that comes after `after`. `sql` gives rows by an index, in the order of their group, which
    /// is their first column and above `$1`, at most `$2`; the last column is the highest group of all. So what else a large
    /// group has is skipped, and of few groups one read tells.
    pub(crate) async fn read_first_of_each(
        &self,
        sql: &'static str,
        after: i64,
    ) -> Result<Vec<Row>, Fault> {
        let (mut firsts, mut last, mut page) = (Vec::new(), after, PAGE_MIN);
        loop {
            let rows = self.read(sql, values![last, page as i64]).await?;
            let is_end = rows.len() < page;
            let (mut highest, before) = (last, firsts.len());
            for row in rows {
                let group = row.int(0)?;
                highest = row.int(row.0.len() - 1)?;
                if group != last {
                    firsts.push(row);
                    last = group;
                }
            }
            if is_end || last == highest {
                return Ok(firsts);
            }
            // Groups of few rows are read in larger pages.
            let is_wide = firsts.len() - before > page / 2;
            page = if is_wide { (page * 4).min(PAGE_MAX) } else { PAGE_MIN };
        }
    }

    /// Runs statements in one transaction for each tenant (on SQLite in one for all), in their order; gives the rows that
    /// they returned. What is not met takes back its transaction.
    pub(crate) async fn write_by_tenant(
        &self,
        statements: impl IntoIterator<Item = (TenantId, Statement)>,
    ) -> Result<Vec<Row>, Fault> {
        // One process writes SQLite, and there a commit is dearer than any statement.
        let is_one_writer = matches!(self.engine, Engine::Sqlite(_));
        let mut groups = BTreeMap::<TenantId, Vec<Statement>>::new();
        for (tenant_id, statement) in statements {
            let group = if is_one_writer { NO_TENANT } else { tenant_id };
            groups.entry(group).or_default().push(statement);
        }
        let writes = groups.into_values().map(|statements| self.write(statements));
        let returned = stream::iter(writes).buffered(AT_ONCE).map_ok(|written| match written {
            Written::Done(rows) => rows,
            Written::Unmet(_) => Vec::new(),
        });
        Ok(returned.try_collect::<Vec<_>>().await?.concat())
    }

    /// Changes rows by `sql`, which names them by its tenant and [`KEYS`], after `first` where that is given; gives the rows
    /// that it returned.
    pub(crate) async fn write_keys(
        &self,
        keys: &[TenantKey],
        first: Option<&Statement>,
        sql: &'static str,
        further: &[Value],
    ) -> Result<Vec<Row>, Fault> {
        let mut tenants = BTreeMap::<TenantId, Vec<i64>>::new();
        for (tenant_id, key) in keys {
            tenants.entry(*tenant_id).or_default().push(key.0);
        }
        let of_tenant = |(tenant_id, keys): (TenantId, Vec<i64>)| {
            let change = |keys: &[i64]| {
                let mut values = values![tenant_id.0];
                // The last one again, where there are fewer.
                let last = keys.last().copied().into_iter().cycle();
                let keys = keys.iter().copied().chain(last).take(KEYS_AT_ONCE);
                values.extend(keys.map(Value::from));
                values.extend_from_slice(further);
                (tenant_id, any(sql, values))
            };
            let changes = keys.chunks(KEYS_AT_ONCE).map(change).collect::<Vec<_>>();
            first.map(|first| (tenant_id, first.clone())).into_iter().chain(changes)
        };
        self.write_by_tenant(tenants.into_iter().flat_map(of_tenant)).await
    }
}
