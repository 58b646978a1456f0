//! What the operator's metrics count of the way out.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What goes out to an address that somebody else gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// An address was only looked at, when it was handed in.
    Text,
    /// A report was fetched.
    Report,
    /// An event or a URL check was posted.
    Webhook,
}

/// The counters. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    refusals: Family<[(&'static str, &'static str); 2], Counter>,
}

impl Counters {
    /// Has the registry show them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "outbound_refusals",
            "Addresses that the guard of the way out refused, by class",
            Family::clone(&self.refusals),
        );
    }

    /// Counts an address that the guard refused, by the class of the refusal.
    pub fn count_refusal(&self, way: Way, class: &'static str) {
        let way = match way {
            Way::Text => "text",
            Way::Report => "report",
            Way::Webhook => "webhook",
        };
        self.refusals.get_or_create(&[("way", way), ("class", class)]).inc();
    }
}
