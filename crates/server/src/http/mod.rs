//! HTTP in: the listener and what every request passes before a use case sees it.

pub mod body;
pub mod forwarded;
mod intake;
pub mod limit;
pub mod listener;
pub mod routes;
mod scrape;
mod socket;
pub mod tls;
