//! A vendor's end of the long connection, written by hand: what the SDKs do, and what they would never do.

#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

pub(crate) mod proxy;

use std::time::Duration;

use contract::control::{CreateTenant, CreatedApp, EventMode, UpdateApp};
use contract::endpoint::ENDPOINT_PATH;
use contract::frame::{Frame, METHOD_DATA};
use domain::Id;
use domain::event::EventKind;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use store::deliveries::Delivery;
use store::events::Event;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::harness::wire::{Answer, Ask};
use crate::harness::{Seed, World};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One websocket of a vendor's program.
pub(crate) struct Socket {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) connection_id: String,
    pub(crate) service_id: i32,
    /// Websocket pings that came.
    pub(crate) pings: u32,
}

/// How a connection ended for its client: the last config that it received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) config: Option<Value>,
}

/// A value of a query.
pub(crate) fn parameter(url: &str, name: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

impl World {
    /// A tenant without review, an app by long connection, and an account.
    pub(crate) async fn seed_connected(&self) -> Seed {
        let hirer = self.hirer_with(&CreateTenant::named("星河科技")).await;
        let app = self.create_app(&hirer, None, true).await;
        let body =
            UpdateApp { event_mode: Some(EventMode::LongConnection), ..UpdateApp::default() };
        self.update_granted(&app.app.app_id, &body).await.unwrap();
        let account = self.bind(&hirer, &app).await;
        Seed { vendor: self.vendor(&app), hirer, app, account }
    }

    /// The answer to a call for an address.
    pub(crate) async fn ask_endpoint(&self, app: &CreatedApp) -> Answer {
        let body = json!({"AppID": app.app.app_id, "AppSecret": app.app_secret});
        self.ask(&Ask::post(ENDPOINT_PATH, body.to_string()).with("locale", "zh")).await
    }

    /// An address for one connection.
    pub(crate) async fn url(&self, app: &CreatedApp) -> String {
        let answer = self.ask_endpoint(app).await.json();
        let url = answer["data"]["URL"].as_str().unwrap_or_else(|| panic!("no URL: {answer}"));
        // The host is the one that was asked.
        url.replace("probity.example", &self.address.to_string())
    }

    /// A new connection that has pinged, as the SDKs do at once; from then on it gets events.
    pub(crate) async fn connect(&self, app: &CreatedApp) -> Socket {
        let mut socket = Socket::open(&self.url(app).await).await.unwrap();
        socket.send_bytes(Frame::ping(socket.service_id).encode()).await;
        let pong = socket.next().await;
        assert_eq!(pong.header("type"), Some("pong"));
        socket
    }

    /// How the delivery of the event of a kind stands.
    pub(crate) async fn reported(&self, seed: &Seed, kind: EventKind) -> (Event, Delivery) {
        let (store, tenant_id) = (&self.app.hub.store, seed.hirer.tenant_id);
        let events = store.list_events(tenant_id, Id(i64::MAX), 100).await.unwrap();
        let event = events.into_iter().find(|event| event.kind == kind).expect("such an event");
        let tenant = store.find_tenant(tenant_id).await.unwrap().unwrap();
        let event_no = event.event_id.event_no;
        let mut deliveries =
            store.list_deliveries(&tenant, event_no, event.order_id).await.unwrap();
        (event, deliveries.remove(0))
    }

    /// Runs the workers until they are idle.
    pub(crate) async fn work(&self) {
        let settled = tokio::time::timeout(PATIENCE, hub::work::settle(&self.app.hub));
        settled.await.expect("the workers become idle").unwrap();
    }
}

impl Socket {
    /// Opens an address; the refusal otherwise.
    pub(crate) async fn open(url: &str) -> Result<Socket, Box<http::Response<Option<Vec<u8>>>>> {
        let config = WebSocketConfig::default().read_buffer_size(4 * 1024);
        match connect_async_with_config(url, Some(config), true).await {
            Ok((ws, _)) => Ok(Socket {
                ws,
                connection_id: parameter(url, "device_id"),
                service_id: parameter(url, "service_id").parse().unwrap(),
                pings: 0,
            }),
            Err(Error::Http(response)) => Err(response),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends any message.
    pub(crate) async fn send(&mut self, message: Message) {
        self.ws.send(message).await.unwrap();
    }

    /// Sends any message, if it is taken.
    pub(crate) async fn try_send(&mut self, message: Message) -> Result<(), Error> {
        self.ws.send(message).await
    }

    /// Whether the server still says something else than reason.
    pub(crate) async fn is_open(&mut self) -> bool {
        let next = tokio::time::timeout(PATIENCE, self.ws.next()).await;
        matches!(next, Ok(Some(Ok(message))) if !message.is_close())
    }

    /// Sends bytes as one binary message.
    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.send(Message::Binary(bytes.into())).await;
    }

    /// Pings, and gives the config of the pong.
    pub(crate) async fn ping(&mut self) -> Value {
        self.send_bytes(Frame::ping(self.service_id).encode()).await;
        let pong = self.next().await;
        assert_eq!((pong.method, pong.header("type")), (0, Some("pong")));
        serde_json::from_slice(&pong.payload.unwrap()).unwrap()
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Frame {
        tokio::time::timeout(PATIENCE, self.find_next()).await.expect("a frame comes").unwrap()
    }

    /// Whether a frame comes within `time`.
    pub(crate) async fn hears_within(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.find_next()).await.is_ok()
    }

    /// The next binary message as it came.
    pub(crate) async fn next_bytes(&mut self) -> Vec<u8> {
        tokio::time::timeout(PATIENCE, self.find_bytes()).await.expect("bytes come").unwrap()
    }

    async fn find_next(&mut self) -> Option<Frame> {
        self.find_bytes().await.map(|bytes| Frame::decode(&bytes).unwrap())
    }

    async fn find_bytes(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.ws.next().await?.ok()? {
                Message::Binary(bytes) => return Some(bytes.to_vec()),
                Message::Close(_) => return None,
                Message::Ping(_) => self.pings += 1,
                _ => {}
            }
        }
    }

    /// The next event: its frame, and the envelope.
    pub(crate) async fn next_event(&mut self) -> (Frame, Value) {
        let frame = self.next().await;
        assert_eq!((frame.method, frame.header("type")), (METHOD_DATA, Some("event")));
        let envelope = serde_json::from_slice(frame.payload.as_ref().unwrap()).unwrap();
        (frame, envelope)
    }

    /// Acknowledges an event as the SDKs do: the same frame, another payload.
    pub(crate) async fn ack(&mut self, frame: &Frame, code: u16) {
        let mut ack = frame.clone();
        ack.headers.push(("biz_rt".to_owned(), "1".to_owned()));
        ack.payload = Some(format!(r#"{{"code": {code}}}"#).into_bytes());
        self.send_bytes(ack.encode()).await;
    }

    /// Takes events and acknowledges them with 200 until `count` have come; their ids.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let (frame, envelope) = self.next_event().await;
            self.ack(&frame, 200).await;
            ids.push(envelope["header"]["event_id"].as_str().unwrap().to_owned());
        }
        ids
    }

    /// Acknowledges all events with 200 from now on, until what it gives is dropped; their ids.
    pub(crate) fn serve(mut self) -> UnboundedReceiver<String> {
        let (sender, ids) = unbounded_channel();
        tokio::spawn(async move {
            while let Some(frame) = self.find_next().await {
                if frame.method != METHOD_DATA {
                    continue;
                }
                self.ack(&frame, 200).await;
                let envelope: Value = serde_json::from_slice(&frame.payload.unwrap()).unwrap();
                let event_id = envelope["header"]["event_id"].as_str().unwrap().to_owned();
                if sender.send(event_id).is_err() {
                    break;
                }
            }
        });
        ids
    }

    /// Waits until the server ends the connection.
    ///
    /// # Panics
    /// When it says so by a close frame, to which the Java SDK is deaf.
    pub(crate) async fn closed(&mut self) -> Closed {
        let closed = async {
            let mut config = None;
            loop {
                match self.ws.next().await {
                    Some(Ok(Message::Binary(bytes))) => {
                        let frame = Frame::decode(&bytes).unwrap();
                        if frame.header("type") == Some("pong") {
                            config = serde_json::from_slice(&frame.payload.unwrap()).ok();
                        }
                    }
                    Some(Ok(Message::Close(_))) => panic!("a close frame came"),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Closed { config },
                }
            }
        };
        tokio::time::timeout(PATIENCE, closed).await.expect("the connection ends")
    }
}
