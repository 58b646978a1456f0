//! The order desk on SQLite: what a batch needs is read by keys, what it does is written row by row.

use domain::Id;
use domain::order::Action;
use rusqlite::{Connection, params_from_iter};

use super::{prepare, rows};
use crate::desk::plan::{Loaded, ORDER_COLUMNS, OrderRow, Plan, digest};
use crate::desk::{OrderKey, Waiting};
use crate::fault::{Fault, FaultKind};
use crate::sql;
use crate::value::{Value, values};

/// Reads the row of one order.
pub(crate) fn find_order() -> String {
    format!("SELECT {ORDER_COLUMNS} FROM orders WHERE order_id = $1 AND tenant_id = $2")
}

/// Loads what the rules need to know for these commands.
pub(super) fn load<'a>(
    connection: &Connection,
    commands: impl Iterator<Item = &'a Waiting>,
) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    let select = find_order();
    for command in commands {
        if let Some(key) = command.idempotency {
            let values = values![key.api_key_id.0, key.key_digest.as_slice()];
            for row in rows(connection, sql::FIND_USED_KEY, &values)? {
                let used = (digest(row.bytes(0)?)?, row.find_int(1)?.map(Id));
                loaded.used_keys.insert((key.api_key_id, key.key_digest), used);
            }
        }
        let key = command.key();
        let asked = command.command();
        if let Action::Place { .. } = asked.action {
            continue;
        }
        if !loaded.orders.contains_key(&key) {
            let values = values![key.order_id.0, key.tenant_id.0];
            for row in rows(connection, &select, &values)? {
                loaded.orders.insert(key, OrderRow::read(&row)?);
            }
        }
        match asked.action {
            Action::Progress(mark) => {
                let values = values![key.tenant_id.0, key.order_id.0, mark.stage.as_slice()];
                for row in rows(connection, sql::FIND_STAGE, &values)? {
                    loaded.stages.insert((key, mark.stage), digest(row.bytes(0)?)?);
                }
            }
            Action::Result => load_results(connection, &mut loaded, key)?,
            _ => {}
        }
    }
    Ok(loaded)
}

/// The row itself tells the only result's digest; of several, the timeline tells all.
fn load_results(connection: &Connection, loaded: &mut Loaded, key: OrderKey) -> Result<(), Fault> {
    let Some(order) = loaded.orders.get(&key).filter(|order| order.result_count > 1) else {
        return Ok(());
    };
    let values = values![key.tenant_id.0, order.entry_last.0];
    let found = rows(connection, sql::LIST_RESULT_DIGESTS, &values)?;
    let digests = found.iter().map(|row| digest(row.bytes(0)?)).collect::<Result<_, _>>()?;
    loaded.results.insert(key, digests);
    Ok(())
}

/// Runs one statement once for each row of values.
fn each<T, const N: usize>(
    connection: &Connection,
    sql: &str,
    rows: &[T],
    values: fn(&T) -> [Value; N],
) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = prepare(connection, sql)?;
    for row in rows {
        let touched = statement.execute(params_from_iter(&values(row)))?;
        if touched != 1 {
            return Err(Fault::new(
                FaultKind::Damaged,
                "a row that was read is not there to change",
            ));
        }
    }
    Ok(())
}

/// The texts by which a batch is written.
pub(super) struct Texts {
    order: String,
    order_change: String,
    entry: String,
    stage: String,
    report: String,
    event: String,
    delivery: String,
    used_key: String,
    application: String,
}

impl Texts {
    pub(super) fn new() -> Texts {
        Texts {
            order: sql::ORDERS.insert_one(),
            order_change: sql::ORDER_CHANGES.update_one(),
            entry: sql::ENTRIES.insert_one(),
            stage: sql::STAGES.insert_one(),
            report: sql::REPORTS.insert_one(),
            event: sql::EVENTS.insert_one(),
            delivery: sql::DELIVERIES.insert_one(),
            used_key: sql::USED_KEYS.insert_one(),
            application: sql::APPLICATIONS.insert_one(),
        }
    }

    pub(super) fn write(&self, connection: &Connection, plan: &Plan) -> Result<(), Fault> {
        each(connection, &self.order, &plan.placed, sql::order_values)?;
        each(connection, &self.order_change, &plan.changed, sql::order_change_values)?;
        each(connection, &self.entry, &plan.entries, sql::entry_values)?;
        each(connection, &self.stage, &plan.stages, sql::stage_values)?;
        each(connection, &self.report, &plan.reports, sql::report_values)?;
        each(connection, &self.event, &plan.events, sql::event_values)?;
        each(connection, &self.delivery, &plan.events, sql::delivery_values)?;
        each(connection, &self.used_key, &plan.used_keys, sql::used_key_values)?;
        each(connection, &self.application, &plan.applications, sql::application_values)
    }
}
