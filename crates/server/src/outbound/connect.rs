//! The connector: resolve, judge every address, connect to a judged one, check the peer, speak TLS.
//!
//! A guard on the resolver alone would not do: addresses written as numbers never reach a resolver.
//! A guard on the text alone would not do either: a name may resolve to anything, and to something
//! else at the next question. Here the addresses that were judged are the ones connected to.
//! Proxies named in the environment are not looked at.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use url::Host;

use super::exchanges::Noted;
use super::judge::{Guard, Refusal};
use crate::handles;

/// The most addresses of one host that are tried.
const TRIES_MAX: usize = 4;

/// Why no connection came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFailure {
    /// The guard does not let it out.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name could not be resolved.
    #[error("the name was not resolved")]
    NotResolved,
    /// No address took the connection.
    #[error("the connection was not taken")]
    NotConnected,
    /// TLS failed: no TLS there, or a certificate that does not prove the host.
    #[error("the connection could not be secured")]
    NotSecured,
    /// Not within the time.
    #[error("the connection took too long")]
    TooSlow,
    /// This process had no file handle for it, which says nothing about the receiver.
    #[error("the server is short of file handles")]
    OutOfHandles,
}

impl ConnectFailure {
    /// The word for the operator's log and metrics.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            ConnectFailure::Refused(refusal) => refusal.class(),
            ConnectFailure::NotResolved => "not_resolved",
            ConnectFailure::NotConnected => "not_connected",
            ConnectFailure::NotSecured => "not_secured",
            ConnectFailure::TooSlow => "connect_too_slow",
            ConnectFailure::OutOfHandles => "out_of_handles",
        }
    }
}

/// Makes guarded connections.
#[derive(Clone)]
pub(super) struct Connector {
    guard: Arc<Guard>,
    names: Names,
    tls: TlsConnector,
    limit: Duration,
}

/// Who is asked for a name's addresses.
#[derive(Clone)]
pub(super) enum Names {
    /// The machine's resolver.
    System,
    /// A test's table.
    #[cfg(test)]
    Table(Arc<Table>),
}

/// A test's answer to a name.
#[cfg(test)]
pub(super) type Table = dyn Fn(&str) -> Vec<std::net::IpAddr> + Send + Sync;

impl Connector {
    /// Connects within `limit`, the resolving and TLS included.
    pub(super) fn new(
        guard: Arc<Guard>,
        names: Names,
        tls: Arc<ClientConfig>,
        limit: Duration,
    ) -> Connector {
        Connector { guard, names, tls: TlsConnector::from(tls), limit }
    }

    /// The same with another time limit.
    pub(super) fn within(&self, limit: Duration) -> Connector {
        Connector { limit, ..self.clone() }
    }

    /// A connection to `host`, judged, and secured if `is_https`.
    pub(super) async fn connect(
        &self,
        host: &Host<String>,
        port: u16,
        is_https: bool,
    ) -> Result<Link, ConnectFailure> {
        let connecting = async {
            let addresses = self.resolve(host, port).await?;
            self.guard.judge_all(host, &addresses)?;
            let stream = self.reach(&addresses).await?;
            if is_https { self.secure(host, stream).await } else { Ok(link(Either::Left(stream))) }
        };
        tokio::time::timeout(self.limit, connecting).await.unwrap_or(Err(ConnectFailure::TooSlow))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that resolves and judges names")]
    async fn resolve(
        &self,
        host: &Host<String>,
        port: u16,
    ) -> Result<Vec<SocketAddr>, ConnectFailure> {
        let name = match host {
            Host::Ipv4(v4) => return Ok(vec![SocketAddr::from((*v4, port))]),
            Host::Ipv6(v6) => return Ok(vec![SocketAddr::from((*v6, port))]),
            Host::Domain(name) => name.as_str(),
        };
        match &self.names {
            Names::System => {
                let found = tokio::net::lookup_host((name, port)).await;
                found
                    .map(Iterator::collect)
                    .map_err(|error| ours_or(&error, ConnectFailure::NotResolved))
            }
            #[cfg(test)]
            Names::Table(table) => {
                Ok(table(name).into_iter().map(|ip| SocketAddr::from((ip, port))).collect())
            }
        }
    }

    /// Connects to the first of the judged addresses that takes the connection; each has an equal
    /// share of the time.
    async fn reach(&self, addresses: &[SocketAddr]) -> Result<TcpStream, ConnectFailure> {
        let tries = addresses.len().clamp(1, TRIES_MAX);
        let share = self.limit / u32::try_from(tries).unwrap_or(1);
        let mut failure = ConnectFailure::NotConnected;
        for address in addresses.iter().take(tries) {
            let stream = match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    failure = ours_or(&error, failure);
                    continue;
                }
                Err(_) => continue,
            };
            // What took the connection must be what was judged.
            let is_judged = stream
                .peer_addr()
                .is_ok_and(|peer| (peer.ip(), peer.port()) == (address.ip(), address.port()));
            if is_judged && stream.set_nodelay(true).is_ok() {
                return Ok(stream);
            }
        }
        Err(failure)
    }

    async fn secure(&self, host: &Host<String>, stream: TcpStream) -> Result<Link, ConnectFailure> {
        let name = match host {
            Host::Ipv4(v4) => ServerName::from(std::net::IpAddr::V4(*v4)),
            Host::Ipv6(v6) => ServerName::from(std::net::IpAddr::V6(*v6)),
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_owned();
                ServerName::try_from(name).map_err(|_| ConnectFailure::NotSecured)?
            }
        };
        let secured = self.tls.connect(name, stream).await;
        secured
            .map(|stream| link(Either::Right(Box::new(stream))))
            .map_err(|_| ConnectFailure::NotSecured)
    }
}

/// Whether it was this process that had no file handle, else `theirs`. A resolver without one does not say so.
fn ours_or(error: &io::Error, theirs: ConnectFailure) -> ConnectFailure {
    match handles::is_want(error) || handles::are_short() {
        true => ConnectFailure::OutOfHandles,
        false => theirs,
    }
}

/// TLS as all outbound connections speak it: the web's roots, HTTP/1.1 alone, so that no connection
/// is shared between hosts.
pub(super) fn tls_config(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider serves the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// The certificate authorities that the web trusts.
pub(super) fn web_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

impl tower::Service<Uri> for Connector {
    type Response = Link;
    type Error = ConnectFailure;
    type Future = Pin<Box<dyn Future<Output = Result<Link, ConnectFailure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectFailure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let is_https = uri.scheme_str() == Some("https");
            let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
            let host = Host::parse(uri.host().unwrap_or_default());
            let host = host.map_err(|_| Refusal::Malformed)?;
            connector.connect(&host, port, is_https).await
        })
    }
}

/// A connection as hyper takes it, plain or secured.
pub(super) type Link = TokioIo<Noted<Either<TcpStream, Box<TlsStream<TcpStream>>>>>;

fn link(stream: Either<TcpStream, Box<TlsStream<TcpStream>>>) -> Link {
    TokioIo::new(Noted::new(stream))
}
