//! A way to the server that can be cut or frozen.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of connections on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Bytes wait where they are.
    Frozen,
    /// Every connection that there was is closed; `Open` for new ones. Counts the cuts.
    Cut(u32),
}

/// Passes connections on to a server.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, watched) = watch::channel(State::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let watched = watched.clone();
                tokio::spawn(async move {
                    // A server that is down closes the connection.
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), server.into_split());
                    tokio::join!(
                        pass(from_client, to_server, watched.clone()),
                        pass(from_server, to_client, watched)
                    );
                });
            }
        });
        Proxy { address, state }
    }

    /// Where clients find it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes every connection that there is.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| {
            *state = match *state {
                State::Cut(count) => State::Cut(count + 1),
                _ => State::Cut(1),
            }
        });
    }

    /// Nothing arrives any more, and nobody is notified.
    pub(crate) fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    /// What was frozen goes on.
    pub(crate) fn thaw(&self) {
        self.state.send_replace(State::Open);
    }
}

/// Passes bytes on until one end is closed or the way is cut.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let begun = *state.borrow_and_update();
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let now = *state.borrow();
        if matches!(now, State::Cut(_)) && now != begun {
            return;
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            read = from.read(&mut bytes), if now != State::Frozen => match read {
                Ok(0) | Err(_) => return drop(to.shutdown().await),
                Ok(count) => if to.write_all(&bytes[..count]).await.is_err() { return },
            },
        }
    }
}
