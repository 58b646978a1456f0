//! The jobs: what is looked at again and again, by itself, and each time done to its end.
//!
//! A job takes no input and may run twice, here or on another machine; one that is broken off is done again.
//!
//! To add a job: an async function in a file of its own, and a row here.

mod anchor;
mod connections;
mod count_orders;
mod erase;
mod index_orders;
mod job;
mod manifest;
mod note_overdue;
mod purge;
mod tickets;
mod watch_clock;
mod watch_room;

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::Hub;
use crate::service::PERIOD;
use anchor::Anchor;
pub use anchor::Anchors;
pub(crate) use job::Job;
use job::Plain;
use watch_clock::WatchClock;
use watch_room::WatchRoom;

const SECOND: Duration = PERIOD;
const TWO_SECONDS: Duration = Duration::from_secs(2);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// One row of the table.
#[derive(Clone, Copy)]
pub(crate) struct JobRow {
    pub(crate) name: &'static str,
    /// How long it waits from one time to the next, after one that succeeded.
    period: Duration,
    make: fn() -> Box<dyn Job>,
    /// What makes it due before its period is over.
    wake: Option<fn(&Hub) -> BoxFuture<'_, ()>>,
    /// Whether it is done once more when the server stops.
    is_last_work: bool,
}

const fn every(period: Duration, name: &'static str, make: fn() -> Box<dyn Job>) -> JobRow {
    JobRow { name, period, make, wake: None, is_last_work: false }
}

/// Every job, in the order in which an order needs them.
pub(crate) const JOBS: [JobRow; 15] = [
    every(SECOND, "watch_clock", || Box::<WatchClock>::default()),
    JobRow {
        wake: Some(|hub| hub.connections.one_ended().boxed()),
        ..every(SECOND, "keep_connections", || {
            Box::new(Plain(|hub| connections::keep(hub).boxed()))
        })
    },
    every(TWO_SECONDS, "beat", || Box::new(Plain(|hub| connections::beat(hub).boxed()))),
    every(MINUTE, "forget_connections", || Box::new(Plain(|hub| connections::forget(hub).boxed()))),
    every(SECOND, "issue_tickets", || Box::new(Plain(|hub| tickets::issue(hub).boxed()))),
    every(SECOND, "write_manifests", || Box::new(Plain(|hub| manifest::write_due(hub).boxed()))),
    every(HOUR, "erase", || Box::new(Plain(|hub| erase::erase_due(hub).boxed()))),
    every(SECOND, "finish_erasures", || Box::new(Plain(|hub| erase::finish(hub).boxed()))),
    JobRow { is_last_work: true, ..every(MINUTE, "anchor", || Box::<Anchor>::default()) },
    JobRow {
        is_last_work: true,
        ..every(MINUTE, "record_key_uses", || {
            Box::new(Plain(|hub| hub.key_uses.record(&hub.store).boxed()))
        })
    },
    every(HOUR, "purge", || Box::new(Plain(|hub| purge::purge(hub).boxed()))),
    every(MINUTE, "watch_room", || Box::<WatchRoom>::default()),
    every(MINUTE, "index_orders", || Box::new(Plain(|hub| index_orders::index(hub).boxed()))),
    every(MINUTE, "count_orders", || Box::new(Plain(|hub| count_orders::count(hub).boxed()))),
    every(MINUTE, "note_overdue", || Box::new(Plain(|hub| note_overdue::note(hub).boxed()))),
];

impl JobRow {
    /// The job as it begins.
    pub(crate) fn begin(&self) -> Box<dyn Job> {
        (self.make)()
    }

    /// Does the job in every period until `stopped` says true. One that failed is tried again after [`PERIOD`]; a fault
    /// is logged when it begins, not each time that it is met again.
    pub(crate) async fn repeat(self, hub: &Hub, mut stopped: watch::Receiver<bool>) {
        let (mut job, mut is_failing) = (self.begin(), false);
        loop {
            let done = job.run(hub).await;
            if let (Err(fault), false) = (&done, is_failing) {
                tracing::error!(job = self.name, %fault, "a job cannot be done");
            }
            is_failing = done.is_err();
            let wait = if is_failing { PERIOD } else { self.period };
            let woken = async {
                match self.wake {
                    Some(wake) => wake(hub).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // Its sender may be gone; that is an end too.
                _ = stopped.wait_for(|stopped| *stopped) => break,
                _ = tokio::time::timeout(wait, woken) => {}
            }
        }
        if self.is_last_work
            && let Err(fault) = job.run(hub).await
        {
            tracing::warn!(job = self.name, %fault, "what came last is not done");
        }
    }
}
