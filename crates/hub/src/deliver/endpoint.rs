//! Endpoints: where a delivery goes now. The first kind is a vendor's app, by webhook or by long connection.

use std::sync::Arc;

use contract::control::EventMode;
use domain::delivery::DeliveryState;
use domain::event::EventKind;
use domain::{EndpointId, TenantId, UnixMs};
use store::Fault;
use store::apps::App;
use store::tenants::NO_TENANT;

use crate::Hub;
use crate::app_access::{AppAccess, Holder, Numbers};
use crate::connections::Connection;
use crate::secret_rotation::{AttemptSecrets, secrets_for_attempt};

/// An endpoint, as it may get a tenant's events.
pub(super) struct Endpoint {
    pub(super) app: Arc<App>,
    /// None without one, and for what is about no tenant.
    access: Option<AppAccess>,
}

/// How an event gets to its endpoint.
pub(super) enum Route<'e> {
    Webhook(&'e str),
    /// One of the long connections here, drawn anew for each try.
    Connection(Arc<Connection>),
}

impl Route<'_> {
    pub(super) fn is_posted(&self) -> bool {
        matches!(self, Route::Webhook(_))
    }
}

/// Why there is no route now.
pub(super) enum NoRoute {
    /// By long connection, and none is here.
    Unconnected,
    /// Deliveries wait in this state.
    Aside(DeliveryState),
}

impl Endpoint {
    /// The endpoint with its access to the tenant; none when it is gone.
    pub(super) async fn find(
        hub: &Hub,
        endpoint_id: EndpointId,
        tenant_id: TenantId,
    ) -> Result<Option<Endpoint>, Fault> {
        let Some(app) = hub.store.find_app(endpoint_id.app_id()).await? else { return Ok(None) };
        let access = match tenant_id {
            NO_TENANT => None,
            tenant_id => AppAccess::find(&hub.store, &app, tenant_id).await?,
        };
        Ok(Some(Endpoint { app, access }))
    }

    /// How events of this kind get there. Tickets say nothing of a tenant, and need no grant.
    pub(super) fn route(&self, hub: &Hub, kind: EventKind) -> Result<Route<'_>, NoRoute> {
        if let Some(state) = shut(&self.app) {
            return Err(NoRoute::Aside(state));
        }
        let may_know = |access: &AppAccess| {
            access.is_notified(kind)
                && access.ungranted_endpoint(hub.installation_clock.now()).is_empty()
        };
        if kind != EventKind::AppTicket && !self.access.as_ref().is_some_and(may_know) {
            return Err(NoRoute::Aside(DeliveryState::Held));
        }
        let settings = &self.app.settings;
        match (settings.event_mode, settings.callback_url.as_deref()) {
            (EventMode::LongConnection, _) => {
                let connection = hub.connections.pick(self.app.app_id);
                connection.map(Route::Connection).ok_or(NoRoute::Unconnected)
            }
            (EventMode::Webhook, Some(url)) => Ok(Route::Webhook(url)),
            (EventMode::Webhook, None) => Err(NoRoute::Aside(DeliveryState::Held)),
        }
    }

    /// The secrets of a try: the first one's are those of before a rotation, and so are all until the tenant grants the
    /// new key.
    pub(super) fn secrets(&self, scheduled_try: u32, now: UnixMs) -> AttemptSecrets<'_> {
        let grants_newest = self.access.as_ref().is_none_or(AppAccess::grants_newest_key);
        secrets_for_attempt(&self.app, if grants_newest { scheduled_try } else { 1 }, now)
    }

    /// Who gets the links in the event; of what is about no tenant there are none.
    pub(super) fn holder(&self) -> Holder {
        let nobody = || Holder { app_id: self.app.app_id, numbers: Numbers::FIRST };
        self.access.as_ref().map_or_else(nobody, AppAccess::holder)
    }
}

/// The state in which everything for an app waits; none while it has an endpoint.
pub(super) fn shut(app: &App) -> Option<DeliveryState> {
    let settings = &app.settings;
    let is_connected = settings.event_mode == EventMode::LongConnection;
    let has_endpoint = is_connected || settings.callback_url.is_some();
    match (&app.pause, settings.is_enabled && has_endpoint) {
        (Some(_), _) => Some(DeliveryState::Paused),
        (None, false) => Some(DeliveryState::Held),
        (None, true) => None,
    }
}

/// Whether an app gets its events by long connection, and has none here.
pub(super) fn is_unconnected(hub: &Hub, app: &App) -> bool {
    app.settings.event_mode == EventMode::LongConnection
        && hub.connections.count_of(app.app_id) == 0
}
