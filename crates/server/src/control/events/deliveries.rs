//! `GET /tenants/{tenant_key}/events/{event_id}/deliveries`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, DeliveryState, Page};
use domain::Act;
use store::deliveries::{Attempt, Delivery};
use store::events::Event;

use super::find;
use super::hold_reason::hold_reason;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;
use hub::instant::rfc3339;

/// Lists the ways of one event to its app, each with every try.
///
/// What receivers answered is there for keys of the tenant only.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/events/{event_id}/deliveries",
    tag = "events",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("event_id" = String, Path, description = "32 lower-case hex digits"),
    ),
    responses((status = 200, description = "The deliveries", body = Page<control::Delivery>))
)]
pub(crate) async fn list_deliveries(call: Call) -> Result<Response, Failure> {
    let event = find(&call).await?;
    let tenant = call.tenant().await?;
    let event_no = event.event_id.event_no;
    let found = call.app.hub.store.find_delivery(&tenant, event_no, event.order_id).await?;
    let may_see_exchanges = call.caller.may(Act::SeeExchanges);
    let mut items: Vec<_> =
        found.iter().map(|delivery| view(&event, delivery, may_see_exchanges)).collect();
    for delivery in items.iter_mut().filter(|it| it.state == DeliveryState::Held) {
        delivery.hold_reason = hold_reason(&call.app, tenant.tenant_id, &event).await?;
    }
    Ok(json(StatusCode::OK, &Page { items, next_cursor: None }))
}

fn view(event: &Event, delivery: &Delivery, may_see_exchanges: bool) -> control::Delivery {
    let next_attempt_at =
        delivery.due_at.filter(|_| delivery.state == domain::delivery::DeliveryState::Due);
    let attempts = delivery.attempts.iter().map(|attempt| view_attempt(attempt, may_see_exchanges));
    control::Delivery {
        app_id: event.app_id.to_string(),
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
