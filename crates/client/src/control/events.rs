//! Events and their deliveries. Everything here needs a key of the tenant.

use contract::control::{Delivery, Event, ListEvents, Page, Resent};

calls! {
    /// Lists a tenant's events, newest first.
    pub async fn list_events(tenant_key: &str, list: &ListEvents) -> Page<Event> =
        get(["tenants", tenant_key, "events"], list);
    /// Lists the deliveries of one event, each with every try.
    pub async fn list_deliveries(tenant_key: &str, event_id: &str) -> Page<Delivery> =
        get(["tenants", tenant_key, "events", event_id, "deliveries"]);
    /// Sends one event again, to whatever endpoint its app has now.
    pub async fn resend_event(tenant_key: &str, event_id: &str) -> Resent =
        post(["tenants", tenant_key, "events", event_id, "resend"]);
}
