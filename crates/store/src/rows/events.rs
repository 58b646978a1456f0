//! `events`, each with the row of its delivery in `deliveries`, which is due at once.

use domain::delivery::DeliveryState;
use domain::event::EventKind;
use domain::{AppId, Id, TenantId, UnixMs};

use super::Kind::{Bytes, Int};
use super::{Values, Verb, Write};
use crate::value::values;

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "events",
    columns: &[
        ("tenant_id", Int),
        ("event_no", Int),
        ("tag", Bytes),
        ("app_id", Int),
        ("kind", Int),
        ("order_id", Int),
        ("created_at", Int),
    ],
    clustered_by: &[1],
};

pub(super) const INSERT_DELIVERY: Write = Write {
    verb: Verb::Insert,
    table: "deliveries",
    columns: &[
        ("tenant_id", Int),
        ("event_no", Int),
        ("app_id", Int),
        ("order_id", Int),
        ("state", Int),
        ("attempts", Int),
        ("due_at", Int),
    ],
    clustered_by: &[1],
};

#[derive(Debug)]
pub(crate) struct EventRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) event_no: Id,
    pub(crate) tag: [u8; 8],
    pub(crate) app_id: AppId,
    pub(crate) kind: EventKind,
    pub(crate) order_id: Option<Id>,
    pub(crate) created_at: UnixMs,
}

impl EventRow {
    pub(crate) fn values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.event_no.0,
            self.tag.as_slice(),
            self.app_id.0,
            self.kind.number(),
            self.order_id.map(|id| id.0),
            self.created_at.0,
        ]
    }

    pub(crate) fn delivery_values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.event_no.0,
            self.app_id.0,
            self.order_id.map(|id| id.0),
            DeliveryState::Due.number(),
            0_i64,
            self.created_at.0,
        ]
    }
}
