//! One of our servers under measurement, with its orders, its tokens and what it has answered so far.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::calls::{self, Calls, Part};
use crate::engine::{Engine, Installation};
use crate::measure::{self, Spread};
use crate::process::{self, Probity, Running};
use crate::wrk::{self, Load, Parsed, Wrk};

/// How often the server is killed and started again.
const KILLS: u32 = 3;

/// Where a burst's orders lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locality {
    /// At random among all.
    Anywhere,
    /// Among 20,000 neighbours, the newest that are left.
    Close,
}

/// A server with everything that its load needs.
pub(crate) struct Measured {
    pub(crate) engine: Engine,
    binary: PathBuf,
    installation: Installation,
    running: Option<Running>,
    token_file: PathBuf,
    /// Orders that are read beside, as `call.lua` takes them.
    pub(crate) read_file: Option<PathBuf>,
    tokens: Vec<String>,
    anywhere: Calls,
    close: Calls,
    unknown: Calls,
    /// Results that were acknowledged.
    answered: u64,
}

/// One burst, as it counts for a table; NaN where nobody says.
#[derive(Debug, Clone)]
pub(crate) struct Burst {
    pub(crate) per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Processor time of the server for each answer.
    pub(crate) cpu_us: f64,
    /// The same of all processes of PostgreSQL.
    pub(crate) database_cpu_us: f64,
    /// Why it does not count.
    pub(crate) fault: Option<String>,
}

impl Measured {
    /// Starts the server once for its tokens, and stops it; `part` chooses the orders of both localities.
    pub(crate) async fn new(
        engine: Engine,
        binary: &Path,
        installation: Installation,
        part: Part,
    ) -> anyhow::Result<Measured> {
        let folder = installation.data.clone();
        let (anywhere, close) = part(installation.arranged().await?);
        let probity = Probity { binary, installation: &installation };
        let running = probity.start()?;
        let tokens = process::tokens(running.address)
            .with_context(|| format!("no tokens: {}", probity.last_words()))?;
        running.stop()?;
        let token_file = folder.join("tokens.txt");
        fs::write(&token_file, tokens.join("\n") + "\n")?;
        Ok(Measured {
            engine,
            binary: binary.to_owned(),
            installation,
            running: None,
            token_file,
            read_file: None,
            tokens,
            anywhere: Calls::write(&folder.join("calls-anywhere.txt"), anywhere)?,
            close: Calls::write(&folder.join("calls-close.txt"), close)?,
            unknown: Calls::write(&folder.join("calls-unknown.txt"), calls::unknown())?,
            answered: 0,
        })
    }

    /// Starts and stops it `times` times, and leaves it running; milliseconds to the first accepted call.
    pub(crate) fn start_cold(&mut self, times: u32) -> anyhow::Result<Spread> {
        let mut took_ms = Vec::new();
        for _ in 0..times {
            if let Some(running) = self.running.take() {
                running.stop()?;
            }
            took_ms.push(self.start_once()?.as_secs_f64() * 1e3);
        }
        Spread::of(took_ms).context("expected at least one start")
    }

    /// Kills it under load and starts it again, several times; milliseconds to the first accepted call.
    pub(crate) fn start_after_kill(&mut self, wrk: &Wrk) -> anyhow::Result<Spread> {
        let mut took_ms = Vec::new();
        for _ in 0..KILLS {
            let running = self.running.take().context("expected a running server")?;
            let load = self.load(&running, 64, 1, Locality::Anywhere);
            let loading = wrk.start(&load)?;
            std::thread::sleep(Duration::from_millis(500));
            running.kill()?;
            let parsed = wrk::finish(loading)?;
            self.note(&parsed, Locality::Anywhere);
            took_ms.push(self.start_once()?.as_secs_f64() * 1e3);
        }
        Spread::of(took_ms).context("expected at least one start")
    }

    fn start_once(&mut self) -> anyhow::Result<Duration> {
        let order = self.anywhere.take().context("no orders are left, seed more (--orders)")?;
        let probity = Probity { binary: &self.binary, installation: &self.installation };
        let (running, took) = probity.start_cold(&self.tokens[order.tenant], order.order_id)?;
        self.answered += 1;
        self.running = Some(running);
        Ok(took)
    }

    /// Resident memory, in MB.
    pub(crate) fn rss_mb(&self) -> anyhow::Result<f64> {
        measure::rss_mb(self.running()?.pid())
    }

    pub(crate) fn running(&self) -> anyhow::Result<&Running> {
        self.running.as_ref().context("expected a running server")
    }

    /// Makes one burst of first results.
    pub(crate) fn burst(
        &mut self,
        wrk: &Wrk,
        connections: u32,
        seconds: u32,
        locality: Locality,
    ) -> anyhow::Result<Burst> {
        let running = self.running()?;
        let load = self.load(running, connections, seconds, locality);
        let (parsed, burst) = burst(wrk, running, &load)?;
        self.note(&parsed, locality);
        Ok(burst)
    }

    /// The same burst on the yardstick: it takes the same calls, which stay unused.
    pub(crate) fn burst_on(
        &self,
        hello: &Running,
        wrk: &Wrk,
        connections: u32,
        seconds: u32,
        locality: Locality,
    ) -> anyhow::Result<Burst> {
        let mut load = self.load(hello, connections, seconds, locality);
        load.begins_anew = true;
        Ok(burst(wrk, hello, &load)?.1)
    }

    /// The median answer time of some first results, after a round of refusals that warms the server up and
    /// changes nothing.
    pub(crate) fn p50(&mut self, wrk: &Wrk, connections: u32, calls: u64) -> anyhow::Result<f64> {
        let running = self.running()?;
        let mut load = self.load(running, connections, 1, Locality::Anywhere);
        let warming = Load { connections: 64, calls: &self.unknown, ..load };
        let warmed = wrk.run(&warming)?;
        ensure!(warmed.refused == warmed.answers, "expected unknown orders to be refused");
        // Those under way when it stops are not parsed.
        load.stop_after = calls - u64::from(connections);
        let parsed = wrk.run(&load)?;
        ensure!(parsed.refused == 0, "{} of the timed calls were refused", parsed.refused);
        self.note(&parsed, Locality::Anywhere);
        Ok(parsed.p50_ms)
    }

    fn load<'a>(
        &'a self,
        running: &Running,
        connections: u32,
        seconds: u32,
        locality: Locality,
    ) -> Load<'a> {
        Load {
            address: running.address,
            connections,
            seconds,
            stop_after: 0,
            begins_anew: false,
            calls: match locality {
                Locality::Anywhere => &self.anywhere,
                Locality::Close => &self.close,
            },
            tokens: &self.token_file,
            reads: self.read_file.as_deref(),
        }
    }

    fn note(&mut self, parsed: &Parsed, locality: Locality) {
        // Of the answers those to reads change nothing.
        let reads = if self.read_file.is_some() { parsed.answers / 20 } else { 0 };
        self.answered += parsed.answers - parsed.refused - reads;
        match locality {
            Locality::Anywhere => self.anywhere.skip(parsed.sent),
            Locality::Close => self.close.skip(parsed.sent),
        }
    }

    /// Stops the server and looks for every acknowledged result; says what is missing.
    pub(crate) async fn finish(&mut self) -> anyhow::Result<(u64, u64)> {
        if let Some(running) = self.running.take() {
            running.stop()?;
        }
        Ok((self.answered, self.installation.count_completed().await?))
    }
}

fn burst(wrk: &Wrk, running: &Running, load: &Load<'_>) -> anyhow::Result<(Parsed, Burst)> {
    let before = (measure::cpu_us(running.pid())?, measure::cpu_us_of_all("postgres"));
    let parsed = wrk.run(load)?;
    let after = (measure::cpu_us(running.pid())?, measure::cpu_us_of_all("postgres"));
    let each = |us: u64| us as f64 / parsed.answers as f64;
    let fault = [
        (parsed.refused > 0, format!("{} refused", parsed.refused)),
        (parsed.broken > 0, format!("{} connections broken", parsed.broken)),
        (parsed.is_exhausted, "no orders left (--orders)".to_owned()),
        (parsed.answers == 0, "no answer".to_owned()),
    ];
    let faults: Vec<String> = fault.into_iter().filter(|it| it.0).map(|it| it.1).collect();
    let burst = Burst {
        per_s: parsed.answers as f64 / parsed.seconds,
        p50_ms: parsed.p50_ms,
        p99_ms: parsed.p99_ms,
        cpu_us: each(after.0 - before.0),
        database_cpu_us: each(after.1.saturating_sub(before.1)),
        fault: (!faults.is_empty()).then(|| faults.join(", ")),
    };
    Ok((parsed, burst))
}
