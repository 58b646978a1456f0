//! `GET /tenants/{tenant_key}/events`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, ListEvents, Page};
use contract::event::EventType;
use domain::Id;
use domain::event::EventKind;
use domain::order::Rule;
use store::events::{Event, EventFilter};
use store::tenants::Tenant;

use super::view;
use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};

/// Lists a tenant's events, newest first, with how far the delivery of each is.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/events",
    tag = "events",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits"), ListEvents),
    responses((status = 200, description = "A page of events", body = Page<control::Event>))
)]
pub(crate) async fn list_events(
    call: Call,
    Query(list): Query<ListEvents>,
) -> Result<Response, Failure> {
    validate(list.faults())?;
    let tenant = call.tenant().await?;
    let before = cursor::read(Of::Events, list.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[event_no]| Id(event_no));
    let limit = cursor::limit(list.limit);
    let filter = EventFilter {
        app_id: list.app_id.and_then(|app_id| app_id.parse().ok()),
        kind: list.event_type.as_deref().and_then(EventType::parse).map(EventKind::from),
        state: list.state.map(Into::into),
    };
    let events = match list.order_id.and_then(|order_id| order_id.parse().ok()) {
        Some(order_id) => {
            let mut events = list_of_order(&call, &tenant, order_id).await?;
            events.retain(|event| event.event_id.event_no < before && filter.wants(event));
            events
        }
        None => {
            call.app.hub.store.list_events_of(tenant.tenant_id, &filter, before, limit + 1).await?
        }
    };
    let page = cursor::page(events, limit, view, |last| {
        cursor::write(Of::Events, [last.event_id.event_no.0])
    });
    Ok(json(StatusCode::OK, &page))
}

/// All events of an order, newest first: those of the timeline's entries that cause one. None for an order that
/// is not the tenant's.
async fn list_of_order(call: &Call, tenant: &Tenant, order_id: Id) -> Result<Vec<Event>, Failure> {
    let order = call.app.hub.store.find_order(tenant, order_id).await?;
    let timeline = order.map(|order| order.timeline).unwrap_or_default();
    let mut events = Vec::new();
    for entry in timeline.iter().rev() {
        if matches!(entry.rule, Rule::Placed | Rule::HirerTerminated) {
            events
                .extend(call.app.hub.store.find_event_of(tenant.tenant_id, entry.entry_id).await?);
        }
    }
    Ok(events)
}
