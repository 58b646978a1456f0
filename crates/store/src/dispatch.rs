//! Dispatch: which endpoints get an event. Each gets a delivery of its own, in the transaction that writes the event.
//!
//! To add a kind of endpoint: its ids here, where they subscribe to the event, and its way in `hub/src/deliver`.

use domain::EndpointId;

use crate::rows::{DeliveryRow, EventRow};

/// The deliveries of an event: to the app that it concerns.
pub(crate) fn dispatch(event: &EventRow) -> impl Iterator<Item = DeliveryRow> {
    let endpoints = [EndpointId::from(event.app_id)];
    endpoints.into_iter().map(|endpoint_id| DeliveryRow {
        tenant_id: event.tenant_id,
        event_no: event.event_no,
        endpoint_id,
        order_id: event.order_id,
        due_at: event.created_at,
    })
}
