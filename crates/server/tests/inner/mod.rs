//! Everything that nothing may be sent to: the addresses, a network in which all of them are there, names that
//! change their mind, and listeners that note who reaches them.

pub(crate) mod cases;
pub(crate) mod dns;
pub(crate) mod namespace;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A public address, on which a host answers.
pub(crate) const PUBLIC: &str = "9.9.9.1";
/// The port that is allowed beside the usual ones.
pub(crate) const PORT: u16 = 9_000;
/// Where a connection would be seen: the allowed ports, and some that are not.
const PORTS: [u16; 9] = [PORT, 80, 443, 8443, 22, 25, 6379, 11211, 21];

/// Listeners on every address of this machine.
#[derive(Clone, Default)]
pub(crate) struct Ears {
    received: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Ears {
    /// Listens on all ports. Requests are answered by their path: `/to/N` redirects to the N-th of `targets`,
    /// `/again` to another path of the same host, everything else is a small PDF; the connection ends after it.
    pub(crate) async fn start(targets: Vec<String>) -> Ears {
        let ears = Ears::default();
        let targets = Arc::new(targets);
        for port in PORTS {
            // Of both families.
            let listener = TcpListener::bind(("::", port)).await.unwrap();
            let (ears, targets) = (ears.clone(), Arc::clone(&targets));
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    ears.received.lock().unwrap().push(reached(&stream));
                    let targets = Arc::clone(&targets);
                    tokio::spawn(async move {
                        // Who breaks off gets no answer.
                        let _ = answer(stream, &targets).await;
                    });
                }
            });
        }
        ears
    }

    /// Connections to the public address on the allowed port.
    pub(crate) fn allowed(&self) -> usize {
        self.received().iter().filter(|address| is_allowed(address)).count()
    }

    /// Connections to anything else.
    pub(crate) fn inner(&self) -> Vec<SocketAddr> {
        self.received().into_iter().filter(|address| !is_allowed(address)).collect()
    }

    /// Forgets what was received.
    pub(crate) fn forget(&self) {
        self.received.lock().unwrap().clear();
    }

    fn received(&self) -> Vec<SocketAddr> {
        self.received.lock().unwrap().clone()
    }
}

fn is_allowed(address: &SocketAddr) -> bool {
    *address == SocketAddr::new(PUBLIC.parse().unwrap(), PORT)
}

/// Where a connection was made to.
fn reached(stream: &TcpStream) -> SocketAddr {
    let address = stream.local_addr().unwrap();
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

async fn answer(mut stream: TcpStream, targets: &[String]) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut piece = [0; 4_096];
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        head.extend_from_slice(&piece[..count]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let target =
        path.strip_prefix("/to/").and_then(|number| targets.get(number.parse::<usize>().ok()?));
    let again = (path == "/again").then(|| "/r.pdf".to_owned());
    let reply = match target.cloned().or(again) {
        Some(target) => format!(
            "HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        ),
        None => {
            let body = "%PDF-1.7\n%%EOF";
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        }
    };
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await
}

/// Asserts that a plain connection to an address would be received.
pub(crate) async fn assert_reachable(ears: &Ears, address: &str) {
    assert_heard(ears, address.parse().unwrap()).await;
}

/// The same for an address that was parsed.
pub(crate) async fn assert_heard(ears: &Ears, ip: IpAddr) {
    TcpStream::connect((ip, PORT)).await.unwrap();
    let waited = async {
        while ears.received().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waited).await.unwrap();
    assert_eq!(ears.received(), [SocketAddr::new(ip.to_canonical(), PORT)], "{ip}");
    ears.forget();
}
