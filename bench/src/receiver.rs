//! A receiver of webhooks as bare as can be: it counts, keeps the first requests, and answers 200.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Bodies that are stored, to be posted again.
const STORED_MAX: usize = 1_000;
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{\"msg\":\"success\"}";

/// The receiver, listening until the program ends.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    count: AtomicU64,
    first: Mutex<Option<Instant>>,
    recorded: Mutex<Vec<Vec<u8>>>,
}

impl Receiver {
    pub(crate) async fn start() -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let receiver = Receiver { address: listener.local_addr()?, shared: Arc::default() };
        let shared = Arc::clone(&receiver.shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who breaks off gets no answer.
                tokio::spawn(receive(stream, Arc::clone(&shared)));
            }
        });
        Ok(receiver)
    }

    /// Requests since the last [`Receiver::begin`].
    pub(crate) fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// When the first of them came.
    pub(crate) fn first_at(&self) -> Option<Instant> {
        *self.shared.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts anew.
    pub(crate) fn begin(&self) {
        self.shared.count.store(0, Ordering::Relaxed);
        self.shared.first.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// The first bodies that ever came.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.shared.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn receive(mut stream: TcpStream, shared: Arc<Shared>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::with_capacity(16 * 1_024);
    loop {
        while let Some((body, end)) = whole(&bytes) {
            if shared.count.fetch_add(1, Ordering::Relaxed) == 0 {
                let mut first = shared.first.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(Instant::now);
            }
            {
                let mut recorded = shared.recorded.lock().unwrap_or_else(PoisonError::into_inner);
                if recorded.len() < STORED_MAX {
                    recorded.push(bytes[body..end].to_vec());
                }
            }
            bytes.drain(..end);
            stream.write_all(ANSWER).await?;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
}

/// Where the body of the first whole request begins and ends.
fn whole(bytes: &[u8]) -> Option<(usize, usize)> {
    const LENGTH: &[u8] = b"content-length: ";
    let body = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = bytes[..body].to_ascii_lowercase();
    let at = head.windows(LENGTH.len()).position(|name| name == LENGTH)? + LENGTH.len();
    let digits = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    (bytes.len() >= body + length).then_some((body, body + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_with_its_last_byte() {
        let request = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nHost: a\r\n\r\nabcPOST";
        let body = request.len() - 7;
        assert_eq!(whole(request), Some((body, body + 3)));
        assert_eq!(whole(&request[..body + 2]), None);
        assert_eq!(whole(b"POST"), None);
    }
}
