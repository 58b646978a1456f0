//! Deliveries, end to end: orders placed through the control API, each with its encrypted event at a local receiver; and
//! a backlog drained beside a bare pooled client that posts the same bytes to the same receiver in the same run.
//!
//! The bare client has as many posts under way as the server may have for all apps. It is timed before and after the
//! drain, since the machine's speed changes by the minute.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use contract::control::{AppKind, EventMode};
use domain::{Id, UnixMs};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest as _, Sha256};
use store::api_keys::{ApiKeyLabel, KeyOwner, NewApiKey};
use store::apps::AppSettings;
use store::audit::By;
use store::{Location, Saved, Store};
use tokio::task::JoinSet;

use crate::built::Maker;
use crate::engine::Installation;
use crate::measure::{cpu_us, rss_mb};
use crate::process::{Probity, Running};
use crate::receiver::Receiver;
use crate::seed::{self, Hirer};
use crate::{names, recorded, run};

/// Hirers, each with an app of its own.
pub(crate) const HIRERS: usize = 20;
/// Posts of the bare client under way at once.
pub(crate) const BARE_AT_ONCE: usize = 256;
/// Headers of its posts, as long as the server's.
pub(crate) const TIMESTAMP: &str = "1700000000";
pub(crate) const NONCE: &str = "00000000000000000000000000000000";
/// In the place of a signature, where nothing is signed.
pub(crate) const UNSIGNED: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";
const POLL: Duration = Duration::from_millis(20);
const DRAIN_MAX: Duration = Duration::from_secs(300);
const DATABASE_FILE: &str = "probity.db";

pub(crate) type Http = Client<HttpConnector, Full<Bytes>>;

/// What is measured.
pub(crate) struct Options {
    /// Connections that place orders.
    pub(crate) connections: u32,
    /// Orders that wait when the drain begins.
    pub(crate) backlog: u64,
}

/// Measures deliveries on SQLite, and prints what was found.
pub(crate) async fn run(options: &run::Options, wanted: &Options) -> anyhow::Result<()> {
    let data = options.folder.join("run-deliveries");
    let _ = fs::remove_dir_all(&data);
    fs::create_dir_all(&data)?;
    let installation = Installation { data: data.clone(), database_url: None };
    let receiver = Receiver::start().await?;
    let location = Location::Sqlite(data.join(DATABASE_FILE));
    let hirers = hire(&location, &receiver).await?;
    let probity = Probity { binary: &options.binary, installation: &installation };

    let server = probity.start()?;
    settle(&data, None).await?;
    receiver.begin();
    let end_to_end = place(&server, &hirers, wanted.connections, options.seconds).await?;
    let seconds = settle(&data, Some(end_to_end.started)).await?;
    let placed = end_to_end.placed as f64;
    ensure!(
        receiver.count() == end_to_end.placed,
        "expected each event once: {}",
        receiver.count()
    );
    println!("orders placed through the control API, {} connections", wanted.connections);
    println!("  placed     {:>8.0} a second", placed / end_to_end.seconds);
    println!("  delivered  {:>8.0} a second, encrypted and marked", placed / seconds);
    server.stop()?;

    let bodies: Vec<Bytes> = receiver.bodies().into_iter().map(Bytes::from).collect();
    let store = Arc::new(Store::open(&location, names::root_key(), now()).await?);
    seed::place_all(&store, &hirers, wanted.backlog).await?;
    drop(store);
    let before = baseline(&receiver, &bodies, options.seconds).await?;
    receiver.begin();
    let server = probity.start()?;
    let drained = drain(&data, &server, &receiver, wanted.backlog).await?;
    server.stop()?;
    let after = baseline(&receiver, &bodies, options.seconds).await?;
    let database = data.join(DATABASE_FILE);
    let recorded = recorded::baseline(&database, &receiver, &bodies, None).await?;
    // The first events are about accounts.
    let maker = bodies.iter().find_map(|body| Maker::new(body).ok());
    let maker = maker.context("expected an order's event")?;
    let built = recorded::baseline(&database, &receiver, &bodies, Some(maker)).await?;
    let rate = wanted.backlog as f64 / drained.seconds;
    println!("a backlog of {} drained beside a bare client", wanted.backlog);
    println!(
        "  drained    {rate:>8.0} a second, {:.0} us of the server's CPU each",
        drained.cpu_us
    );
    println!("  bare       {before:>8.0} and {after:.0} a second, before and after");
    println!(
        "  recorded   {recorded:>8.0} a second by a bare client that keeps each attempt in SQLite"
    );
    println!(
        "  built      {built:>8.0} a second by one that opens, encrypts, signs and seals each too"
    );
    let baseline = f64::midpoint(before, after);
    println!(
        "  ratio      {:>8.2} of bare, {:.2} of recorded, {:.2} of built",
        rate / baseline,
        rate / recorded,
        rate / built
    );
    println!("  of bare    {:>8.2} recorded, {:.2} built", recorded / baseline, built / baseline);
    let [begin, most, end] = drained.rss_mb;
    println!("  memory     {begin:>8.1} MB at first, {most:.1} at most, {end:.1} at the end");
    fs::remove_dir_all(&data)?;
    Ok(())
}

/// Hirers whose apps' events go to the receiver.
async fn hire(location: &Location, receiver: &Receiver) -> anyhow::Result<Arc<Vec<Hirer>>> {
    let store = Arc::new(Store::open(location, names::root_key(), now()).await?);
    let mut hirers = Vec::with_capacity(HIRERS);
    for index in 0..HIRERS {
        hirers.push(hirer(&store, index, receiver).await?);
    }
    Ok(Arc::new(hirers))
}

async fn hirer(store: &Arc<Store>, index: usize, receiver: &Receiver) -> anyhow::Result<Hirer> {
    seed::hirer(Arc::clone(store), index).await?;
    receive(store, index, receiver).await
}

/// Lets a hirer's events go to the receiver, and gives it a key to place orders with.
pub(crate) async fn receive(
    store: &Arc<Store>,
    index: usize,
    receiver: &Receiver,
) -> anyhow::Result<Hirer> {
    let app = store.find_app(names::app_id(index)).await?.context("the app is gone")?;
    ensure!(app.kind == AppKind::SelfBuilt && app.settings.event_mode == EventMode::Webhook);
    let callback_url = Some(format!("http://{}/hook/{index}", receiver.address));
    let settings = AppSettings { callback_url, ..app.settings.clone() };
    let saved = store.update_app(By::system(now()), app.app_id, app.version, &settings).await?;
    ensure!(saved == Saved::Done, "the app changed meanwhile");
    let app = store.find_app(app.app_id).await?.context("the app is gone")?;
    let tenant_id = names::tenant_id(index);
    store.grant(By::system(now()), &app, tenant_id, &app.terms()).await?;
    let tenant = store.find_tenant(tenant_id).await?.context("the tenant is gone")?;
    let accounts = store.list_accounts(&tenant, Id(i64::MAX), 1).await?;
    let account = accounts.into_iter().next().context("expected an account")?;
    let key = NewApiKey {
        key_id: store.make_id(now()),
        hash: Sha256::digest(key(index).as_bytes()).into(),
        roles: "admin".to_owned(),
        owner: KeyOwner::Itself,
        label: ApiKeyLabel::default(),
        expires_at: None,
    };
    store.create_api_key(By::system(now()), Some(&tenant), &key, None).await?;
    Ok(Hirer { tenant, index, account })
}

/// The key of a hirer.
pub(crate) fn key(index: usize) -> String {
    format!("pbt_bench-{index}")
}

/// What placing orders came to.
struct Placed {
    started: Instant,
    seconds: f64,
    placed: u64,
}

/// Places orders over so many connections for `seconds`.
async fn place(
    server: &Running,
    hirers: &Arc<Vec<Hirer>>,
    connections: u32,
    seconds: u32,
) -> anyhow::Result<Placed> {
    let (http, next) = (client(), Arc::new(AtomicU64::new(0)));
    let (started, address) = (Instant::now(), server.address);
    let length = Duration::from_secs(u64::from(seconds));
    let mut placing = JoinSet::new();
    for _ in 0..connections {
        let (http, hirers, next) = (http.clone(), Arc::clone(hirers), Arc::clone(&next));
        placing.spawn(async move {
            let mut placed = 0;
            while started.elapsed() < length {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let hirer = &hirers[number as usize % hirers.len()];
                place_one(&http, address, hirer, number).await?;
                placed += 1;
            }
            anyhow::Ok(placed)
        });
    }
    let mut placed = 0;
    while let Some(done) = placing.join_next().await {
        placed += done??;
    }
    Ok(Placed { started, seconds: started.elapsed().as_secs_f64(), placed })
}

/// Places one order through the control API.
pub(crate) async fn place_one(
    http: &Http,
    address: SocketAddr,
    hirer: &Hirer,
    number: u64,
) -> anyhow::Result<()> {
    let tenant_key = names::tenant_id(hirer.index);
    let request =
        http::Request::post(format!("http://{address}/api/v1/tenants/{tenant_key}/orders"))
            .header("authorization", format!("Bearer {}", key(hirer.index)))
            .header("content-type", "application/json")
            .body(Full::new(form(hirer, number)))?;
    let answer = http.request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    ensure!(status == 201, "{status}: {}", String::from_utf8_lossy(&body));
    Ok(())
}

fn form(hirer: &Hirer, number: u64) -> Bytes {
    let person = |name: &str| {
        serde_json::json!({
            "name": format!("{name} {number}"),
            "mobile": {"code": "86", "number": format!("1{number:010}")},
            "email": format!("person-{number}@example.com"),
        })
    };
    let body = serde_json::json!({
        "account_id": hirer.account.account_id.to_string(),
        "package_id": names::PACKAGE,
        "comment": "请在五个工作日内完成",
        "candidate_info": person("候选人"),
        "client_contact_info": person("联系人"),
    });
    Bytes::from(body.to_string())
}

/// A pooled client as bare as it can be.
pub(crate) fn client() -> Http {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(BARE_AT_ONCE).build(connector)
}

/// A post as the server makes it, to one of the receiver's addresses.
pub(crate) fn request(
    receiver: SocketAddr,
    number: usize,
    body: Bytes,
    signature: &str,
) -> anyhow::Result<http::Request<Full<Bytes>>> {
    let request = http::Request::post(format!("http://{receiver}/hook/{number}"))
        .header("content-type", "application/json; charset=utf-8")
        .header("x-lark-request-timestamp", TIMESTAMP)
        .header("x-lark-request-nonce", NONCE)
        .header("x-lark-signature", signature);
    Ok(request.body(Full::new(body))?)
}

/// Posts, and reads the answer to its end.
pub(crate) async fn post(http: &Http, request: http::Request<Full<Bytes>>) -> anyhow::Result<()> {
    let answer = http.request(request).await?;
    ensure!(answer.status() == 200, "the receiver refuses");
    answer.into_body().collect().await?;
    Ok(())
}

/// Posts bodies to the receiver as fast as a bare pooled client does; how many a second.
async fn baseline(receiver: &Receiver, bodies: &[Bytes], seconds: u32) -> anyhow::Result<f64> {
    ensure!(!bodies.is_empty(), "expected bodies to post");
    let (http, bodies) = (client(), Arc::new(bodies.to_vec()));
    let (started, length) = (Instant::now(), Duration::from_secs(u64::from(seconds)));
    let mut posting = JoinSet::new();
    for number in 0..BARE_AT_ONCE {
        let (http, bodies, address) = (http.clone(), Arc::clone(&bodies), receiver.address);
        posting.spawn(async move {
            let mut count = 0_u64;
            while started.elapsed() < length {
                let body = bodies[(number + count as usize) % bodies.len()].clone();
                post(&http, request(address, number, body, UNSIGNED)?).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(done) = posting.join_next().await {
        count += done??;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// How the drain of a backlog went.
struct Drained {
    seconds: f64,
    /// The server's processor time for one event, in microseconds.
    cpu_us: f64,
    /// The server's memory when the first event came, at most, and at the end.
    rss_mb: [f64; 3],
}

async fn drain(
    data: &Path,
    server: &Running,
    receiver: &Receiver,
    backlog: u64,
) -> anyhow::Result<Drained> {
    let (started, pid) = (Instant::now(), server.pid());
    let first = loop {
        if let Some(first) = receiver.first_at() {
            break first;
        }
        ensure!(started.elapsed() < DRAIN_MAX, "nothing comes");
        pause(POLL).await;
    };
    let (cpu_before, begin) = (cpu_us(pid)?, rss_mb(pid)?);
    let mut most = begin;
    while receiver.count() < backlog {
        ensure!(first.elapsed() < DRAIN_MAX, "only {} of {backlog} came", receiver.count());
        most = most.max(rss_mb(pid)?);
        pause(POLL).await;
    }
    let seconds = settle(data, Some(first)).await?;
    let cpu_us = (cpu_us(pid)? - cpu_before) as f64 / backlog as f64;
    let end = rss_mb(pid)?;
    ensure!(receiver.count() == backlog, "expected each event once: {}", receiver.count());
    Ok(Drained { seconds, cpu_us, rss_mb: [begin, most.max(end), end] })
}

/// Waits until every delivery is marked; the seconds since `started`.
async fn settle(data: &Path, started: Option<Instant>) -> anyhow::Result<f64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(data.join(DATABASE_FILE), flags)?;
    database.busy_timeout(Duration::from_secs(5))?;
    let mut due =
        database.prepare("SELECT EXISTS (SELECT 1 FROM deliveries WHERE due_at IS NOT NULL)")?;
    let started = started.unwrap_or_else(Instant::now);
    loop {
        let is_due: bool = due.query_row([], |row| row.get(0))?;
        if !is_due {
            return Ok(started.elapsed().as_secs_f64());
        }
        if started.elapsed() > DRAIN_MAX {
            bail!("deliveries stay due");
        }
        pause(POLL).await;
    }
}

async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}

pub(crate) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
