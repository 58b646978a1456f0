//! Workers: what happens after a commit, without anybody waiting for it.
//!
//! Each worker is one step: it claims due work under a lease, which is a timestamp in the row, and begins it.
//! A step takes no input and may run twice, here or on another machine: whoever has the lease does the work,
//! and when it dies the work becomes due again by itself. So a delivery may be made twice, never lost.
//!
//! The loop is written once. It is woken by a signal from the commit and, in case that one was for another
//! process or for later, by a period. Signals are held until they are taken, so that what becomes due while a
//! step looks for work is found by the next step.

mod anchor;
mod deliver;
mod endpoint_limiter;
mod erase;
mod event_body;
mod fetch_report;
mod issue_tickets;
mod keep_connections;
mod manifest;
mod purge;
mod push;
mod record_key_uses;
mod sent;
mod watch_clock;
mod watch_room;
mod webhook;

use std::time::Duration;

use store::Fault;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::{App, SharedApp};
use anchor::Anchor;
use deliver::Deliver;
use erase::Erase;
use fetch_report::FetchReport;
use issue_tickets::IssueTickets;
use keep_connections::KeepConnections;
use manifest::WriteManifests;
use purge::Purge;
use record_key_uses::RecordKeyUses;
use watch_clock::WatchClock;
use watch_room::WatchRoom;

/// How long a worker waits for a signal before it looks for work all the same.
const PERIOD: Duration = Duration::from_secs(1);

/// What a step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Work, which has begun; there may be more.
    Worked,
    /// Nothing that is due, or no room for more.
    Idle,
}

/// One kind of work. Its pieces are tasks of their own: they go on while a step looks for more.
trait Worker {
    /// Waits until work may have become due.
    async fn signal(app: &App);

    /// Looks once for due work and begins it.
    async fn step(&mut self) -> Result<Step, Fault>;

    /// Whether pieces of work are under way.
    fn is_busy(&self) -> bool;

    /// Waits for the end of a piece; true when more work may have become due by it. For ever when nothing is
    /// under way; may be broken off at any time.
    async fn ended(&mut self) -> bool;

    /// Finishes what is nearly done and gives the rest back.
    async fn stop(&mut self);
}

/// The workers, in the order in which an order needs them.
#[derive(Debug, Clone, Copy)]
enum Kind {
    WatchClock,
    KeepConnections,
    Deliver,
    FetchReport,
    IssueTickets,
    WriteManifests,
    Erase,
    Anchor,
    RecordKeyUses,
    Purge,
    WatchRoom,
}

const KINDS: [Kind; 11] = [
    Kind::WatchClock,
    Kind::KeepConnections,
    Kind::Deliver,
    Kind::FetchReport,
    Kind::IssueTickets,
    Kind::WriteManifests,
    Kind::Erase,
    Kind::Anchor,
    Kind::RecordKeyUses,
    Kind::Purge,
    Kind::WatchRoom,
];

/// Runs all workers until `stopped` says true.
pub(crate) async fn run(app: SharedApp, stopped: watch::Receiver<bool>) {
    let mut workers = JoinSet::new();
    for kind in KINDS {
        workers.spawn(keep(kind, app.clone(), stopped.clone()));
    }
    workers.join_all().await;
}

/// Runs a worker until `stopped` says true, and begins anew when it panics: its leases end by themselves.
async fn keep(kind: Kind, app: SharedApp, mut stopped: watch::Receiver<bool>) {
    while let Err(error) = tokio::spawn(work(kind, app.clone(), stopped.clone())).await {
        tracing::error!(worker = ?kind, %error, "a worker ended badly and begins anew");
        let has_stopped = tokio::time::timeout(PERIOD, stopped.wait_for(|stopped| *stopped)).await;
        if has_stopped.is_ok() {
            return;
        }
    }
}

async fn work(kind: Kind, app: SharedApp, stopped: watch::Receiver<bool>) {
    match kind {
        Kind::WatchClock => repeat(kind, &app, WatchClock::new(&app), stopped).await,
        Kind::KeepConnections => repeat(kind, &app, KeepConnections::new(&app), stopped).await,
        Kind::Deliver => repeat(kind, &app, Deliver::new(&app), stopped).await,
        Kind::FetchReport => repeat(kind, &app, FetchReport::new(&app), stopped).await,
        Kind::IssueTickets => repeat(kind, &app, IssueTickets::new(&app), stopped).await,
        Kind::WriteManifests => repeat(kind, &app, WriteManifests::new(&app), stopped).await,
        Kind::Erase => repeat(kind, &app, Erase::new(&app), stopped).await,
        Kind::Anchor => repeat(kind, &app, Anchor::new(&app), stopped).await,
        Kind::RecordKeyUses => repeat(kind, &app, RecordKeyUses::new(&app), stopped).await,
        Kind::Purge => repeat(kind, &app, Purge::new(&app), stopped).await,
        Kind::WatchRoom => repeat(kind, &app, WatchRoom::new(&app), stopped).await,
    }
}

/// The loop. A fault is logged when it begins, not at every step that meets it again.
async fn repeat<W: Worker>(
    kind: Kind,
    app: &App,
    mut worker: W,
    mut stopped: watch::Receiver<bool>,
) {
    let (mut may_be_due, mut is_failing) = (true, false);
    loop {
        if may_be_due {
            match worker.step().await {
                Ok(step) => {
                    may_be_due = step == Step::Worked;
                    is_failing = false;
                }
                Err(fault) => {
                    if !is_failing {
                        tracing::error!(worker = ?kind, %fault, "a worker cannot look for work");
                    }
                    (may_be_due, is_failing) = (false, true);
                }
            }
        }
        tokio::select! {
            biased;
            // Its sender may be gone; that is an end too.
            _ = stopped.wait_for(|stopped| *stopped) => break,
            is_due = worker.ended() => may_be_due |= is_due,
            () = std::future::ready(()), if may_be_due => {}
            _ = tokio::time::timeout(PERIOD, W::signal(app)) => may_be_due = true,
        }
    }
    worker.stop().await;
}

/// Runs every worker until none finds work and nothing is under way: for tests and tools that take the steps
/// themselves instead of letting them run in the background.
///
/// What is due later stays; move the clock and settle again.
///
/// # Errors
/// Faults of storage when looking for work; then some may be left.
pub async fn settle(app: &SharedApp) -> Result<(), Fault> {
    // Each is one worker from beginning to end: it remembers which receivers are down.
    let (mut deliver, mut fetch_report) = (Deliver::new(app), FetchReport::new(app));
    let mut anchor = Anchor::new(app);
    drain(&mut WatchClock::new(app)).await?;
    loop {
        drain(&mut IssueTickets::new(app)).await?;
        drain(&mut KeepConnections::new(app)).await?;
        let has_delivered = drain(&mut deliver).await?;
        let has_fetched = drain(&mut fetch_report).await?;
        drain(&mut WriteManifests::new(app)).await?;
        drain(&mut Erase::new(app)).await?;
        drain(&mut RecordKeyUses::new(app)).await?;
        drain(&mut Purge::new(app)).await?;
        drain(&mut WatchRoom::new(app)).await?;
        drain(&mut anchor).await?;
        if !has_delivered && !has_fetched {
            return Ok(());
        }
    }
}

/// Takes a worker's steps until it is idle; whether there was work.
async fn drain(worker: &mut impl Worker) -> Result<bool, Fault> {
    let mut has_worked = false;
    loop {
        match worker.step().await? {
            Step::Worked => has_worked = true,
            Step::Idle if !worker.is_busy() => return Ok(has_worked),
            Step::Idle => {
                worker.ended().await;
            }
        }
    }
}
