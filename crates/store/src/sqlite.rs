//! SQLite: one writer thread with group commit, read-only connections beside it, checkpoints in the background.

mod desk;
mod readers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use domain::Id;
use domain::id::IdMaker;
use rusqlite::{
    CachedStatement, Connection, Statement as Prepared, Transaction, TransactionBehavior,
    params_from_iter,
};
use tokio::sync::oneshot;

#[cfg(test)]
pub(crate) use self::desk::find_order;
use self::desk::{Texts, load};
use self::readers::Readers;
use crate::desk::plan::{Plan, plan};
use crate::desk::{BATCH_MAX, OrderCommand, Outcome, Waiting};
use crate::engine::{Answer, BEAT, EndWithWriter, Ids, Job, Signals, answer, writer_gone};
use crate::fault::{Fault, FaultKind};
use crate::value::{Expect, Row, Statement, Value, Written};

/// The oldest library that may open a database: before it a reset of the WAL could corrupt it.
const LIBRARY_MIN: i32 = 3_051_003;
/// Pages in the WAL from which the background thread writes them back, and from which the writer does.
const WAL_PAGES_SOFT: i32 = 1_000;
const WAL_PAGES_HARD: i32 = 4_000;
/// How often the writer tries a commit of its own while storage fails.
const PROBE_EVERY: Duration = Duration::from_millis(500);
const BUSY: Duration = Duration::from_secs(5);
/// How long the writer waits for readers, so that the WAL can begin anew.
const RESTART_BUSY: Duration = Duration::from_millis(100);
/// The newest of the ids that rows lie by: of the clock's ids none may come again, also when it is set back.
pub(crate) const NEWEST_ID: &str = "SELECT max((SELECT coalesce(max(entry_id), 0) FROM timeline_entries), \
    (SELECT coalesce(max(report_id), 0) FROM reports), (SELECT coalesce(max(event_no), 0) FROM events))";

/// An open SQLite database.
pub(crate) struct Sqlite {
    jobs: Sender<Job>,
    readers: Readers,
}

/// Opens the file at `path` for writing, with the guarantees that every answer relies on.
pub(crate) fn open(path: &Path) -> Result<Connection, Fault> {
    if rusqlite::version_number() < LIBRARY_MIN {
        return Err(Fault::new(
            FaultKind::Schema,
            format_args!("expected SQLite 3.51.3 or later, found {}", rusqlite::version()),
        ));
    }
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON; PRAGMA cache_size = -16384;",
    )?;
    Ok(connection)
}

impl Sqlite {
    /// Starts the writer and the readers on a migrated database.
    pub(crate) fn start(path: &Path, signals: &Signals, ids: &Ids) -> Result<Sqlite, Fault> {
        let connection = open(path)?;
        let newest = connection.query_row(NEWEST_ID, [], |row| row.get(0))?;
        *ids.lock() = IdMaker::after(0, Id(newest));
        let readers = Readers::open(path)?;
        let (jobs, waiting) = channel();
        let (grown, growth) = channel();
        let mut writer = Writer {
            path: path.to_owned(),
            connection,
            texts: Texts::new(),
            wal_pages: Arc::default(),
            ids: ids.clone(),
            signals: signals.clone(),
            grown,
        };
        writer.watch_wal();
        let checkpoints = open(path)?;
        spawn("probity-writer", move || writer.run(&waiting))?;
        spawn("probity-checkpoint", move || checkpoint(&checkpoints, &growth))?;
        Ok(Sqlite { jobs, readers })
    }

    pub(crate) async fn order(&self, command: OrderCommand) -> Result<Outcome, Fault> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Order(Box::new(Waiting::new(command)), sender))?;
        answer(receiver).await
    }

    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Written, Fault> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Write(statements, sender))?;
        answer(receiver).await
    }

    fn send(&self, job: Job) -> Result<(), Fault> {
        self.jobs.send(job).map_err(|_| writer_gone())
    }

    pub(crate) async fn read(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        self.readers.read(sql, values).await
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

/// The one thread that writes.
struct Writer {
    path: PathBuf,
    connection: Connection,
    texts: Texts,
    wal_pages: Arc<std::sync::atomic::AtomicI32>,
    ids: Ids,
    signals: Signals,
    grown: Sender<()>,
}

impl Writer {
    /// Keeps the number of pages in the WAL at hand.
    fn watch_wal(&mut self) {
        let wal_pages = Arc::clone(&self.wal_pages);
        let watched = self.connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            wal_pages.store(pages, std::sync::atomic::Ordering::Relaxed);
            Ok(())
        }));
        if let Err(error) = watched {
            tracing::warn!(%error, "the size of the WAL is not watched");
        }
    }

    fn run(&mut self, waiting: &Receiver<Job>) {
        loop {
            let first = if self.signals.is_failing() {
                match waiting.recv_timeout(PROBE_EVERY) {
                    Ok(job) => job,
                    Err(RecvTimeoutError::Timeout) => {
                        self.probe();
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            } else {
                match waiting.recv() {
                    Ok(job) => job,
                    Err(_) => return,
                }
            };
            let mut jobs = vec![first];
            while jobs.len() < BATCH_MAX
                && let Ok(job) = waiting.try_recv()
            {
                jobs.push(job);
            }
            self.serve(jobs);
            self.bound_wal();
        }
    }

    /// Commits a batch and answers its members; when one of them spoils it, one by one.
    fn serve(&mut self, jobs: Vec<Job>) {
        let (mut orders, mut writes) = (Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Order(command, answer) => orders.push((command, answer)),
                Job::Write(statements, answer) => writes.push((statements, answer)),
            }
        }
        match self.commit(&orders, &writes) {
            Ok(done) => {
                self.signals.note_commit(true);
                done.answer(orders, writes, &self.signals);
            }
            Err(fault) if fault.kind() != FaultKind::Storage && orders.len() + writes.len() > 1 => {
                tracing::warn!(%fault, "a batch is tried again one by one");
                for (command, answer) in orders {
                    self.serve(vec![Job::Order(command, answer)]);
                }
                for (statements, answer) in writes {
                    self.serve(vec![Job::Write(statements, answer)]);
                }
            }
            Err(fault) => {
                if fault.kind() == FaultKind::Storage {
                    self.storage_failed(&fault);
                }
                refuse(orders.into_iter().map(|(_, answer)| answer), &fault);
                refuse(writes.into_iter().map(|(_, answer)| answer), &fault);
            }
        }
    }

    /// After a failed write or sync nothing of this connection is trusted: it is opened anew.
    fn storage_failed(&mut self, fault: &Fault) {
        tracing::error!(%fault, "storage failed, no call is acknowledged until a commit works");
        self.signals.note_commit(false);
        match open(&self.path) {
            Ok(connection) => {
                self.connection = connection;
                self.watch_wal();
            }
            Err(fault) => tracing::error!(%fault, "the database cannot be opened again"),
        }
    }

    fn probe(&mut self) {
        match self.connection.execute(BEAT, []) {
            Ok(_) => self.signals.note_commit(true),
            Err(error) => self.storage_failed(&error.into()),
        }
    }

    fn commit<A, B>(
        &mut self,
        orders: &[(Box<Waiting>, A)],
        writes: &[(Vec<Statement>, B)],
    ) -> Result<Done, Fault> {
        let begin = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(&self.connection, begin)?;
        let commands = || orders.iter().map(|(command, _)| command.as_ref());
        let loaded = load(&transaction, commands())?;
        let (plan, outcomes) = plan(commands(), loaded, &self.ids)?;
        self.texts.write(&transaction, &plan)?;
        let written = writes
            .iter()
            .map(|(statements, _)| write(&transaction, statements))
            .collect::<Result<Vec<_>, _>>()?;
        if self.signals.is_failing() {
            transaction.execute(BEAT, [])?;
        }
        transaction.commit()?;
        Ok(Done { outcomes, written, plan })
    }

    /// Lets the background write the WAL's pages back, or does it when that does not keep up.
    fn bound_wal(&mut self) {
        let pages = self.wal_pages.load(std::sync::atomic::Ordering::Relaxed);
        if pages >= WAL_PAGES_HARD {
            if let Err(error) = self.restart_wal() {
                tracing::warn!(%error, "the WAL is not written back");
            }
        } else if pages >= WAL_PAGES_SOFT {
            // The background may have ended with the process; then this is its last batch.
            let _ = self.grown.send(());
        }
    }

    /// Writes all of the WAL back and waits for those who read from it, so that the next commit begins it anew:
    /// readers that follow each other without a gap would otherwise let it grow for ever.
    fn restart_wal(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(RESTART_BUSY)?;
        let back = self.connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
        self.connection.busy_timeout(BUSY)?;
        back
    }
}

/// Writes the WAL's pages back whenever it has grown.
fn checkpoint(connection: &Connection, growth: &Receiver<()>) {
    while growth.recv().is_ok() {
        while growth.try_recv().is_ok() {}
        let back = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = back {
            tracing::warn!(%error, "the WAL is not written back");
        }
    }
}

/// A committed batch, not yet answered.
struct Done {
    outcomes: Vec<Outcome>,
    written: Vec<Written>,
    plan: Plan,
}

impl Done {
    fn answer(
        self,
        orders: Vec<(Box<Waiting>, Answer<Outcome>)>,
        writes: Vec<(Vec<Statement>, Answer<Written>)>,
        signals: &Signals,
    ) {
        if self.plan.has_deliveries() {
            signals.wake_deliveries();
        }
        if self.plan.has_fetches() {
            signals.wake_reports();
        }
        // Whoever asked may have gone; the commit stands all the same.
        for ((_, answer), outcome) in orders.into_iter().zip(self.outcomes) {
            let _ = answer.send(Ok(outcome));
        }
        for ((_, answer), written) in writes.into_iter().zip(self.written) {
            let _ = answer.send(Ok(written));
        }
    }
}

fn refuse<T>(answers: impl Iterator<Item = Answer<T>>, fault: &Fault) {
    for answer in answers {
        let _ = answer.send(Err(fault.clone()));
    }
}

fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>, Fault> {
    Ok(connection.prepare_cached(&dialect(sql))?)
}

/// The statement as SQLite reads it: `$1` is a name there, `?1` a number.
pub(crate) fn dialect(sql: &str) -> String {
    sql.replace('$', "?")
}

fn rows(connection: &Connection, sql: &str, values: &[Value]) -> Result<Vec<Row>, Fault> {
    let mut statement = prepare(connection, sql)?;
    collect(&mut statement, values)
}

fn collect(statement: &mut Prepared<'_>, values: &[Value]) -> Result<Vec<Row>, Fault> {
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let values = (0..columns).map(|place| Ok(value(row.get_ref(place)?)));
        rows.push(Row(values.collect::<Result<_, rusqlite::Error>>()?));
    }
    Ok(rows)
}

fn value(value: rusqlite::types::ValueRef<'_>) -> Value {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null | ValueRef::Real(_) => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
    }
}

/// Does one write inside the batch; a part that is not met takes back this write alone.
fn write(connection: &Connection, statements: &[Statement]) -> Result<Written, Fault> {
    connection.execute_batch("SAVEPOINT one_write")?;
    let mut returned = Vec::new();
    for (place, statement) in statements.iter().enumerate() {
        let mut prepared = prepare(connection, statement.sql)?;
        let touched = if prepared.column_count() == 0 {
            prepared.execute(params_from_iter(&statement.values))?
        } else {
            returned = collect(&mut prepared, &statement.values)?;
            returned.len()
        };
        if statement.expect == Expect::One && touched != 1 {
            drop(prepared);
            connection.execute_batch("ROLLBACK TO one_write; RELEASE one_write")?;
            return Ok(Written::Unmet(place));
        }
    }
    connection.execute_batch("RELEASE one_write")?;
    Ok(Written::Done(returned))
}
