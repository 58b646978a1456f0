//! Authorization: whether an app may have long connections, and whether an open one may stay.

use std::sync::Arc;

use contract::control::EventMode;
use store::Fault;
use store::apps::App as VendorApp;

use super::Connection;
use crate::Hub;
use crate::app_access::AppAccess;

/// The access of an app that may have long connections by its secret of this number; else why not.
pub async fn find_access(
    hub: &Hub,
    vendor: &Arc<VendorApp>,
    app_secret_no: i64,
) -> Result<Result<AppAccess, &'static str>, Fault> {
    let Some(tenant_id) = vendor.tenant_id else { return Ok(Err("expected a self-built app")) };
    if !vendor.settings.is_enabled {
        return Ok(Err("expected an app that is enabled"));
    }
    if vendor.settings.event_mode != EventMode::LongConnection {
        return Ok(Err("expected an app whose event_mode is long_connection"));
    }
    let access = AppAccess::find(&hub.store, vendor, tenant_id).await?;
    let is_granted = |access: &AppAccess| {
        access.grants_secret(app_secret_no)
            && access.ungranted_endpoint(hub.installation_clock.now()).is_empty()
    };
    let access = access.filter(is_granted);
    Ok(access.ok_or("expected an app, event mode and secret that the tenant granted"))
}

/// Whether a connection may go on: its app may have one, and what it was opened by has not ended.
pub(crate) async fn may_stay(hub: &Hub, connection: &Connection) -> Result<bool, Fault> {
    let Some(vendor) = hub.store.find_app(connection.app_id).await? else { return Ok(false) };
    let Some(tenant_id) = vendor.tenant_id else { return Ok(false) };
    let grant = hub.store.find_grant(connection.app_id, tenant_id).await?;
    let live =
        connection.numbers.live_secret(&vendor, grant.as_deref(), hub.installation_clock.now());
    let Some(app_secret_no) = live else { return Ok(false) };
    Ok(find_access(hub, &vendor, app_secret_no).await?.is_ok())
}
