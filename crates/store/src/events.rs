//! Events: what happened, and which app it concerns. The body is made when the event is sent, from what it is about.

use std::sync::LazyLock;

use domain::delivery::DeliveryState;
use domain::event::{EventId, EventKind};
use domain::{AppId, Id, TenantId, UnixMs};

use crate::Store;
use crate::dispatch::dispatch;
use crate::fault::{Fault, FaultKind};
use crate::rows::{self, EventRow, INSERT_EVENT};
use crate::value::{Row, Statement, any, values};

/// One event, with how far it is on its way to its app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub event_id: EventId,
    /// The app that it concerns.
    pub app_id: AppId,
    /// What happened.
    pub kind: EventKind,
    /// The order that it is about.
    pub order_id: Option<Id>,
    /// When it happened.
    pub created_at: UnixMs,
    /// How far it is on its way to that app.
    pub delivery_state: DeliveryState,
}

/// Which events are wanted; what is none wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Those for this app.
    pub app_id: Option<AppId>,
    /// Those of this kind.
    pub kind: Option<EventKind>,
    /// Those whose delivery is there.
    pub state: Option<DeliveryState>,
}

impl EventFilter {
    /// Whether an event is wanted.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        self.app_id.is_none_or(|app_id| app_id == event.app_id)
            && self.kind.is_none_or(|kind| kind == event.kind)
            && self.state.is_none_or(|state| state == event.delivery_state)
    }
}

static INSERT: LazyLock<String> = LazyLock::new(|| INSERT_EVENT.one());
static INSERT_DELIVERY: LazyLock<String> = LazyLock::new(|| rows::INSERT_DELIVERY.one());
/// How far it is on its way to the app that it concerns.
const LIST: &str = "SELECT e.event_no, e.tag, e.app_id, e.kind, e.order_id, e.created_at, d.state \
    FROM events e JOIN deliveries d ON d.tenant_id = e.tenant_id AND d.event_no = e.event_no AND d.endpoint_id = e.app_id \
    WHERE e.tenant_id = $1 AND e.event_no < $2 AND e.app_id = COALESCE($3, e.app_id) \
    AND e.kind = COALESCE($4, e.kind) AND d.state = COALESCE($5, d.state) \
    ORDER BY e.event_no DESC LIMIT $6";
const FIND: &str = "SELECT e.event_no, e.tag, e.app_id, e.kind, e.order_id, e.created_at, d.state \
    FROM events e JOIN deliveries d ON d.tenant_id = e.tenant_id AND d.event_no = e.event_no AND d.endpoint_id = e.app_id \
    WHERE e.tenant_id = $1 AND e.event_no = $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[LIST, FIND];

/// The statements that write an event about no order, with its deliveries, which are due at `due_at`.
pub(crate) fn insert(
    tenant_id: TenantId,
    event_no: Id,
    app_id: AppId,
    kind: EventKind,
    created_at: UnixMs,
    due_at: UnixMs,
) -> Vec<Statement> {
    let event = EventRow::new(tenant_id, event_no, app_id, kind, None, created_at);
    let deliveries = dispatch(&event, due_at).map(|row| any(&INSERT_DELIVERY, row.values()));
    std::iter::once(any(&INSERT, event.values())).chain(deliveries).collect()
}

impl Store {
    /// At most `limit` events before the given one, newest first.
    pub async fn list_events(
        &self,
        tenant_id: TenantId,
        before: Id,
        limit: u32,
    ) -> Result<Vec<Event>, Fault> {
        self.list_events_of(tenant_id, &EventFilter::default(), before, limit).await
    }

    /// The same of the events that pass the filter.
    pub async fn list_events_of(
        &self,
        tenant_id: TenantId,
        filter: &EventFilter,
        before: Id,
        limit: u32,
    ) -> Result<Vec<Event>, Fault> {
        let app_id = filter.app_id.map(|app_id| app_id.0);
        let kind = filter.kind.map(EventKind::number);
        let state = filter.state.map(DeliveryState::number);
        let values = values![tenant_id.0, before.0, app_id, kind, state, i64::from(limit)];
        self.read(LIST, values).await?.iter().map(event).collect()
    }

    /// The event, if the tenant has it.
    pub async fn find_event(
        &self,
        tenant_id: TenantId,
        event_id: EventId,
    ) -> Result<Option<Event>, Fault> {
        let found = self.find_event_of(tenant_id, event_id.event_no).await?;
        Ok(found.filter(|event| event.event_id == event_id))
    }

    /// The event that this caused, if it caused one: an account, an order, or an entry of an order's timeline.
    pub async fn find_event_of(
        &self,
        tenant_id: TenantId,
        cause: Id,
    ) -> Result<Option<Event>, Fault> {
        let rows = self.read(FIND, values![tenant_id.0, cause.0]).await?;
        rows.first().map(event).transpose()
    }
}

fn event(row: &Row) -> Result<Event, Fault> {
    let tag = row.bytes(1)?.try_into();
    Ok(Event {
        event_id: EventId {
            event_no: Id(row.int(0)?),
            tag: tag
                .map_err(|_| Fault::new(FaultKind::Damaged, "an event's tag is not 8 bytes"))?,
        },
        app_id: AppId(row.int(2)?),
        kind: row.int(3)?.try_into()?,
        order_id: row.find_int(4)?.map(Id),
        created_at: UnixMs(row.int(5)?),
        delivery_state: row.int(6)?.try_into()?,
    })
}
