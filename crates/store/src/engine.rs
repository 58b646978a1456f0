//! What both engines share: how a writer answers, and how the rest of the process learns of commits.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::id::IdMaker;
use tokio::sync::{Notify, oneshot};

use crate::fault::{Fault, FaultKind};

pub(crate) type Answer<T> = oneshot::Sender<Result<T, Fault>>;

/// A commit on PostgreSQL that writes, whatever else it brings: only such a one shows that storage works again.
pub(crate) const WRITE_PROBE: &str =
    "UPDATE write_probe SET commits = commits + 1 WHERE probe_id = 1";

/// Waits for a job's answer: a lost reply is an error, never a success.
pub(crate) async fn answer<T>(receiver: oneshot::Receiver<Result<T, Fault>>) -> Result<T, Fault> {
    receiver.await.unwrap_or_else(|_| Err(writer_gone()))
}

pub(crate) fn writer_gone() -> Fault {
    Fault::new(FaultKind::WriterGone, "the writer has ended")
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Signals(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    deliveries: Notify,
    reports: Notify,
    is_failing: AtomicBool,
    is_damaged: AtomicBool,
    is_not_listening: AtomicBool,
    listening_lost_count: AtomicU64,
}

impl Signals {
    pub(crate) fn wake_deliveries(&self) {
        self.0.deliveries.notify_one();
    }

    pub(crate) fn wake_reports(&self) {
        self.0.reports.notify_one();
    }

    pub(crate) async fn deliveries_due(&self) {
        self.0.deliveries.notified().await;
    }

    pub(crate) async fn reports_due(&self) {
        self.0.reports.notified().await;
    }

    /// Notes whether the last commit worked. While it did not, every commit must write something.
    pub(crate) fn note_commit(&self, worked: bool) {
        note(&self.0.is_failing, worked);
    }

    pub(crate) fn note_damage(&self) {
        self.0.is_damaged.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.0.is_damaged.load(Ordering::SeqCst)
    }

    pub(crate) fn note_listening(&self, is_listening: bool) -> bool {
        let was_not_listening = self.0.is_not_listening.swap(!is_listening, Ordering::SeqCst);
        if !is_listening && !was_not_listening {
            self.0.listening_lost_count.fetch_add(1, Ordering::SeqCst);
        }
        if is_listening && was_not_listening {
            tracing::info!("changes by other replicas are received again");
        }
        is_listening == was_not_listening
    }

    /// Whether changes by other replicas are received, and how often that ended.
    pub(crate) fn listening(&self) -> (bool, u64) {
        (
            !self.0.is_not_listening.load(Ordering::SeqCst),
            self.0.listening_lost_count.load(Ordering::SeqCst),
        )
    }

    /// Whether the last commit failed, and none has worked since.
    pub(crate) fn is_failing(&self) -> bool {
        self.0.is_failing.load(Ordering::SeqCst)
    }
}

fn note(is_failing: &AtomicBool, worked: bool) {
    let was_failing = is_failing.swap(!worked, Ordering::SeqCst);
    if was_failing && worked {
        tracing::info!("storage takes commits again");
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Ids(Arc<Mutex<IdMaker>>);

impl Default for Ids {
    fn default() -> Ids {
        Ids(Arc::new(Mutex::new(IdMaker::new(0))))
    }
}

impl Ids {
    pub(crate) fn lock(&self) -> MutexGuard<'_, IdMaker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the process when a writer dies: nothing may go on without it.
pub(crate) struct EndWithWriter;

impl Drop for EndWithWriter {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the writer died, ending the process");
            std::process::abort();
        }
    }
}
