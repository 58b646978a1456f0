//! One websocket from its beginning to its end: a task that reads and writes one thing at a time.
//!
//! A client that does not answer websocket pings, or takes nothing, is gone; what it has not acknowledged is due again.
//! A connection that the server ends gets a last pong and no close frame: the Java SDK does not react to one, and is
//! deaf until its own pings fail. Source: contract, section 5.6.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::FutureExt;
use hub::connections::{CloseReason, Connection, Order};
use system::clock::socket_now;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Error as SocketError;

use super::dialogue::{self, MESSAGE_BYTES_MAX, Received};
use super::limits::LongConnectionLimits;
use crate::app::{App, SharedApp};

/// Between the parts of one event: the Go SDK loses parts that arrive in a burst. Source: contract, section 5.6.
const PART_PAUSE: Duration = Duration::from_millis(5);
/// How long a client has for its first words before it gets events; the Node SDK would lose earlier ones.
const HELLO: Duration = Duration::from_secs(1);

/// What reading gives: a message, an error, or the end.
type Read = Option<Result<Message, axum::Error>>;

#[derive(Debug)]
enum End {
    Gone,
    Refused(String),
    /// We have nothing more to say to it.
    CloseReason(CloseReason),
    Silent,
    /// Ours: held events could not be made due, so the client is to come again.
    Fault,
}

/// Serves a connection to its end.
pub(super) async fn attend(
    app: SharedApp,
    mut socket: WebSocket,
    connection: Arc<Connection>,
    mut orders: mpsc::Receiver<Order>,
) {
    let first = tokio::time::timeout(HELLO, socket.recv()).await.ok();
    if let Some(None | Some(Err(_))) = first {
        app.hub.connections.note_unused(connection.connection_id);
        return;
    }
    app.hub.connections.add(&connection);
    let _present = Present { app: &app, connection: &connection };
    let (app_id, connection_id) = (connection.app_id, connection.connection_id);
    tracing::info!(%app_id, %connection_id, "a long connection began");
    let end = match app.hub.store.release_held(app_id, app.hub.installation_clock.now()).await {
        Ok(()) => converse(&app, &mut socket, &connection, &mut orders, first).await,
        Err(fault) => {
            tracing::error!(%fault, "events that were held stay held");
            End::Fault
        }
    };
    // Nothing is sent to it any more; that it is closed is noted when its client has received why.
    app.hub.connections.remove(&connection);
    if let End::Refused(reason) = &end {
        tracing::info!(%app_id, %connection_id, reason, "a client said what no client may say");
    }
    tracing::info!(%app_id, %connection_id, ?end, "a long connection ended");
    part(&app.config.long_connection, socket, end).await;
}

struct Present<'a> {
    app: &'a App,
    connection: &'a Connection,
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.app.hub.connections.remove(self.connection);
        self.app.hub.connections.note_end(self.connection.connection_id);
    }
}

async fn converse(
    app: &App,
    socket: &mut WebSocket,
    connection: &Connection,
    orders: &mut mpsc::Receiver<Order>,
    first: Option<Read>,
) -> End {
    let limits = &app.config.long_connection;
    if app.hub.connections.has_stopped() {
        return End::CloseReason(CloseReason::Stop);
    }
    if let Some(first) = first
        && let Err(end) = take(app, socket, connection, first).await
    {
        return end;
    }
    let mut received_at = socket_now();
    let mut ping_at = received_at + limits.ping_period;
    loop {
        if socket_now() >= ping_at {
            ping_at = socket_now() + limits.ping_period;
            if let Err(end) = write(limits, socket, Message::Ping(Vec::new().into())).await {
                return end;
            }
        }
        let gone_at = received_at + limits.silence;
        let done = tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(frames)) => write_all(limits, socket, frames).await,
                Some(Order::End(reason)) => Err(End::CloseReason(reason)),
                None => Err(End::Gone),
            },
            read = tokio::time::timeout_at(gone_at.min(ping_at), socket.recv()) => match read {
                Ok(read) => {
                    received_at = socket_now();
                    take(app, socket, connection, read).await
                }
                Err(_) if socket_now() >= gone_at => Err(End::Silent),
                Err(_) => Ok(()),
            },
        };
        if let Err(end) = done {
            return end;
        }
    }
}

async fn take(
    app: &App,
    socket: &mut WebSocket,
    connection: &Connection,
    read: Read,
) -> Result<(), End> {
    let message = match read {
        Some(Ok(message)) => message,
        Some(Err(error)) => return Err(broken(&error)),
        None => return Err(End::Gone),
    };
    match react(app, connection, &message)? {
        Some(reply) => write(&app.config.long_connection, socket, reply).await,
        None => Ok(()),
    }
}

fn react(app: &App, connection: &Connection, message: &Message) -> Result<Option<Message>, End> {
    let bytes = match message {
        Message::Binary(bytes) => bytes,
        Message::Text(_) => {
            return Err(End::Refused("expected binary messages, came text".to_owned()));
        }
        // The library answers these by itself.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(None),
    };
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(too_large());
    }
    let received = dialogue::read(bytes).map_err(|bad| End::Refused(bad.to_string()))?;
    connection.note_frame();
    match received {
        Received::Ping => {
            connection.pinged(app.hub.installation_clock.now());
            let pong = dialogue::pong(&app.config.long_connection.client);
            Ok(Some(Message::Binary(pong.into())))
        }
        Received::Ack { message_id, ack } => {
            connection.acknowledge(&message_id, ack);
            Ok(None)
        }
        Received::Nothing => Ok(None),
    }
}

fn too_large() -> End {
    End::Refused(format!("expected messages of at most {MESSAGE_BYTES_MAX} bytes"))
}

/// What it means that nothing more can be read.
fn broken(error: &axum::Error) -> End {
    let source = std::error::Error::source(error);
    match source.and_then(|source| source.downcast_ref::<SocketError>()) {
        Some(SocketError::Capacity(_)) => too_large(),
        Some(SocketError::Utf8(_)) => End::Refused("expected text in UTF-8".to_owned()),
        Some(SocketError::Protocol(_)) => End::Refused("expected websocket frames".to_owned()),
        _ => End::Gone,
    }
}

async fn write_all(
    limits: &LongConnectionLimits,
    socket: &mut WebSocket,
    frames: Vec<Vec<u8>>,
) -> Result<(), End> {
    for (index, frame) in frames.into_iter().enumerate() {
        if index > 0 {
            let _ = tokio::time::timeout(PART_PAUSE, std::future::pending::<()>()).await;
        }
        write(limits, socket, Message::Binary(frame.into())).await?;
    }
    Ok(())
}

/// Writes a message; a client that does not take it is gone.
async fn write(
    limits: &LongConnectionLimits,
    socket: &mut WebSocket,
    message: Message,
) -> Result<(), End> {
    match tokio::time::timeout(limits.write_stall, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

async fn part(limits: &LongConnectionLimits, mut socket: WebSocket, end: End) {
    let config = match end {
        End::Gone => return,
        End::CloseReason(CloseReason::Stop) | End::Fault => {
            dialogue::come_back_soon(&limits.client)
        }
        // Who is refused is not asked to hurry.
        End::CloseReason(CloseReason::NotAllowed) | End::Refused(_) | End::Silent => limits.client,
    };
    let pong = Message::Binary(dialogue::pong(&config).into());
    if write(limits, &mut socket, pong).await.is_ok() {
        // What came and is not read would reset the connection, and the reset could overtake the pong.
        while let Some(Some(Ok(_))) = socket.recv().now_or_never() {}
    }
}
