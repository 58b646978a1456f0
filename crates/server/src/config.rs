//! The settings of the server: one struct, read once.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domain::retention::Bounds;
use inspect::ScannerPolicy;

use crate::http::listener::ListenerLimits;
use crate::http::tls::TlsFiles;
use crate::long_connection::limits::LongConnectionLimits;

/// What an operator can set. Variables and flags of the same names stand in the command line's help.
#[derive(Clone)]
pub struct Config {
    /// Folder that holds everything in the default set-up. `PROBITY_DATA`, default `./data`.
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one. `PROBITY_LISTEN`, default `127.0.0.1:8090`.
    pub listen: SocketAddr,
    /// Certificate and key, when the server speaks TLS: `PROBITY_TLS_CERTIFICATE` and `PROBITY_TLS_KEY`, default none.
    pub tls: Option<TlsFiles>,
    /// Addresses and CIDR ranges of the proxies whose word on the client's address and scheme counts.
    /// `PROBITY_TRUSTED_PROXY`, separated by commas; default none.
    pub trusted_proxies: Vec<String>,
    /// A PostgreSQL database instead of the embedded one. `PROBITY_DATABASE_URL`, default none.
    pub database_url: Option<String>,
    /// The root key as 64 hex digits instead of `<data>/root.key`. `PROBITY_ROOT_KEY`, default none.
    pub root_key: Option<String>,
    /// The next root key, beside `root_key`, for a rotation. `PROBITY_ROOT_KEY_NEXT`, default none.
    pub root_key_next: Option<String>,
    /// A command for `/bin/sh` that prints the root key as 64 hex digits, and on a second line the next one, if there
    /// is one; it has 10 s. `PROBITY_ROOT_KEY_COMMAND`, default none.
    pub root_key_command: Option<String>,
    /// Where contents lie: a folder, or `s3://bucket/prefix`. `PROBITY_OBJECTS`, default `<data>/reports`.
    pub objects: Option<String>,
    /// Whether to start although something that was acknowledged is missing. Default false.
    pub accept_data_loss: bool,
    /// How to speak to the S3-compatible store.
    pub s3: S3,
    /// Hosts, addresses and CIDR ranges that may be called on any port, ports (`:9000`) of public hosts beside
    /// 80, 443 and 8443, NAT64 prefixes (`nat64:64:ff9b::/96`). `PROBITY_ALLOW_OUTBOUND`, separated by commas;
    /// default none.
    pub allow_outbound: Vec<String>,
    /// A file of further certificate authorities in PEM, for everything that is called over TLS: webhooks, hosts of
    /// reports, anchors, PostgreSQL, the S3-compatible store. `PROBITY_CA_FILE`, default none.
    pub ca_file: Option<PathBuf>,
    /// The program that checks reports deeply in a child process, which is `probity` itself; none switches the
    /// check off. `PROBITY_DEEP_CHECK` as `on` or `off`; the command line's default is `on`, the library's none.
    pub deep_check: Option<PathBuf>,
    /// A scanner for malware, see [`inspect::Scanner`]. `PROBITY_SCANNER`, default none.
    pub scanner: Option<String>,
    /// What is done with what the scanner found. `PROBITY_SCANNER_POLICY`, default `flag`.
    pub scanner_policy: ScannerPolicy,
    /// The address under which this server is known outside, for links. `PROBITY_PUBLIC_URL`, default none.
    pub public_url: Option<String>,
    /// How a path or method that the open API does not have is answered. `PROBITY_NOT_FOUND`, default `text`.
    pub not_found: NotFound,
    /// Most bytes of a request's body. Default 1 MiB.
    pub body_bytes_max: usize,
    /// Calls of the control API that a key may make in any minute, on each replica; 0 for as many as it likes.
    /// `PROBITY_KEY_CALLS_PER_MINUTE`, default 6,000.
    pub key_calls_per_minute: u32,
    /// Most bytes of a file that a hirer brings for orders. Default 10 MiB.
    pub file_bytes_max: usize,
    /// Bytes of reports and files that are stored for a tenant without a quota of its own. Default 50 GiB.
    pub tenant_quota_bytes: u64,
    /// Bytes of reports that are stored for an app without a quota of its own. Default 10 GiB.
    pub app_quota_bytes: u64,
    /// Free bytes of the disk below which reports and files wait. Default a twentieth of the disk, 32 MiB to 1 GiB.
    pub disk_reserve_bytes: Option<u64>,
    /// Time for a request's body. Default 30 s.
    pub body_time: Duration,
    /// What a connection of HTTP may take.
    pub listener: ListenerLimits,
    /// Bounds for every rule of retention, in days after an order's end. `PROBITY_RETENTION_DAYS_MIN`, default 0, and
    /// `PROBITY_RETENTION_DAYS_MAX`, default 3,650.
    pub retention: Bounds,
    /// Where else anchors are sent, as JSON lines by POST. `PROBITY_ANCHOR_URL`, default none.
    pub anchor_url: Option<String>,
    /// What long connections may take, and what their clients are sent.
    pub long_connection: LongConnectionLimits,
}

/// An S3-compatible store: its address and who asks there.
#[derive(Clone, Default)]
pub struct S3 {
    /// Its address; the provider's own for the region when left out. `PROBITY_S3_ENDPOINT`, default none.
    pub endpoint: Option<String>,
    /// `PROBITY_S3_REGION`, default `us-east-1`.
    pub region: Option<String>,
    /// Whether the bucket's name stands in the host. `PROBITY_S3_STYLE` as `path` or `virtual`, default `path`.
    pub is_virtual_hosted: bool,
    /// `PROBITY_S3_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// `PROBITY_S3_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<String>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut s3 = f.debug_struct("S3");
        s3.field("endpoint", &self.endpoint).field("region", &self.region);
        s3.field("is_virtual_hosted", &self.is_virtual_hosted).finish_non_exhaustive()
    }
}

/// How an unknown path or method of the open API is answered, with 404. Source: contract, section
/// 2.3 and question 21.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotFound {
    /// As the platform does: `text/plain`, `404 page not found`. No SDK can read it.
    #[default]
    Text,
    /// As every other refusal: JSON with code 99991201, or 99991301 for another method on a known path.
    Json,
}

// Without what is secret: root keys, the database's address with its password, the store's keys.
contract::debug_only! {
    Config {
        data, listen, tls, trusted_proxies, public_url, objects, s3, allow_outbound, ca_file,
        not_found, body_bytes_max, key_calls_per_minute, file_bytes_max, tenant_quota_bytes, app_quota_bytes,
        disk_reserve_bytes, body_time, listener, retention, long_connection
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            data: PathBuf::from("data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            tls: None,
            trusted_proxies: Vec::new(),
            database_url: None,
            root_key: None,
            root_key_next: None,
            root_key_command: None,
            objects: None,
            accept_data_loss: false,
            s3: S3::default(),
            allow_outbound: Vec::new(),
            ca_file: None,
            deep_check: None,
            scanner: None,
            scanner_policy: ScannerPolicy::Flag,
            public_url: None,
            not_found: NotFound::Text,
            body_bytes_max: 1024 * 1024,
            key_calls_per_minute: 6_000,
            file_bytes_max: 10 * 1024 * 1024,
            tenant_quota_bytes: 50 << 30,
            app_quota_bytes: 10 << 30,
            disk_reserve_bytes: None,
            body_time: Duration::from_secs(30),
            listener: ListenerLimits::default(),
            retention: Bounds::default(),
            anchor_url: None,
            long_connection: LongConnectionLimits::default(),
        }
    }
}
