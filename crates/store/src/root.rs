//! The root key: which one is in force, and its change while everybody works.
//!
//! A store has a ring of the root keys that its process was given; the one that opens the installation's row is in
//! force and wraps every tenant's key. A rotation rewraps the installation's secret and all tenants' keys in one
//! transaction. Who wraps a tenant's key locks the row's generation, so that no key is wrapped under an old root key;
//! within a process both take turns. A replica that cannot open a key asks its source for the root keys again.

use std::sync::{Arc, PoisonError, RwLock};

use contract::evidence::AuditAct;
use contract::hex::to_hex;
use domain::{TenantId, UnixMs};
use tokio::sync::{RwLock as AsyncRwLock, RwLockReadGuard};

use crate::audit::{self, By};
use crate::fault::{Fault, FaultKind};
use crate::seal::{Key, RowContext};
use crate::tenants::key_context;
use crate::value::{Statement, any, one, values};
use crate::{Engine, Opening, Store, read, write};

const FIND: &str =
    "SELECT sealed, root_generation, root_key_id FROM installation WHERE installation_id = 1";
const INSERT: &str = "INSERT INTO installation (installation_id, sealed, created_at) \
    VALUES (1, $1, $2) ON CONFLICT DO NOTHING";
const NAME: &str =
    "UPDATE installation SET root_key_id = $1 WHERE installation_id = 1 AND root_key_id IS NULL";
/// Keeps a rotation from passing while a key is wrapped, and fails after one.
const HOLD: &str = "UPDATE installation SET root_generation = root_generation \
    WHERE installation_id = 1 AND root_generation = $1";
const LIST_WRAPPED: &str = "SELECT tenant_id, wrapped_key FROM tenants ORDER BY tenant_id";
const ROTATE: &str = "UPDATE installation SET sealed = $1, root_key_id = $2, \
    root_generation = root_generation + 1 WHERE installation_id = 1 AND root_generation = $3";
const REWRAP: &str = "UPDATE tenants SET wrapped_key = $1 WHERE tenant_id = $2";
/// One row, unless a tenant came while the keys were wrapped anew.
const IS_COUNT: &str = "SELECT 1 WHERE (SELECT count(*) FROM tenants) = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[FIND, INSERT, NAME, HOLD, LIST_WRAPPED, ROTATE, REWRAP, IS_COUNT];

/// How often a change is begun anew that meets one of another replica.
const TRIES: usize = 5;

/// Asks the process's source of root keys for what it gives now; nothing when it fails.
pub type Reload = Arc<dyn Fn() -> Vec<Key> + Send + Sync>;

/// The root keys that a process was given; the one in force is found by the installation's row.
#[derive(Clone)]
pub struct RootKeys {
    keys: Vec<Key>,
    reload: Option<Reload>,
}

impl RootKeys {
    /// These keys. Before a rotation there are two: the present one and the next.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> RootKeys {
        RootKeys { keys, reload: None }
    }

    /// The same, and where to ask again when another replica changed the root key. May block.
    #[must_use]
    pub fn reloaded_by(self, reload: Reload) -> RootKeys {
        RootKeys { reload: Some(reload), ..self }
    }
}

impl From<Key> for RootKeys {
    fn from(key: Key) -> RootKeys {
        RootKeys::new(vec![key])
    }
}

/// What came of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Distinguishes the new root key from others; see [`root_key_id`].
    pub key_id: String,
    /// How often the root key was changed since the installation was made.
    pub generation: i64,
    /// How many tenants' keys were wrapped anew.
    pub tenant_count: usize,
}

/// What says a root key from others without saying anything of it: 8 hex digits of a keyed hash.
#[must_use]
pub fn root_key_id(key: &Key) -> String {
    let id = key.derive("root key id");
    to_hex(&id.bytes()[..4])
}

pub(crate) struct KeyRing {
    loaded: RwLock<LoadedKeys>,
    reload: Option<Reload>,
    turns: AsyncRwLock<()>,
}

struct LoadedKeys {
    keys: Vec<Key>,
    present: usize,
    generation: i64,
}

impl KeyRing {
    /// Opens the installation, which is made at the first start; gives its secret too, and what is lost when one was
    /// there. [`FaultKind::WrongRootKey`] when no key opens it, [`FaultKind::Lost`] when there is none and one was
    /// there.
    pub(crate) async fn open(
        engine: &Engine,
        root: RootKeys,
        now: UnixMs,
        opening: &Opening,
    ) -> Result<(KeyRing, Key, Option<String>), Fault> {
        let none = || Fault::new(FaultKind::WrongRootKey, "expected a root key, found none");
        let mut loss = None;
        if read(engine, FIND, Vec::new()).await?.is_empty() {
            loss = opening.loss("the database holds no installation");
            if let Some(loss) = loss.as_ref().filter(|_| !opening.may_lose) {
                return Err(Fault::new(FaultKind::Lost, loss));
            }
            let sealed = root.keys.first().ok_or_else(none)?.seal(context(), Key::random().bytes());
            write(engine, vec![any(INSERT, values![sealed, now.0])]).await?;
        }
        let row = Installation::read(engine).await?;
        let (present, secret) = row.open(&root.keys).ok_or_else(|| row.wrong(&root.keys))?;
        if row.key_id.is_none() {
            let key_id = root_key_id(&root.keys[present]);
            write(engine, vec![any(NAME, values![key_id])]).await?;
        }
        let loaded = LoadedKeys { keys: root.keys, present, generation: row.generation };
        let turns = AsyncRwLock::new(());
        Ok((KeyRing { loaded: RwLock::new(loaded), reload: root.reload, turns }, secret, loss))
    }

    fn present(&self) -> (Key, i64) {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        (loaded.keys[loaded.present].clone(), loaded.generation)
    }

    fn keys(&self) -> Vec<Key> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).keys.clone()
    }

    fn add(&self, keys: Vec<Key>) {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if loaded.keys.iter().all(|known| known.bytes() != key.bytes()) {
                loaded.keys.push(key);
            }
        }
    }

    fn note(&self, present: usize, generation: i64) {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        // What was found earlier does not overtake what was found later.
        if generation >= loaded.generation {
            (loaded.present, loaded.generation) = (present, generation);
        }
    }
}

struct Installation {
    sealed: Vec<u8>,
    generation: i64,
    key_id: Option<String>,
}

impl Installation {
    async fn read(engine: &Engine) -> Result<Installation, Fault> {
        let rows = read(engine, FIND, Vec::new()).await?;
        let gone = || Fault::new(FaultKind::Damaged, "the installation has no row");
        let row = rows.first().ok_or_else(gone)?;
        Ok(Installation {
            sealed: row.bytes(0)?.to_vec(),
            generation: row.int(1)?,
            key_id: row.find_text(2)?,
        })
    }

    fn open(&self, keys: &[Key]) -> Option<(usize, Key)> {
        let opened = keys.iter().map(|key| key.open_key(context(), &self.sealed).ok());
        opened.enumerate().find_map(|(index, secret)| Some((index, secret?)))
    }

    fn wrong(&self, keys: &[Key]) -> Fault {
        let found: Vec<String> = keys.iter().map(root_key_id).collect();
        let found = found.join(" and ");
        let expected = self.key_id.as_deref().unwrap_or("unknown");
        Fault::new(
            FaultKind::WrongRootKey,
            format_args!(
                "the root key is not the one of this installation: expected the key with the id {expected}, \
                 found {found}"
            ),
        )
    }
}

impl Store {
    /// Opens a key that the root key wraps; asks for the root keys again when it was changed elsewhere.
    /// [`FaultKind::Damaged`] when it was altered, [`FaultKind::WrongRootKey`] when the new root key is not at
    /// hand.
    pub(crate) async fn open_under_root(
        &self,
        at: RowContext,
        wrapped: &[u8],
    ) -> Result<Key, Fault> {
        let open = |keys: Vec<Key>| keys.iter().find_map(|key| key.open_key(at, wrapped).ok());
        if let Some(key) = open(self.ring.keys()) {
            return Ok(key);
        }
        self.refresh_root().await?;
        let damaged = || Fault::new(FaultKind::Damaged, "a wrapped key does not open");
        open(self.ring.keys()).ok_or_else(damaged)
    }

    pub(crate) async fn hold_off_rotations(&self) -> RwLockReadGuard<'_, ()> {
        self.ring.turns.read().await
    }

    pub(crate) fn hold_root(&self) -> (Statement, Key) {
        let (key, generation) = self.ring.present();
        (one(HOLD, values![generation]), key)
    }

    pub(crate) async fn refresh_root(&self) -> Result<(), Fault> {
        let row = Installation::read(&self.engine).await?;
        if row.open(&self.ring.keys()).is_none()
            && let Some(reload) = self.ring.reload.clone()
        {
            let keys = tokio::task::spawn_blocking(move || reload()).await.unwrap_or_default();
            self.ring.add(keys);
        }
        let keys = self.ring.keys();
        let (present, _) = row.open(&keys).ok_or_else(|| row.wrong(&keys))?;
        self.ring.note(present, row.generation);
        Ok(())
    }

    /// The id of the root key in force; see [`root_key_id`].
    #[must_use]
    pub fn present_root_key_id(&self) -> String {
        root_key_id(&self.ring.present().0)
    }

    /// The same after asking the database; [`FaultKind::WrongRootKey`] when none of the keys at
    /// hand is in force.
    pub async fn find_root_key_id(&self) -> Result<String, Fault> {
        self.refresh_root().await?;
        Ok(self.present_root_key_id())
    }

    /// Makes `next` the root key: rewraps the installation's secret and every tenant's key, audited, in one
    /// transaction. `next` must be stored before. [`FaultKind::Contention`] when other replicas made tenants too fast;
    /// after other faults either key may be in force.
    pub async fn rotate_root_key(&self, by: By, next: &Key) -> Result<Rotated, Fault> {
        // First of all: when the commit's answer is lost, both are at hand.
        self.ring.add(vec![next.clone()]);
        let _turn = self.ring.turns.write().await;
        for _ in 0..TRIES {
            self.refresh_root().await?;
            let (mut statements, generation, tenant_count) = self.rotation(next).await?;
            let mut entry = by.did(AuditAct::KeyRotated);
            entry.details.insert("key_id".to_owned(), root_key_id(next));
            statements.extend(audit::add(audit::OPERATOR, &entry));
            let written = self.write(statements).await;
            self.refresh_root().await?;
            if written?.is_done() {
                let key_id = root_key_id(next);
                return Ok(Rotated { key_id, generation: generation + 1, tenant_count });
            }
        }
        Err(Fault::new(FaultKind::Contention, "tenants came while their keys were wrapped anew"))
    }

    async fn rotation(&self, next: &Key) -> Result<(Vec<Statement>, i64, usize), Fault> {
        let row = Installation::read(&self.engine).await?;
        let keys = self.ring.keys();
        let (_, secret) = row.open(&keys).ok_or_else(|| row.wrong(&keys))?;
        let wrapped = self.read(LIST_WRAPPED, Vec::new()).await?;
        let sealed = next.seal(context(), secret.bytes());
        let mut statements = vec![one(ROTATE, values![sealed, root_key_id(next), row.generation])];
        for row in &wrapped {
            let tenant_id = TenantId(row.int(0)?);
            let key = self.open_under_root(key_context(tenant_id), row.bytes(1)?).await?;
            let sealed = next.seal(key_context(tenant_id), key.bytes());
            statements.push(one(REWRAP, values![sealed, tenant_id.0]));
        }
        let count = i64::try_from(wrapped.len()).unwrap_or(i64::MAX);
        statements.push(one(IS_COUNT, values![count]));
        Ok((statements, row.generation, wrapped.len()))
    }
}

fn context() -> RowContext {
    RowContext::new("installation", TenantId(0), 1)
}
