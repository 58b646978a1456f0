//! Dispatch: which endpoints get an event. Each gets a delivery of its own, in the transaction that writes the event.
//!
//! To add a kind of endpoint: its ids here, where they subscribe to the event, and its way in `hub/src/deliver`.

use domain::{EndpointId, UnixMs};

use crate::rows::{DeliveryRow, EventRow};

/// The deliveries of an event, due at `due_at` by the installation's clock: to the app that it concerns.
pub(crate) fn dispatch(event: &EventRow, due_at: UnixMs) -> impl Iterator<Item = DeliveryRow> {
    let endpoints = [EndpointId::from(event.app_id)];
    endpoints.into_iter().map(move |endpoint_id| DeliveryRow {
        tenant_id: event.tenant_id,
        event_no: event.event_no,
        endpoint_id,
        order_id: event.order_id,
        due_at,
    })
}
