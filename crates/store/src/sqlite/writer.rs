//! The one thread that writes the database: rows of the redo log behind the desk's answers, many at once;
//! everything else with a commit of its own before it is answered.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, Transaction, TransactionBehavior, params_from_iter};

use super::connection::{BUSY, collect, open, prepare};
use super::inbox::{Inbox, Logged, Task};
use super::mark::Mark;
use super::recovery::{END_RUN, Pulse, find_pulse, note_applied};
use super::rows::Rows;
use crate::engine::Signals;
use crate::fault::{Fault, FaultKind};
use crate::value::{Expect, Statement, Written};

/// Pages of 4 KiB in the WAL from which the background thread writes them back, and from which the writer does.
/// Each order lies in a page of its own: the more of them go back at once, the more of these are neighbours.
const WAL_PAGES_SOFT: i32 = 11_000;
const WAL_PAGES_HARD: i32 = 14_000;
/// How long the writer waits for readers, so that the WAL can begin anew.
const RESTART_BUSY: Duration = Duration::from_millis(100);

/// The writer's state.
pub(super) struct Writer {
    path: PathBuf,
    /// None after a failed write or sync: nothing of that connection is trusted, it is opened anew.
    connection: Option<Connection>,
    is_full: bool,
    texts: Vec<String>,
    inbox: Arc<Inbox>,
    signals: Signals,
    wal_pages: Arc<AtomicI32>,
    grown: Sender<()>,
    /// Batches of the log that are not in the database yet.
    unapplied: Vec<Logged>,
    applied: u64,
    /// How many commits there were.
    commits: u64,
    mark: Arc<Mark>,
    /// Let go of when nothing is written any more.
    _ending: Sender<()>,
}

impl Writer {
    pub(super) fn new(
        (path, mark): (PathBuf, Arc<Mark>),
        mut connection: Connection,
        pulse: Pulse,
        texts: Vec<String>,
        inbox: Arc<Inbox>,
        signals: Signals,
        (grown, ending): (Sender<()>, Sender<()>),
    ) -> Writer {
        let wal_pages = Arc::default();
        watch_wal(&mut connection, &wal_pages);
        Writer {
            path,
            connection: Some(connection),
            is_full: true,
            texts,
            inbox,
            signals,
            wal_pages,
            grown,
            unapplied: Vec::new(),
            applied: pulse.applied,
            commits: pulse.commits,
            mark,
            _ending: ending,
        }
    }

    /// Writes until no more can come.
    pub(super) fn run(&mut self) {
        while let Some(work) = self.inbox.take(self.signals.is_commit_failing()) {
            self.unapplied.extend(work.logged);
            self.serve(work.tasks, work.is_sync);
            self.bound_wal();
        }
        if let Err(fault) = self.end() {
            tracing::warn!(%fault, "the database is not left in order; the next start sees to it");
        }
    }

    /// Leaves everything in the database's own file, and nothing beside it.
    fn end(&mut self) -> Result<(), Fault> {
        let Some(connection) = self.connection.as_ref().filter(|_| self.mark.is_begun()) else {
            return Ok(());
        };
        if !self.unapplied.is_empty() {
            return Err(Fault::new(FaultKind::Storage, "the redo log holds what it does not"));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        transaction.execute(END_RUN, [])?;
        note_applied(&transaction, self.applied, self.commits + 1)?;
        transaction.commit()?;
        if !empty_wal(&self.path)? {
            // What stands in the WAL alone is still compared with the mark.
            return Err(Fault::new(FaultKind::Contention, "somebody reads from its WAL"));
        }
        self.mark.remove()
    }

    /// Commits what waits and answers it; when one task spoils the commit, one by one.
    fn serve(&mut self, tasks: Vec<Task>, is_sync: bool) {
        match self.commit(&tasks, is_sync) {
            Ok(written) => {
                self.signals.note_commit(true);
                self.inbox.wake();
                for (task, written) in tasks.into_iter().zip(written) {
                    task.answer(Ok(written));
                }
            }
            Err(fault) if fault.kind() != FaultKind::Storage && tasks.len() > 1 => {
                tracing::warn!(%fault, "a batch is tried again one by one");
                for task in tasks {
                    self.serve(vec![task], is_sync);
                }
            }
            Err(fault) => {
                // What the desk acknowledged can always be written: if it cannot, storage is not what it was.
                if fault.kind() == FaultKind::Storage || tasks.is_empty() {
                    self.storage_failed(&fault);
                }
                for task in tasks {
                    task.answer(Err(fault.clone()));
                }
            }
        }
    }

    fn storage_failed(&mut self, fault: &Fault) {
        tracing::error!(%fault, "storage failed, no call is acknowledged until a commit works");
        self.signals.note_commit(false);
        self.inbox.wake();
        self.connection = None;
    }

    /// Opens the database anew after a failure. The commit that failed may be there all the same.
    fn reopen(&mut self) -> Result<Connection, Fault> {
        let mut connection = open(&self.path)?;
        watch_wal(&mut connection, &self.wal_pages);
        self.is_full = true;
        let pulse = find_pulse(&connection)?;
        (self.applied, self.commits) = (pulse.applied, pulse.commits);
        self.unapplied.retain(|logged| logged.number > self.applied);
        Ok(connection)
    }

    /// Writes everything that the log holds, then the tasks, in one transaction.
    fn commit(&mut self, tasks: &[Task], is_sync: bool) -> Result<Vec<Written>, Fault> {
        let is_failing = self.signals.is_commit_failing();
        if self.unapplied.is_empty() && tasks.is_empty() && !is_sync && !is_failing {
            return Ok(Vec::new());
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        let connection = self.connection.insert(connection);
        // Without tasks nobody is answered: the log has synced what it holds.
        let is_full = is_sync || is_failing || !tasks.is_empty();
        if is_full != self.is_full {
            let level = if is_full { "FULL" } else { "NORMAL" };
            connection.pragma_update(None, "synchronous", level)?;
            self.is_full = is_full;
        }
        let begin = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(connection, begin)?;
        let applied = self.unapplied.last().map_or(self.applied, |last| last.number);
        let logged = self.unapplied.iter().map(|logged| &logged.rows);
        Rows::write(&logged, &transaction, &self.texts)?;
        let commits = self.commits + 1;
        // A write too, whatever else comes: only such a commit shows that storage works again.
        note_applied(&transaction, applied, commits)?;
        let written = tasks
            .iter()
            .map(|task| task.write(&transaction, &self.texts))
            .collect::<Result<Vec<_>, _>>()?;
        transaction.commit()?;
        self.unapplied.clear();
        (self.applied, self.commits) = (applied, commits);
        if is_full {
            self.mark.note_commits(commits)?;
        }
        self.inbox.note(applied, is_full);
        Ok(written)
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

impl Task {
    fn write(&self, connection: &Connection, texts: &[String]) -> Result<Written, Fault> {
        match self {
            Task::Rows(rows, _) => {
                let rows = std::iter::once(&**rows);
                Rows::write(&rows, connection, texts).map(|()| Written::Done(Vec::new()))
            }
            Task::Write(statements, _) => write(connection, statements),
        }
    }

    fn answer(self, written: Result<Written, Fault>) {
        // Whoever asked may have gone; the commit stands all the same.
        match self {
            Task::Rows(_, answer) => drop(answer.send(written.map(drop))),
            Task::Write(_, answer) => drop(answer.send(written)),
        }
    }
}

/// Keeps the number of pages in the WAL at hand.
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

/// Writes all of the WAL back and waits for those who read from it, so that the next commit begins it anew:
/// readers that follow each other without a gap would otherwise let it grow for ever.
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

/// Does one write inside the batch; a part that is not met takes back this write alone. Where only the first part
/// may be unmet there is nothing to take back then, and no savepoint is paid for.
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

/// A place in the transaction that can be gone back to. Neither stored nor taken back, it stands until the
/// transaction ends, which only a fault lets happen: then all of it is taken back.
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
