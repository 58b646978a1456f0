//! What every handler shares.

use std::sync::Arc;

use hub::Hub;
use outbound::Ranges;
use system::load_shedder::CallRate;

use crate::config::Config;
use crate::demo::SignInLinks;
use crate::http::body::BodyBudget;
use crate::http::limit::RateLimits;
use crate::long_connection::ticket::TicketMaker;
use crate::metrics::Metrics;
use crate::tokens::TokenMaker;

/// The running server. Shared behind an [`Arc`]; see [`SharedApp`].
pub struct App {
    /// The settings.
    pub config: Config,
    /// What use cases, jobs and services work with.
    pub hub: Arc<Hub>,
    /// The calls of late, for the rate tiers.
    pub limits: RateLimits,
    /// The proxies whose word on the client counts.
    pub proxies: Ranges,
    /// The memory for the bodies of requests.
    pub bodies: BodyBudget,
    /// Whether calls are coming in.
    pub call_rate: CallRate,
    /// What is counted for the operator.
    pub metrics: Metrics,
    /// Makes and verifies tenant tokens.
    pub tokens: TokenMaker,
    /// Makes and verifies the app tokens of store apps.
    pub app_tokens: TokenMaker,
    /// Makes and reads the tickets of long connections.
    pub(crate) connection_tickets: TicketMaker,
    /// The links of a demo; none on other servers.
    pub(crate) sign_in_links: SignInLinks,
}

/// How handlers hold the [`App`].
pub type SharedApp = Arc<App>;
