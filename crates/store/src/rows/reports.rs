//! `reports`: a report as a call brings it.

use domain::report::{ReportKind, ReportState};
use domain::{Id, TenantId, UnixMs};

use super::Kind::{Bytes, Int};
use super::{Values, Verb, Write};
use crate::value::values;

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "reports",
    columns: &[
        ("tenant_id", Int),
        ("report_id", Int),
        ("order_id", Int),
        ("kind", Int),
        ("state", Int),
        ("attempts", Int),
        ("due_at", Int),
        ("sealed", Bytes),
        ("created_at", Int),
    ],
    clustered_by: &[1],
};

#[derive(Debug)]
pub(crate) struct ReportRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) report_id: Id,
    pub(crate) order_id: Id,
    pub(crate) kind: ReportKind,
    pub(crate) state: ReportState,
    pub(crate) due_at: Option<UnixMs>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) created_at: UnixMs,
}

impl ReportRow {
    pub(crate) fn values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.report_id.0,
            self.order_id.0,
            self.kind.number(),
            self.state.number(),
            0_i64,
            self.due_at.map(|at| at.0),
            self.sealed.as_slice(),
            self.created_at.0,
        ]
    }
}
