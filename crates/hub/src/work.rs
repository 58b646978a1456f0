//! Workers: what happens after a commit, without anybody waiting for it.
//!
//! Each worker is one step: it claims due work under a lease, which is a timestamp in the row, and begins it.
//! A step takes no input and may run twice, here or on another machine: the holder of the lease does the work,
//! and when it dies the work becomes due again by itself. So a delivery may be made twice, never lost.
//!
//! Two of them are services with pieces of work under way: deliveries and fetches of reports. Their loop is woken by a
//! signal from the commit and, in case that one was for another process or for later, by a period. Signals are held until
//! they are taken, so that what becomes due while a step looks for work is found by the next step. The others are jobs,
//! which a period wakes: the table in `jobs/mod.rs`.

use std::sync::Arc;

use store::Fault;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Hub;
use crate::deliver::Deliver;
use crate::fetch_report::FetchReport;
use crate::jobs::JOBS;
use crate::service::{PERIOD, drain, repeat};

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
pub async fn run(hub: Arc<Hub>, stopped: watch::Receiver<bool>) {
    let mut workers = JoinSet::new();
    for kind in [Kind::Deliver, Kind::FetchReport].into_iter().chain((0..JOBS.len()).map(Kind::Job))
    {
        workers.spawn(keep(kind, Arc::clone(&hub), stopped.clone()));
    }
    workers.join_all().await;
}

/// Runs one until `stopped` says true, and begins anew when it panics: its leases end by themselves.
async fn keep(kind: Kind, hub: Arc<Hub>, mut stopped: watch::Receiver<bool>) {
    while let Err(error) = tokio::spawn(work(kind, Arc::clone(&hub), stopped.clone())).await {
        let worker = kind.name();
        tracing::error!(worker, %error, "a worker ended badly and begins anew");
        let has_stopped = tokio::time::timeout(PERIOD, stopped.wait_for(|stopped| *stopped)).await;
        if has_stopped.is_ok() {
            return;
        }
    }
}

async fn work(kind: Kind, hub: Arc<Hub>, stopped: watch::Receiver<bool>) {
    match kind {
        Kind::Deliver => repeat(kind.name(), &hub, Deliver::new(&hub), stopped).await,
        Kind::FetchReport => repeat(kind.name(), &hub, FetchReport::new(&hub), stopped).await,
        Kind::Job(index) => JOBS[index].repeat(&hub, stopped).await,
    }
}

/// Runs every worker until none finds work and nothing is under way: for tests and tools that take the steps
/// themselves instead of letting them run in the background.
///
/// What is due later stays; move the clock and settle again.
///
/// # Errors
/// Faults of storage when looking for work; then some may be left.
pub async fn settle(hub: &Arc<Hub>) -> Result<(), Fault> {
    // Each is one from beginning to end: it remembers which receivers are down, and what was anchored.
    let (mut deliver, mut fetch_report) = (Deliver::new(hub), FetchReport::new(hub));
    let mut jobs = JOBS.map(|row| row.begin());
    loop {
        for job in &mut jobs {
            job.run(hub).await?;
        }
        let has_delivered = drain(&mut deliver).await?;
        let has_fetched = drain(&mut fetch_report).await?;
        if !has_delivered && !has_fetched {
            return Ok(());
        }
    }
}
