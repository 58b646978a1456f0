//! Workers: what happens after a commit, without anybody waiting for it.
//!
//! Each worker is one step: it claims due work under a lease, which is a timestamp in the row, and begins it.
//! A step takes no input and may run twice, here or on another machine: whoever has the lease does the work,
//! and when it dies the work becomes due again by itself. So a delivery may be made twice, never lost.
//!
//! Two of them are services with pieces of work under way: deliveries and fetches of reports. Their loop is woken by a
//! signal from the commit and, in case that one was for another process or for later, by a period. Signals are held until
//! they are taken, so that what becomes due while a step looks for work is found by the next step. The others are jobs,
//! which a period wakes: the table in `jobs.rs`.

mod anchor;
mod connections;
mod deliver;
mod endpoint_limiter;
mod erase;
mod event_body;
mod fetch_report;
mod job;
mod jobs;
mod manifest;
mod purge;
mod push;
mod sent;
mod tickets;
mod watch_clock;
mod watch_room;
mod webhook;

use std::time::Duration;

use store::Fault;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::{App, SharedApp};
use deliver::Deliver;
use fetch_report::FetchReport;
use jobs::JOBS;

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

/// A service: one kind of work whose pieces are tasks of their own, which go on while a step looks for more.
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

/// What runs: the services, and each job by its place in the table.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Deliver,
    FetchReport,
    Job(usize),
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Deliver => "deliver",
            Kind::FetchReport => "fetch_report",
            Kind::Job(index) => JOBS[index].name,
        }
    }
}

/// Runs services and jobs until `stopped` says true.
pub(crate) async fn run(app: SharedApp, stopped: watch::Receiver<bool>) {
    let mut workers = JoinSet::new();
    for kind in [Kind::Deliver, Kind::FetchReport].into_iter().chain((0..JOBS.len()).map(Kind::Job))
    {
        workers.spawn(keep(kind, app.clone(), stopped.clone()));
    }
    workers.join_all().await;
}

/// Runs one until `stopped` says true, and begins anew when it panics: its leases end by themselves.
async fn keep(kind: Kind, app: SharedApp, mut stopped: watch::Receiver<bool>) {
    while let Err(error) = tokio::spawn(work(kind, app.clone(), stopped.clone())).await {
        let worker = kind.name();
        tracing::error!(worker, %error, "a worker ended badly and begins anew");
        let has_stopped = tokio::time::timeout(PERIOD, stopped.wait_for(|stopped| *stopped)).await;
        if has_stopped.is_ok() {
            return;
        }
    }
}

async fn work(kind: Kind, app: SharedApp, stopped: watch::Receiver<bool>) {
    match kind {
        Kind::Deliver => repeat(kind, &app, Deliver::new(&app), stopped).await,
        Kind::FetchReport => repeat(kind, &app, FetchReport::new(&app), stopped).await,
        Kind::Job(index) => JOBS[index].repeat(&app, stopped).await,
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
                        tracing::error!(worker = kind.name(), %fault, "a worker cannot look for work");
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
    // Each is one from beginning to end: it remembers which receivers are down, and what was anchored.
    let (mut deliver, mut fetch_report) = (Deliver::new(app), FetchReport::new(app));
    let mut jobs = JOBS.map(|row| row.begin());
    loop {
        for job in &mut jobs {
            job.run(app).await?;
        }
        let has_delivered = drain(&mut deliver).await?;
        let has_fetched = drain(&mut fetch_report).await?;
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
