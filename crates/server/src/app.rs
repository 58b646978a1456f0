//! What every handler and worker shares.

use std::sync::Arc;

use hub::Hub;
use inspect::Inspect;
use outbound::Ranges;
use system::load_shedder::CallRate;

use crate::config::Config;
use crate::http::body::BodyBudget;
use crate::http::limit::RateLimits;
use crate::long_connection::registry::ConnectionRegistry;
use crate::low_priority_runtime::LowPriorityRuntime;
use crate::metrics::Metrics;
use crate::tickets::TicketMaker;
use crate::tokens::TokenMaker;

/// The running server. Shared behind an [`Arc`]; see [`SharedApp`].
pub struct App {
    /// The settings.
    pub config: Config,
    /// What the use cases work with.
    pub hub: Hub,
    /// The calls of late, for the rate tiers.
    pub limits: RateLimits,
    /// The proxies whose word on the client counts.
    pub proxies: Ranges,
    /// The memory for the bodies of requests.
    pub bodies: BodyBudget,
    /// The long connections of this process.
    pub connections: ConnectionRegistry,
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
}

/// How handlers hold the [`App`].
pub type SharedApp = Arc<App>;
