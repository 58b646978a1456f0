//! `stage_keys`: the stages that an order has, so that none is reported twice.

use domain::order::Digest;
use domain::{Id, TenantId};

use super::Kind::{Bytes, Int};
use super::{Values, Verb, Write};
use crate::value::values;

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "stage_keys",
    columns: &[("tenant_id", Int), ("order_id", Int), ("stage", Bytes), ("digest", Bytes)],
    clustered_by: &[0, 1],
};

pub(crate) const FIND_STAGE: &str =
    "SELECT digest FROM stage_keys WHERE tenant_id = $1 AND order_id = $2 AND stage = $3";

#[derive(Debug)]
pub(crate) struct StageRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) order_id: Id,
    pub(crate) stage: Digest,
    pub(crate) digest: Digest,
}

impl StageRow {
    pub(crate) fn values(&self) -> Values {
        values![self.tenant_id.0, self.order_id.0, self.stage.as_slice(), self.digest.as_slice()]
    }
}
