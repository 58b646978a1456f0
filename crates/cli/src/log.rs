//! Log lines to stderr, so that stdout holds data alone. A thread writes them: a log that takes nothing (a full disk, a
//! closed pipe, a reader that hangs) must not stop what is logged about; lines that find no room are counted and lost.

use std::io::{self, Write, stderr};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use server::metrics::Metrics;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::shared_args::LogFormat;

const WAITING_MAX: usize = 4_096;
const FLUSH_TIME: Duration = Duration::from_secs(1);

enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

static QUEUE: OnceLock<SyncSender<Message>> = OnceLock::new();

/// Starts logging for the whole process; `RUST_LOG` says what, `level` and worse by default.
pub(crate) fn start(format: LogFormat, level: &str) {
    let (queue, messages) = sync_channel(WAITING_MAX);
    // Without a thread every line is lost, and counted.
    let _ = thread::Builder::new().name("log".to_owned()).spawn(move || write_all(messages));
    let _ = QUEUE.set(queue);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Queue);
    match format {
        LogFormat::Text => {
            let is_terminal = io::IsTerminal::is_terminal(&stderr());
            lines.with_ansi(is_terminal).init();
        }
        LogFormat::Json => lines.json().init(),
    }
}

pub(crate) fn flush() {
    let Some(queue) = QUEUE.get() else { return };
    let (written, waits) = sync_channel(1);
    if queue.try_send(Message::Flush(written)).is_ok() {
        let _ = waits.recv_timeout(FLUSH_TIME);
    }
}

fn write_all(messages: Receiver<Message>) {
    for message in messages {
        match message {
            Message::Line(line) => {
                if stderr().write_all(&line).is_err() {
                    Metrics::count_lost_log_line();
                }
            }
            Message::Flush(written) => {
                let _ = written.try_send(());
            }
        }
    }
}

struct Queue;

impl MakeWriter<'_> for Queue {
    type Writer = Queue;

    fn make_writer(&self) -> Queue {
        Queue
    }
}

impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let message = Message::Line(line.to_vec());
        if QUEUE.get().is_none_or(|queue| queue.try_send(message).is_err()) {
            Metrics::count_lost_log_line();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
