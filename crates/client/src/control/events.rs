//! Events and their deliveries. Everything here needs a key of the tenant.

use contract::control::{Delivery, Event, ListEvents, Page, Resent};

use super::{Control, Error, NO_QUERY, Nothing};

impl Control {
    /// Lists a tenant's events, newest first.
    pub async fn list_events(
        &self,
        tenant_key: &str,
        list: &ListEvents,
    ) -> Result<Page<Event>, Error> {
        self.get(&["tenants", tenant_key, "events"], Some(list)).await
    }

    /// Lists the deliveries of one event, each with every try.
    pub async fn list_deliveries(
        &self,
        tenant_key: &str,
        event_id: &str,
    ) -> Result<Page<Delivery>, Error> {
        self.get(&["tenants", tenant_key, "events", event_id, "deliveries"], NO_QUERY).await
    }

    /// Sends one event again, to whatever endpoint its app has now.
    pub async fn resend_event(&self, tenant_key: &str, event_id: &str) -> Result<Resent, Error> {
        self.post(&["tenants", tenant_key, "events", event_id, "resend"], &Nothing {}).await
    }
}
