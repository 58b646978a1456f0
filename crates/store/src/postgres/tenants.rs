//! The desk where tables are distributed by tenant: one transaction for each tenant, many at once.
//!
//! So a transaction stays on the tenant's node, without two-phase commit. Commands that wait meanwhile share the next
//! one.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use domain::TenantId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::connect::pause;
use super::desk::{Desk, LOOK_EVERY, Opening, Queued, serve_opened};
use crate::desk::BATCH_MAX;
use crate::engine::EndWithWriter;

/// Transactions at once, each on a session of its own that is opened when it is first needed.
const AT_ONCE: usize = 8;

struct Worker {
    desk: Option<Desk>,
    opening: Arc<Opening>,
}

#[derive(Default)]
struct Queues {
    of: HashMap<TenantId, VecDeque<Queued>>,
    /// Tenants of which something waits and nothing is worked on, who waits longest first.
    ready: VecDeque<TenantId>,
}

impl Queues {
    fn push(&mut self, queued: Queued) {
        let tenant_id = queued.0.key().tenant_id;
        match self.of.entry(tenant_id) {
            Entry::Occupied(mut queue) => queue.get_mut().push_back(queued),
            Entry::Vacant(place) => {
                place.insert(VecDeque::from([queued]));
                self.ready.push_back(tenant_id);
            }
        }
    }

    fn take(&mut self) -> Option<(TenantId, Vec<Queued>)> {
        let tenant_id = self.ready.pop_front()?;
        let queue = self.of.get_mut(&tenant_id)?;
        let count = queue.len().min(BATCH_MAX);
        Some((tenant_id, queue.drain(..count).collect()))
    }

    fn end(&mut self, tenant_id: TenantId) {
        match self.of.get(&tenant_id) {
            Some(queue) if !queue.is_empty() => self.ready.push_back(tenant_id),
            _ => drop(self.of.remove(&tenant_id)),
        }
    }
}

/// Serves what waits until nobody can ask any more. The session of `desk` holds the node number of the ids.
pub(super) async fn run(
    desk: Desk,
    opening: Opening,
    mut waiting: mpsc::UnboundedReceiver<Queued>,
) {
    let _end = EndWithWriter;
    let further = Arc::new(Opening { claims_node: false, ..opening.clone() });
    let unopened = || Worker { desk: None, opening: Arc::clone(&further) };
    let mut idle: Vec<_> = std::iter::repeat_with(unopened).take(AT_ONCE - 1).collect();
    // The last one is taken first, so that no more are opened than are needed at once.
    idle.push(Worker { desk: Some(desk), opening: Arc::new(opening) });
    let (mut queues, mut running, mut may_come) = (Queues::default(), JoinSet::new(), true);
    while may_come || !queues.of.is_empty() {
        while !queues.ready.is_empty()
            && let Some(worker) = idle.pop()
        {
            let Some((tenant_id, batch)) = queues.take() else { break };
            running.spawn(work(worker, Some(tenant_id), batch));
        }
        tokio::select! {
            queued = waiting.recv(), if may_come => match queued {
                Some(queued) => {
                    queues.push(queued);
                    while let Ok(queued) = waiting.try_recv() {
                        queues.push(queued);
                    }
                }
                None => may_come = false,
            },
            Some(done) = running.join_next() => {
                let Ok((worker, tenant_id)) = done else { return };
                idle.push(worker);
                if let Some(tenant_id) = tenant_id {
                    queues.end(tenant_id);
                }
            }
            () = pause(LOOK_EVERY) => {
                // Opened again at once where it holds the node number; any other when it is needed.
                let is_over = |worker: &Worker| {
                    worker.opening.claims_node && worker.is_over()
                };
                if let Some(index) = idle.iter().position(is_over) {
                    running.spawn(work(idle.remove(index), None, Vec::new()));
                }
            }
        }
    }
}

impl Worker {
    fn is_over(&self) -> bool {
        self.desk.as_ref().is_none_or(|desk| desk.is_over(&self.opening))
    }
}

async fn work(
    mut worker: Worker,
    tenant_id: Option<TenantId>,
    batch: Vec<Queued>,
) -> (Worker, Option<TenantId>) {
    let _end = EndWithWriter;
    serve_opened(&mut worker.desk, &worker.opening, batch).await;
    (worker, tenant_id)
}
