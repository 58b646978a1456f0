//! The bench: our server as shipped beside a bare axum server and `pgbench`, by bursts in turn.
//!
//! Absolute numbers say little on a shared machine; every figure that counts is a ratio of two bursts of one
//! cycle. See docs/performance.md for the method and the meaning of the columns.

mod built;
mod calls;
mod compare;
mod deliveries;
mod engine;
mod findings;
mod hello;
mod http;
mod measure;
mod measured;
mod names;
mod pgbench;
mod postgres;
mod process;
mod receiver;
mod recorded;
mod run;
mod seed;
mod table;
mod wrk;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use engine::Engine;
use measured::Locality;

/// Measures Probity beside a bare axum server and pgbench.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
struct Bench {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure everything and print the table (what happens without a command).
    Table,
    /// Load SQLite's server alone, `--cycles` bursts long, for a profiler to look at.
    Sqlite(Alone),
    /// Load PostgreSQL's server alone, `--cycles` bursts long, for a profiler to look at.
    Postgres(Alone),
    /// Measure builds of the server beside each other, while orders are read and placed.
    Compare {
        /// On PostgreSQL instead of SQLite.
        #[arg(long)]
        postgres: bool,
        /// The builds; the others are compared with the first.
        #[arg(required = true)]
        builds: Vec<PathBuf>,
    },
    /// Measure deliveries: end to end, and a backlog beside a bare pooled client.
    Deliveries {
        /// Connections that place orders.
        #[arg(long, default_value_t = 64)]
        connections: u32,
        /// Orders whose events wait when the drain begins.
        #[arg(long, default_value_t = 100_000)]
        backlog: u64,
    },
    /// Serve the yardstick; the bench starts it by itself.
    #[command(hide = true)]
    Hello {
        /// Where to listen.
        address: SocketAddr,
    },
}

#[derive(Debug, Args)]
struct Alone {
    /// Connections; from 256 on the orders lie close together.
    #[arg(long, default_value_t = 64)]
    connections: u32,
}

#[derive(Debug, Args)]
struct Settings {
    /// Print JSON instead of the table.
    #[arg(long, global = true)]
    json: bool,
    /// Orders that wait for their results at the start; each burst uses some up.
    #[arg(long, global = true, default_value_t = 1_000_000)]
    orders: u64,
    /// Cycles of bursts; medians are taken over them.
    #[arg(long, global = true, default_value_t = 5)]
    cycles: u32,
    /// Length of a burst in seconds.
    #[arg(long, global = true, default_value_t = 2)]
    seconds: u32,
    /// Our server; the one built beside this program when left out.
    #[arg(long, global = true, value_name = "FILE")]
    server_binary: Option<PathBuf>,
    /// Where seeded installations are stored; `bench` in the target folder when left out.
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Leave PostgreSQL and pgbench out.
    #[arg(long, global = true)]
    without_postgres: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Bench { command, settings } = Bench::parse();
    let json = settings.json;
    let options = options(settings)?;
    let load = |alone: Alone| match alone.connections {
        connections @ ..256 => (connections, Locality::Anywhere),
        connections => (connections, Locality::Close),
    };
    match command {
        Some(Command::Hello { address }) => hello::serve(address).await,
        Some(Command::Sqlite(alone)) => {
            let options = run::Options { with_postgres: false, ..options };
            run::load(&options, Engine::Sqlite, load(alone)).await
        }
        Some(Command::Compare { postgres, builds }) => {
            let options = run::Options { with_postgres: postgres, ..options };
            compare::run(&options, &builds).await
        }
        Some(Command::Deliveries { connections, backlog }) => {
            let wanted = deliveries::Options { connections, backlog };
            deliveries::run(&options, &wanted).await
        }
        Some(Command::Postgres(alone)) => run::load(&options, Engine::Postgres, load(alone)).await,
        Some(Command::Table) | None => {
            let findings = run::run(&options).await?;
            match json {
                true => println!("{}", serde_json::to_string_pretty(&findings)?),
                false => print!("{}", table::render(&findings)),
            }
            Ok(())
        }
    }
}

fn options(settings: Settings) -> anyhow::Result<run::Options> {
    let own = std::env::current_exe()?;
    let built = own.parent().context("expected a folder of built programs")?;
    let target = built.parent().context("expected a target folder")?;
    Ok(run::Options {
        orders: settings.orders,
        cycles: settings.cycles.max(1),
        seconds: settings.seconds.max(1),
        binary: settings.server_binary.unwrap_or_else(|| built.join("probity")),
        folder: settings.folder.unwrap_or_else(|| target.join("bench")),
        with_postgres: !settings.without_postgres,
    })
}
