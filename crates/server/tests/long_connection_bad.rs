//! The long connection and those who use it wrongly: bad calls for an address, bad tickets, bad frames, bad acks,
//! clients that do not read. Refused as documented, or closed with a reason; nothing is lost.
//! Source: contract, sections 5.4 to 5.6.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod line;

use std::time::Duration;

use contract::control::{EventMode, UpdateApp};
use contract::endpoint::ENDPOINT_PATH;
use contract::frame::Frame;
use domain::delivery::DeliveryState;
use domain::event::EventKind;
use harness::wire::Ask;
use harness::{BEGIN, Engine, Seed, World};
use line::Socket;
use serde_json::{Value, json};
use system::clock::Clock;
use tokio_tungstenite::tungstenite::Message;

/// A World in which little is waited for.
async fn impatient(engine: Engine) -> World {
    World::start(engine, Clock::manual(BEGIN), false, |config| {
        let limits = &mut config.long_connection;
        limits.ack = Duration::from_millis(200);
        limits.ping_period = Duration::from_millis(100);
        limits.silence = Duration::from_millis(400);
        limits.write_stall = Duration::from_millis(200);
    })
    .await
}

async fn post(world: &World, body: impl Into<Vec<u8>>) -> (u16, Value) {
    let answer = world.ask(&Ask::post(ENDPOINT_PATH, body)).await;
    assert_eq!(answer.header("Content-Type"), Some("application/json; charset=utf-8"));
    answer.log_id();
    let body = answer.json();
    assert_eq!(body["data"], json!({}), "the Node SDK needs it: {body}");
    (answer.status, body)
}

#[tokio::test]
async fn bodies_that_are_none_get_400_and_the_member_that_is_wrong() {
    let world = World::on(Engine::Sqlite).await;
    let (id, secret) = ("cli_0123456789abcdef", "s");
    for (body, field) in [
        (Vec::new(), "body"),
        (b"AppID=a&AppSecret=s".to_vec(), "body"),
        (b"[]".to_vec(), "body"),
        (vec![0xff; 10], "body"),
        (vec![b' '; 2 << 20], "body"),
        (json!({}).to_string().into(), "AppID"),
        (json!({"appid": id, "appsecret": secret}).to_string().into(), "AppID"),
        (json!({"app_id": id, "app_secret": secret}).to_string().into(), "AppID"),
        (json!({"AppID": 7, "AppSecret": secret}).to_string().into(), "AppID"),
        (json!({"AppID": null, "AppSecret": secret}).to_string().into(), "AppID"),
        (json!({"AppID": id}).to_string().into(), "AppSecret"),
        (json!({"AppID": id, "AppSecret": [secret]}).to_string().into(), "AppSecret"),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let (status, answer) = post(&world, body).await;
        assert_eq!((status, &answer["code"]), (400, &json!(9499)), "{shown}: {answer}");
        let violation = &answer["error"]["field_violations"][0];
        assert_eq!(violation["field"], field, "{shown}");
        assert!(violation["description"].as_str().unwrap().starts_with("expected"), "{shown}");
    }
    for method in ["GET", "PUT", "DELETE"] {
        let answer = world.ask(&Ask::new(method, ENDPOINT_PATH)).await;
        assert_eq!((answer.status, answer.text()), (404, "404 page not found"), "{method}");
    }
}

#[tokio::test]
async fn who_may_not_connect_is_refused_for_good() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let (id, secret) = (&seed.app.app.app_id, &seed.app.app_secret);
        let body = |id: &str, secret: &str| json!({"AppID": id, "AppSecret": secret}).to_string();
        let invalid = "app_id or app_secret is invalid";
        for body in [
            body("cli_ffffffffffffffff", secret),
            body("", secret),
            body("x", secret),
            body(id, "wrong"),
            body(id, ""),
            json!({"AppID": id, "AppSecret": "", "ClientAssertion": "eyJ"}).to_string(),
        ] {
            let (status, answer) = post(&world, body).await;
            assert_eq!(status, 200);
            assert_eq!(answer, json!({"code": 1_000_040_345, "msg": invalid, "data": {}}));
        }
        let change = async |body: UpdateApp| {
            world.update_granted(id, &body).await.unwrap();
        };
        let ask = async || post(&world, body(id, secret)).await.1;
        let refused = |why: &str| {
            json!({"code": 1_000_040_345, "msg": format!("{invalid}: {why}"), "data": {}})
        };
        let mode = |mode| UpdateApp { event_mode: Some(mode), ..UpdateApp::default() };
        change(mode(EventMode::Webhook)).await;
        let why = "expected an app whose event_mode is long_connection";
        assert_eq!(ask().await, refused(why));
        change(mode(EventMode::LongConnection)).await;
        world.operator.disable_app(id).await.unwrap();
        assert_eq!(ask().await, refused("expected an app that is enabled"));
        world.operator.enable_app(id).await.unwrap();
        let list = UpdateApp {
            ip_allowlist: Some(vec!["192.0.2.0/24".to_owned()]),
            ..UpdateApp::default()
        };
        change(list).await;
        let msg = "ip 127.0.0.1 is denied by app setting";
        assert_eq!(ask().await, json!({"code": 99_991_401, "msg": msg, "data": {}}));
    })
    .await;
}

/// The headers of a refused upgrade: status, code, message.
async fn refusal(url: &str) -> (u16, String, String, String) {
    let refused = Socket::open(url).await.err().expect("the upgrade is refused");
    let header = |name: &str| {
        refused.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    let status = refused.status().as_u16();
    let code = header("handshake-autherrcode");
    (status, header("handshake-status"), code, header("handshake-msg"))
}

fn refused(status: u16, handshake: &str, code: &str, msg: &str) -> (u16, String, String, String) {
    (status, handshake.to_owned(), code.to_owned(), msg.to_owned())
}

#[tokio::test]
async fn a_ticket_opens_one_connection_in_its_time() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let url = world.url(&seed.app).await;
        let mut socket = Socket::open(&url).await.unwrap();
        let used = refused(401, "514", "1000040345", "expected a ticket that was not used");
        assert_eq!(refusal(&url).await, used, "while it is open");
        socket.send(Message::Close(None)).await;
        drop(socket);
        assert_eq!(refusal(&url).await, used, "and when it is closed");

        let bad = refused(401, "514", "1000040345", "expected a ticket that is still good");
        let url = world.url(&seed.app).await;
        let key = line::parameter(&url, "access_key");
        let foreign = world.url(&seed.app).await;
        for wrong in [
            url.replace(&key, &key.to_uppercase()).replace('A', "B"),
            url.replace(&key, &line::parameter(&foreign, "access_key")),
            url.replace("ticket=", "no="),
            url.split('?').next().unwrap().to_owned() + "?device_id=1&service_id=1",
        ] {
            assert_eq!(refusal_of(&wrong).await, bad, "{wrong}");
        }
        world.clock.advance_ms(59_999);
        Socket::open(&url).await.unwrap().ping().await;
        let url = world.url(&seed.app).await;
        world.clock.advance_ms(60_000);
        assert_eq!(refusal(&url).await, bad, "too late");

        let url = world.url(&seed.app).await;
        world.operator.disable_app(&seed.app.app.app_id).await.unwrap();
        let forbidden = refused(403, "403", "", "expected an app that is enabled");
        assert_eq!(refusal(&url).await, forbidden);
        let path = url.split_once(&world.address.to_string()).unwrap().1;
        let answer = world.ask(&Ask::new("GET", path)).await;
        assert_eq!((answer.status, answer.header("Handshake-Status")), (400, Some("514")));
        assert_eq!(answer.header("Handshake-Msg"), Some("expected a websocket upgrade"));
        assert_eq!(answer.header("Handshake-Autherrcode"), Some("1000040345"));
    })
    .await;
}

/// As [`refusal`]; an address without the parameters that a [`Socket`] reads.
async fn refusal_of(url: &str) -> (u16, String, String, String) {
    let with_all = match url.contains("service_id=") {
        true => url.to_owned(),
        false => format!("{url}&service_id=1"),
    };
    refusal(&with_all).await
}

#[tokio::test]
async fn a_thousand_calls_for_an_address_leave_nothing_behind() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let before = world.rows().await;
        let mut first = String::new();
        for _ in 0..1_000 {
            first = world.url(&seed.app).await;
        }
        assert_eq!(before, world.rows().await, "nothing is stored");
        Socket::open(&first).await.unwrap().ping().await;
    })
    .await;
}

#[tokio::test]
async fn messages_that_no_client_sends_end_the_connection_after_a_last_pong() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let event = Frame::event(1, "m1", "t1", 7, b"{}").remove(0).encode();
        for message in [
            Message::text("hello"),
            Message::text(""),
            binary(b"hello"),
            binary(&[0xff; 100]),
            binary(&event[..event.len() - 1]),
            binary(b""),
            binary(&[8, 0, 16, 0, 24, 0]),
            binary(&vec![0; 64 * 1024 + 1]),
        ] {
            let mut socket = world.connect(&seed.app).await;
            socket.send(message).await;
            let config = socket.closed().await.config.expect("a last pong");
            assert_eq!(config["ReconnectNonce"], 30, "it is not asked to hurry");
        }
        // A frame that says nothing that concerns us is no reason.
        let mut socket = world.connect(&seed.app).await;
        for frame in [Frame::pong(1, Vec::new()), Frame { method: 9, ..Frame::default() }] {
            socket.send_bytes(frame.encode()).await;
        }
        socket.ping().await;
    })
    .await;
}

fn binary(bytes: &[u8]) -> Message {
    Message::Binary(bytes.to_vec().into())
}

#[tokio::test]
async fn a_message_beyond_all_bounds_is_not_read_to_its_end() {
    let world = World::on(Engine::Sqlite).await;
    let seed = world.seed_connected().await;
    let mut socket = world.connect(&seed.app).await;
    let far_too_long = binary(&vec![0; 32 << 20]);
    // It is cut off while it is sent, or right after.
    let sent = tokio::time::timeout(line::PATIENCE, socket.try_send(far_too_long)).await;
    assert!(sent.expect("it is not taken forever").is_err() || !socket.is_open().await);
    world.connect(&seed.app).await;
}

#[tokio::test]
async fn only_the_ack_of_its_own_message_on_its_own_connection_counts() {
    for engine in Engine::available().await {
        let world = impatient(engine).await;
        let seed = world.seed_connected().await;
        let mut socket = world.connect(&seed.app).await;
        let wrong = async {
            let (frame, _) = socket.next_event().await;
            let mut other = frame.clone();
            other.headers[1].1 = "unknown".to_owned();
            socket.ack(&other, 200).await;
            // Neither an ack without a message_id nor one of another connection counts.
            other.headers.remove(1);
            socket.ack(&other, 200).await;
            let mut stranger = world.connect(&seed.app).await;
            stranger.ack(&frame, 200).await;
            stranger.ping().await;
            frame
        };
        let (frame, ()) = tokio::join!(wrong, world.work());
        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!(delivery.attempts.last().unwrap().outcome, "no ack came in time");
        // Too late, and once more, and once more: all the same.
        for _ in 0..3 {
            socket.ack(&frame, 200).await;
        }
        socket.ping().await;
        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Due, 1));
    }
}

#[tokio::test]
async fn two_acks_of_one_message_count_as_the_first() {
    World::each(async |world| {
        let seed = world.seed_connected().await;
        let mut socket = world.connect(&seed.app).await;
        let twice = async {
            let (frame, _) = socket.next_event().await;
            socket.ack(&frame, 200).await;
            socket.ack(&frame, 500).await;
            socket.ping().await;
        };
        tokio::join!(twice, world.work());
        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 1));
    })
    .await;
}

#[tokio::test]
async fn what_a_connection_took_with_it_is_sent_again() {
    for engine in Engine::available().await {
        let world = impatient(engine).await;
        let seed = world.seed_connected().await;
        let mut socket = world.connect(&seed.app).await;
        let vanish = async {
            socket.next_event().await;
            drop(socket);
        };
        tokio::join!(vanish, world.work());
        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        let attempt = delivery.attempts.last().unwrap();
        assert_eq!(attempt.outcome, "the connection ended before an ack");
        arrives_on_the_next(&world, &seed).await;
    }
}

#[tokio::test]
async fn a_client_that_never_reads_is_left_and_its_events_go_elsewhere() {
    for engine in Engine::available().await {
        let world = impatient(engine).await;
        let seed = world.seed_connected().await;
        // Neither pings nor events are read, so neither pongs nor acks come.
        let _frozen = world.connect(&seed.app).await;
        world.work().await;
        let (_, delivery) = world.reported(&seed, EventKind::AccountCreated).await;
        // On a busy machine the event may be pushed only shortly before the connection is given up.
        let outcome = delivery.attempts.last().unwrap().outcome.as_str();
        let left = ["no ack came in time", "the connection ended before an ack"];
        assert!(left.contains(&outcome), "{outcome}");
        let app_id = &seed.app.app.app_id;
        let is_left = async {
            while !world.operator.list_app_connections(app_id).await.unwrap().items.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(line::PATIENCE, is_left).await.expect("it is left");
        arrives_on_the_next(&world, &seed).await;
    }
}

/// The account's event is due again in 15 s and arrives on a new connection.
async fn arrives_on_the_next(world: &World, seed: &Seed) {
    world.clock.advance_ms(15_000);
    let mut socket = world.connect(&seed.app).await;
    let (ids, ()) = tokio::join!(socket.take(1), world.work());
    let (event, delivery) = world.reported(seed, EventKind::AccountCreated).await;
    assert_eq!(ids, [event.event_id.to_string()]);
    assert_eq!((delivery.state, delivery.attempts.len()), (DeliveryState::Delivered, 2));
}

#[tokio::test]
async fn a_client_that_is_silent_but_there_is_kept() {
    let world = impatient(Engine::Sqlite).await;
    let seed = world.seed_connected().await;
    let mut socket = world.connect(&seed.app).await;
    // Three times the silence after which one is gone; pings of the websocket are answered while it listens.
    assert!(!socket.hears_within(Duration::from_millis(1_200)).await, "nothing but pings");
    socket.ping().await;
}
