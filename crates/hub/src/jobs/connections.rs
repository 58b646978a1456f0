//! Keeping the long connections: says other replicas that this one lives and what it holds, learns what they hold,
//! and ends the connections of apps that may have none any more.

use store::Fault;

use crate::Hub;
use crate::connections::may_stay;

/// How long the row of a closed connection stays: longer than its ticket is good, whatever the clocks say.
const STORED_MS: i64 = 10 * 60_000;

/// Closes the rows of connections that have ended, ends those that may not stay, and learns what other replicas hold.
pub(super) async fn keep(hub: &Hub) -> Result<(), Fault> {
    let Hub { store, installation_clock, connections, .. } = hub;
    let now = installation_clock.now();
    connections.close_ended(store, now).await?;
    // Of apps that were disabled, changed or deleted, or whose secret or grant has ended.
    for app_id in connections.apps() {
        for connection in connections.of(app_id) {
            if !may_stay(hub, &connection).await? {
                connection.refuse();
            }
        }
    }
    let elsewhere = store.list_connected_elsewhere(connections.replica_id(), now).await?;
    connections.set_elsewhere(elsewhere);
    Ok(())
}

/// Says that this replica lives, if it has connections.
pub(super) async fn beat(hub: &Hub) -> Result<(), Fault> {
    let Hub { store, installation_clock, connections, .. } = hub;
    if connections.apps().is_empty() {
        return Ok(());
    }
    store.beat(connections.replica_id(), installation_clock.now(), &connections.news()).await
}

/// Deletes the rows that nobody needs.
pub(super) async fn forget(hub: &Hub) -> Result<(), Fault> {
    let Hub { store, installation_clock, .. } = hub;
    store.forget_connections(installation_clock.now().plus_ms(-STORED_MS)).await
}
