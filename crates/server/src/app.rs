//! What every handler and worker shares.

use std::sync::Arc;

use hub::Hub;
use inspect::Inspect;
use objects::Objects;
use outbound::{Outbound, Ranges};
use system::load_shedder::CallRate;

use crate::config::Config;
use crate::disk::Disk;
use crate::http::body::BodyBudget;
use crate::http::limit::RateLimits;
use crate::key_uses::KeyUses;
use crate::links::Links;
use crate::long_connection::registry::ConnectionRegistry;
use crate::low_priority_runtime::LowPriorityRuntime;
use crate::metrics::Metrics;
use crate::root_key::Rotation;
use crate::tickets::TicketMaker;
use crate::tokens::TokenMaker;

/// The running server. Shared behind an [`Arc`]; see [`SharedApp`].
pub struct App {
    /// The settings.
    pub config: Config,
    /// The use cases, with the memory and the clock.
    pub hub: Hub,
    /// The contents of reports and files.
    pub objects: Objects,
    /// The room for contents.
    pub disk: Disk,
    /// Changes the root key.
    pub root_key: Rotation,
    /// The calls of late, for the rate tiers.
    pub limits: RateLimits,
    /// The proxies whose word on the client counts.
    pub proxies: Ranges,
    /// The memory for the bodies of requests.
    pub bodies: BodyBudget,
    /// When keys of the control API were used, until that is recorded.
    pub key_uses: KeyUses,
    /// The long connections of this process.
    pub connections: ConnectionRegistry,
    /// The only way out.
    pub outbound: Outbound,
    /// What checks the contents of reports.
    pub inspect: Inspect,
    /// The threads that fetch reports.
    pub low_priority: LowPriorityRuntime,
    /// Whether calls are coming in.
    pub call_rate: CallRate,
    /// What is counted for the operator.
    pub metrics: Metrics,
    /// Makes and verifies tenant tokens.
    pub tokens: TokenMaker,
    /// Makes and verifies the app tokens of store apps.
    pub app_tokens: TokenMaker,
    /// Makes and verifies the tickets of store apps.
    pub tickets: TicketMaker,
    /// Makes and reads signed links.
    pub links: Links,
}

/// How handlers hold the [`App`].
pub type SharedApp = Arc<App>;
