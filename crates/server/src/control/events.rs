//! Events and their deliveries: `/tenants/{tenant_key}/events`. What the calls do is in `hub::events`.

use contract::control::{Delivery, Event, ListEvents, Resent};
use hub::events;

use super::answer::{Json, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Nothing, Query};

pub(super) async fn list_events(
    call: Call,
    Query(list): Query<ListEvents>,
) -> Result<Paged<Event>, Failure> {
    let tenant = call.tenant().await?;
    Ok(events::list(call.hub(), call.actor(), &tenant, list).await?.into())
}

pub(super) async fn list_deliveries(call: Call) -> Result<Paged<Delivery>, Failure> {
    let (tenant, event_id) = (call.tenant().await?, call.path_param("event_id")?);
    Ok(events::list_deliveries(call.hub(), call.actor(), &tenant, event_id).await?.into())
}

pub(super) async fn resend_event(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<Resent>, Failure> {
    let (tenant, event_id) = (call.tenant().await?, call.path_param("event_id")?);
    Ok(events::resend(call.hub(), call.actor(), &tenant, event_id, command.key).await?.into())
}
