//! The memory of Probity: the only crate that knows SQL.
//!
//! A [`Store`] stands on SQLite or on PostgreSQL and behaves alike on both. Its guarantees:
//!
//! - An order changes only through [`Store::command`], which answers after the commit, never before.
//! - Whatever is written together stands or falls together: an order's state, its timeline entry, its reports
//!   and its events; any other write with the events that it causes.
//! - On SQLite one thread decides and writes, and answers after its commit; PostgreSQL locks
//!   an order's row before it decides. So commands on one order have one legal sequence, on every engine and any
//!   number of replicas. A SQLite file belongs to one process at a time.
//! - After a failed commit the store says so ([`Store::is_failing`]) until a real commit has worked.
//! - Reads see what was acknowledged before they began.
//! - Personal data is sealed before it reaches the engine.

pub mod accounts;
pub mod alerts;
pub mod answers;
pub mod api_keys;
mod app;
mod app_audit;
mod app_secrets;
pub mod apps;
pub mod audit;
pub mod backup;
mod by_tenant;
mod cache;
pub mod candidates;
pub mod claims;
pub mod connections;
pub mod content;
pub mod deliveries;
mod desk;
mod dispatch;
mod engine;
pub mod erasing;
pub mod events;
mod fault;
pub mod fetch_queues;
pub mod files;
pub mod forms;
pub mod grants;
pub mod installations;
mod leases;
pub mod manifests;
mod migrate;
pub mod order_pages;
pub mod orders;
pub mod pauses;
mod postgres;
pub mod report_versions;
pub mod reports;
pub mod resend;
pub mod retention;
mod root;
mod rows;
mod seal;
pub mod signing;
mod sqlite;
#[cfg(test)]
mod statements;
mod states;
pub mod storage_use;
#[cfg(test)]
mod tenant_rules;
pub mod tenants;
pub mod tickets;
pub mod tokens;
mod value;
pub mod views;
pub mod waits;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use contract::evidence::AuditAct;
use domain::{AppId, Id, TenantId, UnixMs};

pub use desk::{CommandResult, NewReport, OrderCommand, Request};
pub use fault::{Fault, FaultKind};
pub use postgres::trust;
pub use root::{Reload, RootKeys, Rotated, root_key_id};
pub use rows::IdempotencyKey;
pub use seal::{Digester, Key, RowContext};

use apps::App;
use audit::By;
use cache::Cache;
use engine::{Ids, Signals};
use grants::Grant;
use installations::Installation;
use postgres::CacheInvalidation;
use signing::Signer;
use tenants::Tenant;
use value::{Row, Statement, Value, Written, any, values};

/// Where the memory is stored.
#[derive(Debug, Clone)]
pub enum Location {
    /// A SQLite file; its folder must exist.
    Sqlite(PathBuf),
    /// A PostgreSQL database: `postgres://USER:PASSWORD@HOST:PORT/NAME`.
    Postgres(String),
}

/// What is known of an installation before its memory is opened.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Files that only an installation leaves: where they are, none is begun anew.
    pub traces: Vec<PathBuf>,
    /// Whether to go on although something that was acknowledged is missing.
    pub may_lose: bool,
    /// Whether each transaction of the order desk is of one tenant also where the database is not distributed. On PostgreSQL
    /// alone; slower there.
    pub is_tenant_local: bool,
}

impl Opening {
    /// What the traces show of a place that holds no installation.
    fn loss(&self, index: impl std::fmt::Display) -> Option<String> {
        let traces: Vec<_> = self.traces.iter().map(|path| path.display().to_string()).collect();
        let verb = if traces.len() == 1 { "is" } else { "are" };
        (!traces.is_empty()).then(|| format!("{index}, and {} {verb} there", traces.join(", ")))
    }
}

/// How a write ended that may meet another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Committed.
    Done,
    /// Nothing was written: the Idempotency-Key was used before.
    KeyTaken,
    /// Nothing was written: the row changed since it was read, or is in use, or is there already.
    Outdated,
}

/// The installation's secrets, sealed under the root key.
#[derive(Debug)]
pub struct Secrets {
    /// Derives tenant tokens.
    pub tokens: Key,
    /// Derives the app tokens of store apps.
    pub app_tokens: Key,
    /// Derives app tickets.
    pub tickets: Key,
    /// Signs links.
    pub links: Key,
    /// Seals the secrets of apps.
    pub(crate) apps: Key,
    /// Seals stored answers.
    pub(crate) answers: Key,
}

/// A row that the store remembers, and that every replica must forget when it changes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    Tenant(TenantId),
    App(AppId),
    /// With the grant.
    Installation(AppId, TenantId),
}

/// What the store remembers of rows that nearly every call needs.
#[derive(Debug, Default)]
struct Remembered {
    tenants: Cache<TenantId, Arc<Tenant>>,
    apps: Cache<AppId, Arc<App>>,
    /// None where the app is not installed, so that a token of before costs no storage either.
    installations: Cache<(AppId, TenantId), Option<Arc<Installation>>>,
    /// None where nothing was ever granted.
    grants: Cache<(AppId, TenantId), Option<Arc<Grant>>>,
}

/// The memory of one installation. Cheap to share behind an [`Arc`].
pub struct Store {
    engine: Engine,
    signals: Signals,
    ring: root::KeyRing,
    secrets: Secrets,
    signer: Signer,
    ids: Ids,
    remembered: Arc<Remembered>,
    /// Stands for the tenant of events that concern an app alone.
    nobody: Arc<Tenant>,
    quotas: OnceLock<storage_use::Quotas>,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

const READY: &str = "SELECT commits FROM write_probe";

/// Brings the database to this program's schema, and creates it where there is none; gives the names of the
/// migrations that were applied.
///
/// # Errors
/// [`FaultKind::Schema`] when the database is newer than this program or a migration failed; [`FaultKind::Lost`] and
/// [`FaultKind::Damaged`] as [`Store::open`].
pub async fn migrate(location: &Location, opening: &Opening) -> Result<Vec<String>, Fault> {
    match location {
        Location::Sqlite(path) => {
            let (path, opening) = (path.clone(), opening.clone());
            let work = move || sqlite::migrate(&path, &opening);
            let done = tokio::task::spawn_blocking(work).await;
            done.unwrap_or_else(|_| Err(Fault::new(FaultKind::Schema, "the migration panicked")))
        }
        Location::Postgres(url) => {
            let config = postgres::config(url)?;
            let mut client = postgres::connect(&config).await?;
            postgres::check_server(&client).await?;
            postgres::check_sessions(&config).await?;
            migrate::postgres(&mut client).await
        }
    }
}

impl Store {
    /// Migrates the database and opens it under `root`, the key that is stored outside of it, or several of which one
    /// is in force.
    ///
    /// # Errors
    /// [`FaultKind::WrongRootKey`] when the installation was made under another root key;
    /// [`FaultKind::Schema`] as [`migrate`]; [`FaultKind::Lost`] when something that was acknowledged is missing, or
    /// may be, and [`FaultKind::Damaged`] when pages of the embedded database are damaged; faults of storage.
    pub async fn open(
        location: &Location,
        root: impl Into<RootKeys>,
        now: UnixMs,
    ) -> Result<Store, Fault> {
        Store::open_as(location, root, now, &Opening::default()).await
    }

    /// The same with what is known of the installation beforehand. When it goes on in spite of a loss, the operator's
    /// audit chain says what is missing.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_as(
        location: &Location,
        root: impl Into<RootKeys>,
        now: UnixMs,
        opening: &Opening,
    ) -> Result<Store, Fault> {
        let signals = Signals::default();
        let remembered = Arc::new(Remembered::default());
        let ids = Ids::default();
        let engine = match location {
            Location::Sqlite(path) => {
                // All changes are its own.
                remembered.apply(CacheInvalidation::Listening);
                Engine::Sqlite(sqlite::Sqlite::start(path, opening, &signals, &ids)?)
            }
            Location::Postgres(url) => {
                migrate(location, opening).await?;
                let config = postgres::config(url)?;
                let remembered = Arc::clone(&remembered);
                let invalidate = move |news: CacheInvalidation<'_>| remembered.apply(news);
                Engine::Postgres(
                    postgres::Postgres::start(
                        &config,
                        opening.is_tenant_local,
                        &signals,
                        &ids,
                        invalidate,
                    )
                    .await?,
                )
            }
        };
        let (ring, secret, loss) = root::KeyRing::open(&engine, root.into(), now, opening).await?;
        let secrets = Secrets {
            tokens: secret.derive("tokens"),
            app_tokens: secret.derive("app_tokens"),
            tickets: secret.derive("tickets"),
            links: secret.derive("links"),
            apps: secret.derive("apps"),
            answers: secret.derive("answers"),
        };
        let signer = Signer::new(&secret.derive("signing"))?;
        let nobody = Arc::new(tenants::nobody(secret.derive("nobody"), now));
        let quotas = OnceLock::new();
        let store =
            Store { engine, signals, ring, secrets, signer, ids, remembered, nobody, quotas };
        store.begin_run(loss, now).await?;
        Ok(store)
    }

    /// Reports a loss that was accepted before anything else is noted: until then the next start finds it again.
    async fn begin_run(&self, loss: Option<String>, now: UnixMs) -> Result<(), Fault> {
        let of_sqlite = match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.loss().map(str::to_owned),
            Engine::Postgres(_) => None,
        };
        if let Some(loss) = of_sqlite.or(loss) {
            let mut entry = By::system(now).did(AuditAct::DataLossAccepted);
            entry.details.insert("missing".to_owned(), loss);
            self.add_audit_entry(audit::OPERATOR, &entry).await?;
        }
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.begin_run().await,
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Gives a command to the order desk and waits for its commit.
    ///
    /// # Errors
    /// A fault when the outcome is unknown or nothing was written; then nothing may be acknowledged.
    pub async fn command(&self, command: OrderCommand) -> Result<CommandResult, Fault> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.order(command).await,
            Engine::Postgres(postgres) => postgres.order(command).await,
        }
    }

    /// Ends writing after what was asked before, so that another process may open the database. Whoever asks
    /// later gets a fault; reading goes on.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            // Its writers end with the store; others may have the database open meanwhile.
            Engine::Postgres(_) => {}
        }
    }

    /// An id for something new.
    pub fn make_id(&self, now: UnixMs) -> Id {
        self.ids.lock().next(now)
    }

    /// The installation's secrets.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Signs in the installation's name.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Overwrites what the engine's files still hold of pages and records that were changed before. False when
    /// somebody reads from them now: then it has to be done again. On PostgreSQL that is the server's own affair,
    /// see decision 043.
    pub async fn scrub(&self) -> Result<bool, Fault> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.scrub().await,
            Engine::Postgres(_) => Ok(true),
        }
    }

    /// Whether the last commit failed, and none has worked since.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.signals.is_failing()
    }

    /// Whether pages of the embedded database were found damaged.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.signals.is_damaged()
    }

    /// Whether the memory can be read and, after a failed commit, written again.
    pub async fn is_ready(&self) -> bool {
        if self.signals.is_failing() {
            // SQLite's writer tries by itself; PostgreSQL is tried here.
            let Engine::Postgres(postgres) = &self.engine else { return false };
            return postgres.probe().await;
        }
        self.read(READY, Vec::new()).await.is_ok()
    }

    /// Whether changes by other replicas are received, and how often that ended since the start; while they are not,
    /// nothing is remembered.
    #[must_use]
    pub fn listening(&self) -> (bool, u64) {
        self.signals.listening()
    }

    /// Waits until a delivery may have become due; a signal that came meanwhile is not lost.
    pub async fn deliveries_due(&self) {
        self.signals.deliveries_due().await;
    }

    /// Waits until a report may have become due; a signal that came meanwhile is not lost.
    pub async fn reports_due(&self) {
        self.signals.reports_due().await;
    }

    pub(crate) fn wake_deliveries(&self) {
        self.signals.wake_deliveries();
    }

    pub(crate) fn wake_reports(&self) {
        self.signals.wake_reports();
    }

    pub(crate) async fn read(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        read(&self.engine, sql, values).await
    }

    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Written, Fault> {
        write(&self.engine, statements).await
    }

    /// Writes, and makes every replica forget the row that it remembers.
    pub(crate) async fn write_known(
        &self,
        mut statements: Vec<Statement>,
        known: Known,
    ) -> Result<Written, Fault> {
        let news = match known {
            Known::Tenant(tenant_id) => format!("tenant {tenant_id}"),
            Known::App(app_id) => format!("app {app_id}"),
            Known::Installation(app_id, tenant_id) => format!("installation {app_id} {tenant_id}"),
        };
        if let Engine::Postgres(_) = self.engine {
            statements.push(any(postgres::TELL, values![news.as_str()]));
        }
        let written = self.write(statements).await;
        self.remembered.apply(CacheInvalidation::Changed(&news));
        written
    }
}

async fn read(engine: &Engine, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
    match engine {
        Engine::Sqlite(sqlite) => sqlite.read(sql, values).await,
        Engine::Postgres(postgres) => postgres.read(sql, values).await,
    }
}

async fn write(engine: &Engine, statements: Vec<Statement>) -> Result<Written, Fault> {
    match engine {
        Engine::Sqlite(sqlite) => sqlite.write(statements).await,
        Engine::Postgres(postgres) => postgres.write(statements).await,
    }
}

impl Remembered {
    /// Forgets what a piece of news names, and remembers nothing while news do not arrive.
    fn apply(&self, news: CacheInvalidation<'_>) {
        let hears_of_changes = match news {
            CacheInvalidation::NotListening => false,
            CacheInvalidation::Listening => true,
            CacheInvalidation::Changed(what) => return self.forget(what),
        };
        self.tenants.hear_of_changes(hears_of_changes);
        self.apps.hear_of_changes(hears_of_changes);
        self.installations.hear_of_changes(hears_of_changes);
        self.grants.hear_of_changes(hears_of_changes);
    }

    fn forget(&self, what: &str) {
        let mut words = what.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("tenant"), Some(key), None) => {
                if let Ok(tenant_id) = key.parse() {
                    self.tenants.forget(&tenant_id);
                }
            }
            (Some("app"), Some(app_id), None) => {
                if let Ok(app_id) = app_id.parse() {
                    self.apps.forget(&app_id);
                }
            }
            (Some("installation"), Some(app_id), Some(tenant_key)) => {
                if let (Ok(app_id), Ok(tenant_id)) = (app_id.parse(), tenant_key.parse()) {
                    // The app last: whoever finds its new version finds the new installation too.
                    self.installations.forget(&(app_id, tenant_id));
                    self.grants.forget(&(app_id, tenant_id));
                    self.apps.forget(&app_id);
                }
            }
            _ => {}
        }
    }
}
