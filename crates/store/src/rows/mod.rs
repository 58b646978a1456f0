//! The tables that an order's change writes, each once: its name, its columns, its values, how a row is read.
//!
//! Both engines write a desk's plan through [`WRITES`]: SQLite row by row, PostgreSQL batched (`unnest`) or tenant by
//! tenant. A new table is a file with its row and its [`Write`], and a place in [`WRITES`] and the plan.

mod applications;
mod entries;
mod events;
mod idempotency;
mod orders;
mod reports;
mod reviews;
mod stages;
mod terms;

pub(crate) use applications::ApplicationRow;
pub(crate) use entries::{EntryRow, FIND_LINK, follow_link};
pub(crate) use events::{DeliveryRow, EventRow, INSERT as INSERT_EVENT, INSERT_DELIVERY};
pub use idempotency::IdempotencyKey;
pub(crate) use idempotency::{FIND_USED_KEY, UsedKeyRow};
pub(crate) use orders::{FIND_ORDER, ORDER_COLUMNS, OrderRow};
pub(crate) use reports::ReportRow;
pub(crate) use reviews::{ReviewChange, ReviewKey, ReviewRow};
pub(crate) use stages::{FIND_STAGE, StageRow};
pub(crate) use terms::TermRow;

use domain::order::Digest;

use crate::fault::{Fault, FaultKind};
use crate::value::Value;

pub(crate) const WRITES: [&Write; 13] = [
    &orders::INSERT,
    &orders::CHANGE,
    &entries::INSERT,
    &stages::INSERT,
    &reports::INSERT,
    &events::INSERT,
    &events::INSERT_DELIVERY,
    &idempotency::INSERT,
    &applications::INSERT,
    &terms::INSERT,
    &reviews::DELETE,
    &reviews::INSERT,
    &reviews::CHANGE,
];

/// The most rows that one statement for one tenant writes.
pub(crate) const ROWS_OF_TENANT_MAX: usize = 32;

pub(crate) type Values = Vec<Value>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

impl Kind {
    fn array(self) -> &'static str {
        match self {
            Kind::Int => "bigint[]",
            Kind::Text => "text[]",
            Kind::Bytes => "bytea[]",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Insert,
    /// Changes the rows that the first two columns name.
    Update,
    /// The same where a program of the version before may have left no row.
    UpdateIfThere,
    /// Deletes the rows that the two columns name, where they are.
    Delete,
}

#[derive(Debug)]
pub(crate) struct Write {
    verb: Verb,
    table: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// The integers by which SQLite stores the rows; none where few rows are written.
    pub(crate) clustered_by: &'static [usize],
}

impl Write {
    pub(crate) fn one(&self) -> String {
        let (table, names) = (self.table, self.names());
        let numbered = self.columns.iter().zip(1..);
        match self.verb {
            Verb::Insert => {
                let values = numbered.map(|(_, n)| format!("${n}")).collect::<Vec<_>>().join(", ");
                format!("INSERT INTO {table} ({names}) VALUES ({values})")
            }
            Verb::Update | Verb::UpdateIfThere => {
                let sets = numbered.skip(2).map(|((name, _), n)| format!("{name} = ${n}"));
                let sets = sets.collect::<Vec<_>>().join(", ");
                let [tenant, key] = self.key();
                format!("UPDATE {table} SET {sets} WHERE {key} = $2 AND {tenant} = $1")
            }
            Verb::Delete => {
                let [tenant, key] = self.key();
                format!("DELETE FROM {table} WHERE {tenant} = $1 AND {key} = $2")
            }
        }
    }

    pub(crate) fn many(&self) -> String {
        let (table, names) = (self.table, self.names());
        let arrays = self.columns.iter().zip(1..);
        let arrays = arrays.map(|((_, kind), n)| format!("${n}::{}", kind.array()));
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        match self.verb {
            Verb::Insert => {
                format!("INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})")
            }
            Verb::Update | Verb::UpdateIfThere => {
                let sets = self.columns.iter().skip(2);
                let sets = sets.map(|(name, _)| format!("{name} = n.{name}"));
                let sets = sets.collect::<Vec<_>>().join(", ");
                let [tenant, key] = self.key();
                format!(
                    "UPDATE {table} AS t SET {sets} FROM unnest({arrays}) AS n ({names}) \
                     WHERE t.{tenant} = n.{tenant} AND t.{key} = n.{key}"
                )
            }
            Verb::Delete => {
                let [tenant, key] = self.key();
                format!(
                    "DELETE FROM {table} AS t USING unnest({arrays}) AS n ({names}) \
                     WHERE t.{tenant} = n.{tenant} AND t.{key} = n.{key}"
                )
            }
        }
    }

    /// Whether each of its rows must be there.
    pub(crate) fn touches_all(&self) -> bool {
        matches!(self.verb, Verb::Insert | Verb::Update)
    }

    /// How many of `count` rows [`Write::of_tenant`] writes: a power of two, so that there are few such statements.
    pub(crate) fn rows_of_tenant(&self, count: usize) -> usize {
        match self.verb {
            Verb::Insert => 1 << count.min(ROWS_OF_TENANT_MAX).ilog2(),
            Verb::Update | Verb::UpdateIfThere | Verb::Delete => 1,
        }
    }

    /// Writes `count` rows of one tenant, `$1`; distributed tables take them without reading another node first.
    pub(crate) fn of_tenant(&self, count: usize) -> String {
        if self.verb != Verb::Insert {
            return self.one();
        }
        let others = self.columns.len() - 1;
        let row = |row: usize| {
            let values = (0..others).map(|column| format!("${}", 2 + row * others + column));
            format!("($1, {})", values.collect::<Vec<_>>().join(", "))
        };
        let rows = (0..count).map(row).collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {} ({}) VALUES {rows}", self.table, self.names())
    }

    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn key(&self) -> [&'static str; 2] {
        [self.columns[0].0, self.columns[1].0]
    }
}

pub(crate) fn digest(bytes: &[u8]) -> Result<Digest, Fault> {
    bytes.try_into().map_err(|_| Fault::new(FaultKind::Damaged, "a digest is not 16 bytes"))
}
