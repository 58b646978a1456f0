//! The rows of a batch as SQLite writes them: one after the other, in the order in which their table lies.

use rusqlite::{Connection, params_from_iter};

use super::connection::{dialect, prepare};
use crate::audit;
use crate::desk::plan::Plan;
use crate::fault::{Fault, FaultKind};
use crate::rows::{Values, WRITES};
use crate::value::Value;

pub(super) fn texts() -> Vec<String> {
    WRITES.iter().map(|write| dialect(&write.one())).collect()
}

/// Writes a plan's rows by the statements of `texts`, each touching exactly one row; whether there were any.
pub(super) fn write(plan: &Plan, connection: &Connection, texts: &[String]) -> Result<bool, Fault> {
    let mut has_rows = false;
    for ((write, text), mut rows) in WRITES.iter().zip(texts).zip(plan.values()) {
        if rows.is_empty() {
            continue;
        }
        has_rows = true;
        rows.sort_by_key(|row| {
            let column = |index: usize| write.clustered_by.get(index).map_or(0, |it| int(row, *it));
            (column(0), column(1))
        });
        let mut statement = connection.prepare_cached(text)?;
        for row in rows {
            let touched = statement.execute(params_from_iter(row))?;
            if touched != 1 && write.touches_all() {
                return Err(Fault::new(
                    FaultKind::Damaged,
                    "a row that was read is not there to change",
                ));
            }
        }
    }
    let audits = plan.audits.iter().flat_map(|(tenant, entry)| audit::add(*tenant, entry));
    for statement in audits {
        let mut prepared = prepare(connection, statement.sql)?;
        if prepared.execute(params_from_iter(&statement.values))? != 1 {
            return Err(Fault::new(FaultKind::Damaged, "an audit chain has no head"));
        }
    }
    Ok(has_rows)
}

fn int(row: &Values, column: usize) -> i64 {
    match row.get(column) {
        Some(Value::Int(value)) => *value,
        _ => 0,
    }
}
