//! The one thread that writes the database: orders are decided inside the transaction that changes them, with every
//! other waiting write; one synced commit, then the answers. A batch that fails is retried one by one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, Transaction, TransactionBehavior, params_from_iter};
use tokio::sync::oneshot;

use super::connection::{BUSY, collect, open, prepare};
use super::load::load;
use super::lock::Lock;
use super::mark::Mark;
use super::recovery::{END_RUN, find_run, note_commit};
use super::rows;
use crate::desk::plan::{Plan, plan};
use crate::desk::{BATCH_MAX, CommandResult, QueuedCommand};
use crate::engine::{Answer, Ids, Signals};
use crate::fault::{Fault, FaultKind};
use crate::value::{Expect, Statement, Written};

/// Pages of 4 KiB in the WAL from which the background thread writes them back, and from which the writer does.
const WAL_PAGES_SOFT: i32 = 11_000;
const WAL_PAGES_HARD: i32 = 14_000;
/// How long the writer waits for readers, so that the WAL can begin anew.
const RESTART_BUSY: Duration = Duration::from_millis(100);
/// How often a commit is tried while storage fails and nobody asks for one.
const PROBE_EVERY: Duration = Duration::from_millis(200);

type Command = (Box<QueuedCommand>, Answer<CommandResult>);
type Write = (Vec<Statement>, Answer<Written>);

pub(super) enum Message {
    Command(Command),
    Write(Write),
    /// To end, and to say when it has.
    Close(oneshot::Sender<()>),
}

#[derive(Default)]
struct Batch {
    commands: Vec<Command>,
    writes: Vec<Write>,
}

pub(super) struct Writer {
    path: PathBuf,
    /// None after a failed write or sync: nothing of that connection is trusted, it is opened anew.
    connection: Option<Connection>,
    texts: Vec<String>,
    ids: Ids,
    signals: Signals,
    wal_pages: Arc<AtomicI32>,
    grown: Sender<()>,
    commits: u64,
    mark: Arc<Mark>,
}

struct Done {
    plan: Plan,
    results: Vec<CommandResult>,
    written: Vec<Written>,
}

impl Writer {
    pub(super) fn new(
        (path, mark): (PathBuf, Arc<Mark>),
        mut connection: Connection,
        commits: u64,
        (ids, signals): (Ids, Signals),
        grown: Sender<()>,
    ) -> Writer {
        let wal_pages = Arc::default();
        watch_wal(&mut connection, &wal_pages);
        Writer {
            path,
            connection: Some(connection),
            texts: rows::texts(),
            ids,
            signals,
            wal_pages,
            grown,
            commits,
            mark,
        }
    }

    pub(super) fn run(mut self, waiting: &Receiver<Message>, lock: Lock) {
        let close = self.serve_all(waiting);
        if let Err(fault) = self.end() {
            tracing::warn!(%fault, "the database is not left in order; the next start sees to it");
        }
        drop(self);
        drop(lock);
        if let Some(close) = close {
            let _ = close.send(());
        }
    }

    fn serve_all(&mut self, waiting: &Receiver<Message>) -> Option<oneshot::Sender<()>> {
        loop {
            let first = if self.signals.is_failing() {
                match waiting.recv_timeout(PROBE_EVERY) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => {
                        self.serve(Batch::default());
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return None,
                }
            } else {
                waiting.recv().ok()?
            };
            let (mut batch, mut close) = (Batch::default(), None);
            let more = std::iter::from_fn(|| waiting.try_recv().ok());
            for message in std::iter::once(first).chain(more.take(BATCH_MAX - 1)) {
                match message {
                    Message::Command(command) => batch.commands.push(command),
                    Message::Write(write) => batch.writes.push(write),
                    Message::Close(answer) => close = Some(answer),
                }
            }
            if batch.len() > 0 {
                self.serve(batch);
                self.bound_wal();
            }
            if close.is_some() {
                return close;
            }
        }
    }

    fn serve(&mut self, batch: Batch) {
        match self.commit(&batch) {
            Ok(done) => {
                self.signals.note_commit(true);
                if done.plan.has_deliveries() {
                    self.signals.wake_deliveries();
                }
                if done.plan.has_fetches() {
                    self.signals.wake_reports();
                }
                answer_each(batch.commands, done.results.into_iter().map(Ok));
                answer_each(batch.writes, done.written.into_iter().map(Ok));
            }
            Err(fault) if fault.kind() != FaultKind::Storage && batch.len() > 1 => {
                tracing::warn!(%fault, "a batch is tried again one by one");
                for command in batch.commands {
                    self.serve(Batch { commands: vec![command], writes: Vec::new() });
                }
                for write in batch.writes {
                    self.serve(Batch { commands: Vec::new(), writes: vec![write] });
                }
            }
            Err(fault) => {
                if fault.kind() == FaultKind::Storage {
                    tracing::error!(%fault, "storage failed, no call is acknowledged until a commit works");
                    self.signals.note_commit(false);
                    self.connection = None;
                }
                answer_each(batch.commands, std::iter::repeat_with(|| Err(fault.clone())));
                answer_each(batch.writes, std::iter::repeat_with(|| Err(fault.clone())));
            }
        }
    }

    /// Does a batch in one transaction: the commands first, decided in their order, then the other writes.
    fn commit(&mut self, batch: &Batch) -> Result<Done, Fault> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        let connection = self.connection.insert(connection);
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        let commands = batch.commands.iter().map(|(command, _)| command.as_ref());
        let loaded = load(&transaction, commands.clone())?;
        let (plan, results) = plan(commands, loaded, &self.ids)?;
        let has_rows = rows::write(&plan, &transaction, &self.texts)?;
        let writes = batch.writes.iter().map(|(statements, _)| write(&transaction, statements));
        let written = writes.collect::<Result<Vec<_>, _>>()?;
        // While storage fails only a commit that writes shows that it works again.
        if has_rows || !written.is_empty() || self.signals.is_failing() {
            let commits = self.commits + 1;
            note_commit(&transaction, commits)?;
            transaction.commit()?;
            self.commits = commits;
            self.mark.note_commits(commits)?;
        }
        Ok(Done { plan, results, written })
    }

    /// Opens the database anew after a failure. The commit that failed may be there all the same.
    fn reopen(&mut self) -> Result<Connection, Fault> {
        let mut connection = open(&self.path)?;
        watch_wal(&mut connection, &self.wal_pages);
        self.commits = find_run(&connection)?.commits;
        Ok(connection)
    }

    /// Leaves everything in the database's own file, and nothing beside it.
    fn end(&mut self) -> Result<(), Fault> {
        let Some(connection) = self.connection.as_ref().filter(|_| self.mark.is_begun()) else {
            return Ok(());
        };
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        transaction.execute(END_RUN, [])?;
        note_commit(&transaction, self.commits + 1)?;
        transaction.commit()?;
        if !empty_wal(&self.path)? {
            // What stands in the WAL alone is still compared with the mark.
            return Err(Fault::new(FaultKind::Contention, "somebody reads from its WAL"));
        }
        self.mark.remove()
    }

    /// Lets the background write the WAL's pages back, or does it when that does not keep up.
    fn bound_wal(&mut self) {
        let pages = self.wal_pages.load(Ordering::Relaxed);
        if pages >= WAL_PAGES_HARD {
            if let Some(Err(error)) = self.connection.as_ref().map(restart_wal) {
                tracing::warn!(%error, "the WAL is not written back");
            }
        } else if pages >= WAL_PAGES_SOFT {
            // The background may have ended with the process; then this is its last batch.
            let _ = self.grown.send(());
        }
    }
}

impl Batch {
    fn len(&self) -> usize {
        self.commands.len() + self.writes.len()
    }
}

fn answer_each<A, T>(asked: Vec<(A, Answer<T>)>, answers: impl Iterator<Item = Result<T, Fault>>) {
    for ((_, way), answer) in asked.into_iter().zip(answers) {
        // The caller may have gone; the commit stands all the same.
        let _ = way.send(answer);
    }
}

fn watch_wal(connection: &mut Connection, wal_pages: &Arc<AtomicI32>) {
    let wal_pages = Arc::clone(wal_pages);
    let watched = connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        wal_pages.store(pages, Ordering::Relaxed);
        Ok(())
    }));
    if let Err(error) = watched {
        tracing::warn!(%error, "the size of the WAL is not watched");
    }
}

/// Checkpoints the WAL and waits for its readers, so that the next commit restarts it and it cannot grow
/// for ever.
fn restart_wal(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(RESTART_BUSY)?;
    let back = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
    connection.busy_timeout(BUSY)?;
    back
}

/// Writes all of the WAL back and cuts it to nothing. False when somebody still reads from it.
pub(super) fn empty_wal(path: &Path) -> Result<bool, Fault> {
    let connection = open(path)?;
    let is_busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(is_busy == 0)
}

/// Writes the WAL's pages back whenever it has grown.
pub(super) fn checkpoint(connection: &Connection, growth: &Receiver<()>) {
    while growth.recv().is_ok() {
        while growth.try_recv().is_ok() {}
        let back = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = back {
            tracing::warn!(%error, "the WAL is not written back");
        }
    }
}

/// Does one write inside the batch; an unmet part takes back this write alone, by a savepoint only where it must.
fn write(connection: &Connection, statements: &[Statement]) -> Result<Written, Fault> {
    let mut later = statements.iter().skip(1);
    let savepoint = match later.any(|statement| statement.expect == Expect::One) {
        true => Some(Savepoint::begin(connection)?),
        false => None,
    };
    let mut returned = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let mut prepared: CachedStatement<'_> = prepare(connection, statement.sql)?;
        let touched = if prepared.column_count() == 0 {
            prepared.execute(params_from_iter(&statement.values))?
        } else {
            let rows = collect(&mut prepared, &statement.values)?;
            let touched = rows.len();
            returned.extend(rows);
            touched
        };
        if statement.expect == Expect::One && touched != 1 {
            drop(prepared);
            match savepoint {
                Some(savepoint) => savepoint.take_back()?,
                None if touched == 0 => {}
                // Nothing else takes this back than a fault, which takes back the whole batch.
                None => return Err(Fault::new(FaultKind::Damaged, "a key names several rows")),
            }
            return Ok(Written::Unmet(index));
        }
    }
    if let Some(savepoint) = savepoint {
        savepoint.keep()?;
    }
    Ok(Written::Done(returned))
}

/// A savepoint; neither stored nor taken back, it ends with the transaction, which only a fault lets
/// happen.
struct Savepoint<'c>(&'c Connection);

impl<'c> Savepoint<'c> {
    fn begin(connection: &'c Connection) -> Result<Savepoint<'c>, Fault> {
        prepare(connection, "SAVEPOINT one_write")?.execute([])?;
        Ok(Savepoint(connection))
    }

    fn keep(self) -> Result<(), Fault> {
        prepare(self.0, "RELEASE one_write")?.execute([])?;
        Ok(())
    }

    fn take_back(self) -> Result<(), Fault> {
        prepare(self.0, "ROLLBACK TO one_write")?.execute([])?;
        self.keep()
    }
}
