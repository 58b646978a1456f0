//! `GET /ws/v2`: takes a ticket and opens the websocket, or says why not in the headers that the SDKs read.
//!
//! 514 with another code than 1000040350, and 503, make clients ask for a new address; 403, and 514 with 1000040350,
//! make them give up. Source: contract, section 5.4.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, header};
use contract::code;
use domain::Id;
use hub::connections::{Connection, find_access};
use store::Fault;
use store::connections::{NewConnection, Opened};

use super::dialogue::MESSAGE_BYTES_MAX;
use super::socket;
use crate::app::SharedApp;
use crate::open_api::{answer, log_id};

/// Most characters stored of a client's `User-Agent`.
const USER_AGENT_CHARS_MAX: usize = 100;
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Longer messages than [`MESSAGE_BYTES_MAX`] are read up to here, so that the client learns why.
const READ_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

#[derive(Debug)]
enum Refused {
    NotAWebSocket,
    /// The ticket is unknown, void or used.
    Ticket(&'static str),
    /// The app may have no long connection.
    NotAllowed(&'static str),
    /// The app has as many as it may have.
    Exceeded,
    /// The process has as many as it may have, or stops.
    Busy,
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused::Fault(fault)
    }
}

pub(crate) async fn serve(State(app): State<SharedApp>, request: Request) -> Response<Body> {
    match open(&app, request).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(&log_id(app.hub.installation_clock.now())),
    }
}

async fn open(app: &SharedApp, request: Request) -> Result<Response<Body>, Refused> {
    let (mut parts, _) = request.into_parts();
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &());
    let upgrade = upgrade.await.map_err(|_| Refused::NotAWebSocket)?;
    let now = app.hub.installation_clock.now();
    let ticket = app.connection_tickets.read(parts.uri.query().unwrap_or_default(), now);
    let ticket = ticket.ok_or(Refused::Ticket("expected a ticket that is still good"))?;
    let vendor = app.hub.store.find_app(ticket.app_id).await?;
    let vendor = vendor.ok_or(Refused::NotAllowed("expected an app that exists"))?;
    let mut opened_by = Err("expected a secret that is still good");
    for (secret_no, _) in vendor.good_secrets(now) {
        let access = find_access(&app.hub, &vendor, secret_no).await?;
        let numbers = access.map(|access| access.numbers(secret_no));
        opened_by = match numbers {
            Ok(numbers) if numbers.short() != ticket.numbers => opened_by,
            Ok(numbers) => Ok(numbers),
            Err(_) if opened_by.is_ok() => opened_by,
            Err(expected) => Err(expected),
        };
    }
    let numbers = opened_by.map_err(Refused::NotAllowed)?;
    let limits = &app.config.long_connection;
    if app.hub.connections.has_stopped() || app.hub.connections.count() >= limits.connections_max {
        return Err(Refused::Busy);
    }
    // The rows of connections that have just ended would count.
    app.hub.connections.close_ended(&app.hub.store, now).await?;
    let new = NewConnection {
        connection_id: ticket.connection_id,
        app_id: ticket.app_id,
        replica_id: app.hub.connections.replica_id(),
        client: client(peer, &parts.headers),
        opened_at: now,
    };
    match app.hub.store.open_connection(&new, vendor.version, limits.connections_per_app).await? {
        Opened::Done => {}
        Opened::Used => return Err(Refused::Ticket("expected a ticket that was not used")),
        Opened::Full => return Err(Refused::Exceeded),
        Opened::AppChanged => return Err(Refused::Ticket("expected an app that did not change")),
    }
    let unused = Unused { app: SharedApp::clone(app), connection_id: new.connection_id };
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX);
    let mut response = upgrade.on_upgrade(async move |websocket| {
        let app = unused.into_used();
        let NewConnection { connection_id, app_id, client, opened_at, .. } = new;
        let (connection, orders) =
            Connection::new(connection_id, app_id, numbers, client, opened_at);
        socket::attend(app, websocket, connection, orders).await;
    });
    // In the spelling that the Java SDK's library wants. Source: contract, section 6.3.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    Ok(response)
}

/// Closes the row of a connection whose websocket never came to be: the client went away first.
struct Unused {
    app: SharedApp,
    connection_id: Id,
}

impl Unused {
    fn into_used(self) -> SharedApp {
        let app = SharedApp::clone(&self.app);
        std::mem::forget(self);
        app
    }
}

impl Drop for Unused {
    fn drop(&mut self) {
        self.app.hub.connections.note_unused(self.connection_id);
    }
}

/// Who is at the other end, for people.
fn client(peer: Option<SocketAddr>, headers: &HeaderMap) -> String {
    let peer = match peer {
        None => "unknown".to_owned(),
        // Its port is not known where a proxy gives the address alone.
        Some(peer) if peer.port() == 0 => peer.ip().to_string(),
        Some(peer) => peer.to_string(),
    };
    let program = headers.get(header::USER_AGENT).and_then(|program| program.to_str().ok());
    match program {
        Some(program) => {
            let program: String = program.chars().take(USER_AGENT_CHARS_MAX).collect();
            format!("{peer} {program}")
        }
        None => peer,
    }
}

impl Refused {
    /// The answer: HTTP status, `Handshake-Status`, `Handshake-Msg`, and with 514 also `Handshake-Autherrcode`.
    fn into_response(self, log_id: &str) -> Response<Body> {
        let credentials = Some(code::LONG_CONNECTION_CREDENTIALS.number);
        let exceeded = &code::LONG_CONNECTION_EXCEEDED;
        let (status, handshake, msg, number) = match self {
            Refused::NotAWebSocket => (400, 514, "expected a websocket upgrade", credentials),
            Refused::Ticket(expected) => (401, 514, expected, credentials),
            Refused::NotAllowed(expected) => (403, 403, expected, None),
            Refused::Exceeded => (401, 514, exceeded.msg, Some(exceeded.number)),
            Refused::Busy => (503, 503, "expected a server with room for more connections", None),
            Refused::Fault(fault) => {
                tracing::error!(log_id, %fault, "a long connection could not be opened");
                (500, 500, "internal error", None)
            }
        };
        let body = serde_json::json!({"code": number.unwrap_or(handshake), "msg": msg});
        let mut response = answer(status, log_id, body.to_string());
        let headers = response.headers_mut();
        headers.insert("handshake-status", HeaderValue::from(handshake));
        headers.insert("handshake-msg", HeaderValue::from_static(msg));
        if let Some(number) = number {
            headers.insert("handshake-autherrcode", HeaderValue::from(number));
        }
        response
    }
}
