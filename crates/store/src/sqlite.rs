//! SQLite: one thread writes, many calls in one synced commit; read-only connections, background checkpoints.

mod connection;
mod legacy_log;
mod load;
mod lock;
mod mark;
mod readers;
mod recovery;
mod rows;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use domain::Id;
use domain::id::IdMaker;
use tokio::sync::oneshot;

pub use self::connection::destroy;
#[cfg(test)]
pub(crate) use self::connection::dialect;
pub(crate) use self::connection::{BUSY, files, open};
use self::mark::Mark;
use self::readers::Readers;
#[cfg(test)]
pub(crate) use self::recovery::NOTE_COMMIT;
pub(crate) use self::recovery::{BEGIN_RUN, FIND_RUN, check, end_run};
use self::recovery::{Recovered, check_tables, find_run, recover};
use self::writer::{Message, Writer, checkpoint, empty_wal};
use crate::Opening;
use crate::desk::{CommandResult, OrderCommand, QueuedCommand};
use crate::engine::{EndWithWriter, Ids, Signals, answer, writer_gone};
use crate::fault::{Fault, FaultKind};
use crate::value::{Row, Statement, Value, Written, one};

/// The newest of the ids that rows lie by: of the clock's ids none may come again, also when it is set back.
pub(crate) const NEWEST_ID: &str = "SELECT max((SELECT coalesce(max(entry_id), 0) FROM timeline_entries), \
    (SELECT coalesce(max(report_id), 0) FROM reports), (SELECT coalesce(max(event_no), 0) FROM events), \
    (SELECT coalesce(max(view_id), 0) FROM report_views))";

pub(crate) struct Sqlite {
    path: PathBuf,
    writer: Sender<Message>,
    readers: Readers,
    mark: Arc<Mark>,
    loss: Option<String>,
}

pub(crate) fn migrate(path: &Path, opening: &Opening) -> Result<Vec<String>, Fault> {
    recover(path, opening).map(|recovered| recovered.done)
}

impl Sqlite {
    /// Recovers and migrates the database, and starts writer and readers; [`Sqlite::begin_run`] comes next.
    pub(crate) fn start(
        path: &Path,
        opening: &Opening,
        signals: &Signals,
        ids: &Ids,
    ) -> Result<Sqlite, Fault> {
        let Recovered { connection, lock, loss, is_unchecked, .. } = recover(path, opening)?;
        let newest = connection.query_row(NEWEST_ID, [], |row| row.get(0))?;
        *ids.lock() = IdMaker::after(0, Id(newest));
        let commits = find_run(&connection)?.commits;
        let mark = Arc::new(Mark::of(path));
        let readers = Readers::open(path)?;
        let (writer, waiting) = channel();
        let (grown, growth) = channel();
        let checkpoints = open(path)?;
        let files = (path.to_owned(), Arc::clone(&mark));
        let shared = (ids.clone(), signals.clone());
        let writing = Writer::new(files, connection, commits, shared, grown);
        spawn("probity-writer", move || {
            writing.run(&waiting, lock);
        })?;
        spawn("probity-checkpoint", move || checkpoint(&checkpoints, &growth))?;
        if is_unchecked {
            let (path, signals) = (path.to_owned(), signals.clone());
            spawn("probity-check", move || check_beside(&path, &signals))?;
        }
        Ok(Sqlite { path: path.to_owned(), writer, readers, mark, loss })
    }

    pub(crate) fn loss(&self) -> Option<&str> {
        self.loss.as_deref()
    }

    /// Notes from now on what is acknowledged. An accepted loss must be recorded before, or the next start finds it
    /// again.
    pub(crate) async fn begin_run(&self) -> Result<(), Fault> {
        let rows = self.read(FIND_RUN, Vec::new()).await?;
        let row = rows.first().ok_or_else(|| Fault::new(FaultKind::Damaged, "no write_probe"))?;
        self.mark.begin(row.int(0)?.cast_unsigned())?;
        self.write(vec![one(BEGIN_RUN, Vec::new())]).await.map(drop)
    }

    pub(crate) async fn order(&self, command: OrderCommand) -> Result<CommandResult, Fault> {
        let (sender, receiver) = oneshot::channel();
        let command = Box::new(QueuedCommand::new(command));
        self.ask(Message::Command((command, sender)))?;
        answer(receiver).await
    }

    pub(crate) async fn close(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.writer.send(Message::Close(sender)).is_ok() {
            let _ = receiver.await;
        }
    }

    /// Empties the WAL: what was erased stands in it no more. False when somebody reads from it.
    pub(crate) async fn scrub(&self) -> Result<bool, Fault> {
        let path = self.path.clone();
        let emptied = tokio::task::spawn_blocking(move || empty_wal(&path)).await;
        emptied.unwrap_or_else(|_| Err(Fault::new(FaultKind::Storage, "a checkpoint panicked")))
    }

    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Written, Fault> {
        let (sender, receiver) = oneshot::channel();
        self.ask(Message::Write((statements, sender)))?;
        answer(receiver).await
    }

    fn ask(&self, message: Message) -> Result<(), Fault> {
        self.writer.send(message).map_err(|_| writer_gone())
    }

    pub(crate) async fn read(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        self.readers.read(sql, values).await
    }
}

/// Checks the pages of a database that was not ended in order and is too large to wait for that.
fn check_beside(path: &Path, signals: &Signals) {
    let checked = readers::open(path).and_then(|reader| check_tables(&reader, path));
    match checked {
        Ok(()) => tracing::info!("the pages of the database are sound"),
        Err(fault) => {
            tracing::error!(%fault, "restore a backup");
            signals.note_damage();
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let _end = EndWithWriter;
            work();
        })
        .map(drop)
        .map_err(|error| {
            Fault::new(FaultKind::Storage, format_args!("no thread for {name}: {error}"))
        })
}
