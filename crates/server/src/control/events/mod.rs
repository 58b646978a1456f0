//! Events and their deliveries: `/tenants/{tenant_key}/events`.

pub(super) mod deliveries;
mod hold_reason;
pub(super) mod list;
pub(super) mod resend;

use contract::control;
use domain::event::{EventId, EventKind};
use store::events::Event;

use super::auth::Call;
use super::failure::Failure;
use hub::instant::rfc3339;

/// An event as the API shows it: what it is about, not what it says.
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

/// The event in the path.
async fn find(call: &Call) -> Result<Event, Failure> {
    let tenant_id = call.tenant().await?.tenant_id;
    let event_id: EventId = call.path_param("event_id")?;
    call.app.hub.store.find_event(tenant_id, event_id).await?.ok_or_else(Failure::not_found)
}
