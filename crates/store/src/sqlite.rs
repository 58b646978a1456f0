//! SQLite: one writer thread with group commit, read-only connections beside it, checkpoints in the background.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::Id;
use domain::id::IdMaker;
use domain::order::Action;
use rusqlite::{
    CachedStatement, Connection, OpenFlags, Statement as Prepared, Transaction,
    TransactionBehavior, params_from_iter,
};
use tokio::sync::{Semaphore, oneshot};

use crate::desk::plan::{Loaded, ORDER_COLUMNS, OrderRow, Plan, digest, plan};
use crate::desk::{BATCH_MAX, OrderCommand, OrderKey, Outcome};
use crate::engine::{Answer, EndWithWriter, Ids, Job, Signals, answer, writer_gone};
use crate::fault::{Fault, FaultKind};
use crate::sql;
use crate::value::{Expect, Row, Statement, Value, Written, values};

/// The oldest library that may open a database: before it a reset of the WAL could corrupt it.
const LIBRARY_MIN: i32 = 3_051_003;
const READERS: usize = 4;
/// Pages in the WAL from which the background thread writes them back, and from which the writer does.
const WAL_PAGES_SOFT: i32 = 1_000;
const WAL_PAGES_HARD: i32 = 8_000;
/// How often the writer tries a commit of its own while storage fails.
const PROBE_EVERY: Duration = Duration::from_millis(500);

/// An open SQLite database.
pub(crate) struct Sqlite {
    jobs: Sender<Job>,
    readers: Arc<Mutex<Vec<Connection>>>,
    reading: Semaphore,
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
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON; PRAGMA cache_size = -65536;",
    )?;
    Ok(connection)
}

fn open_reader(path: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch("PRAGMA cache_size = -2048; PRAGMA query_only = ON;")?;
    Ok(connection)
}

impl Sqlite {
    /// Starts the writer and the readers on a migrated database.
    pub(crate) fn start(path: &Path, signals: &Signals, ids: &Ids) -> Result<Sqlite, Fault> {
        let connection = open(path)?;
        // The newest entry is the newest id, but for the reports that came with it.
        let last =
            connection.query_row("SELECT max(entry_id) FROM timeline_entries", [], |row| {
                row.get::<_, Option<i64>>(0)
            })?;
        *ids.lock() = IdMaker::after(0, Id(last.unwrap_or(0)));
        let readers = (0..READERS).map(|_| open_reader(path)).collect::<Result<Vec<_>, _>>()?;
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
        let readers = Arc::new(Mutex::new(readers));
        Ok(Sqlite { jobs, readers, reading: Semaphore::new(READERS) })
    }

    pub(crate) async fn order(&self, command: OrderCommand) -> Result<Outcome, Fault> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Order(Box::new(command), sender))?;
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
        let _permit = self.reading.acquire().await.map_err(|_| writer_gone())?;
        let readers = Arc::clone(&self.readers);
        let read = tokio::task::spawn_blocking(move || {
            let lock = || readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let connection = lock().pop().ok_or_else(writer_gone)?;
            let rows = rows(&connection, sql, &values);
            lock().push(connection);
            rows
        });
        read.await.unwrap_or_else(|_| Err(Fault::new(FaultKind::Storage, "a reader panicked")))
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

    /// Commits a batch and answers its members; after a broken rule of the schema, one by one.
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
            Err(fault)
                if fault.kind() == FaultKind::Constraint && orders.len() + writes.len() > 1 =>
            {
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
        let beat = self.connection.execute("UPDATE pulse SET beat = beat + 1", []);
        match beat {
            Ok(_) => self.signals.note_commit(true),
            Err(error) => self.storage_failed(&error.into()),
        }
    }

    fn commit<A, B>(
        &mut self,
        orders: &[(Box<OrderCommand>, A)],
        writes: &[(Vec<Statement>, B)],
    ) -> Result<Done, Fault> {
        let begin = TransactionBehavior::Immediate;
        let transaction = Transaction::new_unchecked(&self.connection, begin)?;
        let commands = || orders.iter().map(|(command, _)| command.as_ref());
        let loaded = load(&transaction, commands())?;
        let (plan, outcomes) = plan(commands(), loaded, &mut self.ids.lock())?;
        self.texts.write(&transaction, &plan)?;
        let written = writes
            .iter()
            .map(|(statements, _)| write(&transaction, statements))
            .collect::<Result<Vec<_>, _>>()?;
        transaction.commit()?;
        Ok(Done { outcomes, written, plan })
    }

    /// Lets the background write the WAL's pages back, or does it when that does not keep up.
    fn bound_wal(&mut self) {
        let pages = self.wal_pages.load(std::sync::atomic::Ordering::Relaxed);
        if pages >= WAL_PAGES_HARD {
            let back = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
            if let Err(error) = back {
                tracing::warn!(%error, "the WAL is not written back");
            }
        } else if pages >= WAL_PAGES_SOFT {
            // The background may have ended with the process; then this is its last batch.
            let _ = self.grown.send(());
        }
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
        orders: Vec<(Box<OrderCommand>, Answer<Outcome>)>,
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

/// Loads what the rules need to know for these commands.
fn load<'a>(
    connection: &Connection,
    commands: impl Iterator<Item = &'a OrderCommand>,
) -> Result<Loaded, Fault> {
    let mut loaded = Loaded::default();
    let select =
        format!("SELECT {ORDER_COLUMNS} FROM orders WHERE order_id = $1 AND tenant_id = $2");
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
        statement.execute(params_from_iter(&values(row)))?;
    }
    Ok(())
}

/// The texts by which a batch is written.
struct Texts {
    order: String,
    order_change: String,
    entry: String,
    stage: String,
    report: String,
    event: String,
    delivery: String,
    used_key: String,
}

impl Texts {
    fn new() -> Texts {
        Texts {
            order: sql::ORDERS.insert_one(),
            order_change: sql::ORDER_CHANGES.update_one(),
            entry: sql::ENTRIES.insert_one(),
            stage: sql::STAGES.insert_one(),
            report: sql::REPORTS.insert_one(),
            event: sql::EVENTS.insert_one(),
            delivery: sql::DELIVERIES.insert_one(),
            used_key: sql::USED_KEYS.insert_one(),
        }
    }

    fn write(&self, connection: &Connection, plan: &Plan) -> Result<(), Fault> {
        each(connection, &self.order, &plan.placed, sql::order_values)?;
        each(connection, &self.order_change, &plan.changed, sql::order_change_values)?;
        each(connection, &self.entry, &plan.entries, sql::entry_values)?;
        each(connection, &self.stage, &plan.stages, sql::stage_values)?;
        each(connection, &self.report, &plan.reports, sql::report_values)?;
        each(connection, &self.event, &plan.events, sql::event_values)?;
        each(connection, &self.delivery, &plan.events, sql::delivery_values)?;
        each(connection, &self.used_key, &plan.used_keys, sql::used_key_values)
    }
}
