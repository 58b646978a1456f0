//! The findings as a table for people, at most 100 columns wide.

use std::fmt::Write as _;

use crate::findings::{Findings, Goal, Row, Start, Wanted};
use crate::measure::Spread;

const NOTES: &str = "\
req/s means nothing by itself: only ratios within a cycle count, as the median of all cycles.
Every accepted call is the first result of an arranged order, with one report that is a preview
link, so that no worker fetches. 64 connections take orders at random among all, 256 take 20,000
neighbours at a time. pgbench makes the same change by one statement on the same choice of orders.
CPU is the server's time for each call, +PG that of all of PostgreSQL's processes. A start lasts
from the process to the first result that is answered with success.";

pub(crate) fn render(findings: &Findings) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} orders, cycles: {}, bursts of {} s; 4 KiB fdatasync: {} a second",
        grouped(findings.orders as f64),
        findings.cycles,
        findings.burst_s,
        whole(findings.syncs_per_s),
    );
    if let Some(server) = &findings.server {
        let _ = writeln!(out, "{server}");
    }
    let _ = writeln!(
        out,
        "\n{:<24}{:>6}{:>10}{:>10}{:>16}{:>8}{:>8}{:>8}{:>8}",
        "", "conns", "req/s", "of hello", "(min..max)", "p50 ms", "p99 ms", "CPU us", "+PG us"
    );
    for row in &findings.rows {
        write_row(&mut out, row);
    }
    let _ = writeln!(
        out,
        "\n{:<24}{:>11}{:>17}{:>11}{:>9}{:>11}{:>13}",
        "", "start ms", "after kill -9 ms", "idle MB", "load MB", "answered", "in database"
    );
    for start in &findings.starts {
        write_start(&mut out, start);
    }
    out.push('\n');
    for p50 in &findings.p50s {
        let _ = writeln!(
            out,
            "p50 at {:>2} connections: {} ms with all orders, {} ms with a thousand, ratio {} {}",
            p50.connections,
            plain(p50.many_ms, 2),
            plain(p50.few_ms, 2),
            plain(p50.ratio, 2),
            range(p50.ratio, 2),
        );
    }
    let _ = writeln!(
        out,
        "\n{:<48}{:>10}{:>10}{:>17}  verdict",
        "goal", "wanted", "measured", "(min..max)"
    );
    for goal in &findings.goals {
        write_goal(&mut out, goal);
    }
    let _ = writeln!(out, "\n{NOTES}");
    out
}

fn write_row(out: &mut String, row: &Row) {
    let _ = writeln!(
        out,
        "{:<24}{:>6}{:>10}{:>10}{:>16}{:>8}{:>8}{:>8}{:>8}",
        row.name,
        row.connections,
        whole(row.per_s.map(|it| Spread { min: it.median, max: it.median, ..it })),
        plain(row.of_hello, 3),
        range(row.of_hello, 3),
        plain(row.p50_ms, 2),
        plain(row.p99_ms, 2),
        plain(row.cpu_us, 1),
        plain(row.database_cpu_us, 1),
    );
    for fault in &row.faults {
        let _ = writeln!(out, "    INVALID, {fault}");
    }
}

fn write_start(out: &mut String, start: &Start) {
    let name = match start.engine {
        crate::engine::Engine::Sqlite => crate::findings::SQLITE,
        crate::engine::Engine::Postgres => crate::findings::POSTGRES,
    };
    let _ = writeln!(
        out,
        "{:<24}{:>11.1}{:>17.1}{:>11.1}{:>9.1}{:>11}{:>13}",
        name,
        start.clean_ms.median,
        start.after_kill_ms.median,
        start.idle_mb,
        start.loaded_mb,
        grouped(start.acknowledged as f64),
        grouped(start.found as f64),
    );
    if start.found < start.acknowledged {
        let _ = writeln!(out, "    INVALID, results were answered that the database does not have");
    }
}

fn write_goal(out: &mut String, goal: &Goal) {
    let wanted = match goal.wanted {
        Wanted::AtLeast(least) => format!(">= {least:.2}"),
        Wanted::AtMost(most) => format!("<= {most:.2}"),
    };
    let verdict = match goal.is_met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "not measured",
    };
    let _ = writeln!(
        out,
        "{:<48}{:>10}{:>10}{:>17}  {}",
        goal.name,
        wanted,
        plain(goal.measured, 2),
        range(goal.measured, 2),
        verdict
    );
}

fn plain(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(|| "-".to_owned(), |it| format!("{:.digits$}", it.median))
}

fn range(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(String::new, |it| format!("({:.digits$}..{:.digits$})", it.min, it.max))
}

/// The median, and how far the rest is spread if it is.
fn whole(spread: Option<Spread>) -> String {
    match spread {
        None => "-".to_owned(),
        Some(it) if it.min == it.max => grouped(it.median),
        Some(it) => format!("{} ({}..{})", grouped(it.median), grouped(it.min), grouped(it.max)),
    }
}

/// A whole number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::findings::{P50s, goals};

    #[test]
    fn the_table_fits_100_columns_and_tells_what_does_not_count() {
        let spread = Spread { median: 123_456.789, min: 99_999.5, max: 234_567.8 };
        let row = Row {
            name: crate::findings::PGBENCH[1],
            connections: 256,
            per_s: Some(spread),
            of_hello: Some(Spread { median: 1.234, min: 0.123, max: 1.999 }),
            p50_ms: Some(Spread { median: 1_234.5, ..spread }),
            p99_ms: None,
            cpu_us: Some(Spread { median: 1_234.5, ..spread }),
            database_cpu_us: None,
            faults: vec!["cycle 2: 7 refused".to_owned()],
        };
        let mut start = Start::new(Engine::Postgres, spread, 1_234.5);
        start.acknowledged = 1;
        let findings = Findings {
            orders: 1_000_000,
            cycles: 5,
            burst_s: 2,
            server: None,
            syncs_per_s: Some(spread),
            rows: vec![row],
            goals: goals(&[], &[], None),
            starts: vec![start],
            p50s: vec![P50s::new(64).summed_up()],
        };
        let table = render(&findings);
        for line in table.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        assert!(table.contains("INVALID, cycle 2: 7 refused"), "{table}");
        assert!(table.contains("INVALID, results were answered"), "{table}");
        assert!(table.contains("123,457 (100,000..234,568) a second"), "{table}");
        assert!(table.contains("not measured"), "{table}");
    }
}
