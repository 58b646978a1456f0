//! The listener: accepts connections and serves HTTP/1.1 on them, one task for each.
//!
//! What it adds to hyper: header names in title case (the Python SDK reads them case-sensitively,
//! contract, section 2.5), a bound on connections and file handles ([`system::handles`]), a
//! graceful stop, and timers by the phase of the dialogue (product, section 12; `socket.rs`), for
//! hyper's head timer also counts idle time. A head that is not HTTP, or can be read in two ways
//! (`intake.rs`), is answered 400 (431 when too large) without a body, and the connection is
//! closed.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ConnectInfo;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use system::clock::socket_now;
use system::handles;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Sleep};
use tokio_util::either::Either;
use tower::Service;

use super::forwarded::Reached;
use super::intake::{self, RequestBody};
use super::socket::{Dialogue, Phase, Socket};
use super::tls::{Stream, Tls};

/// How long a peer may go on sending after the last answer.
const LINGER: Duration = Duration::from_secs(5);
const READ_BYTES_MIN: usize = 16 * 1024;
const STOP_SLACK: Duration = Duration::from_secs(1);
/// The pause after a failed accept, such as when no file handles are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection may take.
#[derive(Debug, Clone, Copy)]
pub struct ListenerLimits {
    /// Connections served at once; further ones wait in the system's queue.
    pub connections_max: u32,
    /// From the first byte of a request's head to its last.
    pub head: Duration,
    /// Without a byte between two requests, and before the first.
    pub idle: Duration,
    /// Without the peer taking a byte of an answer.
    pub write_stall: Duration,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// How long a stop waits for answers in progress before it cuts them.
    pub stop_grace: Duration,
}

impl Default for ListenerLimits {
    /// The limits of product.md §12.
    fn default() -> ListenerLimits {
        ListenerLimits {
            connections_max: 20_000,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write_stall: Duration::from_secs(75),
            head_bytes_max: 64 * 1024,
            stop_grace: Duration::from_secs(10),
        }
    }
}

/// Serves `service` on the connections of `tcp` until `shutdown` is done, then stops within
/// [`ListenerLimits::stop_grace`]: idle connections closed, requests begun answered, the rest cut.
/// With `tls` connections are secured first. Requests carry [`ConnectInfo<SocketAddr>`], and
/// [`Reached`] over TLS. Upgraded connections leave the listener's care.
pub async fn serve<S, B>(
    tcp: TcpListener,
    tls: Option<Arc<Tls>>,
    service: S,
    limits: ListenerLimits,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body + Default + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(limits.connections_max.max(1) as usize));
    let (stop, stopping) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    let taken = lowest_free(&tcp);
    loop {
        let (stream, peer, index) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&tcp, &places, taken) => accepted,
        };
        let (tls, service, mut stopping) = (tls.clone(), service.clone(), stopping.clone());
        tokio::spawn(async move {
            // Answers are small and written whole: waiting to fill a packet only delays them.
            let _ = stream.set_nodelay(true);
            let secured = tokio::select! {
                biased;
                _ = stopping.changed() => None,
                secured = secured(stream, tls.as_deref(), limits.head) => secured,
            };
            if let Some(stream) = secured {
                attend(stream, peer, service, limits, stopping).await;
            }
            drop(index);
        });
    }

    drop(tcp);
    drop(stopping);
    stop.send_replace(());
    let _ = tokio::time::timeout(limits.stop_grace + STOP_SLACK, stop.closed()).await;
}

async fn accept(
    tcp: &TcpListener,
    places: &Arc<Semaphore>,
    taken_at_start: u64,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let index = Arc::clone(places).acquire_owned().await.expect("the places are never closed");
    loop {
        match tcp.accept().await {
            Ok((stream, peer)) => match below_reserve(stream, taken_at_start).await {
                Ok(stream) => return (stream, peer, index),
                Err(error) => tracing::warn!(%error, "a connection was given up"),
            },
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Nothing says when file handles are free again: only trying does.
                pause().await;
            }
        }
    }
}

/// The connection on a handle below the reserve. Others wait in the system's queue until there is one.
async fn below_reserve(stream: TcpStream, taken_at_start: u64) -> io::Result<TcpStream> {
    if number(&stream) < handles::below_reserve(taken_at_start) {
        return Ok(stream);
    }
    tracing::warn!("connections wait: few file handles are left");
    let stream = stream.into_std()?;
    loop {
        // On the lowest handle that is free now.
        if let Ok(moved) = stream.try_clone()
            && number(&moved) < handles::below_reserve(taken_at_start)
        {
            return TcpStream::from_std(moved);
        }
        pause().await;
    }
}

async fn pause() {
    let _ = tokio::time::timeout(ACCEPT_PAUSE, std::future::pending::<()>()).await;
}

fn number(handle: &impl AsRawFd) -> u64 {
    u64::try_from(handle.as_raw_fd()).unwrap_or(u64::MAX)
}

fn lowest_free(tcp: &TcpListener) -> u64 {
    rustix::io::dup(tcp).map_or(u64::MAX / 2, |handle| number(&handle))
}

/// Whether only the connection at hand failed, not the listening.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn secured(stream: TcpStream, tls: Option<&Tls>, limit: Duration) -> Option<Stream> {
    match tls {
        None => Some(Either::Left(stream)),
        Some(tls) => tokio::time::timeout(limit, tls.secure(stream)).await.ok().flatten(),
    }
}

async fn attend<S, B>(
    stream: Stream,
    peer: SocketAddr,
    service: S,
    limits: ListenerLimits,
    mut stopping: watch::Receiver<()>,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
    B: Body + Default + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let is_secure = matches!(stream, Either::Right(_));
    let dialogue = Arc::new(Dialogue::default());
    let socket = Socket::new(stream, Arc::clone(&dialogue));

    let noting = Arc::clone(&dialogue);
    let answer = service_fn(move |mut request: Request<Incoming>| {
        noting.begin_answer(!request.body().is_end_stream());
        request.extensions_mut().insert(ConnectInfo(peer));
        if is_secure {
            request.extensions_mut().insert(Reached { is_secure, host: None });
        }
        let answer = intake::answer(service.clone(), request);
        let noting = Arc::clone(&noting);
        async move {
            let response = answer.await?;
            // The body owns the closure, and with it the guard: both are dropped together.
            let guard = AnswerGuard(noting);
            let guarded = |body: B| {
                body.map_err(move |error| {
                    let _ = &guard;
                    error
                })
            };
            Ok::<_, Infallible>(response.map(guarded))
        }
    });

    let connection = http1::Builder::new()
        .title_case_headers(true)
        .header_read_timeout(None)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max.max(READ_BYTES_MIN))
        .serve_connection(socket, answer)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut stopped = pin!(stopping.changed());
    let mut timer = Timer::default();
    poll_fn(|cx| {
        if timer.stop.is_none() && stopped.as_mut().poll(cx).is_ready() {
            connection.as_mut().graceful_shutdown();
            timer.stop = Some(socket_now() + limits.stop_grace);
        }
        // How a connection broke is the peer's affair; the answer's fate is known to the service.
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        timer.poll(cx, &dialogue, &limits)
    })
    .await;
}

struct AnswerGuard(Arc<Dialogue>);

impl Drop for AnswerGuard {
    fn drop(&mut self) {
        self.0.end_answer();
    }
}

#[derive(Default)]
struct Timer {
    /// When what goes on now must have ended, and the marks by which that is known.
    current: Option<((u32, Option<u32>), Instant)>,
    stop: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Ready when the connection has used up its time for what it is at, or its grace time.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        dialogue: &Dialogue,
        limits: &ListenerLimits,
    ) -> Poll<()> {
        let (phase, phase_mark) = dialogue.phase();
        let stall = dialogue.write_stall();
        let limit = match phase {
            Phase::Lingering => Some(LINGER),
            // The last answer is still on its way: the time of the stall counts, not idleness.
            _ if stall.is_some() => Some(limits.write_stall),
            Phase::Idle => Some(limits.idle),
            Phase::Head => Some(limits.head),
            Phase::Busy => None,
        };
        let marks = (phase_mark, stall);
        self.current = limit.map(|limit| match self.current {
            Some((known, end)) if known == marks => (known, end),
            _ => (marks, socket_now() + limit),
        });
        let current = self.current.map(|(_, end)| end);
        match current.into_iter().chain(self.stop).min() {
            None => Poll::Pending,
            Some(end) => self.wait(cx, end),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the sleep is moved, and shared by the deadlines"
    )]
    fn wait(&mut self, cx: &mut Context<'_>, end: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if sleep.deadline() > end {
            sleep.as_mut().reset(end);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= end {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(end);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
