//! The memory of Probity: the only crate that knows SQL.
//!
//! A [`Store`] is on SQLite or PostgreSQL and behaves alike on both:
//!
//! - An order changes only through [`Store::command`], which answers after the commit.
//! - A state, its timeline entry, reports and events are one transaction.
//! - Commands on one order have one legal sequence, on any number of replicas; a SQLite file belongs to one
//!   process.
//! - Reads see what was acknowledged before they began; personal data is sealed before it reaches the engine.

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
pub mod members;
mod migrate;
pub mod one_time_links;
pub mod order_counts;
pub mod order_lines;
pub mod order_pages;
mod order_search;
pub mod order_terms;
pub mod orders;
pub mod pauses;
mod postgres;
pub mod reason_templates;
pub mod report_versions;
pub mod reports;
pub mod resend;
pub mod retention;
pub mod reviews;
mod root;
mod rows;
mod seal;
pub mod service_accounts;
pub mod sessions;
pub mod set_up;
pub mod sign_in_tries;
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
pub mod users;
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
    /// Whether each transaction of the order desk is of one tenant although tables are not distributed. PostgreSQL only;
    /// slower.
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
    pub(crate) apps: Key,
    pub(crate) answers: Key,
    /// Seals what is known of people, and finds them.
    pub(crate) people: Key,
}

/// A row that the store remembers, and that every replica must forget when it changes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    Tenant(TenantId),
    App(AppId),
    Installation(AppId, TenantId),
}

#[derive(Debug, Default)]
struct Remembered {
    tenants: Cache<TenantId, Arc<Tenant>>,
    apps: Cache<AppId, Arc<App>>,
    installations: Cache<(AppId, TenantId), Option<Arc<Installation>>>,
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
    nobody: Arc<Tenant>,
    quotas: OnceLock<storage_use::Quotas>,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

const READY: &str = "SELECT commits FROM write_probe";

/// Brings the database to this program's schema, and creates it where there is none; gives the names of the
/// migrations applied. [`FaultKind::Schema`] when it is newer or one failed; else as [`Store::open`].
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
    /// Migrates the database and opens it under `root`.
    ///
    /// # Errors
    ///
    /// [`FaultKind::WrongRootKey`], [`FaultKind::Schema`], [`FaultKind::Lost`] when acknowledged work is or may be
    /// missing, [`FaultKind::Damaged`] when pages of the embedded database are.
    pub async fn open(
        location: &Location,
        root: impl Into<RootKeys>,
        now: UnixMs,
    ) -> Result<Store, Fault> {
        Store::open_as(location, root, now, &Opening::default()).await
    }

    /// [`Store::open`] with what is known beforehand; a loss that is accepted goes into the operator's audit chain.
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
            people: secret.derive("people"),
        };
        let signer = Signer::new(&secret.derive("signing"))?;
        let nobody = Arc::new(tenants::nobody(secret.derive("nobody"), now));
        let quotas = OnceLock::new();
        let store =
            Store { engine, signals, ring, secrets, signer, ids, remembered, nobody, quotas };
        store.begin_run(loss, now).await?;
        Ok(store)
    }

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

    /// Gives a command to the order desk and waits for its commit; after a fault nothing may be
    /// acknowledged.
    pub async fn command(&self, command: OrderCommand) -> Result<CommandResult, Fault> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.order(command).await,
            Engine::Postgres(postgres) => postgres.order(command).await,
        }
    }

    /// Ends writing after what was asked before, so that another process may open the database; reading goes
    /// on.
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

    /// Overwrites old pages in the engine's files; false when a reader prevents it. Nothing on PostgreSQL, see
    /// decision 043.
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

    /// Whether changes by other replicas are received (otherwise nothing is cached), and how often that ended.
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

    /// Reads what is to be claimed next. SQLite's writer does it, since the claim touches the same pages and a reader
    /// loses its pages at each commit; PostgreSQL plans such a search once, since that takes longer than to run it.
    pub(crate) async fn read_to_claim(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        match &self.engine {
            Engine::Postgres(postgres) => postgres.read_planned_once(sql, values).await,
            Engine::Sqlite(sqlite) => match sqlite.write(vec![any(sql, values)]).await? {
                Written::Done(rows) => Ok(rows),
                Written::Unmet(_) => Ok(Vec::new()),
            },
        }
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
        let is_listening = match news {
            CacheInvalidation::NotListening => false,
            CacheInvalidation::Listening => true,
            CacheInvalidation::Changed(what) => return self.forget(what),
        };
        self.tenants.set_listening(is_listening);
        self.apps.set_listening(is_listening);
        self.installations.set_listening(is_listening);
        self.grants.set_listening(is_listening);
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
                    // The app last: a reader that finds its new version finds the new installation too.
                    self.installations.forget(&(app_id, tenant_id));
                    self.grants.forget(&(app_id, tenant_id));
                    self.apps.forget(&app_id);
                }
            }
            _ => {}
        }
    }
}
