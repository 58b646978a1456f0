//! Builds of our server beside each other on one engine, to see what a change of the server gives: bursts in turn on copies
//! of one installation, while orders are read and placed, and their events delivered.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use store::{Location, Store};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::calls::{self, Arranged};
use crate::deliveries::{self, HIRERS};
use crate::engine::{Engine, Installation};
use crate::measure::Spread;
use crate::measured::{Burst, Locality, Measured};
use crate::receiver::Receiver;
use crate::seed::Hirer;
use crate::wrk::Wrk;
use crate::{names, run};

/// Connections, with where the orders lie: at both both, so that the effect of either is seen.
const LOADS: [(u32, Locality); 4] = [
    (64, Locality::Anywhere),
    (64, Locality::Close),
    (256, Locality::Anywhere),
    (256, Locality::Close),
];
/// Orders placed beside a burst, a second, each with an event; on so many connections.
const PLACED_PER_S: u32 = 250;
const AT_ONCE: u32 = 5;
/// Orders that are read, one by every 20th request.
const READ_ORDERS: usize = 2_000;

/// A build that is measured.
struct Build {
    name: String,
    measured: Measured,
    beside: Arc<Beside>,
}

/// Places orders beside the bursts.
struct Beside {
    http: deliveries::Http,
    hirers: Vec<Hirer>,
    next: AtomicU64,
    refused: AtomicU64,
}

/// Measures the builds, the first of which is what the others are compared with.
pub(crate) async fn run(options: &run::Options, builds: &[PathBuf]) -> anyhow::Result<()> {
    let workspace = run::Workspace::new(options).await?;
    let done = measure(options, &workspace, builds).await;
    if let Some(server) = &workspace.server {
        for index in 0..builds.len() {
            server.drop(&database(index)).await?;
        }
    }
    workspace.remove().await?;
    done
}

/// The database of a build, where the engine is PostgreSQL.
fn database(index: usize) -> String {
    format!("probity_bench_build_{index}")
}

async fn measure(
    options: &run::Options,
    workspace: &run::Workspace,
    paths: &[PathBuf],
) -> anyhow::Result<()> {
    let (wrk, receiver) = (Wrk::new(&workspace.folder)?, Receiver::start().await?);
    let mut builds = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let data = workspace.folder.join(format!("build-{index}"));
        let (engine, installation) = match &workspace.server {
            Some(server) => {
                let name = database(index);
                let copied = Installation::postgres(server, options.orders, data, &name);
                (Engine::Postgres, copied.await?)
            }
            None => {
                let copied = Installation::sqlite(&options.folder, options.orders, data);
                (Engine::Sqlite, copied.await?)
            }
        };
        let location = match &installation.database_url {
            Some(url) => Location::Postgres(url.clone()),
            None => Location::Sqlite(installation.data.join("probity.db")),
        };
        let store = Arc::new(Store::open(&location, names::root_key(), deliveries::now()).await?);
        let mut hirers = Vec::new();
        for index in 0..HIRERS {
            hirers.push(deliveries::receive(&store, index, &receiver).await?);
        }
        store.close().await;
        drop(store);
        let read_file = installation.data.join("reads.txt");
        fs::write(&read_file, reads(installation.arranged().await?))?;
        let beside = Beside {
            http: deliveries::client(),
            hirers,
            next: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        };
        let mut measured = Measured::new(engine, path, installation, calls::part).await?;
        measured.read_file = Some(read_file);
        measured.start_cold(1)?;
        let name = path.display().to_string();
        builds.push(Build { name, measured, beside: Arc::new(beside) });
    }
    let mut bursts = vec![vec![Vec::new(); builds.len()]; LOADS.len()];
    for cycle in 0..=options.cycles {
        eprintln!("cycle {cycle} of {}", options.cycles);
        for (bursts, (connections, locality)) in bursts.iter_mut().zip(LOADS) {
            for (bursts, build) in bursts.iter_mut().zip(&mut builds) {
                let burst = build.burst(&wrk, connections, options.seconds, locality)?;
                // The first cycle warms up.
                if cycle > 0 {
                    bursts.push(burst);
                }
            }
        }
    }
    print(&builds, &bursts);
    for build in &mut builds {
        let refused = build.beside.refused.load(Ordering::Relaxed);
        let beside = build.beside.next.load(Ordering::Relaxed);
        let rss = build.measured.rss_mb()?;
        let (answered, found) = build.measured.finish().await?;
        println!(
            "{}: {answered} results answered, {found} in the database; {beside} orders placed, {refused} refused; {rss:.0} MB",
            build.name
        );
    }
    println!("{} events delivered to all", receiver.count());
    Ok(())
}

/// The orders of the hirers at random, as `call.lua` reads them.
fn reads(mut orders: Vec<Arranged>) -> String {
    orders.retain(|order| order.tenant < HIRERS);
    names::Random::new(7).shuffle(&mut orders);
    let line = |order: &Arranged| {
        let (tenant_key, key) = (names::tenant_id(order.tenant), deliveries::key(order.tenant));
        format!("/api/v1/tenants/{tenant_key}/orders/{} {key}\n", order.order_id)
    };
    orders.iter().take(READ_ORDERS).map(line).collect()
}

impl Build {
    fn burst(
        &mut self,
        wrk: &Wrk,
        connections: u32,
        seconds: u32,
        locality: Locality,
    ) -> anyhow::Result<Burst> {
        let address = self.measured.running()?.address;
        let mut calling: JoinSet<()> = JoinSet::new();
        let every = Duration::from_secs(1) * AT_ONCE / PLACED_PER_S;
        for _ in 0..AT_ONCE {
            let beside = Arc::clone(&self.beside);
            calling.spawn(async move {
                let mut ticks = tokio::time::interval(every);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    beside.place(address).await;
                }
            });
        }
        let burst = tokio::task::block_in_place(|| {
            self.measured.burst(wrk, connections, seconds, locality)
        });
        drop(calling);
        burst
    }
}

impl Beside {
    async fn place(&self, address: SocketAddr) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let hirer = &self.hirers[number as usize % self.hirers.len()];
        if let Err(error) = deliveries::place_one(&self.http, address, hirer, number).await
            && self.refused.fetch_add(1, Ordering::Relaxed) == 0
        {
            eprintln!("an order was not placed: {error:#}");
        }
    }
}

fn print(builds: &[Build], bursts: &[Vec<Vec<Burst>>]) {
    let spread = |values: Vec<f64>| Spread::of(values).map_or(f64::NAN, |spread| spread.median);
    println!(
        "{:>6} {:<9}{:>10} {:<22}{:>9}{:>9}{:>9}  build",
        "conns", "orders", "req/s", " of the first", "p50 ms", "p99 ms", "CPU us"
    );
    for ((connections, locality), bursts) in LOADS.iter().zip(bursts) {
        for (build, own) in builds.iter().zip(bursts) {
            let counts = |burst: &&Burst| burst.fault.is_none();
            let of =
                |value: fn(&Burst) -> f64| spread(own.iter().filter(counts).map(value).collect());
            let pairs = own.iter().zip(&bursts[0]);
            let pairs = pairs.filter(|(own, first)| own.fault.is_none() && first.fault.is_none());
            let ratio = Spread::of(pairs.map(|(own, first)| own.per_s / first.per_s));
            let ratio = ratio.map_or_else(String::new, |it| {
                format!("{:.2} ({:.2}..{:.2})", it.median, it.min, it.max)
            });
            println!(
                "{connections:>6} {:<9}{:>10.0}  {ratio:<21}{:>9.2}{:>9.2}{:>9.1}  {}",
                match locality {
                    Locality::Anywhere => "anywhere",
                    Locality::Close => "close",
                },
                of(|burst| burst.per_s),
                of(|burst| burst.p50_ms),
                of(|burst| burst.p99_ms),
                of(|burst| burst.cpu_us),
                build.name,
            );
            for fault in own.iter().filter_map(|burst| burst.fault.as_ref()) {
                println!("        a burst that does not count: {fault}");
            }
        }
    }
}
