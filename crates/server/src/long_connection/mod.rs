//! The long connection (长连接): a vendor's program asks for an address, opens a websocket, and gets its app's events
//! on it instead of by webhook.
//!
//! Who plays: `endpoint` answers who asks for an address, and puts a one-time ticket (`ticket`) into it;
//! `upgrade` takes the ticket and opens the websocket; `socket` moves messages, and `dialogue` says what they
//! mean; [`Lines`] knows the connections of this process, and `Line::push` is the way of one event to one of them;
//! the worker `work/keep_lines.rs` tells the other replicas that this one lives, and learns what they hold.
//!
//! What always holds: self-built apps only; a ticket opens one connection; an app has at most
//! [`connections_per_app`](LongConnectionLimits::connections_per_app) on all replicas together; one event goes to one
//! connection, drawn anew for each try, by the replica that holds it; a connection that ends is no loss, since
//! whatever it did not acknowledge is due again; it ends with the secret, the grant or the app that it was opened by. Source: contract, sections 5.3 to 5.6.

mod dialogue;
mod endpoint;
mod lines;
mod socket;
mod ticket;
mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use contract::control::EventMode;
use contract::endpoint::ClientConfig;
use store::Fault;
use store::apps::App as VendorApp;

use crate::app::App;
use crate::app_access::AppAccess;

pub(crate) use endpoint::serve as serve_endpoint;
pub use lines::Lines;
pub(crate) use lines::{Line, NoAck};
pub(crate) use upgrade::serve as serve_socket;

/// The `service_id` of every connection; free, and an int32.
pub(crate) const SERVICE_ID: i32 = 33_554_678;

/// What long connections may take, and what their clients are told.
#[derive(Debug, Clone, Copy)]
pub struct LongConnectionLimits {
    /// Connections of one app, on all replicas together. Default 50.
    pub connections_per_app: u32,
    /// Connections of one process. Default 20,000.
    pub connections_max: usize,
    /// How clients ping and come back. Default: as the platform tells them.
    pub client: ClientConfig,
    /// Time for the ack of an event. Default 3 s.
    pub ack: Duration,
    /// How often a client is asked by a websocket ping whether it is there, whatever comes from it. Default 30 s.
    pub ping_period: Duration,
    /// Silence after which a client is gone. Default 75 s.
    pub silence: Duration,
    /// Time in which a client takes what is sent to it, or says farewell. Default 5 s.
    pub write_stall: Duration,
}

impl Default for LongConnectionLimits {
    fn default() -> LongConnectionLimits {
        LongConnectionLimits {
            connections_per_app: 50,
            connections_max: 20_000,
            client: ClientConfig::default(),
            ack: Duration::from_secs(3),
            ping_period: Duration::from_secs(30),
            silence: Duration::from_secs(75),
            write_stall: Duration::from_secs(5),
        }
    }
}

/// The access of an app that may have long connections by its secret of this number; else why not.
async fn find_access(
    app: &App,
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
    let access = AppAccess::find(&app.store, vendor, tenant_id).await?;
    let is_granted = |access: &AppAccess| {
        access.grants_secret(app_secret_no) && access.ungranted_endpoint(app.clock.now()).is_empty()
    };
    let access = access.filter(is_granted);
    Ok(access.ok_or("expected an app, event mode and secret that the tenant granted"))
}

/// Whether a connection may go on: its app may have one, and what it was opened by has not ended.
pub(crate) async fn may_stay(app: &App, line: &Line) -> Result<bool, Fault> {
    let Some(vendor) = app.store.find_app(line.app_id).await? else { return Ok(false) };
    let Some(tenant_id) = vendor.tenant_id else { return Ok(false) };
    let grant = app.store.find_grant(line.app_id, tenant_id).await?;
    let live = line.numbers.live_secret(&vendor, grant.as_deref(), app.clock.now());
    let Some(app_secret_no) = live else { return Ok(false) };
    Ok(find_access(app, &vendor, app_secret_no).await?.is_ok())
}
