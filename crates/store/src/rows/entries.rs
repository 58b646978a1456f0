//! `timeline_entries`: what happened to an order, append-only.

use domain::order::{Change, Digest, State};
use domain::{ActorId, Id, TenantId, UnixMs};

use super::Kind::{Bytes, Int};
use super::{Values, Verb, Write, digest};
use crate::fault::Fault;
use crate::states::{RESULT_AWAITS_REVIEW, RESULT_COMPLETES};
use crate::value::{Row, values};

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "timeline_entries",
    columns: &[
        ("tenant_id", Int),
        ("entry_id", Int),
        ("order_id", Int),
        ("entry_before", Int),
        ("rule", Int),
        ("from_state", Int),
        ("to_state", Int),
        ("actor_kind", Int),
        ("actor_id", Int),
        ("at", Int),
        ("report_count", Int),
        ("digest", Bytes),
        ("sealed", Bytes),
    ],
    clustered_by: &[1],
};

pub(crate) const FIND_LINK: &str = "SELECT entry_before, rule, digest FROM timeline_entries \
    WHERE tenant_id = $1 AND entry_id = $2";

pub(crate) fn follow_link(row: &Row, results: &mut Vec<Digest>) -> Result<Id, Fault> {
    if matches!(row.int(1)?, RESULT_COMPLETES | RESULT_AWAITS_REVIEW) {
        results.push(digest(row.bytes(2)?)?);
    }
    Ok(Id(row.int(0)?))
}

#[derive(Debug)]
pub(crate) struct EntryRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) entry_id: Id,
    pub(crate) order_id: Id,
    pub(crate) entry_before: Id,
    pub(crate) change: Change,
    pub(crate) actor: ActorId,
    pub(crate) at: UnixMs,
    pub(crate) report_count: i64,
    pub(crate) digest: Digest,
    pub(crate) sealed: Vec<u8>,
}

impl EntryRow {
    pub(crate) fn values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.entry_id.0,
            self.order_id.0,
            self.entry_before.0,
            self.change.rule.number(),
            self.change.from.map_or(0, State::number),
            self.change.to.number(),
            self.actor.kind.number(),
            self.actor.id.0,
            self.at.0,
            self.report_count,
            self.digest.as_slice(),
            self.sealed.as_slice(),
        ]
    }
}
