//! `open_reviews`: the orders whose review is not over. Neither placing an order nor a result without review writes here.

use domain::order::State;
use domain::{Id, TenantId, UnixMs};

use super::Kind::Int;
use super::{Values, Verb, Write};
use crate::value::values;

pub(super) const DELETE: Write = Write {
    verb: Verb::Delete,
    table: "open_reviews",
    columns: &[("tenant_id", Int), ("order_id", Int)],
    clustered_by: &[0, 1],
};

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "open_reviews",
    columns: &[
        ("tenant_id", Int),
        ("order_id", Int),
        ("state", Int),
        ("result_id", Int),
        ("returned_at", Int),
        ("overdue_at", Int),
    ],
    clustered_by: &[0, 1],
};

pub(super) const CHANGE: Write = Write {
    verb: Verb::UpdateIfThere,
    table: "open_reviews",
    columns: &[("tenant_id", Int), ("order_id", Int), ("state", Int), ("overdue_at", Int)],
    clustered_by: &[0, 1],
};

/// An order that has no open review any more.
#[derive(Debug)]
pub(crate) struct ReviewKey {
    pub(crate) tenant_id: TenantId,
    pub(crate) order_id: Id,
}

impl ReviewKey {
    pub(crate) fn values(&self) -> Values {
        values![self.tenant_id.0, self.order_id.0]
    }
}

/// A review that begins with a result.
#[derive(Debug)]
pub(crate) struct ReviewRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) order_id: Id,
    pub(crate) state: State,
    pub(crate) result_id: Id,
    pub(crate) returned_at: UnixMs,
    pub(crate) overdue_at: Option<UnixMs>,
}

impl ReviewRow {
    pub(crate) fn values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.order_id.0,
            self.state.number(),
            self.result_id.0,
            self.returned_at.0,
            self.overdue_at.map(|at| at.0),
        ]
    }
}

/// Where a review stands now.
#[derive(Debug)]
pub(crate) struct ReviewChange {
    pub(crate) tenant_id: TenantId,
    pub(crate) order_id: Id,
    pub(crate) state: State,
    pub(crate) overdue_at: Option<UnixMs>,
}

impl ReviewChange {
    pub(crate) fn values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.order_id.0,
            self.state.number(),
            self.overdue_at.map(|at| at.0),
        ]
    }
}
