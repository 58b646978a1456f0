//! Why an event is held.

use contract::control::EventMode;
use domain::TenantId;
use domain::grant::Term;
use store::Fault;
use store::events::Event;

use crate::app::App;
use crate::app_access::{AppAccess, find_installation};

/// What a held event waits for, in words for people; none when nothing is in its way by now.
pub(super) async fn hold_reason(
    app: &App,
    tenant_id: TenantId,
    event: &Event,
) -> Result<Option<String>, Fault> {
    let Some(vendor) = app.hub.store.find_app(event.app_id).await? else {
        return Ok(Some("the app was deleted".to_owned()));
    };
    let settings = &vendor.settings;
    let is_connected = settings.event_mode == EventMode::LongConnection;
    if !settings.is_enabled {
        return Ok(Some("the app is disabled".to_owned()));
    }
    if !is_connected && settings.callback_url.is_none() {
        return Ok(Some("the app has no callback_url".to_owned()));
    }
    if find_installation(&app.hub.store, &vendor, tenant_id).await?.is_err() {
        return Ok(Some("the app is not installed in the tenant".to_owned()));
    }
    let Some(access) = AppAccess::find(&app.hub.store, &vendor, tenant_id).await? else {
        return Ok(Some("an admin of the tenant has to grant the app".to_owned()));
    };
    let terms: Vec<_> =
        access.ungranted_endpoint(app.hub.clock.now()).into_iter().map(Term::as_str).collect();
    if !terms.is_empty() {
        let terms = terms.join(", ");
        return Ok(Some(format!("an admin of the tenant has to grant the app's new {terms}")));
    }
    if !access.is_notified(event.kind) {
        return Ok(Some("no granted scope of the app subscribes to the event".to_owned()));
    }
    Ok(is_connected.then(|| "no long connection of the app is open".to_owned()))
}
