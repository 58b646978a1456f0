//! The way out over real sockets: peers that record what reaches them, and that misbehave.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use domain::UnixMs;
use rustls::RootCertStore;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use super::connect::{Connector, Names, Table};
use super::tls::web_roots;
use super::*;

mod fetching;
mod posting;
mod securing;

const MS: Duration = Duration::from_millis(1);

/// A server on loopback that records each request and answers it by a function of its head and
/// number. An answer without `content-length` ends with the connection; [`CLOSED`] is none.
struct Peer {
    address: SocketAddr,
    seen: Arc<Seen>,
}

/// In place of an answer: the connection ends without a byte.
const CLOSED: &[u8] = b"closed";

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

type Script = Arc<dyn Fn(&str, usize) -> Vec<u8> + Send + Sync>;

impl Peer {
    async fn start<F>(answer: F) -> Peer
    where
        F: Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static,
    {
        Peer::listen(None, Arc::new(answer)).await
    }

    /// A peer that must see nothing at all.
    async fn silent() -> Peer {
        Peer::start(|_, _| ok("inner secret")).await
    }

    async fn listen(tls: Option<tokio_rustls::TlsAcceptor>, answer: Script) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let noting = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                noting.connections.fetch_add(1, Ordering::SeqCst);
                let (noting, answer, tls) = (Arc::clone(&noting), Arc::clone(&answer), tls.clone());
                tokio::spawn(async move {
                    let _ = match tls {
                        None => converse(stream, &noting, &answer).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, &noting, &answer).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Peer { address, seen }
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }
}

async fn converse<S>(mut stream: S, seen: &Seen, answer: &Script) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(request) = read_request(&mut stream).await? {
        let number = {
            let mut requests = seen.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len()
        };
        let reply = answer(&request, number);
        if reply == CLOSED {
            break;
        }
        stream.write_all(&reply).await?;
        stream.flush().await?;
        let is_stalling = reply.ends_with(b"...") || reply.is_empty();
        if is_stalling {
            std::future::pending::<()>().await;
        }
        let text = String::from_utf8_lossy(&reply).to_lowercase();
        if !text.contains("content-length:") {
            break;
        }
    }
    stream.shutdown().await
}

/// One request with its body, or `None` at the end of the connection.
async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<String>> {
    let mut text = Vec::new();
    loop {
        if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
            if text.len() >= end + 4 + length {
                return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
            }
        }
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Ok(None);
        }
        text.extend_from_slice(&piece[..count]);
    }
}

fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into()
}

fn ok(body: &str) -> Vec<u8> {
    reply("200 OK", "", body)
}

fn redirect(status: u16, location: &str) -> Vec<u8> {
    reply(&format!("{status} Moved"), &format!("location: {location}\r\n"), "elsewhere")
}

/// A way out for a test: which rules hold, what names resolve to, whom TLS trusts.
struct Set {
    rules: Vec<&'static str>,
    names: Arc<Table>,
    own: Vec<SocketAddr>,
    roots: RootCertStore,
    post: PostLimits,
    fetch: FetchLimits,
}

impl Default for Set {
    /// `hook.test` is allowed and, like every name, lies on loopback; ranges are allowed that no
    /// peer lies in, so that unknown names are checked by their addresses on any port.
    fn default() -> Set {
        Set {
            rules: vec!["hook.test", "10.9.8.0/24"],
            names: Arc::new(|_| vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
            own: Vec::new(),
            roots: web_roots(),
            post: PostLimits::default(),
            fetch: FetchLimits { bytes_max: 100_000, ..FetchLimits::default() },
        }
    }
}

impl Set {
    /// The same with times short enough to wait for.
    fn hasty() -> Set {
        let set = Set::default();
        let post = PostLimits { connect: 200 * MS, total: 300 * MS, ..set.post };
        let fetch =
            FetchLimits { first_byte: 300 * MS, stall: 250 * MS, total: 600 * MS, ..set.fetch };
        Set { post, fetch, ..set }
    }

    fn open(self) -> Outbound {
        let allow = Allow::from_rules(self.rules).unwrap();
        let guard = Arc::new(Guard { allow, own: self.own, own_names: Vec::new() });
        let names = Names::Table(self.names);
        let connector = Connector::new(Arc::clone(&guard), names, self.roots, self.post.connect);
        let clock = Clock::manual(UnixMs(1_795_000_000_000));
        Outbound::over(clock, guard, connector, self.post, self.fetch, Counters::default())
    }
}

/// Every way to write loopback's address in a URL, and names that resolve to it.
const INNER_HOSTS: &[&str] = &[
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "127.0.0.1.",
    "１２７.０.０.１",
    "%31%32%37.0.0.1",
    "[::1]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "0.0.0.0",
    "localhost",
    "a.localhost",
    "inner.example.com",
    "user@127.0.0.1",
];
