//! Keeping the long connections: says other replicas that this one lives and what it holds, learns what they hold,
//! and ends the connections of apps that may have none any more.

use std::time::Duration;

use hub::Hub;
use store::Fault;

use super::{Step, Worker};
use crate::app::{App, SharedApp};
use crate::long_connection;

/// Between two beats of a replica that has connections.
const BEAT_PERIOD: Duration = Duration::from_secs(2);
/// Between two looks for rows that nobody needs.
const FORGET_PERIOD: Duration = Duration::from_mins(1);
/// How long the row of a closed connection stays: longer than its ticket is good, whatever the clocks say.
const STORED_MS: i64 = 10 * 60_000;

/// Keeps what the replicas know of each other's connections.
pub(super) struct KeepConnections {
    app: SharedApp,
    /// When the next beat is due, in milliseconds of the monotonic clock.
    beat_at_ms: u64,
    forget_at_ms: u64,
}

impl KeepConnections {
    pub(super) fn new(app: &SharedApp) -> KeepConnections {
        KeepConnections { app: SharedApp::clone(app), beat_at_ms: 0, forget_at_ms: 0 }
    }

    /// Ends the connections of apps that were disabled, changed or deleted, or whose secret or grant has ended.
    async fn refuse(&self) -> Result<(), Fault> {
        for app_id in self.app.connections.apps() {
            for line in self.app.connections.of(app_id) {
                if !long_connection::may_stay(&self.app, &line).await? {
                    line.refuse();
                }
            }
        }
        Ok(())
    }
}

impl Worker for KeepConnections {
    async fn signal(app: &App) {
        app.connections.one_ended().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let App { hub: Hub { store, clock, .. }, connections, .. } = &*self.app;
        let (now, mono_ms) = (clock.now(), clock.mono_ms());
        connections.close_ended(store, now).await?;
        self.refuse().await?;
        let elsewhere = store.list_connected_elsewhere(connections.replica_id(), now).await?;
        connections.set_elsewhere(elsewhere);
        if mono_ms >= self.beat_at_ms && !connections.apps().is_empty() {
            store.beat(connections.replica_id(), now, &connections.news()).await?;
            self.beat_at_ms = mono_ms + period_ms(BEAT_PERIOD);
        }
        if mono_ms >= self.forget_at_ms {
            store.forget_connections(now.plus_ms(-STORED_MS)).await?;
            self.forget_at_ms = mono_ms + period_ms(FORGET_PERIOD);
        }
        Ok(Step::Idle)
    }

    fn is_busy(&self) -> bool {
        false
    }

    async fn ended(&mut self) -> bool {
        std::future::pending().await
    }

    async fn stop(&mut self) {}
}

fn period_ms(period: Duration) -> u64 {
    u64::try_from(period.as_millis()).unwrap_or(u64::MAX)
}
