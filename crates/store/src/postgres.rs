//! PostgreSQL 14 and later: two desks that write whole batches with one statement for each table, and a pool; with
//! Citus one desk that works tenant by tenant. Replicas share a database: a batch locks its rows in the order of ids.

mod connect;
mod desk;
mod listener;
mod sessions;
mod tenants;

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_postgres::Config;

pub use self::connect::trust;
pub(crate) use self::connect::{check_server, config, connect};
use self::connect::{parameters, row};
#[cfg(test)]
pub(crate) use self::desk::{LOCK_ORDERS, LOCK_ORDERS_OF_TENANT};
use self::desk::{Opening, Queued, run};
use self::listener::listen;
pub(crate) use self::listener::{CacheInvalidation, check_sessions};
use self::sessions::{Session, Sessions};
use crate::desk::{CommandResult, OrderCommand, QueuedCommand, Request};
use crate::engine::{Ids, Signals, WRITE_PROBE, answer, writer_gone};
use crate::fault::{Fault, FaultKind};
use crate::value::{Expect, Row, Statement, Value, Written, one};

pub(crate) const TELL: &str = "SELECT pg_notify('probity_changes', $1)::text";
const DESKS: usize = 2;
/// How often a read or a write is tried: a write may meet others in a ring, and any session may be of no use.
const TRIES: usize = 3;

pub(crate) struct Postgres {
    desks: Vec<mpsc::UnboundedSender<Queued>>,
    turn: AtomicUsize,
    sessions: Sessions,
    signals: Signals,
    is_tenant_local: bool,
    listening: AbortHandle,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Postgres {
    /// Starts the desks and the pool on a migrated database; `said` learns what other replicas say.
    pub(crate) async fn start(
        config: &Config,
        is_tenant_local: bool,
        signals: &Signals,
        ids: &Ids,
        invalidate: impl Fn(CacheInvalidation<'_>) + Send + Sync + 'static,
    ) -> Result<Postgres, Fault> {
        let sessions = Sessions::new(config)?;
        let is_tenant_local = is_tenant_local || is_distributed(&sessions).await?;
        let mut desks = Vec::new();
        for index in 0..if is_tenant_local { 1 } else { DESKS } {
            let (sender, waiting) = mpsc::unbounded_channel();
            let opening = Opening {
                config: config.clone(),
                sessions: sessions.clone(),
                signals: signals.clone(),
                ids: ids.clone(),
                is_tenant_local,
                claims_node: index == 0,
            };
            let desk = opening.open().await?;
            match is_tenant_local {
                true => tokio::spawn(tenants::run(desk, opening, waiting)),
                false => tokio::spawn(run(desk, opening, waiting)),
            };
            desks.push(sender);
        }
        let listening = listen(config.clone(), sessions.clone(), signals.clone(), invalidate);
        let listening = tokio::spawn(listening).abort_handle();
        let (turn, signals) = (AtomicUsize::new(0), signals.clone());
        Ok(Postgres { desks, turn, sessions, signals, is_tenant_local, listening })
    }

    /// Commands on one order, and those with one Idempotency-Key, reach the same desk of this process.
    pub(crate) async fn order(&self, command: OrderCommand) -> Result<CommandResult, Fault> {
        let (sender, receiver) = oneshot::channel();
        let index = match command.idempotency {
            Some(key) => usize::from(key.key_digest[0]),
            None if matches!(command.request, Request::Place { .. }) => {
                self.turn.fetch_add(1, Ordering::Relaxed)
            }
            None => usize::try_from(command.order_id.0.unsigned_abs()).unwrap_or(0),
        };
        self.desks[index % self.desks.len()]
            .send((Box::new(QueuedCommand::new(command)), sender))
            .map_err(|_| writer_gone())?;
        answer(receiver).await
    }

    pub(crate) async fn read(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        self.read_by_plan(sql, &values, false).await
    }

    /// As [`Postgres::read`], by one plan for all values: for a statement that takes longer to plan than to run. On
    /// distributed tables, where a plan depends on the node, it is planned for the values all the same.
    pub(crate) async fn read_planned_once(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        self.read_by_plan(sql, &values, !self.is_tenant_local).await
    }

    async fn read_by_plan(
        &self,
        sql: &'static str,
        values: &[Value],
        is_planned_once: bool,
    ) -> Result<Vec<Row>, Fault> {
        let mut found = self.try_read(sql, values, is_planned_once).await;
        for _ in 1..TRIES {
            if !found.as_ref().is_err_and(Fault::is_session_over) {
                break;
            }
            found = self.try_read(sql, values, is_planned_once).await;
        }
        found
    }

    async fn try_read(
        &self,
        sql: &'static str,
        values: &[Value],
        is_planned_once: bool,
    ) -> Result<Vec<Row>, Fault> {
        let mut session = self.sessions.get().await?;
        let generation = session.generation;
        let found = async {
            let prepared = session.prepare_cached(sql).await?;
            let parameters = parameters(values);
            if !is_planned_once {
                return Ok(session.query(&prepared, &parameters).await?);
            }
            let transaction = session.transaction().await?;
            // Pipelined: one round trip for both.
            let (set, found) = tokio::join!(
                biased;
                transaction.batch_execute("SET LOCAL plan_cache_mode = force_generic_plan"),
                transaction.query(&prepared, &parameters),
            );
            set?;
            let found = found?;
            transaction.commit().await?;
            Ok(found)
        };
        let found = self.leave_if_over(generation, found.await)?;
        found.iter().map(row).collect()
    }

    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Written, Fault> {
        let mut written = self.try_write(&statements).await;
        for _ in 1..TRIES {
            if !written.as_ref().is_err_and(Fault::may_work_on_another_try) {
                break;
            }
            written = self.try_write(&statements).await;
        }
        match &written {
            Ok(_) => self.signals.note_commit(true),
            Err(fault) if fault.kind() == FaultKind::Storage => self.signals.note_commit(false),
            Err(_) => {}
        }
        written
    }

    async fn try_write(&self, statements: &[Statement]) -> Result<Written, Fault> {
        let mut session = self.sessions.get().await?;
        let generation = session.generation;
        let written = write_in(&mut session, statements, self.signals.is_failing()).await;
        self.leave_if_over(generation, written)
    }

    fn leave_if_over<T>(&self, generation: u64, done: Result<T, Fault>) -> Result<T, Fault> {
        if done.as_ref().is_err_and(Fault::is_session_over) {
            self.sessions.renew(generation);
        }
        done
    }

    /// Whether the database takes a commit now.
    pub(crate) async fn probe(&self) -> bool {
        self.write(vec![one(WRITE_PROBE, Vec::new())]).await.is_ok()
    }
}

/// Whether tables may be distributed: then no transaction of the desk is of several tenants.
async fn is_distributed(sessions: &Sessions) -> Result<bool, Fault> {
    let session = sessions.get().await?;
    let found =
        session.query_opt("SELECT 1 FROM pg_extension WHERE extname = 'citus'", &[]).await?;
    if found.is_some() {
        tracing::info!("citus is installed: each transaction of the order desk is of one tenant");
    }
    Ok(found.is_some())
}

async fn write_in(
    session: &mut Session,
    statements: &[Statement],
    beats: bool,
) -> Result<Written, Fault> {
    // One statement is a transaction by itself, and costs one round trip.
    if let ([Statement { sql, values, expect: Expect::Any }], false) = (statements, beats) {
        let prepared = session.prepare_cached(sql).await?;
        let found = session.query(&prepared, &parameters(values)).await;
        let found = found.map_err(|error| Fault::from(error).at_commit())?;
        return Ok(Written::Done(found.iter().map(row).collect::<Result<_, _>>()?));
    }
    let transaction = session.transaction().await?;
    let mut returned = Vec::new();
    for (index, statement) in statements.iter().enumerate() {
        let prepared = transaction.prepare_cached(statement.sql).await?;
        let parameters = parameters(&statement.values);
        let touched = if prepared.columns().is_empty() {
            transaction.execute(&prepared, &parameters).await?
        } else {
            let rows = transaction.query(&prepared, &parameters).await?;
            for found in &rows {
                returned.push(row(found)?);
            }
            rows.len() as u64
        };
        if statement.expect == Expect::One && touched != 1 {
            transaction.rollback().await?;
            return Ok(Written::Unmet(index));
        }
    }
    if beats {
        transaction.batch_execute(WRITE_PROBE).await?;
    }
    transaction.commit().await.map_err(|error| Fault::from(error).at_commit())?;
    Ok(Written::Done(returned))
}
