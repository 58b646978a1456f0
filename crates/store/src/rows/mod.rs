//! The tables that an order's change writes, each once: its name, its columns, its values, how a row is read.
//!
//! Both engines write a plan of the desk through [`WRITES`]: SQLite row by row, PostgreSQL all rows of a batch at once
//! (`unnest`). To add a table: a file with its row and its [`Write`], and a place in [`WRITES`] and in the plan.

mod applications;
mod entries;
mod events;
mod idempotency;
mod orders;
mod reports;
mod stages;

pub(crate) use applications::ApplicationRow;
pub(crate) use entries::{EntryRow, FIND_LINK, follow_link};
pub(crate) use events::EventRow;
pub use idempotency::IdempotencyKey;
pub(crate) use idempotency::{FIND_USED_KEY, UsedKeyRow};
pub(crate) use orders::{FIND_ORDER, ORDER_COLUMNS, OrderRow};
pub(crate) use reports::ReportRow;
pub(crate) use stages::{FIND_STAGE, StageRow};

use domain::order::Digest;

use crate::fault::{Fault, FaultKind};
use crate::value::Value;

/// Everything that a batch writes, in this order.
pub(crate) const WRITES: [&Write; 9] = [
    &orders::INSERT,
    &orders::CHANGE,
    &entries::INSERT,
    &stages::INSERT,
    &reports::INSERT,
    &events::INSERT,
    &events::INSERT_DELIVERY,
    &idempotency::INSERT,
    &applications::INSERT,
];

/// The values of one row, in the order of the columns of its [`Write`].
pub(crate) type Values = Vec<Value>;

/// The type of a column.
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
}

/// How rows get into a table.
#[derive(Debug)]
pub(crate) struct Write {
    verb: Verb,
    table: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// The integers by which SQLite stores the rows; none where few rows are written.
    pub(crate) clustered_by: &'static [usize],
}

impl Write {
    /// Writes one row.
    pub(crate) fn one(&self) -> String {
        let (table, names) = (self.table, self.names());
        let numbered = self.columns.iter().zip(1..);
        match self.verb {
            Verb::Insert => {
                let values = numbered.map(|(_, n)| format!("${n}")).collect::<Vec<_>>().join(", ");
                format!("INSERT INTO {table} ({names}) VALUES ({values})")
            }
            Verb::Update => {
                let sets = numbered.skip(2).map(|((name, _), n)| format!("{name} = ${n}"));
                let sets = sets.collect::<Vec<_>>().join(", ");
                let [tenant, key] = self.key();
                format!("UPDATE {table} SET {sets} WHERE {key} = $2 AND {tenant} = $1")
            }
        }
    }

    /// Writes many rows, one array for each column.
    pub(crate) fn many(&self) -> String {
        let (table, names) = (self.table, self.names());
        let arrays = self.columns.iter().zip(1..);
        let arrays = arrays.map(|((_, kind), n)| format!("${n}::{}", kind.array()));
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        match self.verb {
            Verb::Insert => {
                format!("INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays})")
            }
            Verb::Update => {
                let sets = self.columns.iter().skip(2);
                let sets = sets.map(|(name, _)| format!("{name} = n.{name}"));
                let sets = sets.collect::<Vec<_>>().join(", ");
                let [tenant, key] = self.key();
                format!(
                    "UPDATE {table} AS t SET {sets} FROM unnest({arrays}) AS n ({names}) \
                     WHERE t.{tenant} = n.{tenant} AND t.{key} = n.{key}"
                )
            }
        }
    }

    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn key(&self) -> [&'static str; 2] {
        [self.columns[0].0, self.columns[1].0]
    }
}

/// A digest as it stands in a row.
pub(crate) fn digest(bytes: &[u8]) -> Result<Digest, Fault> {
    bytes.try_into().map_err(|_| Fault::new(FaultKind::Damaged, "a digest is not 16 bytes"))
}
