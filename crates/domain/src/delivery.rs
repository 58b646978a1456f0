//! Deliveries: how far an event has come on its way to its receiver.

use contract::control;

crate::stored::stored_as_number! {
    /// Where the delivery of an event stands.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    DeliveryState, "the state of a delivery";
    Held = 1: "Waits: the app has no endpoint, is disabled, or lacks the tenant's grant.";
    Due = 2: "Is to be tried, now or later.";
    Delivered = 3: "The receiver took it.";
    Exhausted = 4: "Every try failed; it is stored and can be resent.";
    Paused = 5: "Waits: the endpoint failed for long.";
}

crate::stored::same_variants!(DeliveryState => control::DeliveryState:
    [Held, Due, Delivered, Exhausted, Paused]);
crate::stored::same_variants!(control::DeliveryState => DeliveryState:
    [Held, Due, Delivered, Exhausted, Paused]);
