//! The long connection as a vendor's program sees it: an address, a websocket, events, acks, and coming back.
//! Source: contract, sections 5.3 to 5.6.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod line;

use std::collections::HashSet;
use std::time::Duration;

use contract::control::{CreateApp, EventMode, UpdateApp};
use contract::frame::Frame;
use domain::delivery::DeliveryState;
use domain::event::EventKind;
use harness::{BEGIN, Engine, World};
use line::{Socket, parameter};
use serde_json::json;
use system::clock::Clock;

const SECOND: u64 = 1_000;

/// A World in which an ack is not waited for as long as it would be.
async fn impatient(engine: Engine) -> World {
    World::start(engine, Clock::manual(BEGIN), false, |config| {
        config.long_connection.ack = Duration::from_millis(300);
    })
    .await
}

#[tokio::test]
async fn the_endpoint_gives_an_address_of_the_documented_shape() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let answer = world.ask_endpoint(&seed.app).await;
        assert_eq!(answer.status, 200);
        let kind = answer.header("Content-Type");
        assert_eq!(kind, Some("application/json; charset=utf-8"));
        answer.log_id();
        let body = answer.json();
        let url = body["data"]["URL"].as_str().unwrap();
        let config = json!({
            "ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30, "PingInterval": 120,
        });
        let expected = json!({"code": 0, "msg": "", "data": {"URL": url, "ClientConfig": config}});
        assert_eq!(body, expected);
        assert!(url.starts_with("ws://probity.example/ws/v2?fpid="), "{url}");
        assert_eq!(parameter(url, "device_id").len(), 19);
        assert_eq!(parameter(url, "service_id").parse::<i32>().unwrap(), 33_554_678);
        assert_eq!(parameter(url, "access_key").len(), 32);
        assert_eq!(parameter(url, "ticket").len(), 36);
        assert_ne!(world.url(&seed.app).await, world.url(&seed.app).await);
    })
    .await;
}

#[tokio::test]
async fn the_address_is_that_of_the_public_url() {
    for (public, expected) in [
        ("https://hub.example", "wss://hub.example/ws/v2?"),
        ("http://hub.example:8080/", "ws://hub.example:8080/ws/v2?"),
    ] {
        let adjust = |config: &mut server::Config| config.public_url = Some(public.to_owned());
        let world = World::start(Engine::Sqlite, Clock::manual(BEGIN), false, adjust).await;
        let seed = world.seed_connected().await;
        let answer = world.ask_endpoint(&seed.app).await.json();
        assert!(answer["data"]["URL"].as_str().unwrap().starts_with(expected), "{answer}");
    }
}

#[tokio::test]
async fn a_ping_is_answered_with_the_whole_config() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let mut socket = world.connect(&seed.app).await;
        for _ in 0..3 {
            let config = socket.ping().await;
            let expected = json!({
                "ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30,
                "PingInterval": 120,
            });
            assert_eq!(config, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_waits_until_somebody_is_connected_and_its_ack_delivers_it() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        world.work().await;
        let (event, held) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!((held.state, held.attempts.len()), (DeliveryState::Held, 0));

        let mut socket = world.connect(&seed.app).await;
        let ((frame, envelope), ()) = tokio::join!(
            async {
                let (frame, envelope) = socket.next_event().await;
                socket.ack(&frame, 200).await;
                (frame, envelope)
            },
            world.work()
        );
        let header = &envelope["header"];
        assert_eq!(
            (&envelope["schema"], &header["event_type"]),
            (&json!("2.0"), &json!("hire.eco_account.created_v1"))
        );
        assert_eq!(header["event_id"], event.event_id.to_string());
        assert_eq!(header["token"], seed.app.verification_token);
        assert_eq!(header["app_id"], seed.app.app.app_id);
        assert_eq!(header["tenant_key"], seed.hirer.tenant_key);
        assert_eq!(envelope["event"]["account_id"], seed.account.account_id);
        assert_eq!(frame.service, socket.service_id);
        for (key, value) in [("sum", "1"), ("seq", "0")] {
            assert_eq!(frame.header(key), Some(value));
        }
        assert!(frame.header("message_id").is_some() && frame.header("trace_id").is_some());

        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!(delivery.state, DeliveryState::Delivered);
        let [attempt] = &delivery.attempts[..] else { panic!("{delivery:?}") };
        assert_eq!((attempt.outcome.as_str(), attempt.http_status), ("delivered", Some(200)));
        assert_eq!(attempt.exchange.connection_id.as_ref(), Some(&socket.connection_id));
        assert_eq!(attempt.exchange.request.as_bytes(), frame.payload.unwrap());
        assert_eq!(attempt.exchange.response, r#"{"code": 200}"#);
        let (tenant_key, event_id) = (&seed.hirer.tenant_key, event.event_id.to_string());
        let listed = seed.hirer.control.list_deliveries(tenant_key, &event_id).await.unwrap();
        assert_eq!(listed.items[0].attempts[0].connection_id.as_ref(), Some(&socket.connection_id));
    })
    .await;
}

#[tokio::test]
async fn who_says_nothing_gets_events_after_a_second() {
    let world = World::on(Engine::Sqlite).await;
    let seed = world.seed_connected().await;
    let mut socket = Socket::open(&world.url(&seed.app).await).await.unwrap();
    world.work().await;
    let (_, waiting) = world.reported(&seed, EventKind::AccountCreated).await;
    assert!(waiting.attempts.is_empty(), "it may not listen yet");
    until_connected(&world, &seed.app.app.app_id, 1).await;
    let (ids, ()) = tokio::join!(socket.take(1), world.work());
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_under_a_fresh_message_id() {
    for engine in Engine::available().await {
        let world = impatient(engine).await;
        let seed = world.seed_connected().await;
        let mut socket = world.connect(&seed.app).await;
        let (mut messages, mut events) = (HashSet::new(), HashSet::new());
        for (code, outcome) in [
            (Some(500), "acknowledged with 500"),
            (None, "no ack came in time"),
            (Some(200), "delivered"),
        ] {
            let take = async {
                let (frame, envelope) = socket.next_event().await;
                if let Some(code) = code {
                    socket.ack(&frame, code).await;
                }
                messages.insert(frame.header("message_id").unwrap().to_owned());
                events.insert(envelope["header"]["event_id"].as_str().unwrap().to_owned());
            };
            tokio::join!(take, world.work());
            let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
            let attempt = delivery.attempts.last().unwrap();
            assert_eq!((attempt.outcome.as_str(), attempt.http_status), (outcome, code));
            world.clock.advance_ms(300 * SECOND);
        }
        assert_eq!((messages.len(), events.len()), (3, 1));
        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 3));
    }
}

#[tokio::test]
async fn each_event_goes_to_one_connection_and_all_get_some() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let mut sockets = Vec::new();
        for _ in 0..2 {
            let socket = world.connect(&seed.app).await;
            sockets.push(socket.serve());
        }
        for _ in 0..40 {
            world.place(&seed).await;
        }
        world.work().await;
        let taken =
            sockets.iter_mut().map(|ids| std::iter::from_fn(|| ids.try_recv().ok()).collect());
        let taken: Vec<Vec<String>> = taken.collect();
        let counts: Vec<_> = taken.iter().map(Vec::len).collect();
        let all: HashSet<_> = taken.iter().flatten().collect();
        // The account's event is one of them.
        assert_eq!((all.len(), counts.iter().sum()), (41, 41), "none doubled, none lost");
        assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
    })
    .await;
}

#[tokio::test]
async fn a_vendor_has_fifty_connections_and_a_closed_one_makes_room() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let spare = world.url(&seed.app).await;
        let mut sockets = Vec::new();
        for _ in 0..50 {
            let socket = world.connect(&seed.app).await;
            sockets.push(socket);
        }
        let refused = world.ask_endpoint(&seed.app).await;
        assert_eq!(refused.status, 200);
        let text =
            r#"{"code":1000040350,"msg":"the number of connections exceeded the limit","data":{}}"#;
        assert_eq!(refused.text(), text);
        // An address from before there were too many.
        let refused = Socket::open(&spare).await.err().unwrap();
        let header = |name: &str| refused.headers().get(name).map(|it| it.to_str().unwrap());
        assert_eq!(header("handshake-status"), Some("514"));
        assert_eq!(header("handshake-autherrcode"), Some("1000040350"));
        assert_eq!(header("handshake-msg"), Some("the number of connections exceeded the limit"));

        let other = world.create_app(&seed.hirer, None, false).await;
        let body =
            UpdateApp { event_mode: Some(EventMode::LongConnection), ..UpdateApp::default() };
        world.update_granted(&other.app.app_id, &body).await.unwrap();
        world.connect(&other).await;

        let listed = world.operator.list_app_connections(&seed.app.app.app_id).await.unwrap();
        assert_eq!(listed.items.len(), 50);
        drop(sockets.pop());
        until_connected(&world, &seed.app.app.app_id, 49).await;
        // Refused it was, used up it was not.
        Socket::open(&spare).await.unwrap().ping().await;
    })
    .await;
}

/// Waits until the app has so many connections.
async fn until_connected(world: &World, app_id: &str, count: usize) {
    let wait = async {
        while world.operator.list_app_connections(app_id).await.unwrap().items.len() != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(line::PATIENCE, wait).await.expect("so many are connected");
}

#[tokio::test]
async fn live_connections_are_listed_with_who_since_when_last_ping_and_in_flight() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let app_id = &seed.app.app.app_id;
        let mut socket = world.connect(&seed.app).await;
        let read =
            async || world.operator.list_app_connections(app_id).await.unwrap().items.remove(0);
        until_connected(&world, app_id, 1).await;
        let listed = read().await;
        assert_eq!(listed.connection_id, socket.connection_id);
        assert!(listed.client.starts_with("127.0.0.1:"), "{}", listed.client);
        assert_eq!(listed.opened_at, "2026-11-18T12:26:40.000Z");
        assert_eq!(listed.last_ping_at.as_deref(), Some("2026-11-18T12:26:40.000Z"));
        assert_eq!(listed.in_flight, 0);

        world.clock.advance_ms(7 * SECOND);
        socket.ping().await;
        let take = async {
            let (frame, _) = socket.next_event().await;
            assert_eq!(read().await.in_flight, 1);
            socket.ack(&frame, 200).await;
        };
        tokio::join!(take, world.work());
        let listed = read().await;
        assert_eq!(listed.last_ping_at.as_deref(), Some("2026-11-18T12:26:47.000Z"));
        assert_eq!(listed.in_flight, 0);
        let text =
            world.request("GET", &format!("/api/v1/apps/{app_id}/connections"), &seed.hirer.key);
        assert_eq!(text.send().await.unwrap().status(), 403, "the operator's alone");
    })
    .await;
}

#[tokio::test]
async fn a_stop_tells_clients_to_come_back_at_once_and_loses_nothing() {
    for engine in Engine::available().await {
        let mut world = World::on(engine).await;
        let seed = world.seed_connected().await;
        let mut socket = world.connect(&seed.app).await;
        let (closed, ()) = tokio::join!(socket.closed(), world.restart());
        let config = closed.config.expect("it is told how to come back");
        assert_eq!((&config["ReconnectCount"], &config["ReconnectNonce"]), (&json!(-1), &json!(1)));
        assert_eq!(
            (&config["ReconnectInterval"], &config["PingInterval"]),
            (&json!(2), &json!(120))
        );

        assert_eq!(world.rows().await["connections"].len(), 1, "closed, and known by its ticket");
        let mut socket = world.connect(&seed.app).await;
        let (ids, ()) = tokio::join!(socket.take(1), world.work());
        let (event, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!(ids, [event.event_id.to_string()]);
        assert_eq!(delivery.state, DeliveryState::Delivered);
    }
}

#[tokio::test]
async fn who_may_no_longer_connect_is_cut_off_and_refused_when_it_comes_again() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let app_id = &seed.app.app.app_id;
        let mut socket = world.connect(&seed.app).await;
        tokio::join!(socket.take(1), world.work());
        world.operator.disable_app(app_id).await.unwrap();
        world.work().await;
        let config = socket.closed().await.config.expect("a last pong");
        assert_eq!(config["ReconnectNonce"], 30, "it is not asked to hurry");
        assert_eq!(world.ask_endpoint(&seed.app).await.json()["code"], 1_000_040_345);

        // What came meanwhile waits, and is delivered when it is enabled and connected again.
        let order = world.place(&seed).await;
        world.work().await;
        world.operator.enable_app(app_id).await.unwrap();
        let mut socket = world.connect(&seed.app).await;
        let take = async {
            let (frame, envelope) = socket.next_event().await;
            socket.ack(&frame, 200).await;
            envelope["event"]["background_check_id"].clone()
        };
        let (reported, ()) = tokio::join!(take, world.work());
        assert_eq!(reported, json!(order.order_id));
    })
    .await;
}

#[tokio::test]
async fn a_store_app_has_no_long_connection() {
    let world = World::on(Engine::Sqlite).await;
    let body = CreateApp {
        name: "商店应用".to_owned(),
        kind: contract::control::AppKind::Store,
        ..CreateApp::default()
    };
    let app = world.create_granted(&body).await.unwrap();
    let answer = world.ask_endpoint(&app).await.json();
    let msg = "app_id or app_secret is invalid: expected a self-built app";
    assert_eq!(answer, json!({"code": 1_000_040_345, "msg": msg, "data": {}}));
}

#[tokio::test]
async fn a_pong_is_a_frame_with_its_zeros_on_the_wire() {
    let world = World::on(Engine::Sqlite).await;
    let seed = world.seed_connected().await;
    let mut socket = world.connect(&seed.app).await;
    socket.send_bytes(Frame::ping(socket.service_id).encode()).await;
    let bytes = socket.next_bytes().await;
    let zeros_and_service = [0x08, 0, 0x10, 0, 0x18, 0xf6, 0x81, 0x80, 0x10, 0x20, 0];
    assert_eq!(bytes[..11], zeros_and_service, "as in the sample of contract, section 9.2");
}
