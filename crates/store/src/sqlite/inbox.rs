//! What waits for the writer, and how far it has come.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rows::Rows;
use crate::desk::BATCH_MAX;
use crate::engine::{Answer, Signals, writer_gone};
use crate::fault::Fault;
use crate::value::{Statement, Written};

/// How many bytes of logged rows wait before they are written at once.
const ENOUGH_BYTES: usize = 1 << 20;
/// How long logged rows wait for more of them, while nobody wants to see them.
const LINGER: Duration = Duration::from_millis(50);
/// How often the writer tries a commit of its own while storage fails.
pub(super) const PROBE_EVERY: Duration = Duration::from_millis(200);

/// A batch that is in the redo log.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) number: u64,
    pub(super) rows: Rows,
    /// Its length in the log.
    pub(super) bytes: usize,
}

/// Work that is answered after a commit of the database itself.
#[derive(Debug)]
pub(super) enum Task {
    /// Rows of the desk that do not go through the log.
    Rows(Box<Rows>, SyncSender<Result<(), Fault>>),
    /// Any other write.
    Write(Vec<Statement>, Answer<Written>),
}

/// What the writer takes at once.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) logged: Vec<Logged>,
    pub(super) tasks: Vec<Task>,
    /// Whether the log waits for its rows to be durable in the database.
    pub(super) is_sync: bool,
}

/// The way to the writer, shared by all who need it.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    marks: Marks,
    moved: Condvar,
    moving: Mutex<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    logged: Vec<Logged>,
    bytes: usize,
    tasks: VecDeque<Task>,
    is_wanted: bool,
    is_sync: bool,
    is_closed: bool,
}

/// Numbers of batches in the log.
#[derive(Debug, Default)]
struct Marks {
    /// The newest that may have been acknowledged.
    logged: AtomicU64,
    /// The newest whose rows every reader sees.
    applied: AtomicU64,
    /// The newest that the database holds also after a power cut.
    durable: AtomicU64,
}

impl Inbox {
    /// An inbox of a database that holds everything up to a batch.
    pub(super) fn after(number: u64) -> Inbox {
        let inbox = Inbox::default();
        for mark in [&inbox.marks.logged, &inbox.marks.applied, &inbox.marks.durable] {
            mark.store(number, Ordering::SeqCst);
        }
        inbox
    }

    /// Hands over a batch that is in the log; what reads from now on sees it.
    pub(super) fn log(&self, logged: Logged) {
        let mut waiting = lock(&self.waiting);
        self.marks.logged.store(logged.number, Ordering::SeqCst);
        let was_waiting = !waiting.logged.is_empty();
        waiting.bytes += logged.bytes;
        waiting.logged.push(logged);
        if !was_waiting || waiting.bytes >= ENOUGH_BYTES {
            self.changed.notify_one();
        }
    }

    /// Hands over a task.
    ///
    /// # Errors
    /// When the writer is ending.
    pub(super) fn ask(&self, task: Task) -> Result<(), Fault> {
        let mut waiting = lock(&self.waiting);
        if waiting.is_closed {
            return Err(writer_gone());
        }
        waiting.tasks.push_back(task);
        self.changed.notify_one();
        Ok(())
    }

    /// Lets the writer go on without waiting for more, and with `is_sync` durably.
    pub(super) fn want(&self, is_sync: bool) {
        let mut waiting = lock(&self.waiting);
        waiting.is_wanted |= !is_sync;
        waiting.is_sync |= is_sync;
        self.changed.notify_one();
    }

    /// No batch comes any more: the writer ends when it has written what is here.
    pub(super) fn close(&self) {
        lock(&self.waiting).is_closed = true;
        self.changed.notify_one();
    }

    /// Waits for work; none when there will be no more. With `is_pressed` it gives up after [`PROBE_EVERY`].
    pub(super) fn take(&self, is_pressed: bool) -> Option<Work> {
        let mut waiting = lock(&self.waiting);
        while !waiting.is_urgent() {
            if is_pressed {
                let (late, _) = wait_for(&self.changed, waiting, PROBE_EVERY);
                waiting = late;
                break;
            }
            if waiting.logged.is_empty() {
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            } else {
                let (late, is_over) = wait_for(&self.changed, waiting, LINGER);
                waiting = late;
                if is_over {
                    break;
                }
            }
        }
        if waiting.is_closed && waiting.logged.is_empty() && waiting.tasks.is_empty() {
            return None;
        }
        let count = waiting.tasks.len().min(BATCH_MAX);
        waiting.bytes = 0;
        waiting.is_wanted = false;
        Some(Work {
            logged: std::mem::take(&mut waiting.logged),
            tasks: waiting.tasks.drain(..count).collect(),
            is_sync: std::mem::take(&mut waiting.is_sync),
        })
    }

    /// The newest batch whose rows every reader sees.
    pub(super) fn applied(&self) -> u64 {
        self.marks.applied.load(Ordering::SeqCst)
    }

    /// Notes what the database now holds, and, when `is_durable`, holds also after a power cut.
    pub(super) fn note(&self, applied: u64, is_durable: bool) {
        self.marks.applied.store(applied, Ordering::SeqCst);
        if is_durable {
            self.marks.durable.store(applied, Ordering::SeqCst);
        }
        self.wake();
    }

    /// Lets all who wait look again.
    pub(super) fn wake(&self) {
        let _moving = lock(&self.moving);
        self.moved.notify_all();
    }

    /// Waits until readers see everything that was acknowledged; while storage fails they see what there is.
    pub(super) fn wait_seen(&self, signals: &Signals) {
        let number = self.marks.logged.load(Ordering::SeqCst);
        if self.applied() < number {
            self.wait_applied(number, signals);
        }
    }

    /// Waits until readers see the batch of this number; false when storage fails.
    pub(super) fn wait_applied(&self, number: u64, signals: &Signals) -> bool {
        self.wait(signals, false, || self.applied() >= number)
    }

    /// Waits until the database durably holds the batch of this number; false when storage fails.
    pub(super) fn wait_durable(&self, number: u64, signals: &Signals) -> bool {
        self.wait(signals, true, || self.marks.durable.load(Ordering::SeqCst) >= number)
    }

    fn wait(&self, signals: &Signals, is_sync: bool, is_done: impl Fn() -> bool) -> bool {
        if is_done() {
            return true;
        }
        self.want(is_sync);
        let mut moving = lock(&self.moving);
        loop {
            if is_done() {
                return true;
            }
            if signals.is_commit_failing() {
                return false;
            }
            moving = self.moved.wait(moving).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Waiting {
    fn is_urgent(&self) -> bool {
        !self.tasks.is_empty()
            || self.is_wanted
            || self.is_sync
            || self.is_closed
            || self.bytes >= ENOUGH_BYTES
    }
}

/// Waits for a change; says whether the time ran out instead.
fn wait_for<'a>(
    changed: &Condvar,
    waiting: MutexGuard<'a, Waiting>,
    limit: Duration,
) -> (MutexGuard<'a, Waiting>, bool) {
    let (waiting, timeout) =
        changed.wait_timeout(waiting, limit).unwrap_or_else(PoisonError::into_inner);
    (waiting, timeout.timed_out())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
