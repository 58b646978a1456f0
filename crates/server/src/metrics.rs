//! Metrics: what is counted for the operator, and its text form, OpenMetrics.
//!
//! Labels are words of this program, never something that came from outside, and nothing that says about a tenant
//! or a person. Counting a call takes one look at an array and one atomic addition: no lock, no allocation.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::http::{Method, StatusCode};
use contract::route::{Call, ROUTES};
use inspect::Finding;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use hub::disk::Room;
use hub::meter::Meter;

/// The statuses counted apart; others are counted together.
static STATUSES: [u16; 20] = [
    101, 200, 201, 204, 206, 304, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 416, 429, 500,
    503,
];

/// Lines of the log that could not be written.
static LOG_LINES_LOST: AtomicU64 = AtomicU64::new(0);

/// The counters. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Counters>);

/// Counters by the values of `N` labels, each given with its name.
type Labelled<const N: usize> = Family<[(&'static str, &'static str); N], Counter>;

/// The counters as a table: type, name and help text of each, in the order in which they are written.
macro_rules! counters {
    ($($field:ident: $type:ty = $name:literal, $help:literal;)+) => {
        #[derive(Debug)]
        struct Counters {
            outbound: outbound::Counters,
            $($field: $type,)+
            /// The open API's calls by their number, then the control API's in the order of its table, then what is none.
            rows: Vec<Row>,
            registry: Registry,
        }

        impl Counters {
            fn new(rows: Vec<Row>) -> Counters {
                let mut registry = Registry::with_prefix("probity");
                let outbound = outbound::Counters::default();
                outbound.register(&mut registry);
                Counters { outbound, $($field: add(&mut registry, $name, $help),)+ rows, registry }
            }
        }
    };
}

counters! {
    fetches: Labelled<1> = "report_fetches", "Fetches of reports, by how they ended";
    fetched_bytes: Counter = "report_fetched_bytes", "Bytes of reports that were fetched whole";
    findings: Labelled<1> = "report_findings",
        "What calls for caution in reports that are kept, by code";
    deep_failures: Labelled<1> = "report_deep_check_failures",
        "Deep checks without a result, by class";
    deliveries: Labelled<2> = "deliveries", "Tries to deliver events, by way and by how they ended";
    clock_jumps: Labelled<1> = "clock_jumps",
        "How often the machine's clock was set while the server ran, by direction";
    listening: Gauge = "database_listening",
        "Whether changes by other replicas are received (1); while not (0), nothing is remembered";
    deaf: Counter = "database_deaf", "How often changes by other replicas were no longer received";
    log_lines_lost: Counter = "log_lines_lost", "Lines of the log that could not be written";
    stored_bytes: Gauge = "stored_bytes", "Bytes of reports and files that are stored";
    near_quota: Family<[(&'static str, &'static str); 1], Gauge> = "near_quota",
        "Tenants and apps that have used 80 % of what may be stored for them";
    disk_free_bytes: Gauge = "disk_free_bytes", "Free bytes of the disk that has the least room";
    disk_reserve_bytes: Gauge = "disk_reserve_bytes",
        "Free bytes below which reports and files wait";
    reports_wait: Gauge = "disk_short",
        "Whether reports and files wait because the disk is nearly full (1)";
    calls: Family<[(&'static str, String); 3], Counter> = "calls",
        "Calls of the APIs, by row of the route tables and status";
}

#[derive(Debug)]
struct Row {
    method: &'static str,
    path: String,
    counters: [OnceLock<Counter>; STATUSES.len() + 1],
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new(std::iter::empty())
    }
}

impl Metrics {
    /// Counters that all stand at 0; `control` names the calls of the control API, in the order of their numbers.
    #[must_use]
    pub fn new(control: impl Iterator<Item = (&'static Method, String)>) -> Metrics {
        Metrics(Arc::new(Counters::new(rows(control))))
    }

    /// The counters of the way out.
    #[must_use]
    pub fn outbound(&self) -> outbound::Counters {
        self.0.outbound.clone()
    }

    /// Notes whether changes by other replicas are received, and how often that ended since the start.
    pub fn note_listening(&self, (hears, deaf_times): (bool, u64)) {
        self.0.listening.set(hears.into());
        self.0.deaf.inner().store(deaf_times, Ordering::Relaxed);
    }

    /// Counts a line of the log that could not be written. The log is the whole process's, and so is this number.
    pub fn count_lost_log_line() {
        LOG_LINES_LOST.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes the room on the disk.
    pub fn note_room(&self, room: Room) {
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.0.disk_free_bytes.set(signed(room.free_bytes));
        self.0.disk_reserve_bytes.set(signed(room.reserve_bytes));
        self.0.reports_wait.set(room.is_short().into());
    }

    /// Counts a call of the open API; none for a path that it does not have.
    pub fn count_open_call(&self, call: Option<Call>, status: StatusCode) {
        let row = call.map_or(self.0.rows.len() - 1, |call| call as usize);
        self.count_call(row, status);
    }

    /// Counts a call of the control API by its place in the table of access; none for a path that it does not have.
    pub fn count_control_call(&self, index: Option<usize>, status: StatusCode) {
        let row = index.map_or(self.0.rows.len() - 1, |index| ROUTES.len() + index);
        self.count_call(row, status);
    }

    fn count_call(&self, row: usize, status: StatusCode) {
        let Some(row) = self.0.rows.get(row) else { return };
        let index = STATUSES.iter().position(|known| *known == status.as_u16());
        let index = index.unwrap_or(STATUSES.len());
        let counter = row.counters[index].get_or_init(|| {
            let status = STATUSES.get(index).map_or_else(|| "other".to_owned(), u16::to_string);
            self.0.calls.get_or_create_owned(&[
                ("method", row.method.to_owned()),
                ("path", row.path.clone()),
                ("status", status),
            ])
        });
        counter.inc();
    }

    /// All counters as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let lost = LOG_LINES_LOST.load(Ordering::Relaxed);
        self.0.log_lines_lost.inner().store(lost, Ordering::Relaxed);
        // Only its own memory is written to.
        if let Err(error) = encode(&mut text, &self.0.registry) {
            tracing::error!(%error, "the metrics cannot be written");
        }
        text
    }
}

impl Meter for Metrics {
    fn count_fetch(&self, outcome: &'static str) {
        self.0.fetches.get_or_create(&[("outcome", outcome)]).inc();
    }

    fn count_fetched_bytes(&self, bytes: u64) {
        self.0.fetched_bytes.inc_by(bytes);
    }

    fn count_finding(&self, finding: Finding) {
        self.0.findings.get_or_create(&[("code", finding.code())]).inc();
    }

    fn count_deep_failure(&self, class: &'static str) {
        self.0.deep_failures.get_or_create(&[("class", class)]).inc();
    }

    fn count_delivery(&self, is_posted: bool, outcome: &'static str) {
        let way = if is_posted { "webhook" } else { "long_connection" };
        self.0.deliveries.get_or_create(&[("way", way), ("outcome", outcome)]).inc();
    }

    fn count_clock_jump(&self, jump_ms: i64) {
        let direction = if jump_ms < 0 { "back" } else { "forward" };
        self.0.clock_jumps.get_or_create(&[("direction", direction)]).inc();
    }

    fn note_storage(&self, used_bytes: i64, tenants: usize, apps: usize) {
        self.0.stored_bytes.set(used_bytes);
        for (of, count) in [("tenant", tenants), ("app", apps)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.0.near_quota.get_or_create(&[("of", of)]).set(count);
        }
    }
}

/// A metric that stands at 0, registered under its name with its help text.
fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn rows(control: impl Iterator<Item = (&'static Method, String)>) -> Vec<Row> {
    let row =
        |method, path: String| Row { method, path, counters: array::from_fn(|_| OnceLock::new()) };
    let mut open: Vec<_> = ROUTES.iter().collect();
    open.sort_by_key(|route| route.call as usize);
    let open = open.into_iter().map(|route| row(route.method.as_str(), route.path.to_owned()));
    let control = control.map(|(method, path)| row(method_word(method), path));
    open.chain(control).chain([row("any", "other".to_owned())]).collect()
}

fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_open_api_is_counted_in_its_row() {
        let metrics = Metrics::default();
        for (index, row) in metrics.0.rows.iter().take(ROUTES.len()).enumerate() {
            let route = ROUTES.iter().find(|route| route.call as usize == index).unwrap();
            assert_eq!((row.method, row.path.as_str()), (route.method.as_str(), route.path));
        }
        metrics.count_open_call(Some(Call::UpdateResult), StatusCode::OK);
        metrics.count_open_call(Some(Call::UpdateResult), StatusCode::OK);
        metrics.count_open_call(None, StatusCode::IM_A_TEAPOT);
        let route = ROUTES.iter().find(|route| route.call == Call::UpdateResult).unwrap();
        let text = metrics.text();
        for line in [
            format!(
                r#"probity_calls_total{{method="{}",path="{}",status="200"}} 2"#,
                route.method.as_str(),
                route.path
            ),
            r#"probity_calls_total{method="any",path="other",status="other"} 1"#.to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
    }

    #[test]
    fn what_is_counted_is_written() {
        let metrics = Metrics::new([(&Method::GET, "/api/v1/openapi.json".to_owned())].into_iter());
        metrics.outbound().count_refusal(outbound::Way::Report, "address_private");
        metrics.clone().outbound().count_refusal(outbound::Way::Report, "address_private");
        metrics.count_fetch("stored");
        metrics.count_fetched_bytes(7);
        metrics.count_finding(Finding::Xfa);
        metrics.count_deep_failure("killed");
        metrics.count_delivery(true, "delivered");
        metrics.count_control_call(Some(0), StatusCode::OK);
        metrics.count_clock_jump(-28_800_000);
        metrics.note_listening((true, 2));
        metrics.note_storage(10, 1, 0);
        metrics.note_room(Room { free_bytes: 5, reserve_bytes: 6 });
        let text = metrics.text();
        for line in [
            r#"probity_outbound_refusals_total{way="report",class="address_private"} 2"#,
            r#"probity_report_fetches_total{outcome="stored"} 1"#,
            "probity_report_fetched_bytes_total 7",
            r#"probity_report_findings_total{code="xfa"} 1"#,
            r#"probity_report_deep_check_failures_total{class="killed"} 1"#,
            r#"probity_deliveries_total{way="webhook",outcome="delivered"} 1"#,
            r#"probity_clock_jumps_total{direction="back"} 1"#,
            "probity_database_listening 1",
            "probity_database_deaf_total 2",
            "probity_stored_bytes 10",
            r#"probity_near_quota{of="tenant"} 1"#,
            "probity_disk_free_bytes 5",
            "probity_disk_reserve_bytes 6",
            "probity_disk_short 1",
            r#"probity_calls_total{method="GET",path="/api/v1/openapi.json",status="200"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
