//! Starting and stopping: `serve` runs HTTP and workers together, `work` runs the workers alone.

use std::net::SocketAddr;
use std::sync::Arc;

use hub::app_tickets::TicketMaker;
use hub::connections::ConnectionRegistry;
use hub::disk::Disk;
use hub::jobs::Anchors;
use hub::key_uses::KeyUses;
use hub::links::Links;
use hub::passwords::Passwords;
use hub::root_key::Rotation;
use hub::{Hub, work};
use inspect::{Inspect, SandboxedParser};
use outbound::{Allow, FetchLimits, Guard, Outbound, PostLimits, Ranges};
use store::storage_use::Quotas;
use system::clock::Clock;
use system::load_shedder::CallRate;
use system::low_priority_runtime::LowPriorityRuntime;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::{App, SharedApp};
use crate::config::Config;
use crate::data_folder::{self, ANCHORS_FILE, filling, location, make_folder};
use crate::demo::SignInLinks;
use crate::http::body::BodyBudget;
use crate::http::limit::RateLimits;
use crate::http::listener;
use crate::http::routes;
use crate::http::tls::Tls;
use crate::long_connection::ticket;
use crate::metrics::Metrics;
use crate::public_url;
use crate::start_error::StartError;
use crate::storage::{load_authorities, open_objects, open_store, root_source, try_out};
use crate::tokens::TokenMaker;
use crate::{control, keys};

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
    pub async fn bind(config: Config, clock: Clock) -> Result<Server, StartError> {
        let tls = config.tls.as_ref().map(Tls::open).transpose()?.map(Arc::new);
        let listen = config.listen;
        let listener =
            TcpListener::bind(listen).await.map_err(|error| StartError::Listen(listen, error))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(listen, error))?;
        let app = open(config, clock, Some(address)).await?;
        keys::operator_key(&app.hub.store, &app.config.data, app.hub.installation_clock.now())
            .await?;
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
        let workers = tokio::spawn(work::run(Arc::clone(&self.app.hub), stopped));
        answer(self.listener, self.tls, &self.app, shutdown).await;
        stop.send_replace(true);
        if let Err(error) = workers.await {
            tracing::error!(%error, "the workers ended badly");
        }
        // After the workers, so that what they sent is acknowledged before its connection ends.
        part_with_clients(&self.app).await;
        self.app.hub.store.close().await;
    }

    /// Answers without workers until `shutdown` is done: for tests that take the workers' steps themselves.
    pub async fn run_without_workers(self, shutdown: impl Future<Output = ()>) {
        answer(self.listener, self.tls, &self.app, shutdown).await;
        part_with_clients(&self.app).await;
        self.app.hub.store.close().await;
    }
}

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

async fn part_with_clients(app: &App) {
    app.hub
        .connections
        .stop(
            &app.hub.store,
            app.hub.installation_clock.now(),
            app.config.long_connection.write_stall,
        )
        .await;
}

/// Runs the workers alone until `shutdown` is done.
pub async fn run_workers(
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let app = open(config, Clock::system(), None).await?;
    let (stop, stopped) = watch::channel(false);
    let workers = tokio::spawn(work::run(Arc::clone(&app.hub), stopped));
    shutdown.await;
    stop.send_replace(true);
    if let Err(error) = workers.await {
        tracing::error!(%error, "the workers ended badly");
    }
    app.hub.store.close().await;
    Ok(())
}

/// Brings the database to this program's schema; gives the names of what was applied.
pub async fn migrate(config: &Config) -> Result<Vec<String>, StartError> {
    store::trust(&load_authorities(config)?.further);
    make_folder(&config.data)?;
    Ok(store::migrate(&location(config), &data_folder::opening(config)?).await?)
}

async fn open(
    config: Config,
    clock: Clock,
    own: Option<SocketAddr>,
) -> Result<SharedApp, StartError> {
    public_url::check(&config)?;
    let proxies = Ranges::from_texts(config.trusted_proxies.iter().map(String::as_str))?;
    for doubt in public_url::doubts(&config, own) {
        tracing::warn!("{doubt}");
    }
    let authorities = load_authorities(&config)?;
    store::trust(&authorities.further);
    make_folder(&config.data)?;
    let source = root_source(&config)?;
    let store = open_store(&config, &source, clock.now()).await?;
    store.set_quotas(Quotas {
        tenant_bytes: i64::try_from(config.tenant_quota_bytes).unwrap_or(i64::MAX),
        app_bytes: i64::try_from(config.app_quota_bytes).unwrap_or(i64::MAX),
    });
    store.release_leases(clock.now()).await?;
    let disk = Disk::of(filling(&config), config.disk_reserve_bytes);
    let call_rate = CallRate::default();
    let objects = open_objects(&config, &call_rate).await?;
    try_out(&objects).await?;
    let root_key = Rotation::new(source);
    let guard = Guard {
        allow: Allow::from_rules(config.allow_outbound.iter().map(String::as_str))?,
        own: own.into_iter().collect(),
        own_names: public_url::host(&config).into_iter().collect(),
    };
    let metrics = Metrics::new(control::names());
    let (post, fetch) = (PostLimits::default(), FetchLimits::default());
    let outbound = Outbound::new(clock.clone(), guard, post, fetch, metrics.outbound());
    let outbound = outbound.trusting(authorities.roots());
    let inspect = Inspect {
        deep: config
            .deep_check
            .as_deref()
            .map(|program| SandboxedParser::by(program).behind(&call_rate)),
        scanner: config.scanner.as_deref().map(str::parse).transpose()?,
        scanner_policy: config.scanner_policy,
    };
    let low_priority = LowPriorityRuntime::start().map_err(StartError::Threads)?;
    let tokens = TokenMaker::new(&store.secrets().tokens);
    let app_tokens = TokenMaker::of_apps(&store.secrets().app_tokens);
    let tickets = TicketMaker::new(&store.secrets().tickets);
    let limits = RateLimits::new();
    let connections = ConnectionRegistry::new(config.long_connection.ack);
    let connection_tickets = ticket::TicketMaker::new(&store.secrets().tokens);
    let links = Links::new(&store.secrets().links, &public_url::base(&config, own));
    let retention = config.retention;
    let key_uses = KeyUses::default();
    let anchors = Anchors { file: config.data.join(ANCHORS_FILE), url: config.anchor_url.clone() };
    let hub = Arc::new(Hub {
        store,
        installation_clock: clock,
        objects,
        disk,
        outbound,
        retention,
        key_uses,
        passwords: Passwords::new(),
        root_key,
        links,
        tickets,
        connections,
        inspect,
        low_priority,
        anchors,
        metrics: Box::new(metrics.clone()),
    });
    Ok(Arc::new(App {
        config,
        hub,
        limits,
        proxies,
        bodies: BodyBudget::default(),
        call_rate,
        metrics,
        tokens,
        app_tokens,
        connection_tickets,
        sign_in_links: SignInLinks::default(),
    }))
}
