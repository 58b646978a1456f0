//! Events and their deliveries, as the operator and the tenant see them.

use std::sync::Arc;

use contract::control::{self, DeliveryState, EventMode, ListEvents, Page, Resent};
use contract::event::EventType;
use domain::event::{EventId, EventKind};
use domain::grant::Term;
use domain::order::Rule;
use domain::{Act, Actor, Id, TenantId};
use store::IdempotencyKey;
use store::deliveries::{Attempt, Delivery};
use store::events::{Event, EventFilter};
use store::tenants::Tenant;

use crate::app_access::{AppAccess, find_installation};
use crate::error::authorize;
use crate::idempotency::{self, Answer};
use crate::instant::rfc3339;
use crate::pages::{Of, Paging, whole};
use crate::{Error, Hub, Input};

/// A tenant's events, newest first, with how far the delivery of each is.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListEvents>,
) -> Result<Page<control::Event>, Error> {
    authorize(actor, Act::SeeEvents)?;
    let list = list.valid()?;
    let paging = Paging::new(Of::Events, list.cursor.as_deref(), list.limit)?;
    let before = paging.before();
    let filter = EventFilter {
        app_id: list.app_id.and_then(|app_id| app_id.parse().ok()),
        kind: list.event_type.as_deref().and_then(EventType::parse).map(EventKind::from),
        state: list.state.map(Into::into),
    };
    let events = match list.order_id.and_then(|order_id| order_id.parse().ok()) {
        Some(order_id) => {
            let mut events = list_of_order(hub, tenant, order_id).await?;
            events.retain(|event| event.event_id.event_no < before && filter.wants(event));
            events
        }
        None => hub.store.list_events_of(tenant.tenant_id, &filter, before, paging.rows()).await?,
    };
    Ok(paging.page(events, view, |last| [last.event_id.event_no.0]))
}

/// All events of an order, newest first; none for an order that is not the tenant's.
async fn list_of_order(hub: &Hub, tenant: &Tenant, order_id: Id) -> Result<Vec<Event>, Error> {
    let order = hub.store.find_order(tenant, order_id).await?;
    let timeline = order.map(|order| order.timeline).unwrap_or_default();
    let mut events = Vec::new();
    for entry in timeline.iter().rev() {
        if matches!(entry.rule, Rule::Placed | Rule::HirerTerminated | Rule::ReviewRejected) {
            events.extend(hub.store.find_event_of(tenant.tenant_id, entry.entry_id).await?);
        }
    }
    Ok(events)
}

/// The deliveries of one event, each with every try; the receivers' answers only for an actor that may see them.
pub async fn list_deliveries(
    hub: &Hub,
    actor: &Actor,
    tenant: &Arc<Tenant>,
    event_id: EventId,
) -> Result<Page<control::Delivery>, Error> {
    authorize(actor, Act::SeeEvents)?;
    let event = find(hub, tenant, event_id).await?;
    let found = hub.store.list_deliveries(tenant, event.event_id.event_no, event.order_id).await?;
    let may_see_exchanges = actor.roles.may(Act::SeeExchanges);
    let mut items: Vec<_> =
        found.iter().map(|delivery| view_delivery(delivery, may_see_exchanges)).collect();
    for delivery in items.iter_mut().filter(|it| it.state == DeliveryState::Held) {
        delivery.hold_reason = hold_reason(hub, tenant.tenant_id, &event).await?;
    }
    Ok(whole(items))
}

/// Sends one event again, in whatever state it is, to its app's present endpoint.
pub async fn resend(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    event_id: EventId,
    key: Option<IdempotencyKey>,
) -> Result<Answer<Resent>, Error> {
    authorize(actor, Act::ResendEvents)?;
    let event = find(hub, tenant, event_id).await?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let (event_no, endpoint_id) = (event.event_id.event_no, event.app_id.into());
    let now = hub.installation_clock.now();
    let is_due = hub.store.resend_event(tenant.tenant_id, event_no, endpoint_id, now).await?;
    idempotency::keep(hub, key, &Resent { delivery_count: u64::from(is_due) }).await
}

async fn find(hub: &Hub, tenant: &Tenant, event_id: EventId) -> Result<Event, Error> {
    hub.store.find_event(tenant.tenant_id, event_id).await?.ok_or(Error::NotFound)
}

/// What a held event waits for, in words for people; none when nothing stands in its way any more.
async fn hold_reason(
    hub: &Hub,
    tenant_id: TenantId,
    event: &Event,
) -> Result<Option<String>, Error> {
    let Some(app) = hub.store.find_app(event.app_id).await? else {
        return Ok(Some("the app was deleted".to_owned()));
    };
    let settings = &app.settings;
    let is_connected = settings.event_mode == EventMode::LongConnection;
    if !settings.is_enabled {
        return Ok(Some("the app is disabled".to_owned()));
    }
    if !is_connected && settings.callback_url.is_none() {
        return Ok(Some("the app has no callback_url".to_owned()));
    }
    if find_installation(&hub.store, &app, tenant_id).await?.is_err() {
        return Ok(Some("the app is not installed in the tenant".to_owned()));
    }
    let Some(access) = AppAccess::find(&hub.store, &app, tenant_id).await? else {
        return Ok(Some("an admin of the tenant has to grant the app".to_owned()));
    };
    let terms = access.ungranted_endpoint(hub.installation_clock.now());
    let terms: Vec<_> = terms.into_iter().map(Term::as_str).collect();
    if !terms.is_empty() {
        let terms = terms.join(", ");
        return Ok(Some(format!("an admin of the tenant has to grant the app's new {terms}")));
    }
    if !access.is_notified(event.kind) {
        return Ok(Some("no granted scope of the app subscribes to the event".to_owned()));
    }
    Ok(is_connected.then(|| "no long connection of the app is open".to_owned()))
}

fn view(event: &Event) -> control::Event {
    // An event's number is the id of what caused it.
    let account_id =
        (event.kind == EventKind::AccountCreated).then(|| event.event_id.event_no.to_string());
    control::Event {
        event_id: event.event_id.to_string(),
        event_type: event.kind.event_type().to_owned(),
        app_id: event.app_id.to_string(),
        order_id: event.order_id.map(|order_id| order_id.to_string()),
        account_id,
        created_at: rfc3339(event.created_at),
        delivery_state: event.delivery_state.into(),
    }
}

fn view_delivery(delivery: &Delivery, may_see_exchanges: bool) -> control::Delivery {
    let next_attempt_at =
        delivery.due_at.filter(|_| delivery.state == domain::delivery::DeliveryState::Due);
    let attempts = delivery.attempts.iter().map(|attempt| view_attempt(attempt, may_see_exchanges));
    control::Delivery {
        app_id: delivery.endpoint_id.app_id().to_string(),
        state: delivery.state.into(),
        hold_reason: None,
        attempt_count: u32::try_from(delivery.attempts.len()).unwrap_or(u32::MAX),
        next_attempt_at: next_attempt_at.map(rfc3339),
        attempts: attempts.collect(),
    }
}

fn view_attempt(attempt: &Attempt, may_see_exchanges: bool) -> control::Attempt {
    let response = &attempt.exchange.response;
    control::Attempt {
        attempt: attempt.attempt,
        at: rfc3339(attempt.at),
        took_ms: u64::try_from(attempt.took_ms).unwrap_or_default(),
        outcome: attempt.outcome.clone(),
        http_status: attempt.http_status,
        connection_id: attempt.exchange.connection_id.clone(),
        response_excerpt: (may_see_exchanges && !response.is_empty()).then(|| response.clone()),
    }
}
