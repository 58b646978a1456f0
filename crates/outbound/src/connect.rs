//! The connector: resolve, check every address, connect to a checked one, check the peer, speak TLS.
//!
//! Addresses written as numbers never reach a resolver, and a name may resolve differently the next
//! time: so the addresses that were checked are the ones connected to. Proxies of the environment
//! are ignored.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::select_ok;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use system::handles;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;
use url::Host;

use super::check::{Guard, Refusal};
use super::exchanges::Noted;
use super::tls::{Hellos, TlsFailure};

/// The most addresses of one host that are tried.
const TRIES_MAX: usize = 4;
/// After how long the next address is tried beside one that is silent.
const NEXT_AFTER: Duration = Duration::from_millis(250);
/// After how long a small TLS hello is tried beside one that is not answered.
const SMALL_HELLO_AFTER: Duration = Duration::from_millis(400);

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
    NotSecured(TlsFailure),
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
            ConnectFailure::NotSecured(_) => "not_secured",
            ConnectFailure::TooSlow => "connect_too_slow",
            ConnectFailure::OutOfHandles => "out_of_handles",
        }
    }
}

#[derive(Clone)]
pub(super) struct Connector {
    guard: Arc<Guard>,
    names: Names,
    hellos: Hellos,
    limit: Duration,
}

#[derive(Clone)]
pub(super) enum Names {
    /// The machine's resolver.
    System,
    /// A test's table.
    #[cfg(test)]
    Table(Arc<Table>),
}

#[cfg(test)]
pub(super) type Table = dyn Fn(&str) -> Vec<std::net::IpAddr> + Send + Sync;

impl Connector {
    pub(super) fn new(
        guard: Arc<Guard>,
        names: Names,
        roots: RootCertStore,
        limit: Duration,
    ) -> Connector {
        Connector { guard, names, hellos: Hellos::new(roots), limit }
    }

    pub(super) fn within(&self, limit: Duration) -> Connector {
        Connector { limit, ..self.clone() }
    }

    pub(super) async fn connect(
        &self,
        host: &Host<String>,
        port: u16,
        is_https: bool,
    ) -> Result<Link, ConnectFailure> {
        let connecting = async {
            let addresses = self.resolve(host, port).await?;
            self.guard.check_all(host, &addresses)?;
            let stream = self.reach(&addresses).await?;
            match is_https {
                true => self.secure(host, &addresses, stream).await,
                false => Ok(link(Either::Left(stream))),
            }
        };
        tokio::time::timeout(self.limit, connecting).await.unwrap_or(Err(ConnectFailure::TooSlow))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that resolves and checks names")]
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

    /// Connects to the first address that accepts; the next is tried beside a silent one. Source: RFC 8305.
    async fn reach(&self, addresses: &[SocketAddr]) -> Result<TcpStream, ConnectFailure> {
        let mut waiting = in_turns(addresses).into_iter().take(TRIES_MAX).peekable();
        let mut tries = FuturesUnordered::new();
        let mut failure = ConnectFailure::NotConnected;
        loop {
            tries.extend(waiting.next().map(try_out));
            let wait = if waiting.peek().is_some() { NEXT_AFTER } else { self.limit };
            match tokio::time::timeout(wait, tries.next()).await {
                Ok(Some(Ok(stream))) => return Ok(stream),
                Ok(Some(Err(error))) => failure = ours_or(&error, failure),
                Ok(None) => return Err(failure),
                Err(_) => {}
            }
        }
    }

    async fn secure(
        &self,
        host: &Host<String>,
        addresses: &[SocketAddr],
        stream: TcpStream,
    ) -> Result<Link, ConnectFailure> {
        let name = match host {
            Host::Ipv4(v4) => ServerName::from(std::net::IpAddr::V4(*v4)),
            Host::Ipv6(v6) => ServerName::from(std::net::IpAddr::V6(*v6)),
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_owned();
                let wrong = |_| ConnectFailure::NotSecured(TlsFailure::OtherName);
                ServerName::try_from(name).map_err(wrong)?
            }
        };
        let mut usual = Box::pin(shake(&self.hellos.usual, name.clone(), stream));
        let small = Box::pin(async {
            tracing::debug!(?host, "no answer to a TLS hello with a post-quantum key share");
            let stream = self.reach(addresses).await?;
            shake(&self.hellos.small, name, stream).await
        });
        match tokio::time::timeout(SMALL_HELLO_AFTER, &mut usual).await {
            Ok(Err(ConnectFailure::NotSecured(TlsFailure::Broken))) => small.await,
            Ok(ended) => ended,
            Err(_) => {
                let both: [Pin<Box<dyn Future<Output = _> + Send>>; 2] = [usual, small];
                select_ok(both).await.map(|(link, _)| link)
            }
        }
    }
}

/// The addresses with the families alternating, else in their order.
fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_first = |address: &&SocketAddr| {
        addresses.first().is_some_and(|first| first.is_ipv6() == address.is_ipv6())
    };
    let (one, other): (Vec<&SocketAddr>, Vec<_>) = addresses.iter().partition(is_first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let pairs = std::iter::from_fn(|| match (one.next(), other.next()) {
        (None, None) => None,
        pair => Some(pair),
    });
    pairs.flat_map(|(one, other)| one.into_iter().chain(other)).copied().collect()
}

async fn try_out(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // What took the connection must be what was checked.
    let peer = stream.peer_addr()?;
    if (peer.ip(), peer.port()) != (address.ip(), address.port()) {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    }
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn shake(
    hello: &TlsConnector,
    name: ServerName<'static>,
    stream: TcpStream,
) -> Result<Link, ConnectFailure> {
    let secured = hello.connect(name, stream).await;
    secured
        .map(|stream| link(Either::Right(Box::new(stream))))
        .map_err(|error| ConnectFailure::NotSecured(TlsFailure::of(&error)))
}

/// Whether it was this process that had no file handle, else `theirs`. A resolver without one does not say so.
fn ours_or(error: &io::Error, theirs: ConnectFailure) -> ConnectFailure {
    match handles::is_want(error) || handles::are_short() {
        true => ConnectFailure::OutOfHandles,
        false => theirs,
    }
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

pub(super) type Link = TokioIo<Noted<Either<TcpStream, Box<TlsStream<TcpStream>>>>>;

fn link(stream: Either<TcpStream, Box<TlsStream<TcpStream>>>) -> Link {
    TokioIo::new(Noted::new(stream))
}
