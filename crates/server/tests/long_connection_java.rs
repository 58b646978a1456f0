//! A client that behaves as the official Java SDK's listener does, which no registry has: it does not react to close
//! frames, comes back only when its TCP connection ends, and by the config of the last pong. Source: contract, section
//! 5.6 (measured).

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod line;

use std::time::Duration;

use contract::control::CreatedApp;
use contract::endpoint::{ClientConfig, ENDPOINT_PATH};
use contract::frame::{Frame, METHOD_DATA};
use futures_util::{SinkExt, StreamExt};
use harness::{BEGIN, Engine, World};
use serde_json::{Value, json};
use system::clock::Clock;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// How soon after a restart it must be back.
const BACK_WITHIN: Duration = Duration::from_secs(30);

/// What happens to the client.
#[derive(Debug, PartialEq, Eq)]
enum Happened {
    /// It is connected, and its first ping was answered.
    Connected,
    /// It was given an event.
    Event(String),
    /// A websocket ping came.
    Pinged,
    /// The endpoint refused it for good.
    Refused(u64),
}

struct Java {
    http: reqwest::Client,
    endpoint: String,
    credentials: String,
    config: ClientConfig,
    tells: UnboundedSender<Happened>,
}

impl Java {
    /// A client that runs until the test ends.
    fn start(world: &World, app: &CreatedApp) -> UnboundedReceiver<Happened> {
        let (tells, happened) = unbounded_channel();
        let credentials = json!({"AppID": app.app.app_id, "AppSecret": app.app_secret});
        let java = Java {
            http: world.http.clone(),
            endpoint: format!("{}{ENDPOINT_PATH}", world.server()),
            credentials: credentials.to_string(),
            config: ClientConfig::default(),
            tells,
        };
        tokio::spawn(java.run());
        happened
    }

    async fn run(mut self) {
        loop {
            match self.address().await {
                Ok(Some(url)) => {
                    self.listen(&url).await;
                    // At worst it waits as long as it may.
                    wait(self.config.reconnect_nonce).await;
                }
                Ok(None) => wait(self.config.reconnect_interval).await,
                Err(code) => {
                    let _ = self.tells.send(Happened::Refused(code));
                    return;
                }
            }
        }
    }

    /// An address; none when it is to ask again, the code when it gives up.
    async fn address(&self) -> Result<Option<String>, u64> {
        let asked = self.http.post(&self.endpoint).body(self.credentials.clone()).send().await;
        let Ok(answer) = asked else { return Ok(None) };
        let Ok(body) = answer.bytes().await else { return Ok(None) };
        let body: Value = serde_json::from_slice(&body).unwrap();
        match body["code"].as_u64().unwrap() {
            0 => Ok(Some(body["data"]["URL"].as_str().unwrap().to_owned())),
            1 | 1_000_040_343 => Ok(None),
            code => Err(code),
        }
    }

    async fn listen(&mut self, url: &str) {
        let Ok((mut socket, _)) = connect_async(url).await else { return };
        let service_id = line::parameter(url, "service_id").parse().unwrap();
        let ping = Frame::ping(service_id).encode();
        let mut is_connected = false;
        if socket.send(Message::Binary(ping.into())).await.is_err() {
            return;
        }
        // An error or the end of TCP is `onFailure`, after which it comes back.
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Binary(bytes) => {
                    let mut frame = Frame::decode(&bytes).unwrap();
                    let payload: Value =
                        serde_json::from_slice(frame.payload.as_deref().unwrap()).unwrap();
                    if frame.method == METHOD_DATA {
                        frame.payload = Some(br#"{"code":200}"#.to_vec());
                        let _ = socket.send(Message::Binary(frame.encode().into())).await;
                        let event_id = payload["header"]["event_id"].as_str().unwrap().to_owned();
                        let _ = self.tells.send(Happened::Event(event_id));
                        continue;
                    }
                    self.config = serde_json::from_value(payload).unwrap();
                    if !is_connected {
                        is_connected = true;
                        let _ = self.tells.send(Happened::Connected);
                    }
                }
                Message::Ping(_) => {
                    let _ = self.tells.send(Happened::Pinged);
                }
                // `onClosing` does nothing, and nothing is read after it: deaf until its pings fail, minutes later.
                Message::Close(_) => std::future::pending().await,
                _ => {}
            }
        }
    }
}

async fn wait(seconds: u32) {
    let time = Duration::from_secs(u64::from(seconds));
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

/// The next thing that happens, pings apart.
async fn next(happened: &mut UnboundedReceiver<Happened>) -> Happened {
    let next = async {
        loop {
            match happened.recv().await.expect("the client runs") {
                Happened::Pinged => {}
                other => return other,
            }
        }
    };
    tokio::time::timeout(BACK_WITHIN, next).await.expect("within 30 s")
}

#[tokio::test]
async fn it_is_back_within_30_s_of_a_restart_and_misses_nothing() {
    let mut world = World::on(Engine::Sqlite).await;
    let seed = world.seed_connected().await;
    let mut happened = Java::start(&world, &seed.app);
    assert_eq!(next(&mut happened).await, Happened::Connected);
    for _ in 0..2 {
        world.restart().await;
        assert_eq!(next(&mut happened).await, Happened::Connected);
    }
    // The account's event has waited; it needs no more than a connection.
    world.work().await;
    assert!(matches!(next(&mut happened).await, Happened::Event(_)));
}

#[tokio::test]
async fn it_learns_at_once_that_its_app_was_disabled() {
    let world = World::start(Engine::Sqlite, Clock::manual(BEGIN), false, |config| {
        config.long_connection.client.reconnect_nonce = 1;
    })
    .await;
    let seed = world.seed_connected().await;
    let mut happened = Java::start(&world, &seed.app);
    assert_eq!(next(&mut happened).await, Happened::Connected);
    world.operator.disable_app(&seed.app.app.app_id).await.unwrap();
    world.work().await;
    assert_eq!(next(&mut happened).await, Happened::Refused(1_000_040_345));
}

#[tokio::test]
async fn websocket_pings_come_whatever_comes_from_the_client() {
    let world = World::start(Engine::Sqlite, Clock::manual(BEGIN), false, |config| {
        config.long_connection.ping_period = Duration::from_millis(200);
    })
    .await;
    let seed = world.seed_connected().await;
    let mut socket = world.connect(&seed.app).await;
    // It never stops talking.
    let talks = async {
        for _ in 0..200 {
            socket.ping().await;
            let pause = Duration::from_millis(5);
            let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        }
    };
    talks.await;
    assert!(socket.pings >= 3, "{} pings", socket.pings);
}
