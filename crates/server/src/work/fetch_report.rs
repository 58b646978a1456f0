//! Fetching reports: each from where the vendor said, once, into the object store.
//!
//! A step claims what is due and begins to fetch it. The bytes stream through the inspection of their content
//! ([`crate::inspect`]) and the object store, which hashes and seals them, in constant memory. Whatever goes wrong is kept
//! with the report as a reason that a person understands, and tried again after 10 s, 1 min, 10 min, 1 h,
//! 6 h, 24 h; then the report has failed, until somebody asks for a new try. Content that is refused fails at
//! once: the vendor and the hirer should hear of it now, not a day later. Source: product, section 4.
//!
//! What came is an object with a name of its own, durable before the row that names it: the row is a new version of
//! the report, written only while the lease holds. So two fetches of one report never write the same object; whoever
//! lost the lease takes its object away again, and what it cannot take away the check of the objects finds.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use domain::{Id, retry};
use store::Fault;
use store::content::VersionFacts;
use store::report_versions::NewContent;
use store::reports::{ClaimedReport, FetchOutcome};
use tokio::task::JoinSet;

use super::{Step, Worker, joined};
use crate::app::{App, SharedApp};
use crate::inspect::{Inspection, Inspector, Unkept};
use crate::objects::ObjectWriter;
use crate::outbound::{FetchFailure, Sink};

/// How long a claimed report is this worker's: the 120 s of a fetch, and time to keep what came.
pub(super) const LEASE_MS: i64 = 150_000;
/// What a lease must have left when the object is kept.
const LEASE_LEFT_MS: i64 = 5_000;
/// Reports fetched at once. A host that stalls holds its place for up to 120 s.
const RUNNING_MAX: usize = 16;

/// Claims due reports and fetches them.
pub(super) struct FetchReport {
    app: SharedApp,
    claimed: HashMap<Id, ClaimedReport>,
    fetches: JoinSet<Id>,
}

impl FetchReport {
    pub(super) fn new(app: &SharedApp) -> FetchReport {
        FetchReport { app: SharedApp::clone(app), claimed: HashMap::new(), fetches: JoinSet::new() }
    }
}

impl Worker for FetchReport {
    async fn signal(app: &App) {
        app.store.reports_due().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let room = RUNNING_MAX.saturating_sub(self.fetches.len());
        if room == 0 {
            return Ok(Step::Idle);
        }
        let (store, now) = (&self.app.store, self.app.clock.now());
        let room = u32::try_from(room).unwrap_or(0);
        let claimed = store.claim_reports(now, now.plus_ms(LEASE_MS), room).await?;
        if claimed.is_empty() {
            return Ok(Step::Idle);
        }
        for report in claimed {
            self.claimed.insert(report.report_id, report.clone());
            self.fetches.spawn(fetch(SharedApp::clone(&self.app), report));
        }
        Ok(Step::Worked)
    }

    fn is_busy(&self) -> bool {
        !self.fetches.is_empty()
    }

    async fn ended(&mut self) -> bool {
        let report_id = joined(&mut self.fetches).await;
        self.claimed.remove(&report_id);
        // A place is free, and nobody signals for what has waited for it.
        true
    }

    /// Breaks off: a fetch may take minutes, and can begin anew elsewhere at once.
    async fn stop(&mut self) {
        self.fetches.shutdown().await;
        for (_, claimed) in self.claimed.drain() {
            let reason = "the fetch was broken off because the server stopped".to_owned();
            let outcome = FetchOutcome::Retry { reason, due_at: self.app.clock.now() };
            if let Err(fault) = self.app.store.finish_report(&claimed, &outcome).await {
                tracing::warn!(%fault, "a report waits for the end of its lease");
            }
        }
    }
}

/// Why there is no report, as it is kept for people, and the word for the log.
struct Failure {
    reason: String,
    class: &'static str,
    /// Whether another try can come to something else: what was refused for its content is not asked for again.
    may_pass_later: bool,
}

impl From<FetchFailure> for Failure {
    fn from(failure: FetchFailure) -> Failure {
        let may_pass_later = failure.may_pass_later();
        Failure { reason: failure.to_string(), class: failure.class(), may_pass_later }
    }
}

impl From<Unkept> for Failure {
    fn from(unkept: Unkept) -> Failure {
        if let Unkept::NotScanned(failure) = &unkept {
            let cause = std::error::Error::source(failure);
            tracing::error!(%failure, cause, "a report cannot be scanned");
        }
        let may_pass_later = !matches!(unkept, Unkept::Unfit(_) | Unkept::Malware);
        Failure { reason: unkept.to_string(), class: unkept.class(), may_pass_later }
    }
}

/// Fetches one report and records how it went; gives its id.
async fn fetch(app: SharedApp, claimed: ClaimedReport) -> Id {
    let report_id = claimed.report_id;
    let (hub, report) = (SharedApp::clone(&app), claimed.clone());
    let fetching = async move { fetch_into_store(&hub, &report).await };
    let fetched = app.background.run(fetching).await;
    let now = app.clock.now();
    let outcome = match (fetched, retry::REPORT.next(claimed.attempt, now)) {
        (Ok(stored), _) => {
            app.metrics.count_fetch("stored");
            stored
        }
        (Err(Failure { reason, class, may_pass_later }), next) => {
            app.metrics.count_fetch(class);
            tracing::info!(%report_id, attempt = claimed.attempt, class, "a report was not fetched");
            match next.filter(|_| may_pass_later) {
                Some(due_at) => FetchOutcome::Retry { reason, due_at },
                None => FetchOutcome::Failed { reason },
            }
        }
    };
    match app.store.finish_report(&claimed, &outcome).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(%report_id, "a fetch ended after its lease");
            forget(&app, &outcome).await;
        }
        Err(fault) => {
            tracing::error!(%report_id, %fault, "a fetch is not recorded and is made again");
        }
    }
    report_id
}

/// Takes away an object that no row names. After a fault it stays: the row may have been written.
async fn forget(app: &App, outcome: &FetchOutcome) {
    let FetchOutcome::Stored { content, .. } = outcome else { return };
    if let Err(error) = app.objects.remove(content.object_id).await {
        tracing::warn!(%error, "an object without a row is left to the check of the objects");
    }
}

async fn fetch_into_store(app: &App, claimed: &ClaimedReport) -> Result<FetchOutcome, Failure> {
    // A first try that comes to nothing for want of processor time is soon followed by one that takes it.
    let inspector = Inspector::new(&app.inspect, claimed.attempt == 1);
    let writer = app.objects.create_behind(claimed.tenant_id);
    let mut intake = Intake { writer, inspector, unkept: None };
    let fetched = app.outbound.fetch(&claimed.source.url, &mut intake).await;
    if let Some(unkept) = intake.unkept {
        return Err(unkept.into());
    }
    if let Err(FetchFailure::Sink(error)) = &fetched {
        tracing::error!(report_id = %claimed.report_id, %error, "a report cannot be kept");
    }
    let fetched = fetched?;
    app.metrics.count_fetched_bytes(fetched.bytes);
    let inspection = intake.inspector.finish(fetched.final_host).await?;
    note(app, claimed, &inspection);
    if claimed.lease_until.ms_since(app.clock.now()) < LEASE_LEFT_MS {
        return Err(FetchFailure::TooSlow.into());
    }
    let stored = intake.writer.finish().await.map_err(|error| {
        tracing::error!(report_id = %claimed.report_id, %error, "a report cannot be kept");
        FetchFailure::Sink(error)
    })?;
    let content = NewContent {
        object_id: stored.object_id,
        key: stored.key,
        size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
        sha256: stored.sha256,
        fetched_at: app.clock.now(),
    };
    let facts = VersionFacts {
        source_host: inspection.source_host,
        findings: inspection.findings.iter().map(|finding| finding.code().to_owned()).collect(),
        scanner: inspection.scanner,
    };
    Ok(FetchOutcome::Stored { content, facts })
}

/// Counts what an inspection came to, and logs why a part of it has no result.
fn note(app: &App, claimed: &ClaimedReport, inspection: &Inspection) {
    for finding in &inspection.findings {
        app.metrics.count_finding(*finding);
    }
    if let Some(failure) = inspection.deep_failure {
        app.metrics.count_deep_failure(failure.class());
        tracing::warn!(report_id = %claimed.report_id, %failure, "a report's deep check has no result");
    }
}

/// Where the bytes go: past the inspection into the object. Dropped unfinished, it leaves nothing.
struct Intake {
    writer: ObjectWriter,
    inspector: Inspector,
    /// Why the inspection broke off.
    unkept: Option<Unkept>,
}

impl Sink for Intake {
    async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        if let Err(unkept) = self.inspector.take(&piece).await {
            let broken_off = io::Error::other(unkept.to_string());
            self.unkept = Some(unkept);
            return Err(broken_off);
        }
        self.writer.write(piece).await
    }
}
