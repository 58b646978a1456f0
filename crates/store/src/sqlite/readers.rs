//! The read-only connections: a few, shared by all who read.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{BUSY, plan_once, rows_of};
use crate::engine::writer_gone;
use crate::fault::{Fault, FaultKind};
use crate::value::{Row, Value};

const READERS: usize = 4;

pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Readers, Fault> {
        let readers = (0..READERS).map(|_| open(path)).collect::<Result<Vec<_>, _>>()?;
        let permits = Arc::new(Semaphore::new(readers.len()));
        Ok(Readers { idle: Arc::new(Mutex::new(readers)), permits })
    }

    pub(super) async fn read(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| writer_gone())?;
        let idle = Arc::clone(&self.idle);
        let read = tokio::task::spawn_blocking(move || {
            let reader = Reader::take(idle, permit);
            rows_of(reader.connection.as_ref().ok_or_else(writer_gone)?, sql, &values)
        });
        read.await.unwrap_or_else(|_| Err(Fault::new(FaultKind::Storage, "a reader panicked")))
    }
}

pub(super) fn open(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    plan_once(&connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch("PRAGMA cache_size = -2048; PRAGMA query_only = ON;")?;
    Ok(connection)
}

struct Reader {
    idle: Arc<Mutex<Vec<Connection>>>,
    connection: Option<Connection>,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    fn take(idle: Arc<Mutex<Vec<Connection>>>, permit: OwnedSemaphorePermit) -> Reader {
        let connection = lock(&idle).pop();
        Reader { idle, connection, _permit: permit }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        lock(&self.idle).extend(self.connection.take());
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
