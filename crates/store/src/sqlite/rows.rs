//! The rows of a batch as SQLite writes them: values in the order of their statements' parameters, held until
//! they are in the database, and carried there as bytes by the redo log.

use rusqlite::{Connection, params_from_iter};

use super::connection::{dialect, prepare};
use crate::audit;
use crate::desk::plan::Plan;
use crate::fault::{Fault, FaultKind};
use crate::rows::{Values, WRITES};
use crate::value::{Statement, Value};

/// Rows to write, those of each of [`WRITES`] together.
#[derive(Debug, Default)]
pub(super) struct Rows {
    lists: [Vec<Values>; WRITES.len()],
    /// Entries of audit chains, which build on each other; they never go through the log.
    audits: Vec<Statement>,
}

/// The statements by which rows are written, in SQLite's dialect.
pub(super) fn texts() -> Vec<String> {
    WRITES.iter().map(|write| dialect(&write.one())).collect()
}

impl Rows {
    /// The rows of a plan.
    pub(super) fn of(plan: &Plan) -> Rows {
        Rows {
            lists: plan.values(),
            audits: plan
                .audits
                .iter()
                .flat_map(|(tenant, entry)| audit::add(*tenant, entry))
                .collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.iter().all(Vec::is_empty)
    }

    /// Writes rows that were decided in this order, by their statements of `texts` and by the tables' keys;
    /// each must touch exactly one row of its table.
    pub(super) fn write<'a>(
        batches: &(impl Iterator<Item = &'a Rows> + Clone),
        connection: &Connection,
        texts: &[String],
    ) -> Result<(), Fault> {
        for ((index, write), text) in WRITES.iter().enumerate().zip(texts) {
            let mut rows: Vec<&Values> =
                batches.clone().flat_map(|batch| &batch.lists[index]).collect();
            if rows.is_empty() {
                continue;
            }
            // Stable: of two changes of one order the later one stays the later one.
            rows.sort_by_key(|row| {
                let int = |column: Option<&usize>| match column.map(|column| &row[*column]) {
                    Some(Value::Int(value)) => *value,
                    _ => 0,
                };
                (int(write.clustered_by.first()), int(write.clustered_by.get(1)))
            });
            let mut statement = connection.prepare_cached(text)?;
            for row in rows {
                if statement.execute(params_from_iter(row.iter()))? != 1 {
                    return Err(Fault::new(
                        FaultKind::Damaged,
                        "a row that was read is not there to change",
                    ));
                }
            }
        }
        for statement in batches.clone().flat_map(|batch| &batch.audits) {
            let mut prepared = prepare(connection, statement.sql)?;
            if prepared.execute(params_from_iter(&statement.values))? != 1 {
                return Err(Fault::new(FaultKind::Damaged, "an audit chain has no head"));
            }
        }
        Ok(())
    }

    /// Appends the rows as bytes: for each row the place of its statement, the number of its values, the values.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for (index, rows) in (0u8..).zip(&self.lists) {
            for row in rows {
                out.push(index);
                out.push(u8::try_from(row.len()).unwrap_or(u8::MAX));
                for value in row {
                    encode_value(value, out);
                }
            }
        }
    }

    /// Reads what [`Rows::encode`] made.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Rows> {
        let mut rows = Rows::default();
        while let Some(([index, count], rest)) = bytes.split_first_chunk() {
            bytes = rest;
            let row = (0..*count).map(|_| decode_value(&mut bytes)).collect::<Option<Values>>()?;
            rows.lists.get_mut(usize::from(*index))?.push(row);
        }
        bytes.is_empty().then_some(rows)
    }
}

const NULL: u8 = 0;
const INT: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 3;

fn encode_value(value: &Value, out: &mut Vec<u8>) {
    let (kind, bytes) = match value {
        Value::Null => return out.push(NULL),
        Value::Int(value) => {
            out.push(INT);
            return out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Text(text) => (TEXT, text.as_bytes()),
        Value::Bytes(bytes) => (BYTES, bytes.as_slice()),
    };
    out.push(kind);
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn decode_value(bytes: &mut &[u8]) -> Option<Value> {
    let (kind, rest) = bytes.split_first()?;
    *bytes = rest;
    match *kind {
        NULL => Some(Value::Null),
        INT => {
            let (value, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(Value::Int(i64::from_le_bytes(*value)))
        }
        kind @ (TEXT | BYTES) => {
            let (length, rest) = bytes.split_first_chunk()?;
            let (content, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            *bytes = rest;
            if kind == BYTES {
                return Some(Value::Bytes(content.to_vec()));
            }
            String::from_utf8(content.to_vec()).ok().map(Value::Text)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            ".{0,20}".prop_map(Value::Text),
            proptest::collection::vec(any::<u8>(), 0..200).prop_map(Value::Bytes),
        ]
    }

    proptest! {
        #[test]
        fn rows_survive_as_bytes(
            rows in proptest::collection::vec(
                (0..WRITES.len(), proptest::collection::vec(any_value(), 0..15)), 0..20),
            cut in 1..50usize,
        ) {
            let mut built = Rows::default();
            for (index, row) in rows {
                built.lists[index].push(row);
            }
            let mut bytes = Vec::new();
            built.encode(&mut bytes);
            let read = Rows::decode(&bytes).unwrap();
            prop_assert_eq!(&built.lists, &read.lists);
            // What is cut off is an error or fewer rows, never a panic.
            bytes.truncate(bytes.len().saturating_sub(cut));
            let _ = Rows::decode(&bytes);
        }
    }
}
