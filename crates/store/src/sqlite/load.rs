//! What a batch needs to know, read by keys: as the commits before left it.

use domain::Id;
use domain::order::Action;
use rusqlite::Connection;

use super::connection::rows_of;
use crate::desk::plan::Loaded;
use crate::desk::{OrderKey, QueuedCommand};
use crate::fault::Fault;
use crate::rows::{self, OrderRow, digest};
use crate::value::values;

pub(super) fn load<'a>(
    connection: &Connection,
    commands: impl Iterator<Item = &'a QueuedCommand>,
) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    for command in commands {
        let tenant_id = command.key().tenant_id.0;
        if let Some(key) = command.idempotency {
            let values = values![tenant_id, key.actor_id.0, key.key_digest.as_slice()];
            for row in rows_of(connection, rows::FIND_USED_KEY, &values)? {
                let used = (digest(row.bytes(0)?)?, row.find_int(1)?.map(Id));
                loaded.used_keys.insert((key.actor_id, key.key_digest), used);
            }
        }
        let key = command.key();
        let queued = command.command();
        if let Action::Place { .. } = queued.action {
            continue;
        }
        if !loaded.orders.contains_key(&key) {
            let values = values![key.order_id.0, key.tenant_id.0];
            for row in rows_of(connection, rows::FIND_ORDER, &values)? {
                loaded.orders.insert(key, OrderRow::read(&row)?);
            }
        }
        match queued.action {
            Action::Progress(mark) => {
                let values = values![key.tenant_id.0, key.order_id.0, mark.stage.as_slice()];
                for row in rows_of(connection, rows::FIND_STAGE, &values)? {
                    loaded.stages.insert((key, mark.stage), digest(row.bytes(0)?)?);
                }
            }
            Action::Result => load_results(connection, &mut loaded, key)?,
            _ => {}
        }
    }
    Ok(loaded)
}

/// The row has the digest of the only result; the timeline has those of several, from its newest entry back.
fn load_results(connection: &Connection, loaded: &mut Loaded, key: OrderKey) -> Result<(), Fault> {
    let Some(order) = loaded.orders.get(&key).filter(|order| order.result_count > 1) else {
        return Ok(());
    };
    let (mut digests, mut entry_id) = (Vec::new(), order.entry_last);
    loop {
        let values = values![key.tenant_id.0, entry_id.0];
        let found = rows_of(connection, rows::FIND_LINK, &values)?;
        let Some(row) = found.first() else { break };
        entry_id = rows::follow_link(row, &mut digests)?;
    }
    loaded.results.insert(key, digests);
    Ok(())
}
