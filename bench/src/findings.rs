//! What a run found: medians, ratios within each cycle, and the goals beside them.

use serde::Serialize;

use crate::engine::Engine;
use crate::measure::Spread;
use crate::measured::Burst;

pub(crate) const HELLO: &str = "bare axum hello";
pub(crate) const SQLITE: &str = "probity, SQLite";
pub(crate) const POSTGRES: &str = "probity, PostgreSQL";
pub(crate) const PGBENCH: [&str; 2] = ["pgbench, all orders", "pgbench, newest orders"];

/// All bursts of one server at one load, one for each cycle.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) connections: u32,
    pub(crate) bursts: Vec<Burst>,
}

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    pub(crate) orders: u64,
    pub(crate) cycles: u32,
    pub(crate) burst_s: u32,
    /// PostgreSQL's version and settings.
    pub(crate) server: Option<String>,
    /// 4 KiB made durable, times a second.
    pub(crate) syncs_per_s: Option<Spread>,
    pub(crate) rows: Vec<Row>,
    pub(crate) starts: Vec<Start>,
    pub(crate) p50s: Vec<P50>,
    pub(crate) goals: Vec<Goal>,
}

/// Median answer times of SQLite's server with all orders, and with a thousand.
#[derive(Debug, Serialize)]
pub(crate) struct P50 {
    pub(crate) connections: u32,
    pub(crate) many_ms: Option<Spread>,
    pub(crate) few_ms: Option<Spread>,
    pub(crate) ratio: Option<Spread>,
}

/// The same, a pair for each cycle.
pub(crate) struct P50s {
    connections: u32,
    pairs: Vec<(f64, f64)>,
}

impl P50s {
    pub(crate) fn new(connections: u32) -> P50s {
        P50s { connections, pairs: Vec::new() }
    }

    pub(crate) fn add(&mut self, many_ms: f64, few_ms: f64) {
        self.pairs.push((many_ms, few_ms));
    }

    pub(crate) fn ratio(&self) -> Option<Spread> {
        Spread::of(self.pairs.iter().map(|(many, few)| many / few))
    }

    pub(crate) fn summed_up(&self) -> P50 {
        P50 {
            connections: self.connections,
            many_ms: Spread::of(self.pairs.iter().map(|it| it.0)),
            few_ms: Spread::of(self.pairs.iter().map(|it| it.1)),
            ratio: self.ratio(),
        }
    }
}

/// One server at one load.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Connections; for pgbench its clients.
    pub(crate) connections: u32,
    pub(crate) per_s: Option<Spread>,
    pub(crate) of_hello: Option<Spread>,
    pub(crate) p50_ms: Option<Spread>,
    pub(crate) p99_ms: Option<Spread>,
    pub(crate) cpu_us: Option<Spread>,
    pub(crate) database_cpu_us: Option<Spread>,
    /// What was wrong with bursts that therefore do not count.
    pub(crate) faults: Vec<String>,
}

/// How one of our servers starts, how much memory it takes, and whether it stored what it acknowledged.
#[derive(Debug, Serialize)]
pub(crate) struct Start {
    pub(crate) engine: Engine,
    pub(crate) clean_ms: Spread,
    pub(crate) after_kill_ms: Spread,
    pub(crate) idle_mb: f64,
    pub(crate) loaded_mb: f64,
    /// Results that were answered with success.
    pub(crate) acknowledged: u64,
    /// Results in the database after the run; never fewer.
    pub(crate) found: u64,
}

impl Start {
    pub(crate) fn new(engine: Engine, clean_ms: Spread, idle_mb: f64) -> Start {
        Start {
            engine,
            clean_ms,
            idle_mb,
            after_kill_ms: clean_ms,
            loaded_mb: idle_mb,
            acknowledged: 0,
            found: 0,
        }
    }
}

/// A goal with what was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) name: &'static str,
    pub(crate) wanted: Wanted,
    pub(crate) measured: Option<Spread>,
    /// By the median; none when nothing was measured.
    pub(crate) is_met: Option<bool>,
}

/// What a goal asks for.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    fn new(name: &'static str, wanted: Wanted, measured: Option<Spread>) -> Goal {
        let is_met = measured.map(|spread| match wanted {
            Wanted::AtLeast(least) => spread.median >= least,
            Wanted::AtMost(most) => spread.median <= most,
        });
        Goal { name, wanted, measured, is_met }
    }
}

/// The goals of the release, in reading order.
pub(crate) fn goals(series: &[Series], starts: &[Start], p50_ratio: Option<Spread>) -> Vec<Goal> {
    let over_hello = |name, connections| {
        let (ours, hello) = (find(series, name, connections)?, find(series, HELLO, connections)?);
        ratio(ours, |burst| burst.per_s, |cycle| hello.value(cycle, |burst| burst.per_s))
    };
    let p99 = || {
        let (ours, hello) = (find(series, SQLITE, 64)?, find(series, HELLO, 64)?);
        ratio(ours, |burst| burst.p99_ms, |cycle| hello.value(cycle, |burst| burst.p99_ms))
    };
    let over_pgbench = || {
        let best = |cycle| {
            let runs = series.iter().filter(|series| series.name == PGBENCH[1]);
            runs.map(|series| series.value(cycle, |burst| burst.per_s)).fold(f64::NAN, f64::max)
        };
        ratio(find(series, POSTGRES, 256)?, |burst| burst.per_s, best)
    };
    let sqlite = starts.iter().find(|start| start.engine == Engine::Sqlite);
    let idle = sqlite.and_then(|start| Spread::of([start.idle_mb]));
    let cold = sqlite.map(|start| start.clean_ms);
    use Wanted::{AtLeast, AtMost};
    vec![
        Goal::new("SQLite over hello, 64 connections", AtLeast(0.20), over_hello(SQLITE, 64)),
        Goal::new("SQLite over hello, 256 connections", AtLeast(0.30), over_hello(SQLITE, 256)),
        Goal::new("PostgreSQL, 256 connections, over pgbench's best", AtLeast(2.5), over_pgbench()),
        Goal::new("p99 over hello's, SQLite, 64 connections", AtMost(4.0), p99()),
        Goal::new("idle memory, SQLite, MB", AtMost(20.0), idle),
        Goal::new("cold start to the first result, SQLite, ms", AtMost(60.0), cold),
        Goal::new("p50, all orders over a thousand, 64 connections", AtMost(1.3), p50_ratio),
    ]
}

/// A row for each series.
pub(crate) fn rows(series: &[Series]) -> Vec<Row> {
    let row = |one: &Series| {
        let spread = |value: fn(&Burst) -> f64| {
            Spread::of((0..one.bursts.len()).map(|cycle| one.value(cycle, value)))
        };
        let hello = find(series, HELLO, one.connections).filter(|_| !PGBENCH.contains(&one.name));
        let of_hello = hello.and_then(|hello| {
            ratio(one, |burst| burst.per_s, |cycle| hello.value(cycle, |burst| burst.per_s))
        });
        Row {
            name: one.name,
            connections: one.connections,
            per_s: spread(|burst| burst.per_s),
            of_hello,
            p50_ms: spread(|burst| burst.p50_ms),
            p99_ms: spread(|burst| burst.p99_ms),
            cpu_us: spread(|burst| burst.cpu_us),
            database_cpu_us: spread(|burst| burst.database_cpu_us)
                .filter(|_| PGBENCH.contains(&one.name) || one.name == POSTGRES),
            faults: one.faults(),
        }
    };
    series.iter().map(row).collect()
}

impl Series {
    /// A value of one cycle's burst; NaN when the burst does not count.
    fn value(&self, cycle: usize, value: fn(&Burst) -> f64) -> f64 {
        match self.bursts.get(cycle) {
            Some(burst) if burst.fault.is_none() => value(burst),
            _ => f64::NAN,
        }
    }

    fn faults(&self) -> Vec<String> {
        let cycles = self.bursts.iter().zip(1..);
        cycles
            .filter_map(|(burst, cycle)| Some(format!("cycle {cycle}: {}", burst.fault.as_ref()?)))
            .collect()
    }
}

/// The ratio of a series to something else of the same cycle.
fn ratio(ours: &Series, value: fn(&Burst) -> f64, other: impl Fn(usize) -> f64) -> Option<Spread> {
    Spread::of((0..ours.bursts.len()).map(|cycle| ours.value(cycle, value) / other(cycle)))
}

fn find<'a>(series: &'a [Series], name: &str, connections: u32) -> Option<&'a Series> {
    series.iter().find(|series| series.name == name && series.connections == connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &'static str, connections: u32, per_s: [f64; 3]) -> Series {
        let burst = |per_s| Burst {
            per_s,
            p50_ms: 1.0,
            p99_ms: 1e5 / per_s,
            cpu_us: 1.0,
            database_cpu_us: 1.0,
            fault: None,
        };
        Series { name, connections, bursts: per_s.map(burst).into() }
    }

    #[test]
    fn ratios_are_taken_within_a_cycle_and_leave_faulty_bursts_out() {
        let mut all = vec![
            series(HELLO, 64, [100.0, 1_000.0, 100.0]),
            series(SQLITE, 64, [25.0, 250.0, 90.0]),
            series(POSTGRES, 256, [300.0, 300.0, 300.0]),
            series(PGBENCH[1], 16, [100.0, 50.0, 100.0]),
            series(PGBENCH[1], 64, [50.0, 100.0, 200.0]),
        ];
        all[1].bursts[2].fault = Some("3 refused".to_owned());
        let goals = goals(&all, &[], None);
        let median = |index: usize| goals[index].measured.map(|spread| spread.median);
        assert_eq!(median(0), Some(0.25));
        assert_eq!(goals[0].is_met, Some(true));
        assert_eq!(median(1), None);
        assert_eq!(goals[1].is_met, None);
        assert_eq!(median(2), Some(3.0));
        assert_eq!(median(3), Some(4.0));
        assert_eq!(rows(&all)[1].faults, ["cycle 3: 3 refused"]);
    }
}
