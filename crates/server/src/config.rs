//! The settings of the server: one struct, read once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domain::retention::Bounds;

use crate::long_connection::LongConnectionLimits;

/// What an operator can set. Variables and flags of the same names stand in the command line's help.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder that holds everything in the default set-up. `PROBITY_DATA`, default `./data`.
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one. `PROBITY_LISTEN`, default `127.0.0.1:8090`.
    pub listen: SocketAddr,
    /// A PostgreSQL database instead of the embedded one. `PROBITY_DATABASE_URL`, default none.
    pub database_url: Option<String>,
    /// The root key as 64 hex digits instead of `<data>/root.key`. `PROBITY_ROOT_KEY`, default none.
    pub root_key: Option<String>,
    /// Hosts, addresses and CIDR ranges that may be called although they are not public.
    /// `PROBITY_ALLOW_OUTBOUND`, separated by commas; default none.
    pub allow_outbound: Vec<String>,
    /// The address under which this server is known outside, for links. `PROBITY_PUBLIC_URL`, default none.
    pub public_url: Option<String>,
    /// How a path or method that the open API does not have is answered. `PROBITY_NOT_FOUND`, default `text`.
    pub not_found: NotFound,
    /// Most bytes of a request's body. Default 1 MiB.
    pub body_bytes_max: usize,
    /// Most bytes of a file that a hirer brings for orders. Default 10 MiB.
    pub file_bytes_max: usize,
    /// Time for a request's body. Default 30 s.
    pub body_time: Duration,
    /// Bounds for every rule of retention, in days after an order's end. `PROBITY_RETENTION_DAYS_MIN`, default 0, and
    /// `PROBITY_RETENTION_DAYS_MAX`, default 3,650.
    pub retention: Bounds,
    /// Where the anchors of the audit chains are sent besides, as JSON lines by POST. `PROBITY_ANCHOR_URL`, default
    /// none.
    pub anchor_url: Option<String>,
    /// What long connections may take, and what their clients are told.
    pub long_connection: LongConnectionLimits,
}

/// How a path or method that the open API does not have is answered, always with 404.
///
/// Source: contract, section 2.3 and question 21.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotFound {
    /// As the platform does: `text/plain`, `404 page not found`. No SDK can read it.
    #[default]
    Text,
    /// As every other refusal: JSON with code 99991201, or 99991301 for another method on a known path.
    Json,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: PathBuf::from("data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            database_url: None,
            root_key: None,
            allow_outbound: Vec::new(),
            public_url: None,
            not_found: NotFound::Text,
            body_bytes_max: 1024 * 1024,
            file_bytes_max: 10 * 1024 * 1024,
            body_time: Duration::from_secs(30),
            retention: Bounds::default(),
            anchor_url: None,
            long_connection: LongConnectionLimits::default(),
        }
    }
}
