//! `events`, and `deliveries`, one for each endpoint that gets an event.

use domain::delivery::DeliveryState;
use domain::event::EventKind;
use domain::{AppId, EndpointId, Id, TenantId, UnixMs};

use super::Kind::{Bytes, Int};
use super::{Values, Verb, Write};
use crate::seal::fill_random;
use crate::value::values;

pub(crate) const INSERT: Write = Write {
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

pub(crate) const INSERT_DELIVERY: Write = Write {
    verb: Verb::Insert,
    table: "deliveries",
    columns: &[
        ("tenant_id", Int),
        ("event_no", Int),
        ("endpoint_id", Int),
        ("order_id", Int),
        ("state", Int),
        ("attempts", Int),
        ("due_at", Int),
    ],
    clustered_by: &[1, 2],
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
    /// An event with a tag drawn by randomness.
    pub(crate) fn new(
        tenant_id: TenantId,
        event_no: Id,
        app_id: AppId,
        kind: EventKind,
        order_id: Option<Id>,
        created_at: UnixMs,
    ) -> EventRow {
        let mut tag = [0; 8];
        fill_random(&mut tag);
        EventRow { tenant_id, event_no, tag, app_id, kind, order_id, created_at }
    }

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
}

/// A delivery that is due at once.
#[derive(Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) event_no: Id,
    pub(crate) endpoint_id: EndpointId,
    pub(crate) order_id: Option<Id>,
    pub(crate) due_at: UnixMs,
}

impl DeliveryRow {
    pub(crate) fn values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.event_no.0,
            self.endpoint_id.0,
            self.order_id.map(|id| id.0),
            DeliveryState::Due.number(),
            0_i64,
            self.due_at.0,
        ]
    }
}
