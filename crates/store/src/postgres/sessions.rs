//! The sessions that reads and writes share, and when all of them are left.
//!
//! A session can stay open and be useless: its server was demoted, or a pooler lost what was behind it. Then the
//! generation is renewed: every older session is closed instead of reused. New ones come only from a server that
//! takes writes.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use tokio_postgres::Config;

use super::connect::{SESSION_TIME, tls};
use crate::fault::{Fault, FaultKind};

const SESSIONS_MAX: usize = 8;
/// How long a free session is waited for.
const WAIT_TIME: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Sessions {
    pool: Pool,
    generation: Arc<AtomicU64>,
}

impl Sessions {
    /// No session yet: each is opened when it is first needed.
    pub(super) fn new(config: &Config) -> Result<Sessions, Fault> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config.clone(), tls(), recycling))
            .max_size(SESSIONS_MAX)
            .wait_timeout(Some(WAIT_TIME))
            .create_timeout(Some(SESSION_TIME))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Fault::new(FaultKind::Storage, format_args!("no pool: {error}")))?;
        Ok(Sessions { pool, generation: Arc::default() })
    }

    pub(super) async fn get(&self) -> Result<Session, Fault> {
        let generation = self.generation();
        let object = self.pool.get().await?;
        Ok(Session { object: Some(object), generation, present: Arc::clone(&self.generation) })
    }

    /// Which sessions are used now: those that were opened under this number.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(super) fn renew(&self, generation: u64) {
        let next = generation + 1;
        let order = Ordering::SeqCst;
        if self.generation.compare_exchange(generation, next, order, order).is_ok() {
            tracing::warn!(
                "the sessions of postgresql are left, and opened anew where it takes writes"
            );
            self.pool.retain(|_, _| false);
        }
    }
}

/// A session on loan. It goes back to the pool, or is closed when its generation has passed.
pub(super) struct Session {
    object: Option<Object>,
    pub(super) generation: u64,
    present: Arc<AtomicU64>,
}

impl Deref for Session {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        self.object.as_ref().expect("it is on loan until it is dropped")
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        self.object.as_mut().expect("it is on loan until it is dropped")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.present.load(Ordering::SeqCst) != self.generation
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}
