//! Starting and stopping: `serve` runs HTTP and workers together, `work` runs the workers alone.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use domain::UnixMs;
use store::storage_use::Quotas;
use store::{Fault, FaultKind, Location, Reload, RootKeys, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::{App, SharedApp};
use crate::authorities::{Authorities, BadAuthorities};
use crate::background::Background;
use crate::clock::Clock;
use crate::config::Config;
use crate::data_folder::{self, make_folder};
use crate::disk::Disk;
use crate::http::body::BodyBudget;
use crate::http::limit::RateLimits;
use crate::http::listener;
use crate::http::routes;
use crate::http::tls::{BadCertificate, Tls};
use crate::inspect::{BadScanner, DeepCheck, Inspect};
use crate::key_uses::KeyUses;
use crate::links::Links;
use crate::long_connection::Lines;
use crate::metrics::Metrics;
use crate::objects::Objects;
#[cfg(feature = "s3")]
use crate::objects::TrialFailure;
use crate::outbound::{Allow, BadRange, BadRule, FetchLimits, Guard, Outbound, PostLimits, Ranges};
use crate::public_url::{self, BadPublicUrl};
use crate::root_key::{self, RootSource, Rotation};
use crate::tickets::TicketMaker;
use crate::tokens::TokenMaker;
use crate::traffic::Traffic;
use crate::{keys, work};

/// The file in the data folder that holds the embedded database.
pub const DATABASE_FILE: &str = "probity.db";
/// The folder in the data folder that holds the reports.
pub const REPORTS_FOLDER: &str = "reports";

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// Storage, the schema or the root key.
    #[error(transparent)]
    Store(Fault),
    /// What was acknowledged is missing, or may be; nothing was changed.
    #[error(transparent)]
    Lost(Fault),
    /// Pages of the embedded database are damaged; nothing was changed.
    #[error(transparent)]
    Damaged(Fault),
    /// A root key of the wrong shape; where it came from.
    #[error("expected the root key in {0} as 64 hex digits")]
    RootKey(&'static str),
    /// Root keys from two places.
    #[error("expected one source of the root key, found PROBITY_ROOT_KEY and a root key command")]
    RootKeySources,
    /// A root key that everybody on the machine can read or write, and its mode.
    #[error("{path} is open to everybody on this machine (mode {1:o}): `chmod 600 {path}`", path = .0.display())]
    OpenRootKey(PathBuf, u32),
    /// The command that prints the root key.
    #[error("the root key command failed")]
    RootKeyCommand(#[source] io::Error),
    /// A root key of another installation, or of before a rotation; where it came from.
    #[error("the root key from {from} does not open this installation")]
    WrongRootKey {
        /// Where the key came from.
        from: &'static str,
        /// What was expected and what came, by the keys' ids.
        #[source]
        fault: Fault,
    },
    /// There is an installation, and no root key for it.
    #[error("there is no root key in {from}, but an installation that needs it")]
    NoRootKey {
        /// Where it was looked for.
        from: &'static str,
        /// Which key was expected.
        #[source]
        fault: Fault,
    },
    /// Settings of the object store that cannot be used.
    #[error("expected {0}")]
    Objects(&'static str),
    /// The object store.
    #[error("objects")]
    ObjectStore(#[source] io::Error),
    /// A bucket that answers and cannot be used.
    #[cfg(feature = "s3")]
    #[error(transparent)]
    Bucket(crate::objects::TrialFailure),
    /// A file or folder that cannot be read or written.
    #[error("{path}", path = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A file with an operator key that would be overwritten.
    #[error("{path} is there and stays: --overwrite replaces it", path = .0.display())]
    OperatorKeyStands(PathBuf),
    /// A file in the place of the operator key's that holds none.
    #[error("expected an operator key in {path}, or no such file", path = .0.display())]
    NoOperatorKey(PathBuf),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// A rule of `allow_outbound` that cannot be read.
    #[error("--allow-outbound")]
    AllowOutbound(#[from] BadRule),
    /// A file of certificate authorities that cannot be used.
    #[error("--ca-file")]
    Authorities(#[from] BadAuthorities),
    /// A certificate that cannot be used.
    #[error("--tls-certificate")]
    Certificate(#[from] BadCertificate),
    /// A public URL that addresses cannot be made of.
    #[error("--public-url")]
    PublicUrl(#[from] BadPublicUrl),
    /// A range of `trusted_proxies` that cannot be read.
    #[error("--trusted-proxy")]
    TrustedProxies(#[from] BadRange),
    /// Threads of its own.
    #[error("threads")]
    Threads(#[source] io::Error),
    /// A scanner that cannot be read.
    #[error("scanner")]
    Scanner(#[from] BadScanner),
}

impl From<Fault> for StartFailure {
    fn from(fault: Fault) -> StartFailure {
        match fault.kind() {
            FaultKind::Lost => StartFailure::Lost(fault),
            FaultKind::Damaged => StartFailure::Damaged(fault),
            _ => StartFailure::Store(fault),
        }
    }
}

/// A server that listens, and whose workers run, until it is stopped.
pub struct Server {
    /// What it shares with its handlers and workers.
    pub app: SharedApp,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    address: SocketAddr,
}

impl Server {
    /// Opens memory and reports and listens, but does not answer yet.
    ///
    /// # Errors
    /// See [`StartFailure`].
    pub async fn bind(config: Config, clock: Clock) -> Result<Server, StartFailure> {
        let tls = config.tls.as_ref().map(Tls::open).transpose()?.map(Arc::new);
        let listen = config.listen;
        let listener =
            TcpListener::bind(listen).await.map_err(|error| StartFailure::Listen(listen, error))?;
        let address = listener.local_addr().map_err(|error| StartFailure::Listen(listen, error))?;
        let app = open(config, clock, Some(address)).await?;
        keys::operator_key(&app.store, &app.config.data, app.clock.now()).await?;
        Ok(Server { app, listener, tls, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers, and runs the workers, until `shutdown` is done; then finishes what was accepted.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let workers = tokio::spawn(work::run(Arc::clone(&self.app), stopped));
        answer(self.listener, self.tls, &self.app, shutdown).await;
        stop.send_replace(true);
        if let Err(error) = workers.await {
            tracing::error!(%error, "the workers ended badly");
        }
        // After the workers, so that what they sent is acknowledged before its connection ends.
        part_with_clients(&self.app).await;
        self.app.store.close().await;
    }

    /// Answers without workers until `shutdown` is done: for tests that take the workers' steps themselves.
    pub async fn run_without_workers(self, shutdown: impl Future<Output = ()>) {
        answer(self.listener, self.tls, &self.app, shutdown).await;
        part_with_clients(&self.app).await;
        self.app.store.close().await;
    }
}

/// Answers requests until `shutdown` is done.
async fn answer(
    tcp: TcpListener,
    tls: Option<Arc<Tls>>,
    app: &SharedApp,
    shutdown: impl Future<Output = ()>,
) {
    let watching = tls.clone().map(|tls| tokio::spawn(tls.watch()));
    let service = routes::service(Arc::clone(app));
    listener::serve(tcp, tls, service, app.config.listener, shutdown).await;
    if let Some(watching) = watching {
        watching.abort();
    }
}

/// Ends the long connections, so that their clients come back at once, here or elsewhere.
async fn part_with_clients(app: &App) {
    app.lines.stop(&app.store, app.clock.now(), app.config.long_connection.write_stall).await;
}

/// Runs the workers alone until `shutdown` is done.
///
/// # Errors
/// See [`StartFailure`].
pub async fn run_workers(
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StartFailure> {
    let app = open(config, Clock::system(), None).await?;
    let (stop, stopped) = watch::channel(false);
    let workers = tokio::spawn(work::run(Arc::clone(&app), stopped));
    shutdown.await;
    stop.send_replace(true);
    if let Err(error) = workers.await {
        tracing::error!(%error, "the workers ended badly");
    }
    app.store.close().await;
    Ok(())
}

/// Brings the database to this program's schema; gives the names of what was applied.
///
/// # Errors
/// See [`StartFailure`].
pub async fn migrate(config: &Config) -> Result<Vec<String>, StartFailure> {
    store::trust(&load_authorities(config)?.further);
    make_folder(&config.data)?;
    Ok(store::migrate(&location(config), &data_folder::opening(config)?).await?)
}

async fn open(
    config: Config,
    clock: Clock,
    own: Option<SocketAddr>,
) -> Result<SharedApp, StartFailure> {
    public_url::check(&config)?;
    let proxies = Ranges::from_texts(config.trusted_proxies.iter().map(String::as_str))?;
    for doubt in public_url::doubts(&config, own) {
        tracing::warn!("{doubt}");
    }
    let authorities = load_authorities(&config)?;
    store::trust(&authorities.further);
    make_folder(&config.data)?;
    let source = RootSource::of(&config)?;
    let store = open_store(&config, &source, clock.now()).await?;
    store.set_quotas(Quotas {
        tenant_bytes: i64::try_from(config.tenant_quota_bytes).unwrap_or(i64::MAX),
        app_bytes: i64::try_from(config.app_quota_bytes).unwrap_or(i64::MAX),
    });
    store.release_leases(clock.now()).await?;
    let disk = Disk::of(filling(&config), config.disk_reserve_bytes);
    let traffic = Traffic::new();
    let objects = open_objects(&config, &traffic).await?;
    try_out(&objects).await?;
    let root_key = Rotation::new(source);
    let guard = Guard {
        allow: Allow::from_rules(config.allow_outbound.iter().map(String::as_str))?,
        own: own.into_iter().collect(),
        own_names: public_url::host(&config).into_iter().collect(),
    };
    let metrics = Metrics::new();
    let (post, fetch) = (PostLimits::default(), FetchLimits::default());
    let outbound = Outbound::new(clock.clone(), guard, post, fetch, metrics.clone());
    let outbound = outbound.trusting(authorities.roots());
    let inspect = Inspect {
        deep: config.deep_check.as_deref().map(|program| DeepCheck::by(program).behind(&traffic)),
        scanner: config.scanner.as_deref().map(str::parse).transpose()?,
        scanner_policy: config.scanner_policy,
    };
    let background = Background::start().map_err(StartFailure::Threads)?;
    let tokens = TokenMaker::new(&store.secrets().tokens);
    let app_tokens = TokenMaker::of_apps(&store.secrets().app_tokens);
    let tickets = TicketMaker::new(&store.secrets().tickets);
    let links = Links::new(&store.secrets().links, &public_url::base(&config, own));
    let limits = RateLimits::new();
    let lines = Lines::new(&store.secrets().tokens);
    Ok(Arc::new(App {
        config,
        store,
        objects,
        disk,
        root_key,
        clock,
        limits,
        proxies,
        bodies: BodyBudget::default(),
        key_uses: KeyUses::default(),
        lines,
        outbound,
        inspect,
        background,
        traffic,
        metrics,
        tokens,
        app_tokens,
        tickets,
        links,
    }))
}

/// Whom to trust over TLS.
fn load_authorities(config: &Config) -> Result<Authorities, BadAuthorities> {
    Authorities::load(config.ca_file.as_deref())
}

/// Opens the memory of an installation that is there, for a command on its machine.
pub(crate) async fn open_installation(
    config: &Config,
    clock: &Clock,
) -> Result<Store, StartFailure> {
    let database = config.data.join(DATABASE_FILE);
    if config.database_url.is_none() && !database.exists() {
        let missing = format_args!("expected a database at {}", database.display());
        return Err(Fault::new(FaultKind::Schema, missing).into());
    }
    make_folder(&config.data)?;
    open_store(config, &RootSource::of(config)?, clock.now()).await
}

/// Opens the memory under the root key that is in force among those that the source gives.
async fn open_store(
    config: &Config,
    source: &RootSource,
    now: UnixMs,
) -> Result<Store, StartFailure> {
    let (location, opening) = (location(config), data_folder::opening(config)?);
    let from = source.name();
    let asked = source.clone();
    let given = root_key::blocking(move || asked.keys(true)).await?;
    let again = source.clone();
    let reload: Reload = Arc::new(move || match again.keys(false) {
        Ok(given) => given.keys,
        Err(error) => {
            tracing::error!(%error, "the root key was changed, and the new one is not found");
            Vec::new()
        }
    });
    let root = RootKeys::new(given.keys).reloaded_by(reload);
    let store = match Store::open_as(&location, root, now, &opening).await {
        Ok(store) => store,
        Err(fault) if fault.kind() == FaultKind::Lost && given.is_made => {
            source.unmake();
            return Err(fault.into());
        }
        Err(fault) if fault.kind() == FaultKind::WrongRootKey && given.is_made => {
            source.unmake();
            return Err(StartFailure::NoRootKey { from, fault });
        }
        Err(fault) if fault.kind() == FaultKind::WrongRootKey => {
            return Err(StartFailure::WrongRootKey { from, fault });
        }
        Err(fault) => return Err(fault.into()),
    };
    let (source, present_id) = (source.clone(), store.present_root_key_id());
    root_key::blocking(move || source.settle(&present_id)).await?;
    Ok(store)
}

/// Opens the place of the contents. A bucket is not asked yet.
pub(crate) async fn open_objects(
    config: &Config,
    traffic: &Traffic,
) -> Result<Objects, StartFailure> {
    match object_place(config) {
        ObjectPlace::Bucket(bucket) => open_bucket(bucket, config, traffic),
        ObjectPlace::Folder(folder) => Objects::in_folder(&folder, traffic)
            .await
            .map_err(|error| StartFailure::File(folder, error)),
    }
}

/// Refuses a bucket that answers and cannot be used. One that does not answer now is waited for: orders go on without
/// it, and reports are tried again.
#[cfg(feature = "s3")]
async fn try_out(objects: &Objects) -> Result<(), StartFailure> {
    match objects.try_out().await {
        Ok(()) => Ok(()),
        Err(failure @ TrialFailure::Refused { .. }) => Err(StartFailure::Bucket(failure)),
        Err(TrialFailure::Unreachable { bucket, cause }) => {
            tracing::error!(bucket, %cause, "the object store does not answer: reports and files wait for it");
            Ok(())
        }
    }
}

#[cfg(not(feature = "s3"))]
async fn try_out(_: &Objects) -> Result<(), StartFailure> {
    Ok(())
}

/// The folders that fill: with contents, and with the embedded database.
fn filling(config: &Config) -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let ObjectPlace::Folder(folder) = object_place(config) {
        places.push(folder);
    }
    if config.database_url.is_none() {
        places.push(config.data.clone());
    }
    places
}

/// Where the contents of reports and files lie.
pub(crate) enum ObjectPlace<'c> {
    /// A folder of this machine.
    Folder(PathBuf),
    /// `bucket/prefix` of an S3-compatible store.
    Bucket(&'c str),
}

pub(crate) fn object_place(config: &Config) -> ObjectPlace<'_> {
    match config.objects.as_deref().map(|place| (place, place.strip_prefix("s3://"))) {
        None => ObjectPlace::Folder(config.data.join(REPORTS_FOLDER)),
        Some((_, Some(bucket))) => ObjectPlace::Bucket(bucket),
        Some((folder, None)) => ObjectPlace::Folder(PathBuf::from(folder)),
    }
}

#[cfg(feature = "s3")]
fn open_bucket(place: &str, config: &Config, traffic: &Traffic) -> Result<Objects, StartFailure> {
    let s3 = &config.s3;
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err(StartFailure::Objects("objects as a folder or s3://bucket/prefix"));
    }
    let (Some(access_key_id), Some(secret_access_key)) = (&s3.access_key_id, &s3.secret_access_key)
    else {
        return Err(StartFailure::Objects(
            "PROBITY_S3_ACCESS_KEY_ID and PROBITY_S3_SECRET_ACCESS_KEY with objects in a bucket",
        ));
    };
    let settings = crate::objects::BucketSettings {
        bucket: bucket.to_owned(),
        prefix: prefix.trim_matches('/').to_owned(),
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        style: match s3.is_virtual_hosted {
            true => crate::objects::BucketStyle::Virtual,
            false => crate::objects::BucketStyle::Path,
        },
        access_key_id: access_key_id.clone(),
        secret_access_key: secret_access_key.clone(),
        authorities: load_authorities(config)?.own,
    };
    Objects::in_bucket(&settings, traffic).map_err(StartFailure::ObjectStore)
}

#[cfg(not(feature = "s3"))]
fn open_bucket(_: &str, _: &Config, _: &Traffic) -> Result<Objects, StartFailure> {
    Err(StartFailure::Objects("objects as a folder: this program was built without the feature s3"))
}

fn location(config: &Config) -> Location {
    match &config.database_url {
        Some(url) => Location::Postgres(url.clone()),
        None => Location::Sqlite(config.data.join(DATABASE_FILE)),
    }
}
