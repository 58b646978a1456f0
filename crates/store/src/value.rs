//! Values, rows and statements that both engines understand.
//!
//! Integers, texts and bytes are enough. A statement is one text for both engines, with parameters `$1`,
//! `$2`, …

use std::error::Error;

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::Saved;
use crate::fault::{Fault, FaultKind};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Value {
        Value::Bytes(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Value {
        Value::Bytes(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(value) => ValueRef::Integer(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(value) => value.to_sql(ty, out),
            Value::Text(value) => value.to_sql(ty, out),
            Value::Bytes(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    pub(crate) fn int(&self, column: usize) -> Result<i64, Fault> {
        self.find_int(column)?.ok_or_else(|| unexpected(column, "a number"))
    }

    pub(crate) fn find_int(&self, column: usize) -> Result<Option<i64>, Fault> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Null) => Ok(None),
            _ => Err(unexpected(column, "a number")),
        }
    }

    pub(crate) fn bool(&self, column: usize) -> Result<bool, Fault> {
        Ok(self.int(column)? != 0)
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, Fault> {
        self.find_text(column)?.ok_or_else(|| unexpected(column, "a text"))
    }

    pub(crate) fn find_text(&self, column: usize) -> Result<Option<String>, Fault> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(Some(value.clone())),
            Some(Value::Null) => Ok(None),
            _ => Err(unexpected(column, "a text")),
        }
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], Fault> {
        self.find_bytes(column)?.ok_or_else(|| unexpected(column, "bytes"))
    }

    pub(crate) fn find_bytes(&self, column: usize) -> Result<Option<&[u8]>, Fault> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            _ => Err(unexpected(column, "bytes")),
        }
    }
}

fn unexpected(column: usize, expected: &str) -> Fault {
    Fault::new(FaultKind::Damaged, format_args!("expected {expected} in column {column}"))
}

#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
    pub(crate) expect: Expect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Any,
    /// Exactly one; otherwise the whole write is taken back.
    One,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Written {
    /// Committed; the rows that its statements returned, one statement after the other.
    Done(Vec<Row>),
    /// Nothing was written: the statement at this index did not touch exactly one row.
    Unmet(usize),
}

impl Written {
    pub(crate) fn is_done(&self) -> bool {
        self.unmet().is_none()
    }

    /// The index of the unmet statement.
    pub(crate) fn unmet(&self) -> Option<usize> {
        match self {
            Written::Done(_) => None,
            Written::Unmet(index) => Some(*index),
        }
    }

    pub(crate) fn saved_or(&self, unmet: Saved) -> Saved {
        if self.is_done() { Saved::Done } else { unmet }
    }
}

/// A statement that may touch any number of rows.
pub(crate) fn any(sql: &'static str, values: Vec<Value>) -> Statement {
    Statement { sql, values, expect: Expect::Any }
}

/// A statement that must touch exactly one row, or its whole write is taken back.
pub(crate) fn one(sql: &'static str, values: Vec<Value>) -> Statement {
    Statement { sql, values, expect: Expect::One }
}

/// A list of parameters, each turned into a [`Value`].
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::value::Value::from($value)),*] };
}
pub(crate) use values;
