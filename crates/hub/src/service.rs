//! A service: a loop with pieces of work under way, woken by a signal from the commit and, in case that one was for another
//! process or for later, by a period.

use std::time::Duration;

use store::Fault;
use tokio::sync::watch;

use crate::Hub;

/// How long a service waits for a signal before it looks for work all the same.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// What a step found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Work, which has begun; there may be more.
    Worked,
    /// Nothing that is due, or no room for more.
    Idle,
}

/// One kind of work whose pieces are tasks of their own, which go on while a step looks for more.
pub(crate) trait Service {
    /// Waits until work may have become due.
    async fn signal(hub: &Hub);

    /// Looks once for due work and begins it.
    async fn step(&mut self) -> Result<Step, Fault>;

    /// Whether pieces of work are under way.
    fn is_busy(&self) -> bool;

    /// Waits for the end of a piece; true when more may have become due by it. For ever when nothing is
    /// under way; may be broken off at any time.
    async fn ended(&mut self) -> bool;

    /// Finishes what is nearly done and gives the rest back.
    async fn stop(&mut self);
}

/// The loop. A fault is logged when it begins, not at every step that meets it again.
pub(crate) async fn repeat<S: Service>(
    name: &str,
    hub: &Hub,
    mut service: S,
    mut stopped: watch::Receiver<bool>,
) {
    let (mut may_be_due, mut is_failing) = (true, false);
    loop {
        if may_be_due {
            match service.step().await {
                Ok(step) => {
                    may_be_due = step == Step::Worked;
                    is_failing = false;
                }
                Err(fault) => {
                    if !is_failing {
                        tracing::error!(worker = name, %fault, "a worker cannot look for work");
                    }
                    (may_be_due, is_failing) = (false, true);
                }
            }
        }
        tokio::select! {
            biased;
            // Its sender may be gone; that is an end too.
            _ = stopped.wait_for(|stopped| *stopped) => break,
            is_due = service.ended() => may_be_due |= is_due,
            () = std::future::ready(()), if may_be_due => {}
            _ = tokio::time::timeout(PERIOD, S::signal(hub)) => may_be_due = true,
        }
    }
    service.stop().await;
}

/// Takes a service's steps until it is idle; whether there was work.
pub(crate) async fn drain(service: &mut impl Service) -> Result<bool, Fault> {
    let mut has_worked = false;
    loop {
        match service.step().await? {
            Step::Worked => has_worked = true,
            Step::Idle if !service.is_busy() => return Ok(has_worked),
            Step::Idle => {
                service.ended().await;
            }
        }
    }
}
