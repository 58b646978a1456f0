//! Deliveries: how far an event has come on its way to its receiver.

use contract::control;

/// Where the delivery of an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Waits: the app has no endpoint, is disabled, or lacks the tenant's grant.
    Held = 1,
    /// Is to be tried, now or later.
    Due = 2,
    /// The receiver took it.
    Delivered = 3,
    /// Every try failed; it is stored and can be resent.
    Exhausted = 4,
    /// Waits: the endpoint failed for long.
    Paused = 5,
}

crate::stored::stored_as_number!(
    DeliveryState,
    "the state of a delivery",
    [Held, Due, Delivered, Exhausted, Paused]
);

impl From<DeliveryState> for control::DeliveryState {
    fn from(state: DeliveryState) -> control::DeliveryState {
        match state {
            DeliveryState::Held => control::DeliveryState::Held,
            DeliveryState::Due => control::DeliveryState::Due,
            DeliveryState::Delivered => control::DeliveryState::Delivered,
            DeliveryState::Exhausted => control::DeliveryState::Exhausted,
            DeliveryState::Paused => control::DeliveryState::Paused,
        }
    }
}

impl From<control::DeliveryState> for DeliveryState {
    fn from(state: control::DeliveryState) -> DeliveryState {
        match state {
            control::DeliveryState::Held => DeliveryState::Held,
            control::DeliveryState::Due => DeliveryState::Due,
            control::DeliveryState::Delivered => DeliveryState::Delivered,
            control::DeliveryState::Exhausted => DeliveryState::Exhausted,
            control::DeliveryState::Paused => DeliveryState::Paused,
        }
    }
}
