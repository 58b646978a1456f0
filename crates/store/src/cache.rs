//! Small caches of rows that nearly every call needs and hardly any changes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

/// The most rows that are kept; beyond it the cache starts anew.
const ROWS_MAX: usize = 100_000;

/// Rows by key, with a generation that tells whether something changed while a row was being read.
#[derive(Debug)]
pub(crate) struct Cache<K, V>(RwLock<Held<K, V>>);

#[derive(Debug)]
struct Held<K, V> {
    rows: HashMap<K, V>,
    generation: u64,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Cache<K, V> {
        Cache(RwLock::new(Held { rows: HashMap::new(), generation: 0 }))
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// The row, or the generation to hand in with it after it was read.
    pub(crate) fn find(&self, key: &K) -> Result<V, u64> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.rows.get(key).cloned().ok_or(held.generation)
    }

    /// Keeps a row that was read, unless something changed since `generation`.
    pub(crate) fn keep(&self, key: K, row: V, generation: u64) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.generation != generation {
            return;
        }
        if held.rows.len() >= ROWS_MAX {
            held.rows.clear();
        }
        held.rows.insert(key, row);
    }

    /// Forgets one row, and whatever is being read at the moment.
    pub(crate) fn forget(&self, key: &K) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.generation += 1;
        held.rows.remove(key);
    }

    /// Forgets all rows.
    pub(crate) fn forget_all(&self) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.generation += 1;
        held.rows.clear();
    }
}
