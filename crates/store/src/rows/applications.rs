//! `order_applications`: by which an application's orders are found.

use domain::order::Digest;
use domain::{Id, TenantId};

use super::Kind::{Bytes, Int};
use super::{Values, Verb, Write};
use crate::value::values;

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "order_applications",
    columns: &[("tenant_id", Int), ("application", Bytes), ("order_id", Int)],
    clustered_by: &[],
};

#[derive(Debug)]
pub(crate) struct ApplicationRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) application: Digest,
    pub(crate) order_id: Id,
}

impl ApplicationRow {
    pub(crate) fn values(&self) -> Values {
        values![self.tenant_id.0, self.application.as_slice(), self.order_id.0]
    }
}
