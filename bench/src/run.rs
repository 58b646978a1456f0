//! A whole run: everything up side by side, bursts in turn, ratios within each cycle.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::calls;
use crate::engine::{Engine, Installation};
use crate::findings::{
    Findings, HELLO, P50s, PGBENCH, POSTGRES, SQLITE, Series, Start, goals, rows,
};
use crate::measure::{self, Spread};
use crate::measured::{Burst, Locality, Measured};
use crate::pgbench::{self, Pgbench};
use crate::postgres::Server;
use crate::process::Running;
use crate::wrk::Wrk;

/// Orders of the small installation.
const FEW: u64 = 1_000;
/// Connections and calls of which the median time is compared, with few orders and with many.
const TIMED: [(u32, u64); 2] = [(64, 700), (1, 200)];

/// Connections, with where the orders lie: at 64 anywhere, at 256 close together.
const LOADS: [(u32, Locality); 2] = [(64, Locality::Anywhere), (256, Locality::Close)];

/// What a run is asked for.
pub(crate) struct Options {
    pub(crate) orders: u64,
    pub(crate) cycles: u32,
    pub(crate) seconds: u32,
    /// Our server's binary.
    pub(crate) binary: PathBuf,
    /// Where seeded installations are stored and copies are made.
    pub(crate) folder: PathBuf,
    pub(crate) with_postgres: bool,
}

/// What is made for a run and must go afterwards.
pub(crate) struct Workspace {
    pub(crate) folder: PathBuf,
    pub(crate) server: Option<Server>,
}

/// The database of our server, and that of pgbench.
const DATABASES: [&str; 2] = ["probity_bench_run", "probity_bench_pgbench"];

/// Measures everything.
pub(crate) async fn run(options: &Options) -> anyhow::Result<Findings> {
    let workspace = Workspace::new(options).await?;
    let findings = measure(options, &workspace).await;
    workspace.remove().await?;
    findings
}

/// Loads one server alone, for a profiler to look at.
pub(crate) async fn load(
    options: &Options,
    engine: Engine,
    (connections, locality): (u32, Locality),
) -> anyhow::Result<()> {
    let workspace = Workspace::new(options).await?;
    let done = async {
        let wrk = Wrk::new(&workspace.folder)?;
        let mut measured = measured(options, &workspace, engine).await?;
        measured.start_cold(1)?;
        println!("pid {}", measured.running()?.pid());
        for _ in 0..options.cycles {
            let burst = measured.burst(&wrk, connections, options.seconds, locality)?;
            println!("{burst:.2?}");
        }
        anyhow::Ok(())
    };
    let done = done.await;
    workspace.remove().await?;
    done
}

impl Workspace {
    pub(crate) async fn new(options: &Options) -> anyhow::Result<Workspace> {
        // One run at a time; what a broken one left behind is replaced.
        let folder = options.folder.join("run");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let server = match options.with_postgres {
            true => Some(Server::find().await.context(
                "expected PostgreSQL at DATABASE_URL or 127.0.0.1:5432 (or leave it out: --without-postgres)",
            )?),
            false => None,
        };
        Ok(Workspace { folder, server })
    }

    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        fs::remove_dir_all(&self.folder)?;
        if let Some(server) = &self.server {
            for database in DATABASES {
                server.drop(database).await?;
            }
        }
        Ok(())
    }
}

async fn measured(
    options: &Options,
    workspace: &Workspace,
    engine: Engine,
) -> anyhow::Result<Measured> {
    let installation = match engine {
        Engine::Sqlite => {
            let data = workspace.folder.join("sqlite");
            Installation::sqlite(&options.folder, options.orders, data).await?
        }
        Engine::Postgres => {
            let server = workspace.server.as_ref().context("expected PostgreSQL")?;
            let data = workspace.folder.join("postgres");
            Installation::postgres(server, options.orders, data, DATABASES[0]).await?
        }
    };
    Measured::new(engine, &options.binary, installation, calls::part).await
}

async fn measure(options: &Options, workspace: &Workspace) -> anyhow::Result<Findings> {
    let wrk = Wrk::new(&workspace.folder)?;
    let mut sides = vec![measured(options, workspace, Engine::Sqlite).await?];
    let mut pgbench = None;
    if let Some(server) = &workspace.server {
        sides.push(measured(options, workspace, Engine::Postgres).await?);
        let folder = &workspace.folder;
        pgbench = Some(Pgbench::new(server, DATABASES[1], folder, options.orders).await?);
    }
    let mut starts = Vec::new();
    for measured in &mut sides {
        let clean_ms = measured.start_cold(options.cycles.max(3))?;
        std::thread::sleep(Duration::from_secs(2));
        starts.push(Start::new(measured.engine, clean_ms, measured.rss_mb()?));
    }
    let hello = Running::hello()?;
    eprintln!("warming up");
    for measured in &mut sides {
        measured.burst(&wrk, 64, options.seconds, Locality::Anywhere)?;
    }

    let mut series = new_series(&sides, pgbench.is_some());
    let mut syncs = Vec::new();
    let mut p50s = TIMED.map(|(connections, _)| P50s::new(connections));
    for cycle in 1..=options.cycles {
        eprintln!("cycle {cycle} of {}", options.cycles);
        syncs.push(measure::syncs_per_s(&workspace.folder)?);
        let bursts = cycle_bursts(options, &wrk, &hello, &mut sides, pgbench.as_ref())?;
        for (series, burst) in series.iter_mut().zip(bursts) {
            series.bursts.push(burst);
        }
        let mut few = few(options, workspace, cycle).await?;
        for ((connections, calls), p50s) in TIMED.into_iter().zip(&mut p50s) {
            let few_ms = few.p50(&wrk, connections, calls)?;
            p50s.add(sides[0].p50(&wrk, connections, calls)?, few_ms);
        }
        few.finish().await?;
    }

    for (measured, start) in sides.iter_mut().zip(&mut starts) {
        start.loaded_mb = measured.rss_mb()?;
        start.after_kill_ms = measured.start_after_kill(&wrk)?;
    }
    drop(hello);
    for (measured, start) in sides.iter_mut().zip(&mut starts) {
        (start.acknowledged, start.found) = measured.finish().await?;
    }

    Ok(Findings {
        orders: options.orders,
        cycles: options.cycles,
        burst_s: options.seconds,
        server: workspace.server.as_ref().map(|server| server.description.clone()),
        syncs_per_s: Spread::of(syncs),
        goals: goals(&series, &starts, p50s[0].ratio()),
        rows: rows(&series),
        starts,
        p50s: p50s.iter().map(P50s::summed_up).collect(),
    })
}

/// The series of a run, in the order in which [`cycle_bursts`] gives their bursts.
fn new_series(sides: &[Measured], with_pgbench: bool) -> Vec<Series> {
    let mut series = Vec::new();
    for (index, (connections, _)) in LOADS.into_iter().enumerate() {
        let mut add = |name, connections| {
            series.push(Series { name, connections, bursts: Vec::new() });
        };
        add(HELLO, connections);
        for measured in sides {
            let name = match measured.engine {
                Engine::Sqlite => SQLITE,
                Engine::Postgres => POSTGRES,
            };
            add(name, connections);
        }
        if with_pgbench {
            for clients in pgbench::CLIENTS {
                add(PGBENCH[index], clients);
            }
        }
    }
    series
}

fn cycle_bursts(
    options: &Options,
    wrk: &Wrk,
    hello: &Running,
    sides: &mut [Measured],
    pgbench: Option<&Pgbench>,
) -> anyhow::Result<Vec<Burst>> {
    let seconds = options.seconds;
    let mut bursts = Vec::new();
    for (connections, locality) in LOADS {
        bursts.push(sides[0].burst_on(hello, wrk, connections, seconds, locality)?);
        for measured in &mut *sides {
            bursts.push(measured.burst(wrk, connections, seconds, locality)?);
        }
        if let Some(pgbench) = pgbench {
            for clients in pgbench::CLIENTS {
                bursts.push(pgbench_burst(pgbench, clients, seconds, locality)?);
            }
        }
    }
    Ok(bursts)
}

fn pgbench_burst(
    pgbench: &Pgbench,
    clients: u32,
    seconds: u32,
    locality: Locality,
) -> anyhow::Result<Burst> {
    let before = measure::cpu_us_of_all("postgres");
    let parsed = pgbench.run(clients, seconds, locality == Locality::Close)?;
    let database_us = measure::cpu_us_of_all("postgres").saturating_sub(before);
    Ok(Burst {
        per_s: parsed.per_s,
        p50_ms: f64::NAN,
        p99_ms: f64::NAN,
        cpu_us: f64::NAN,
        database_cpu_us: database_us as f64 / parsed.transactions as f64,
        fault: (parsed.failed > 0).then(|| format!("{} failed", parsed.failed)),
    })
}

/// An installation with few orders, fresh for each cycle.
async fn few(options: &Options, workspace: &Workspace, cycle: u32) -> anyhow::Result<Measured> {
    let data = workspace.folder.join(format!("few-{cycle}"));
    let installation = Installation::sqlite(&options.folder, FEW, data).await?;
    let mut measured =
        Measured::new(Engine::Sqlite, &options.binary, installation, calls::whole).await?;
    measured.start_cold(1)?;
    Ok(measured)
}
