//! The listener over real sockets, with limits short enough to wait for.

#![expect(clippy::disallowed_methods, reason = "the peers of these tests are slow on purpose")]

use std::time::Duration;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::body::{BodyBudget, read_body};

use super::*;

mod early;

const MS: Duration = Duration::from_millis(1);

fn short_limits() -> ListenerLimits {
    ListenerLimits {
        head: 200 * MS,
        idle: 1_500 * MS,
        write_stall: 300 * MS,
        stop_grace: 10_000 * MS,
        ..ListenerLimits::default()
    }
}

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    async fn start(limits: ListenerLimits) -> Served {
        let router = Router::new()
            .route("/hello", get(async || ([("x-tt-logid", "7")], "hello")))
            .route(
                "/peer",
                get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()),
            )
            .route("/slow", get(async || tokio::time::sleep(400 * MS).await))
            .route("/never", get(async || std::future::pending::<()>().await))
            .route("/huge", get(async || vec![b'x'; 64 << 20]))
            .route("/upgrade", get(upgrade))
            .route("/refuse", post(async || "refused unread"))
            .route(
                "/echo",
                post(async |body: AxumBody| {
                    match read_body(body, 10, 200 * MS, &BodyBudget::default()).await {
                        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                        Err(refused) => format!("{refused:?}"),
                    }
                }),
            );
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(tcp, None, router, limits, async {
            let _ = stopped.await;
        }));
        Served { address, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Takes the connection over and speaks on it after the idle time.
async fn upgrade(mut request: axum::extract::Request) -> Response<AxumBody> {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        tokio::time::sleep(300 * MS).await;
        stream.write_all(b"still here").await.unwrap();
    });
    let head =
        Response::builder().status(101).header("upgrade", "x").header("connection", "upgrade");
    head.body(AxumBody::empty()).unwrap()
}

/// Sends `text` and reads one answer that ends with `end`.
async fn ask(stream: &mut TcpStream, text: &str, end: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).await.unwrap();
        assert_ne!(count, 0, "closed after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..count]);
    }
    String::from_utf8(answer).unwrap()
}

/// How long it takes until the server has closed the connection, and what came before.
async fn closed(stream: &mut TcpStream) -> (Duration, String) {
    let begun = socket_now();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(5_000 * MS, stream.read_to_end(&mut rest)).await;
    read.expect("the server closes").ok();
    (begun.elapsed(), String::from_utf8_lossy(&rest).into_owned())
}

/// A loaded machine may be late by as much as the idle time exceeds the others.
fn assert_about(took: Duration, expected: Duration) {
    assert!(
        took + 60 * MS > expected && took < expected + 1_200 * MS,
        "{took:?}, not {expected:?}"
    );
}

#[tokio::test]
async fn header_names_are_in_title_case_on_the_wire() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    let answer = ask(&mut stream, "GET /hello HTTP/1.1\r\nhost: h\r\n\r\n", "hello").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for name in ["X-Tt-Logid: 7", "Content-Type: text/plain", "Content-Length: 5", "Date: "] {
        assert!(answer.contains(&format!("\r\n{name}")), "{name} in {answer}");
    }
}

#[tokio::test]
async fn handlers_see_the_peers_address() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    let own = stream.local_addr().unwrap().to_string();
    ask(&mut stream, "GET /peer HTTP/1.1\r\nhost: h\r\n\r\n", &own).await;
}

#[tokio::test]
async fn a_half_sent_head_is_cut_at_the_head_time() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /hello HTTP/1.1\r\nhost:").await.unwrap();
    let (took, rest) = closed(&mut stream).await;
    assert_about(took, 200 * MS);
    assert_eq!(rest, "");
}

#[tokio::test]
async fn a_dripping_head_gains_no_time() {
    let served = Served::start(short_limits()).await;
    let stream = served.connect().await;
    let (mut read, mut write) = stream.into_split();
    let dripping = tokio::spawn(async move {
        while write.write_all(b"G").await.is_ok() {
            tokio::time::sleep(20 * MS).await;
        }
    });
    let begun = socket_now();
    let mut rest = Vec::new();
    read.read_to_end(&mut rest).await.ok();
    assert_about(begun.elapsed(), 200 * MS);
    dripping.abort();
}

#[tokio::test]
async fn idle_connections_outlive_the_head_time_and_end_at_the_idle_time() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    // Before the first request, and between two, idleness has the longer time.
    for _ in 0..2 {
        tokio::time::sleep(500 * MS).await;
        ask(&mut stream, "GET /hello HTTP/1.1\r\nhost: h\r\n\r\n", "hello").await;
    }
    let (took, rest) = closed(&mut stream).await;
    assert_about(took, 1_500 * MS);
    assert_eq!(rest, "");

    let (took, _) = closed(&mut served.connect().await).await;
    assert_about(took, 1_500 * MS);
}

#[tokio::test]
async fn the_head_time_begins_anew_with_the_second_request() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    ask(&mut stream, "GET /hello HTTP/1.1\r\nhost: h\r\n\r\n", "hello").await;
    tokio::time::sleep(300 * MS).await;
    stream.write_all(b"GET /hel").await.unwrap();
    let (took, _) = closed(&mut stream).await;
    assert_about(took, 200 * MS);
}

#[tokio::test]
async fn an_answer_in_the_making_has_no_timer() {
    let limits = ListenerLimits { head: 50 * MS, idle: 100 * MS, ..short_limits() };
    let served = Served::start(limits).await;
    let mut stream = served.connect().await;
    let answer = ask(&mut stream, "GET /slow HTTP/1.1\r\nhost: h\r\n\r\n", "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn an_upgraded_connection_has_no_timer_either() {
    let limits = ListenerLimits { head: 50 * MS, idle: 100 * MS, ..short_limits() };
    let served = Served::start(limits).await;
    let mut stream = served.connect().await;
    let text = "GET /upgrade HTTP/1.1\r\nhost: h\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    let answer = ask(&mut stream, text, "still here").await;
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{answer}");
}

#[tokio::test]
async fn a_peer_that_takes_no_bytes_is_cut() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /huge HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    tokio::time::sleep(1_000 * MS).await;
    let mut rest = Vec::new();
    let read = tokio::time::timeout(5_000 * MS, stream.read_to_end(&mut rest)).await;
    assert!(read.is_ok() && rest.len() < 64 << 20, "cut after {} bytes", rest.len());
}

#[tokio::test]
async fn a_body_has_its_own_size_and_time() {
    let served = Served::start(short_limits()).await;
    let head =
        |length: u32| format!("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n");
    let mut stream = served.connect().await;
    ask(&mut stream, &(head(5) + "12345"), "12345").await;
    ask(&mut stream, &(head(11) + "12345678901"), "TooLarge").await;

    let mut stream = served.connect().await;
    let begun = socket_now();
    ask(&mut stream, &(head(5) + "123"), "TooSlow").await;
    assert_about(begun.elapsed(), 200 * MS);
}

#[tokio::test]
async fn an_answer_survives_the_body_that_nobody_read() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    let head = "POST /refuse HTTP/1.1\r\nhost: h\r\ncontent-length: 3000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..300 {
        stream.write_all(&[b'x'; 10_000]).await.unwrap();
    }
    let (_, rest) = closed(&mut stream).await;
    assert!(rest.ends_with("refused unread"), "{rest}");
}

#[tokio::test]
async fn an_endless_or_wrong_head_is_refused() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    let head = format!("GET /hello HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "y".repeat(70_000));
    // What is not read of such a head may reset the connection before the answer is seen.
    let _ = stream.write_all(head.as_bytes()).await;
    let (_, rest) = closed(&mut stream).await;
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 431 "), "{rest}");

    let mut stream = served.connect().await;
    stream.write_all(b"NOT HTTP AT ALL\r\n\r\n").await.unwrap();
    let (_, rest) = closed(&mut stream).await;
    assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
}

#[tokio::test]
async fn pipelined_requests_are_all_answered() {
    let served = Served::start(short_limits()).await;
    let mut stream = served.connect().await;
    let text = "GET /hello HTTP/1.1\r\nhost: h\r\n\r\n".repeat(3);
    stream.write_all(text.as_bytes()).await.unwrap();
    let (took, rest) = closed(&mut stream).await;
    assert_eq!(rest.matches("hello").count(), 3);
    assert_about(took, 1_500 * MS);
}

#[tokio::test]
async fn a_stop_finishes_the_request_in_flight_and_closes_the_idle() {
    let served = Served::start(short_limits()).await;
    let mut busy = served.connect().await;
    let mut idle = served.connect().await;
    let mut fresh = served.connect().await;
    ask(&mut idle, "GET /hello HTTP/1.1\r\nhost: h\r\n\r\n", "hello").await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    tokio::time::sleep(100 * MS).await;

    let begun = socket_now();
    served.stop.send(()).unwrap();
    let (_, rest) = closed(&mut busy).await;
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{rest}");
    closed(&mut idle).await;
    closed(&mut fresh).await;
    served.task.await.unwrap();
    assert!(begun.elapsed() < 1_400 * MS, "{:?}", begun.elapsed());
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_stop_cuts_what_outlasts_the_grace_time() {
    let served = Served::start(ListenerLimits { stop_grace: 200 * MS, ..short_limits() }).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /never HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    tokio::time::sleep(50 * MS).await;
    let begun = socket_now();
    served.stop.send(()).unwrap();
    served.task.await.unwrap();
    assert_about(begun.elapsed(), 200 * MS);
    assert_eq!(closed(&mut stream).await.1, "");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_place() {
    let served = Served::start(ListenerLimits { connections_max: 1, ..short_limits() }).await;
    let mut first = served.connect().await;
    ask(&mut first, "GET /hello HTTP/1.1\r\nhost: h\r\n\r\n", "hello").await;
    let mut second = served.connect().await;
    second.write_all(b"GET /hello HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut piece = [0; 16];
    let early = tokio::time::timeout(100 * MS, second.read(&mut piece)).await;
    assert!(early.is_err(), "no answer while the place is taken");
    drop(first);
    assert!(second.read(&mut piece).await.unwrap() > 0);
}
