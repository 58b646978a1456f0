//! When keys of the control API were last used: noted in memory and recorded once a minute, so that no call waits for a
//! write; a process that is killed forgets the last minute.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{Id, UnixMs};
use store::{Fault, Store};

/// The last use of each key since it was recorded.
#[derive(Debug, Default)]
pub struct KeyUses(Mutex<HashMap<Id, UnixMs>>);

impl KeyUses {
    /// Notes a use of the key.
    pub fn note(&self, key_id: Id, now: UnixMs) {
        self.lock().insert(key_id, now);
    }

    /// When the key was last used, if that was since the last record.
    pub fn last(&self, key_id: Id) -> Option<UnixMs> {
        self.lock().get(&key_id).copied()
    }

    /// Records all of it; what is noted meanwhile waits for the next time.
    pub async fn record(&self, store: &Store) -> Result<(), Fault> {
        let uses: Vec<_> = self.lock().iter().map(|(key_id, at)| (*key_id, *at)).collect();
        if uses.is_empty() {
            return Ok(());
        }
        store.note_key_uses(&uses).await?;
        let mut noted = self.lock();
        for (key_id, at) in uses {
            if noted.get(&key_id) == Some(&at) {
                noted.remove(&key_id);
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, UnixMs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
