//! A desk on PostgreSQL: one connection that commits batch after batch of order commands.
//!
//! On one server a batch may be of many tenants, which is faster; where tables are distributed it is of one
//! ([`super::tenants`]).

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use const_format::formatcp;
use domain::id::{IdMaker, NODES};
use domain::order::Action;
use domain::{Id, UnixMs};
use futures_util::future::{join_all, try_join_all};
use tokio::sync::mpsc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Statement as Prepared};

use super::connect::{RECONNECT_AFTER, SESSION_TIME, connect, parameters, pause, row};
use super::sessions::Sessions;
use crate::audit;
use crate::desk::plan::{Loaded, Plan, plan};
use crate::desk::{BATCH_MAX, CommandResult, OrderKey, QueuedCommand};
use crate::engine::{Answer, EndWithWriter, Ids, Signals, WRITE_PROBE};
use crate::fault::{Fault, FaultKind};
use crate::rows::{self, ORDER_COLUMNS, OrderRow, Values, WRITES, Write, digest};
use crate::value::{Value, values};

/// The first key of the advisory locks by which replicas share out the node numbers of ids.
const NODE_LOCKS: i32 = 0x7072_6f62;
/// How often an idle desk looks whether its connection still stands.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a command is tried that finds another replica's row in its way: it sees that row the next time.
const TRIES: u32 = 3;

pub(super) type Queued = (Box<QueuedCommand>, Answer<CommandResult>);

#[derive(Clone)]
pub(super) struct Opening {
    pub(super) config: Config,
    pub(super) sessions: Sessions,
    pub(super) signals: Signals,
    pub(super) ids: Ids,
    pub(super) is_tenant_local: bool,
    /// Whether this desk's connection holds the node number for the ids of the process.
    pub(super) claims_node: bool,
}

pub(super) struct Desk {
    client: Client,
    /// Of the sessions, when this one was opened.
    generation: u64,
    ids: Ids,
    lock_orders: Prepared,
    writes: Writes,
    audit: [Prepared; 3],
    signals: Signals,
}

enum Writes {
    /// Of each of [`WRITES`], for any rows.
    Many(Vec<Prepared>),
    /// By the index among [`WRITES`] and the number of rows, which are one tenant's; prepared when they are first needed.
    OfTenant(HashMap<(usize, usize), Prepared>),
}

struct Change<'a> {
    text: Prepared,
    parameters: Vec<Box<dyn ToSql + Sync + Send + 'a>>,
    /// How many rows it must touch; none where they may be missing.
    rows: Option<u64>,
}

impl Opening {
    pub(super) async fn open(&self) -> Result<Desk, Fault> {
        // Behind a pooler that has none left, a session may stand and answer nothing.
        tokio::time::timeout(2 * SESSION_TIME, self.try_open()).await.unwrap_or_else(|_| {
            Err(Fault::new(FaultKind::Storage, "postgresql does not answer a new session"))
        })
    }

    async fn try_open(&self) -> Result<Desk, Fault> {
        let generation = self.sessions.generation();
        let client = connect(&self.config).await?;
        if !self.is_tenant_local {
            // A batch always finds its rows by keys; on distributed tables a plan depends on the node.
            client
                .batch_execute(
                    "SET plan_cache_mode = force_generic_plan; SET enable_hashjoin = off; \
                     SET enable_mergejoin = off; SET enable_seqscan = off; SET jit = off",
                )
                .await?;
        }
        let (lock_orders, writes) = match self.is_tenant_local {
            true => (LOCK_ORDERS_OF_TENANT, Writes::OfTenant(HashMap::new())),
            false => {
                let texts = WRITES.map(Write::many);
                let prepared = texts.iter().map(|text| client.prepare(text));
                (LOCK_ORDERS, Writes::Many(try_join_all(prepared).await?))
            }
        };
        let lock_orders = client.prepare(lock_orders).await?;
        let (advance, add, keep) = tokio::try_join!(
            client.prepare(audit::ADVANCE),
            client.prepare(audit::ADD),
            client.prepare(audit::KEEP),
        )?;
        if self.claims_node {
            let node = claim_node(&client).await?;
            let mut ids = self.ids.lock();
            // What was made under the number held before must not come again.
            let last = ids.next(UnixMs(0));
            *ids = IdMaker::after(node, last);
        }
        Ok(Desk {
            client,
            generation,
            ids: self.ids.clone(),
            lock_orders,
            writes,
            audit: [advance, add, keep],
            signals: self.signals.clone(),
        })
    }
}

impl Desk {
    pub(super) fn is_over(&self, opening: &Opening) -> bool {
        self.client.is_closed() || self.generation != opening.sessions.generation()
    }

    async fn commit(&mut self, queued: &[Queued]) -> Result<(Plan, Vec<CommandResult>), Fault> {
        let done = self.work(queued).await;
        if done.is_err() {
            let _ = self.client.batch_execute("ROLLBACK").await;
        }
        done
    }

    async fn work(&mut self, queued: &[Queued]) -> Result<(Plan, Vec<CommandResult>), Fault> {
        let loaded = self.load(queued).await?;
        let commands = queued.iter().map(|(command, _)| command.as_ref());
        let (plan, outcomes) = plan(commands, loaded, &self.ids)?;
        let rows = plan.values();
        let changes = self.changes(&rows).await?;
        let client = &self.client;
        let beat = if self.signals.is_failing() { WRITE_PROBE } else { "" };
        // Pipelined: one round trip for all. The first fault in this order is the true one.
        let writes = changes.iter().map(|change| write_rows(client, change));
        let (written, beat, commit) = tokio::join!(
            biased;
            join_all(writes),
            async { Ok(client.batch_execute(beat).await?) },
            self.commit_unless_audited(&plan),
        );
        let done = written.into_iter().chain([beat, commit]).collect::<Result<(), Fault>>();
        done.map_err(Fault::at_commit)?;
        if !plan.audits.is_empty() {
            self.add_audits(&plan).await?;
            let commit = self.client.batch_execute(commit_text(&plan)).await;
            commit.map_err(|error| Fault::from(error).at_commit())?;
        }
        Ok((plan, outcomes))
    }

    /// The statements that write these rows, those of each of [`WRITES`] together.
    async fn changes<'a>(&mut self, rows: &'a [Vec<Values>]) -> Result<Vec<Change<'a>>, Fault> {
        let mut changes = Vec::new();
        for ((index, write), mut rows) in
            WRITES.iter().enumerate().zip(rows.iter().map(Vec::as_slice))
        {
            while !rows.is_empty() {
                let (these, others) = match &self.writes {
                    Writes::Many(_) => (rows, &[][..]),
                    Writes::OfTenant(_) => rows.split_at(write.rows_of_tenant(rows.len())),
                };
                rows = others;
                let text = match &mut self.writes {
                    Writes::Many(texts) => texts[index].clone(),
                    Writes::OfTenant(texts) => match texts.entry((index, these.len())) {
                        Entry::Occupied(text) => text.get().clone(),
                        Entry::Vacant(place) => {
                            let text = self.client.prepare(&write.of_tenant(these.len())).await?;
                            place.insert(text).clone()
                        }
                    },
                };
                let parameters = match &self.writes {
                    Writes::Many(_) => columns(these),
                    Writes::OfTenant(_) => values_of_tenant(these),
                };
                let rows = write.touches_all().then_some(these.len() as u64);
                changes.push(Change { text, parameters, rows });
            }
        }
        Ok(changes)
    }

    /// Commits, unless entries of audit chains are still to come.
    async fn commit_unless_audited(&self, plan: &Plan) -> Result<(), Fault> {
        if plan.audits.is_empty() {
            self.client.batch_execute(commit_text(plan)).await?;
        }
        Ok(())
    }

    /// Adds the entries of audit chains, by tenant, after everything else: who holds a chain's head waits for nobody.
    async fn add_audits(&self, plan: &Plan) -> Result<(), Fault> {
        for (tenant_id, entry) in &plan.audits {
            let statements = audit::add(*tenant_id, entry);
            for (prepared, statement) in self.audit.iter().zip(&statements) {
                let touched = self.client.execute(prepared, &parameters(&statement.values)).await?;
                if touched != 1 {
                    return Err(Fault::new(FaultKind::Damaged, "an audit chain has no head"));
                }
            }
        }
        Ok(())
    }

    async fn load(&self, queued: &[Queued]) -> Result<Loaded, Fault> {
        let mut loaded = Loaded::default();
        let keys: BTreeSet<OrderKey> = queued
            .iter()
            .map(|(command, _)| command)
            .filter(|command| !matches!(command.command().action, Action::Place { .. }))
            .map(|command| command.key())
            .collect();
        let tenants: Vec<i64> = keys.iter().map(|key| key.tenant_id.0).collect();
        let orders: Vec<i64> = keys.iter().map(|key| key.order_id.0).collect();
        let keys: [&(dyn ToSql + Sync); 2] = match (&self.writes, tenants.first()) {
            (Writes::OfTenant(_), Some(tenant_id)) => [tenant_id, &orders],
            _ => [&tenants, &orders],
        };
        let (begun, found) = tokio::join!(
            biased;
            self.client.batch_execute("BEGIN"),
            async {
                match orders.is_empty() {
                    true => Ok(Vec::new()),
                    false => self.client.query(&self.lock_orders, &keys).await,
                }
            },
        );
        begun?;
        for found in found? {
            let order = OrderRow::read(&row(&found)?)?;
            let key = OrderKey { tenant_id: order.tenant_id, order_id: order.order_id };
            loaded.orders.insert(key, order);
        }
        for (command, _) in queued {
            self.load_extra(&mut loaded, command).await?;
        }
        Ok(loaded)
    }

    async fn load_extra(&self, loaded: &mut Loaded, command: &QueuedCommand) -> Result<(), Fault> {
        let tenant_id = command.key().tenant_id.0;
        if let Some(key) = command.idempotency {
            let values = values![tenant_id, key.actor_id.0, key.key_digest.as_slice()];
            for found in self.client.query(rows::FIND_USED_KEY, &parameters(&values)).await? {
                let found = row(&found)?;
                let used = (digest(found.bytes(0)?)?, found.find_int(1)?.map(Id));
                loaded.used_keys.insert((key.actor_id, key.key_digest), used);
            }
        }
        let key = command.key();
        match command.command().action {
            Action::Progress(mark) => {
                let values = values![key.tenant_id.0, key.order_id.0, mark.stage.as_slice()];
                for found in self.client.query(rows::FIND_STAGE, &parameters(&values)).await? {
                    loaded.stages.insert((key, mark.stage), digest(row(&found)?.bytes(0)?)?);
                }
            }
            Action::Result => {
                let several = loaded.orders.get(&key).filter(|order| order.result_count > 1);
                let Some(order) = several else { return Ok(()) };
                let (mut digests, mut entry_id) = (Vec::new(), order.entry_last);
                loop {
                    let values = values![key.tenant_id.0, entry_id.0];
                    let found = self.client.query(rows::FIND_LINK, &parameters(&values)).await?;
                    let Some(found) = found.first() else { break };
                    entry_id = rows::follow_link(&row(found)?, &mut digests)?;
                }
                loaded.results.insert(key, digests);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Locks the orders of a batch in the order of their keys, and reads them as they are then.
pub(crate) const LOCK_ORDERS: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM unnest($1::bigint[], $2::bigint[]) AS k (tenant_id, order_id) \
     JOIN orders o ON o.tenant_id = k.tenant_id AND o.order_id = k.order_id \
     ORDER BY o.tenant_id, o.order_id FOR UPDATE OF o"
);

pub(crate) const LOCK_ORDERS_OF_TENANT: &str = formatcp!(
    "SELECT {ORDER_COLUMNS} FROM orders o WHERE o.tenant_id = $1 AND o.order_id = ANY($2::bigint[]) \
     ORDER BY o.order_id FOR UPDATE"
);

/// Commits, and wakes the workers of all replicas when there is work for them.
fn commit_text(plan: &Plan) -> &'static str {
    match (plan.has_deliveries(), plan.has_fetches()) {
        (false, false) => "COMMIT",
        (true, false) => "NOTIFY probity_deliveries; COMMIT",
        (false, true) => "NOTIFY probity_reports; COMMIT",
        (true, true) => "NOTIFY probity_deliveries; NOTIFY probity_reports; COMMIT",
    }
}

/// Takes a node number that no other process of the installation holds while this connection lives.
async fn claim_node(client: &Client) -> Result<u8, Fault> {
    for node in 0..NODES {
        let taken = client
            .query_one("SELECT pg_try_advisory_lock($1, $2)", &[&NODE_LOCKS, &i32::from(node)])
            .await?;
        if taken.get::<_, bool>(0) {
            return Ok(node);
        }
    }
    Err(Fault::new(
        FaultKind::Storage,
        format_args!("expected at most {NODES} processes on one database"),
    ))
}

fn columns(rows: &[Values]) -> Vec<Box<dyn ToSql + Sync + Send + '_>> {
    let column = |index: usize| rows.iter().map(|row| &row[index]).collect::<Vec<&Value>>();
    let count = rows.first().map_or(0, Vec::len);
    (0..count).map(|index| Box::new(column(index)) as _).collect()
}

fn values_of_tenant(rows: &[Values]) -> Vec<Box<dyn ToSql + Sync + Send + '_>> {
    let tenant = rows.iter().take(1).flat_map(|row| &row[..1]);
    tenant.chain(rows.iter().flat_map(|row| &row[1..])).map(|value| Box::new(value) as _).collect()
}

async fn write_rows(client: &Client, change: &Change<'_>) -> Result<(), Fault> {
    let parameters = change.parameters.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync));
    let parameters = parameters.collect::<Vec<_>>();
    let touched = client.execute(&change.text, &parameters).await?;
    if change.rows.is_some_and(|rows| touched != rows) {
        // The commit is on its way already, so that this is no fault after which a command may be tried again.
        return Err(Fault::new(FaultKind::Storage, "a row that was locked is not there to change"));
    }
    Ok(())
}

/// Serves what waits for one desk; reconnects at once, since the connection holds the node number of the ids.
pub(super) async fn run(
    desk: Desk,
    opening: Opening,
    mut waiting: mpsc::UnboundedReceiver<Queued>,
) {
    let _end = EndWithWriter;
    let mut desk = Some(desk);
    loop {
        let mut queued = match tokio::time::timeout(LOOK_EVERY, waiting.recv()).await {
            Ok(Some(first)) => vec![first],
            Ok(None) => return,
            Err(_) if desk.as_ref().is_none_or(|desk| desk.is_over(&opening)) => Vec::new(),
            Err(_) => continue,
        };
        while queued.len() < BATCH_MAX
            && let Ok(next) = waiting.try_recv()
        {
            queued.push(next);
        }
        serve_opened(&mut desk, &opening, queued).await;
    }
}

pub(super) async fn serve_opened(desk: &mut Option<Desk>, opening: &Opening, queued: Vec<Queued>) {
    if desk.as_ref().is_none_or(|desk| desk.is_over(opening)) {
        match opening.open().await {
            Ok(opened) => *desk = Some(opened),
            Err(fault) => {
                opening.signals.note_commit(false);
                tracing::error!(%fault, "postgresql cannot be reached, nothing is acknowledged");
                refuse(queued, &fault);
                pause(RECONNECT_AFTER).await;
                return;
            }
        }
    }
    if let Some(desk) = desk.as_mut().filter(|_| !queued.is_empty()) {
        serve(desk, opening, queued).await;
    }
}

async fn serve(desk: &mut Desk, opening: &Opening, queued: Vec<Queued>) {
    let mut batches = vec![(queued, TRIES)];
    while let Some((queued, tries)) = batches.pop() {
        match desk.commit(&queued).await {
            Ok((plan, outcomes)) => {
                desk.signals.note_commit(true);
                if plan.has_deliveries() {
                    desk.signals.wake_deliveries();
                }
                if plan.has_fetches() {
                    desk.signals.wake_reports();
                }
                for ((_, answer), outcome) in queued.into_iter().zip(outcomes) {
                    let _ = answer.send(Ok(outcome));
                }
            }
            // Nothing was written there, and another session may do.
            Err(fault) if fault.is_session_over() && may_work_later(&fault) && tries > 1 => {
                opening.sessions.renew(desk.generation);
                if let Ok(opened) = opening.open().await {
                    *desk = opened;
                }
                batches.push((queued, tries - 1));
            }
            Err(fault) if fault.kind() != FaultKind::Storage && queued.len() > 1 => {
                tracing::warn!(%fault, "a batch is tried again one by one");
                batches.extend(queued.into_iter().rev().map(|one| (vec![one], TRIES)));
            }
            Err(fault) if may_work_later(&fault) && tries > 1 => batches.push((queued, tries - 1)),
            Err(fault) => {
                if fault.is_session_over() {
                    opening.sessions.renew(desk.generation);
                }
                if fault.kind() == FaultKind::Storage {
                    desk.signals.note_commit(false);
                    tracing::error!(%fault, "storage failed, no call is acknowledged until a commit works");
                }
                refuse(queued, &fault);
            }
        }
    }
}

/// Whether what stood in the way may have been another replica's row, or a session of no use.
fn may_work_later(fault: &Fault) -> bool {
    fault.kind() == FaultKind::Constraint || fault.may_work_on_another_try()
}

fn refuse(queued: Vec<Queued>, fault: &Fault) {
    for (_, answer) in queued {
        let _ = answer.send(Err(fault.clone()));
    }
}
