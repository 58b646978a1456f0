//! `orders`: the row of an order; its texts lie sealed in the timeline's entries.

use const_format::formatcp;
use domain::order::{Digest, State};
use domain::{AppId, Id, TenantId, UnixMs};

use super::Kind::{Bytes, Int, Text};
use super::{Values, Verb, Write, digest};
use crate::fault::Fault;
use crate::seal::RowContext;
use crate::value::{Row, values};

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "orders",
    columns: &[
        ("tenant_id", Int),
        ("order_id", Int),
        ("app_id", Int),
        ("account_id", Int),
        ("package_id", Text),
        ("state", Int),
        ("placed_by", Int),
        ("stage_time_last", Int),
        ("result_count", Int),
        ("result_digest", Bytes),
        ("entry_last", Int),
        ("wrapped_key", Bytes),
        ("updated_at", Int),
        ("ended_at", Int),
        ("placed_at", Int),
    ],
    clustered_by: &[1],
};

pub(super) const CHANGE: Write = Write {
    verb: Verb::Update,
    table: "orders",
    columns: &[
        ("tenant_id", Int),
        ("order_id", Int),
        ("state", Int),
        ("stage_time_last", Int),
        ("result_count", Int),
        ("result_digest", Bytes),
        ("entry_last", Int),
        ("updated_at", Int),
        ("ended_at", Int),
    ],
    clustered_by: &[1],
};

/// The columns that [`OrderRow::read`] takes, of `orders` called `o`.
pub(crate) const ORDER_COLUMNS: &str = "o.tenant_id, o.order_id, o.app_id, o.account_id, o.package_id, o.state, \
    o.placed_by, o.stage_time_last, o.result_count, o.result_digest, o.entry_last, o.wrapped_key, o.updated_at, \
    o.ended_at, o.placed_at";

pub(crate) const FIND_ORDER: &str =
    formatcp!("SELECT {ORDER_COLUMNS} FROM orders o WHERE o.order_id = $1 AND o.tenant_id = $2");

#[derive(Debug, Clone)]
pub(crate) struct OrderRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) order_id: Id,
    pub(crate) app_id: AppId,
    pub(crate) account_id: Id,
    pub(crate) package_id: String,
    pub(crate) state: State,
    pub(crate) placed_by: Id,
    pub(crate) stage_time_last: i64,
    pub(crate) result_count: i64,
    pub(crate) result_digest: Option<Digest>,
    pub(crate) entry_last: Id,
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) updated_at: UnixMs,
    pub(crate) ended_at: Option<UnixMs>,
    pub(crate) placed_at: UnixMs,
}

impl OrderRow {
    /// How many of a row's columns [`OrderRow::read`] takes; a statement's own stand behind them.
    pub(crate) const COLUMNS: usize = INSERT.columns.len();

    pub(crate) fn read(row: &Row) -> Result<OrderRow, Fault> {
        Ok(OrderRow {
            tenant_id: TenantId(row.int(0)?),
            order_id: Id(row.int(1)?),
            app_id: AppId(row.int(2)?),
            account_id: Id(row.int(3)?),
            package_id: row.text(4)?,
            state: row.int(5)?.try_into()?,
            placed_by: Id(row.int(6)?),
            stage_time_last: row.int(7)?,
            result_count: row.int(8)?,
            result_digest: row.find_bytes(9)?.map(digest).transpose()?,
            entry_last: Id(row.int(10)?),
            wrapped_key: row.bytes(11)?.to_vec(),
            updated_at: UnixMs(row.int(12)?),
            ended_at: row.find_int(13)?.map(UnixMs),
            placed_at: UnixMs(row.int(14)?),
        })
    }

    pub(crate) fn is_erased(&self) -> bool {
        self.wrapped_key.is_empty()
    }

    pub(crate) fn key_context(tenant_id: TenantId, order_id: Id) -> RowContext {
        RowContext::new("orders", tenant_id, order_id.0)
    }

    pub(crate) fn new_values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.order_id.0,
            self.app_id.0,
            self.account_id.0,
            self.package_id.as_str(),
            self.state.number(),
            self.placed_by.0,
            self.stage_time_last,
            self.result_count,
            self.result_digest.as_ref().map(<[u8; 16]>::as_slice),
            self.entry_last.0,
            self.wrapped_key.as_slice(),
            self.updated_at.0,
            self.ended_at.map(|at| at.0),
            self.placed_at.0,
        ]
    }

    pub(crate) fn changed_values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.order_id.0,
            self.state.number(),
            self.stage_time_last,
            self.result_count,
            self.result_digest.as_ref().map(<[u8; 16]>::as_slice),
            self.entry_last.0,
            self.updated_at.0,
            self.ended_at.map(|at| at.0),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_it_is_written() {
        let names: Vec<_> = INSERT.columns.iter().map(|(name, _)| format!("o.{name}")).collect();
        assert_eq!(names.join(", "), ORDER_COLUMNS);
    }
}
