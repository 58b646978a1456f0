//! How orders stand after what was acknowledged and is not in the database yet.

use std::collections::{HashMap, VecDeque};

use domain::order::{Action, Digest};

use crate::desk::plan::Plan;
use crate::desk::{OrderKey, QueuedCommand};
use crate::rows::OrderRow;

/// The orders and stages of the batches that the writer has not written yet.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    orders: HashMap<OrderKey, (u64, OrderRow)>,
    stages: HashMap<(OrderKey, Digest), Digest>,
    batches: VecDeque<Batch>,
    bytes: usize,
}

/// What one batch brought.
#[derive(Debug)]
struct Batch {
    number: u64,
    bytes: usize,
    orders: Vec<OrderKey>,
    stages: Vec<(OrderKey, Digest)>,
}

impl Overlay {
    /// Adds what a batch did.
    pub(super) fn add(&mut self, number: u64, plan: &Plan, bytes: usize) {
        let mut batch = Batch { number, bytes, orders: Vec::new(), stages: Vec::new() };
        for row in &plan.changed {
            let key = OrderKey { tenant_id: row.tenant_id, order_id: row.order_id };
            self.orders.insert(key, (number, row.clone()));
            batch.orders.push(key);
        }
        for row in &plan.stages {
            let key = OrderKey { tenant_id: row.tenant_id, order_id: row.order_id };
            self.stages.insert((key, row.stage), row.digest);
            batch.stages.push((key, row.stage));
        }
        self.bytes += bytes;
        self.batches.push_back(batch);
    }

    /// Forgets what is in the database: every batch up to this one.
    pub(super) fn forget(&mut self, applied: u64) {
        while self.batches.front().is_some_and(|batch| batch.number <= applied) {
            let Some(batch) = self.batches.pop_front() else { return };
            for key in batch.orders {
                // A later batch may have changed the order again.
                if self.orders.get(&key).is_some_and(|(number, _)| *number == batch.number) {
                    self.orders.remove(&key);
                }
            }
            for key in batch.stages {
                self.stages.remove(&key);
            }
            self.bytes -= batch.bytes;
        }
    }

    /// The order, if a batch changed it.
    pub(super) fn order(&self, key: OrderKey) -> Option<&OrderRow> {
        self.orders.get(&key).map(|(_, row)| row)
    }

    /// The digest of the call that brought a stage, if one of the batches did.
    pub(super) fn stage(&self, key: OrderKey, stage: Digest) -> Option<Digest> {
        self.stages.get(&(key, stage)).copied()
    }

    /// Whether one of the commands needs several results of an order, of which some are only here: the
    /// timeline alone says all of them.
    pub(super) fn hides_results<'a>(
        &self,
        commands: impl Iterator<Item = &'a QueuedCommand>,
    ) -> bool {
        let mut results =
            commands.filter(|command| matches!(command.command().action, Action::Result));
        !self.orders.is_empty()
            && results.any(|command| {
                self.order(command.key()).is_some_and(|order| order.result_count > 1)
            })
    }

    /// The length of the batches in the log.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The number of the newest batch.
    pub(super) fn newest(&self) -> Option<u64> {
        self.batches.back().map(|batch| batch.number)
    }
}
