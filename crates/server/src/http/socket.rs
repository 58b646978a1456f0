//! A connection's socket that shows the listener how far the dialogue is.
//!
//! Only the socket sees a head's first byte and only the service its last: both note it in a shared
//! [`Dialogue`], from which the connection's task arms one timer. The atomics carry no data to
//! other threads.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;

use super::tls::Stream;

/// The most that is read and thrown away after the last answer, in bytes.
const LINGER_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing of a request has come.
    Idle,
    /// A request's head has begun.
    Head,
    /// A request is being answered.
    Busy,
    /// The last answer is sent; what the peer still sends is thrown away.
    Lingering,
}

/// What socket and service note: one word for the phase (2 bits) and the number of requests.
#[derive(Debug, Default)]
pub(super) struct Dialogue {
    word: AtomicU32,
    /// Odd while the peer takes no bytes; each change is one step up.
    writes: AtomicU32,
    /// Whether the last request had a body, which may not have been read to its end.
    has_body: AtomicBool,
}

impl Dialogue {
    /// The phase, and a mark that differs whenever the phase was entered anew.
    pub(super) fn phase(&self) -> (Phase, u32) {
        let word = self.word.load(Ordering::Relaxed);
        let phase = match word & 3 {
            0 => Phase::Idle,
            1 => Phase::Head,
            2 => Phase::Busy,
            _ => Phase::Lingering,
        };
        (phase, word)
    }

    /// A mark that differs at each new stall when the peer takes no bytes, else `None`.
    pub(super) fn write_stall(&self) -> Option<u32> {
        let writes = self.writes.load(Ordering::Relaxed);
        (writes & 1 == 1).then_some(writes)
    }

    /// Notes that a request's head is complete and its answer is being made.
    pub(super) fn begin_answer(&self, has_body: bool) {
        let count = (self.word.load(Ordering::Relaxed) & !3).wrapping_add(4);
        self.word.store(count | 2, Ordering::Relaxed);
        self.has_body.store(has_body, Ordering::Relaxed);
    }

    /// Notes that the answer's body has been handed over whole, or dropped.
    pub(super) fn end_answer(&self) {
        if self.phase().0 == Phase::Busy {
            self.enter(0);
        }
    }

    fn enter(&self, phase: u32) {
        let word = self.word.load(Ordering::Relaxed);
        self.word.store(word & !3 | phase, Ordering::Relaxed);
    }

    fn note_read(&self) {
        if self.phase().0 == Phase::Idle {
            self.enter(1);
        }
    }

    fn note_write<T>(&self, written: &Poll<T>) {
        let writes = self.writes.load(Ordering::Relaxed);
        if written.is_pending() != (writes & 1 == 1) {
            self.writes.store(writes.wrapping_add(1), Ordering::Relaxed);
        }
    }
}

/// A stream that notes its first bytes and its stalls in a [`Dialogue`].
#[derive(Debug)]
pub(super) struct Socket {
    io: TokioIo<Stream>,
    dialogue: Arc<Dialogue>,
    /// Bytes thrown away after the last answer; `None` before it.
    lingered: Option<usize>,
    /// Whether the peer did not take what is held back for it: TLS takes a write before its bytes go.
    is_held: bool,
}

impl Socket {
    pub(super) fn new(stream: Stream, dialogue: Arc<Dialogue>) -> Socket {
        Socket { io: TokioIo::new(stream), dialogue, lingered: None, is_held: false }
    }

    /// Reads and throws away what the peer still sends: unread bytes at a close reset the
    /// connection, which can destroy an answer on its way.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, buffer.unfilled()));
            let lingered = self.lingered.get_or_insert(0);
            *lingered += buffer.filled().len();
            if read.is_err() || buffer.filled().is_empty() || *lingered > LINGER_BYTES_MAX {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        if read.is_ready() {
            self.dialogue.note_read();
        }
        read
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.dialogue.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.dialogue.note_write(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if flushed.is_pending() || self.is_held {
            self.is_held = flushed.is_pending();
            self.dialogue.note_write(&flushed);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingered.is_none() {
            ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
            // After a head that was refused in its middle there may be more of it.
            let was_in_head = self.dialogue.phase().0 == Phase::Head;
            if !was_in_head && !self.dialogue.has_body.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
            self.lingered = Some(0);
            self.dialogue.enter(3);
        }
        self.poll_linger(cx)
    }
}
