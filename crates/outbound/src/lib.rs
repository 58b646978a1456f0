//! The one guarded way out to addresses that someone else gave: webhooks by [`Outbound::post`],
//! reports by [`Outbound::fetch`].
//!
//! The guard checks the URL's text, all addresses of its host, and the peer of the connection;
//! redirects begin anew. The operator sees failures by `class()`; outside there is one text for
//! whatever lies before an answer's first byte, so that nobody can probe the network. No proxies of
//! the environment; answers are bounded.

mod address;
mod allow;
mod check;
mod connect;
mod counters;
mod embedded;
mod exchanges;
mod fetch;
mod post;
mod tls;

use std::sync::Arc;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use moka::sync::Cache;
use rustls::RootCertStore;
use system::clock::Clock;
use url::{Position, Url};

pub use address::{AddressClass, BadRange, Ranges, is_public};
pub use allow::{Allow, BadRule};
pub use check::{Guard, Refusal, URL_CHARS_MAX, check_url};
pub use connect::ConnectFailure;
pub use counters::{Counters, Way};
pub use fetch::{FetchFailure, FetchLimits, Fetched};
pub use post::{Answer, PostFailure, PostLimits};
pub use tls::TlsFailure;

use connect::{Connector, Names};
use tls::web_roots;

const TARGETS_MAX: u64 = 1_024;
/// How the server names itself to whom it calls.
const USER_AGENT: &str = concat!("Probity/", env!("CARGO_PKG_VERSION"));

/// The way out. Cheap to clone; clones share the pooled connections.
#[derive(Clone)]
pub struct Outbound {
    clock: Clock,
    guard: Arc<Guard>,
    connector: Connector,
    pool: Client<Connector, Full<Bytes>>,
    /// For the call that a connection of the pool did not bring out.
    unpooled: Client<Connector, Full<Bytes>>,
    /// What was checked fit to be posted to, by its text.
    targets: Cache<String, Uri>,
    post_limits: PostLimits,
    fetch_limits: FetchLimits,
    counters: Counters,
}

impl Outbound {
    /// A way out guarded by `guard`, which stays as it is.
    #[must_use]
    pub fn new(
        clock: Clock,
        guard: Guard,
        post_limits: PostLimits,
        fetch_limits: FetchLimits,
        counters: Counters,
    ) -> Outbound {
        let guard = Arc::new(guard);
        let (roots, limit) = (web_roots(), post_limits.connect);
        let connector = Connector::new(Arc::clone(&guard), Names::System, roots, limit);
        Outbound::over(clock, guard, connector, post_limits, fetch_limits, counters)
    }

    /// The same, but trusting `roots` instead of those that the web trusts.
    #[must_use]
    pub fn trusting(self, roots: RootCertStore) -> Outbound {
        let limit = self.post_limits.connect;
        let connector = Connector::new(Arc::clone(&self.guard), Names::System, roots, limit);
        let Outbound { clock, guard, post_limits, fetch_limits, counters, .. } = self;
        Outbound::over(clock, guard, connector, post_limits, fetch_limits, counters)
    }

    fn over(
        clock: Clock,
        guard: Arc<Guard>,
        connector: Connector,
        post_limits: PostLimits,
        fetch_limits: FetchLimits,
        counters: Counters,
    ) -> Outbound {
        let pool = post::pool(connector.clone(), post::POOL_IDLE_MAX);
        let unpooled = post::pool(connector.clone(), 0);
        let targets = Cache::new(TARGETS_MAX);
        Outbound {
            clock,
            guard,
            connector,
            pool,
            unpooled,
            targets,
            post_limits,
            fetch_limits,
            counters,
        }
    }

    /// Checks a URL by its text alone, without asking for a name: for the moment it is handed in.
    pub fn check(&self, url: &str) -> Result<Url, Refusal> {
        let checked = self.guard.check(url);
        if let Err(refusal) = &checked {
            self.counters.count_refusal(Way::Text, refusal.class());
        }
        checked
    }
}

/// The URI to call: the checked host, the path and query as they were written.
fn uri(text: &str, url: &Url) -> Result<Uri, Refusal> {
    Uri::builder()
        .scheme(url.scheme())
        .authority(&url[Position::BeforeHost..Position::AfterPort])
        .path_and_query(check::request_target(text, url))
        .build()
        .map_err(|_| Refusal::Malformed)
}

#[cfg(test)]
mod tests;
