//! The order desk's thread on SQLite: decides what waits, and acknowledges it after one sync of the redo log.
//!
//! The writer brings the rows into the database behind it; until then the overlay knows how the orders stand.
//! What may still be refused by the database (a new order, a used Idempotency-Key) is committed there before it
//! is answered, and the desk waits for that.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::inbox::{Inbox, Logged, PROBE_EVERY, Task};
use super::load::load;
use super::overlay::Overlay;
use super::readers;
use super::redo::{RECORD_MAX, Redo};
use super::rows::Rows;
use crate::desk::plan::{Plan, plan};
use crate::desk::{BATCH_MAX, CommandResult, QueuedCommand, Request};
use crate::engine::{Answer, Ids, Signals, writer_gone};
use crate::fault::{Fault, FaultKind};

/// How many bytes of the log may wait for the writer before the desk waits too.
const UNAPPLIED_MAX: usize = 8 << 20;

/// A command with the way to its answer.
type Asked = (Box<QueuedCommand>, Answer<CommandResult>);

/// What is sent to the desk.
pub(super) enum Message {
    Order(Asked),
    /// To overwrite what the log holds, once the database holds it too.
    Scrub(Answer<()>),
    /// To end, and to say when it has.
    Close(oneshot::Sender<()>),
}

/// The desk's state.
pub(super) struct Desk {
    path: PathBuf,
    /// None after a failed read: it is opened anew.
    reader: Option<Connection>,
    redo: Redo,
    overlay: Overlay,
    inbox: Arc<Inbox>,
    ids: Ids,
    signals: Signals,
    payload: Vec<u8>,
}

/// What a batch does, and what its members are answered.
struct Decided {
    plan: Plan,
    outcomes: Vec<CommandResult>,
}

impl Desk {
    pub(super) fn new(
        path: PathBuf,
        redo: Redo,
        inbox: Arc<Inbox>,
        ids: Ids,
        signals: Signals,
    ) -> Desk {
        let overlay = Overlay::default();
        Desk { path, reader: None, redo, overlay, inbox, ids, signals, payload: Vec::new() }
    }

    /// Serves until it is asked to end or nobody can ask any more; then the database holds what the log held.
    pub(super) fn run(mut self, waiting: &Receiver<Message>, writer_ended: &Receiver<()>) {
        let close = self.serve_all(waiting);
        if self.inbox.wait_durable(self.redo.newest(), &self.signals)
            && let Err(fault) = self.redo.clear()
        {
            tracing::warn!(%fault, "the redo log is not cleared; it is replayed at the next start");
        }
        self.inbox.close();
        // Nothing is sent: the writer lets go of its end.
        let _ = writer_ended.recv();
        // The log is for the next one to open.
        drop(self);
        if let Some(close) = close {
            let _ = close.send(());
        }
    }

    fn serve_all(&mut self, waiting: &Receiver<Message>) -> Option<oneshot::Sender<()>> {
        loop {
            let first = if self.redo.is_broken() {
                match waiting.recv_timeout(PROBE_EVERY) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => {
                        self.mend();
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return None,
                }
            } else {
                waiting.recv().ok()?
            };
            // What only changes an order goes through the log; the rest has to ask the database, and so has what
            // comes behind it on the same order.
            let mut asking = HashSet::new();
            let (mut changes, mut others, mut close) = (Vec::new(), Vec::new(), None);
            let mut scrubs = Vec::new();
            let more = std::iter::from_fn(|| waiting.try_recv().ok());
            for message in std::iter::once(first).chain(more.take(BATCH_MAX - 1)) {
                match message {
                    Message::Order(queued)
                        if is_change(&queued.0) && !asking.contains(&queued.0.key()) =>
                    {
                        changes.push(queued);
                    }
                    Message::Order(queued) => {
                        asking.insert(queued.0.key());
                        others.push(queued);
                    }
                    Message::Scrub(answer) => scrubs.push(answer),
                    Message::Close(answer) => close = Some(answer),
                }
            }
            for (batch, is_logged) in [(changes, true), (others, false)] {
                if !batch.is_empty() {
                    self.serve(batch, is_logged);
                }
            }
            if !scrubs.is_empty() {
                let scrubbed = self.scrub();
                for answer in scrubs {
                    // Whoever asked may have gone.
                    let _ = answer.send(scrubbed.clone());
                }
            }
            if close.is_some() {
                return close;
            }
        }
    }

    /// Makes a batch durable and answers its members; when one of them spoils it, one by one.
    fn serve(&mut self, batch: Vec<Asked>, is_logged: bool) {
        match self.settle(&batch, is_logged) {
            Ok(decided) => {
                if decided.plan.has_deliveries() {
                    self.signals.wake_deliveries();
                }
                if decided.plan.has_fetches() {
                    self.signals.wake_reports();
                }
                // Whoever asked may have gone; what was decided stands all the same.
                for ((_, answer), outcome) in batch.into_iter().zip(decided.outcomes) {
                    let _ = answer.send(Ok(outcome));
                }
            }
            Err(fault) if fault.kind() != FaultKind::Storage && batch.len() > 1 => {
                tracing::warn!(%fault, "a batch is tried again one by one");
                for queued in batch {
                    self.serve(vec![queued], is_logged);
                }
            }
            Err(fault) => {
                for (_, answer) in batch {
                    let _ = answer.send(Err(fault.clone()));
                }
            }
        }
    }

    fn settle(&mut self, batch: &[Asked], is_logged: bool) -> Result<Decided, Fault> {
        if self.redo.is_broken() {
            self.mend();
        }
        if self.signals.is_failing() {
            return Err(failing());
        }
        let decided = self.decide(batch)?;
        let rows = Rows::of(&decided.plan);
        if rows.is_empty() {
            return Ok(decided);
        }
        self.payload.clear();
        if is_logged {
            rows.encode(&mut self.payload);
        }
        if is_logged && self.payload.len() <= RECORD_MAX {
            self.log(rows, &decided.plan)?;
        } else {
            self.commit(rows)?;
        }
        Ok(decided)
    }

    fn decide(&mut self, batch: &[Asked]) -> Result<Decided, Fault> {
        self.overlay.forget(self.inbox.applied());
        let commands = || batch.iter().map(|(command, _)| command.as_ref());
        while self.overlay.bytes() > UNAPPLIED_MAX || self.overlay.hides_results(commands()) {
            self.wait_applied()?;
        }
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => readers::open(&self.path)?,
        };
        let loaded = load(&reader, &self.overlay, commands())?;
        self.reader = Some(reader);
        let (plan, outcomes) = plan(commands(), loaded, &self.ids)?;
        Ok(Decided { plan, outcomes })
    }

    /// Waits until the database has what the overlay knows.
    fn wait_applied(&mut self) -> Result<(), Fault> {
        let Some(newest) = self.overlay.newest() else { return Ok(()) };
        if !self.inbox.wait_applied(newest, &self.signals) {
            return Err(failing());
        }
        self.overlay.forget(newest);
        Ok(())
    }

    /// Acknowledges rows by the log, and leaves them to the writer.
    fn log(&mut self, rows: Rows, plan: &Plan) -> Result<(), Fault> {
        let bytes = self.payload.len();
        let needed = self.redo.needs(bytes);
        if needed > 0 && !self.inbox.wait_durable(needed, &self.signals) {
            return Err(failing());
        }
        let number = match self.redo.append(&self.payload) {
            Ok(number) => number,
            Err(fault) => {
                tracing::error!(%fault, "the redo log failed, no call is acknowledged until it works");
                self.signals.note_log(false);
                return Err(fault);
            }
        };
        if needed > 0 {
            // The other file is needed again when this one is full.
            self.inbox.want(true);
        }
        self.overlay.add(number, plan, bytes);
        self.inbox.log(Logged { number, rows, bytes });
        Ok(())
    }

    /// Commits rows in the database, behind everything that the log holds.
    fn commit(&self, rows: Rows) -> Result<(), Fault> {
        let (answer, done) = sync_channel(1);
        self.inbox.ask(Task::Rows(Box::new(rows), answer))?;
        done.recv().unwrap_or_else(|_| Err(writer_gone()))
    }

    /// Overwrites the log, which the database holds durably by then.
    fn scrub(&mut self) -> Result<(), Fault> {
        if self.redo.is_broken() || !self.inbox.wait_durable(self.redo.newest(), &self.signals) {
            return Err(failing());
        }
        self.redo.scrub()
    }

    fn mend(&mut self) {
        match self.redo.mend() {
            Ok(()) => self.signals.note_log(true),
            Err(fault) => tracing::error!(%fault, "the redo log still fails"),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.inbox.close();
    }
}

/// Whether a command changes an order and nothing else, which the database cannot refuse; what the audit chain says
/// of gets its place there by the database.
fn is_change(command: &QueuedCommand) -> bool {
    command.idempotency.is_none()
        && !matches!(command.request, Request::Place { .. })
        && command.request.audited().is_none()
}

fn failing() -> Fault {
    Fault::new(FaultKind::Storage, "storage fails, and no commit has worked since")
}
