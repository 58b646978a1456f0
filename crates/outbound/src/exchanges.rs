//! How many calls went over a connection, and whether the last one was answered: if not, it may be made again.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Debug, Clone, Default)]
pub(super) struct Exchanges(Arc<State>);

#[derive(Debug, Default)]
struct State {
    begun: AtomicU32,
    /// Whether a byte came since the last call began.
    is_answered: AtomicBool,
}

impl Exchanges {
    /// Whether the connection was used before, and no byte answers its last call.
    pub(super) fn broke_when_used_again(&self) -> bool {
        self.0.begun.load(Ordering::Relaxed) > 1 && !self.0.is_answered.load(Ordering::Relaxed)
    }

    fn wrote(&self) {
        // The first byte that is written after an answer begins a call.
        if self.0.begun.load(Ordering::Relaxed) == 0
            || self.0.is_answered.swap(false, Ordering::Relaxed)
        {
            self.0.begun.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn read(&self) {
        self.0.is_answered.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(super) struct Noted<S> {
    stream: S,
    exchanges: Exchanges,
}

impl<S> Noted<S> {
    pub(super) fn new(stream: S) -> Noted<S> {
        Noted { stream, exchanges: Exchanges::default() }
    }
}

impl<S> Connection for Noted<S> {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.exchanges.clone())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if buffer.filled().len() > before {
            self.exchanges.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.exchanges.wrote();
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.exchanges.wrote();
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}
