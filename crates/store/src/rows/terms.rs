//! `order_terms`: by what orders are found.

use domain::{Id, TenantId};

use super::Kind::Int;
use super::{Values, Verb, Write};
use crate::value::values;

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "order_terms",
    columns: &[("tenant_id", Int), ("term", Int), ("order_id", Int)],
    clustered_by: &[0, 1],
};

#[derive(Debug)]
pub(crate) struct TermRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) term: i64,
    pub(crate) order_id: Id,
}

impl TermRow {
    pub(crate) fn values(&self) -> Values {
        values![self.tenant_id.0, self.term, self.order_id.0]
    }
}
