//! Small caches of rows that nearly every call needs and hardly any changes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

const ROWS_MAX: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Cache<K, V>(RwLock<Held<K, V>>);

#[derive(Debug)]
struct Held<K, V> {
    rows: HashMap<K, V>,
    generation: u64,
    is_listening: bool,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Cache<K, V> {
        Cache(RwLock::new(Held { rows: HashMap::new(), generation: 0, is_listening: false }))
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// The row, or the generation to hand in with it after it was read.
    pub(crate) fn find(&self, key: &K) -> Result<V, u64> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.rows.get(key).cloned().ok_or(held.generation)
    }

    pub(crate) fn keep(&self, key: K, row: V, generation: u64) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.generation != generation || !held.is_listening {
            return;
        }
        if held.rows.len() >= ROWS_MAX {
            held.rows.clear();
        }
        held.rows.insert(key, row);
    }

    pub(crate) fn forget(&self, key: &K) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.generation += 1;
        held.rows.remove(key);
    }

    pub(crate) fn set_listening(&self, is_listening: bool) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.is_listening != is_listening {
            held.is_listening = is_listening;
            held.generation += 1;
            held.rows.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_changed_while_it_was_read_is_not_kept() {
        let cache = Cache::default();
        cache.set_listening(true);
        let generation = cache.find(&1).unwrap_err();
        cache.forget(&1);
        cache.keep(1, "old", generation);
        let generation = cache.find(&1).unwrap_err();
        cache.keep(1, "new", generation);
        assert_eq!(cache.find(&1), Ok("new"));
    }

    #[test]
    fn nothing_is_kept_while_changes_are_not_received() {
        let cache = Cache::default();
        cache.keep(1, "before", cache.find(&1).unwrap_err());
        cache.set_listening(true);
        let generation = cache.find(&1).unwrap_err();
        cache.keep(1, "kept", generation);
        cache.set_listening(true);
        assert_eq!(cache.find(&1), Ok("kept"));
        cache.set_listening(false);
        cache.keep(1, "meanwhile", cache.find(&1).unwrap_err());
        assert!(cache.find(&1).is_err());
    }
}
