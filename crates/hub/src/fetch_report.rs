//! Fetching reports: each from where the vendor said, once, into the object store.
//!
//! A step claims what is due, queue by queue, and begins to fetch it (decision 054). The bytes stream through the
//! inspection of their content (the crate `inspect`) and the object store, which hashes and seals them, in constant
//! memory. Whatever goes wrong is stored with the report as a reason that a person understands, and tried again after
//! 10 s, 1 min, 10 min, 1 h, 6 h, 24 h; then the report has failed. Refused content fails at once. Source: product, 4.
//!
//! What came is an object of its own, durable before the row that names it. The row is a new version of the report,
//! written only while the lease holds; a fetch that lost it removes its object, or the object check does.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::{Id, retry};
use futures_util::{TryStreamExt, stream};
use inspect::{Checked, Inspection, Inspector, IntakeError};
use objects::{ObjectWriter, Stored};
use outbound::FetchFailure;
use store::content::VersionFacts;
use store::fetch_queues::{FetchQueue, QueueClaim};
use store::report_versions::NewContent;
use store::reports::{ClaimedReport, FetchOutcome};
use store::{Fault, FaultKind};
use system::bytes_writer::BytesWriter;
use system::clock::socket_now;
use system::low_priority_runtime::join_next;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::Hub;
use crate::service::{Service, Step};

/// How long a claimed report is this worker's: the 120 s of a fetch, and time to keep what came.
pub(crate) const LEASE_MS: i64 = 150_000;
/// What a lease must have left when the object is stored.
const LEASE_LEFT_MS: i64 = 5_000;
/// Reports fetched at once. Source of this and the next two: product, section 12.
const RUNNING_MAX: usize = 16;
/// The same of one app.
const RUNNING_PER_APP: usize = 4;
/// The same of one host of an app.
const RUNNING_PER_HOST: usize = 2;
/// From when on a fetch counts as slow, and its host with it until a fetch there is quicker.
const SLOW_AFTER: Duration = Duration::from_secs(10);
/// Places that slow hosts may keep when others wait.
const SLOW_MAX: usize = 8;
/// Hosts that are remembered as slow.
const SLOW_HOSTS_MAX: usize = 10_000;
/// A link that ends within this time does not wait for what is slow.
const URGENT_MS: i64 = 120_000;
/// After how long a fetch that gave way is made again.
const GAVE_WAY_MS: i64 = 60_000;
/// After how long a fetch that found no room on the disk is made again, if there is room then.
const NO_ROOM_MS: i64 = 30_000;
/// How long a queue is left alone in which nothing fits.
const COOL_DOWN_MS: u64 = 5_000;
/// Bytes that a fetch may write before it looks at the disk again.
const LOOK_EVERY_BYTES: u64 = 1 << 20;
/// Bytes that are set aside on the disk for each fetch under way.
const AHEAD_BYTES: i64 = 2 << 20;
const QUOTA_USED_UP: &str = "the report waits: the space for stored reports is used up";
const DISK_FULL: &str = "the report waits: the disk is nearly full";

/// Claims due reports and fetches them: of each app and each host only a few at once, so that those of others pass.
pub(crate) struct FetchReport {
    hub: Arc<Hub>,
    running: HashMap<Id, Running>,
    fetches: JoinSet<Id>,
    /// Queues whose last fetch was slow.
    slow: HashSet<i64>,
    /// Queues in which nothing fits, until when on the clock's monotonic count.
    resting: HashMap<i64, u64>,
}

/// A fetch under way.
struct Running {
    claimed: ClaimedReport,
    since: Instant,
    give_way: Arc<Notify>,
    unnamed: Unnamed,
}

/// The object that a fetch has stored and no row names yet: whoever breaks the fetch off takes it away.
#[derive(Debug, Clone, Default)]
struct Unnamed(Arc<Mutex<Option<Id>>>);

impl Unnamed {
    fn set(&self, object_id: Option<Id>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = object_id;
    }

    async fn remove(&self, hub: &Hub) {
        let object_id = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(object_id) = object_id {
            remove(hub, object_id).await;
        }
    }
}

impl Running {
    fn is_slow(&self) -> bool {
        self.since.elapsed() >= SLOW_AFTER
    }
}

impl FetchReport {
    pub(crate) fn new(hub: &Arc<Hub>) -> FetchReport {
        FetchReport {
            hub: Arc::clone(hub),
            running: HashMap::new(),
            fetches: JoinSet::new(),
            slow: HashSet::new(),
            resting: HashMap::new(),
        }
    }

    /// Begins what there is room for in a queue; how many.
    async fn take(&mut self, queue: &FetchQueue, disk_room: i64) -> Result<usize, Fault> {
        let hub = Arc::clone(&self.hub);
        let (now, mono_ms) = (hub.installation_clock.now(), hub.installation_clock.mono_ms());
        if self.resting.get(&queue.queue_id).is_some_and(|until| mono_ms < *until) {
            return Ok(0);
        }
        let limit = self.slots(queue);
        if limit == 0 {
            self.ask_for_place(queue);
            return Ok(0);
        }
        let under_way = i64::try_from(self.running.len()).unwrap_or(i64::MAX);
        let room_bytes = disk_room.saturating_sub(under_way.saturating_mul(AHEAD_BYTES));
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let claim = QueueClaim { queue_id: queue.queue_id, limit, room_bytes };
        let claimed = hub.store.claim_lane(claim, now, now.plus_ms(LEASE_MS)).await?;
        if claimed.is_empty() {
            self.resting.insert(queue.queue_id, mono_ms + COOL_DOWN_MS);
            let why = if room_bytes <= 0 { DISK_FULL } else { QUOTA_USED_UP };
            hub.store.tell_waiting(queue.queue_id, now, why).await?;
        }
        let count = claimed.len();
        for report in claimed {
            self.begin(report);
        }
        Ok(count)
    }

    fn begin(&mut self, claimed: ClaimedReport) {
        let (give_way, unnamed) = (Arc::new(Notify::new()), Unnamed::default());
        let (hub, asked) = (Arc::clone(&self.hub), Arc::clone(&give_way));
        self.fetches.spawn(fetch(hub, claimed.clone(), asked, unnamed.clone()));
        let running = Running { claimed, since: socket_now(), give_way, unnamed };
        self.running.insert(running.claimed.report_id, running);
    }

    /// How many reports of a queue may begin.
    fn slots(&self, queue: &FetchQueue) -> usize {
        let of_app = self.running.values().filter(|one| one.claimed.app_id == queue.app_id).count();
        let of_queue =
            self.running.values().filter(|one| one.claimed.queue_id == queue.queue_id).count();
        let slow = match self.is_slow(queue.queue_id) {
            true => SLOW_MAX.saturating_sub(self.slow_count()),
            false => RUNNING_MAX,
        };
        let all = RUNNING_MAX.saturating_sub(self.running.len());
        let shares = RUNNING_PER_APP.saturating_sub(of_app);
        all.min(shares).min(RUNNING_PER_HOST.saturating_sub(of_queue)).min(slow)
    }

    fn is_slow(&self, queue_id: i64) -> bool {
        let is_running_slowly = |one: &Running| one.claimed.queue_id == queue_id && one.is_slow();
        self.slow.contains(&queue_id) || self.running.values().any(is_running_slowly)
    }

    fn slow_count(&self) -> usize {
        self.running.values().filter(|one| self.is_slow(one.claimed.queue_id)).count()
    }

    /// Has a slow fetch give way to a queue that found no place: one of the same app when a link of the queue ends soon,
    /// any when slow ones hold more than they may while a queue waits that is not slow.
    fn ask_for_place(&self, queue: &FetchQueue) {
        let urgent = self.hub.installation_clock.now().plus_ms(URGENT_MS);
        let is_urgent = queue.link_ends_at.is_some_and(|ends_at| ends_at < urgent);
        let is_passed = !self.is_slow(queue.queue_id)
            && self.running.len() >= RUNNING_MAX
            && self.slow_count() > SLOW_MAX;
        let of_queue =
            self.running.values().filter(|one| one.claimed.queue_id == queue.queue_id).count();
        let is_queue_full = of_queue >= RUNNING_PER_HOST;
        let may_go = |one: &&Running| {
            let of_queue = one.claimed.queue_id == queue.queue_id;
            let of_app = one.claimed.app_id == queue.app_id && !is_queue_full;
            one.is_slow() && (is_passed || is_urgent && (of_queue || of_app))
        };
        let longest = self.running.values().filter(may_go).min_by_key(|one| one.since);
        if let Some(longest) = longest {
            longest.give_way.notify_one();
        }
    }
}

impl Service for FetchReport {
    async fn signal(hub: &Hub) {
        hub.store.reports_due().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let hub = Arc::clone(&self.hub);
        let now = hub.installation_clock.now();
        let placed = hub.store.place_reports(now, now.plus_ms(LEASE_MS)).await?;
        let disk_room = hub.disk.room_bytes();
        let mut begun = 0;
        for queue in hub.store.list_fetch_queues(now).await? {
            begun += self.take(&queue, disk_room).await?;
        }
        Ok(if placed + begun > 0 { Step::Worked } else { Step::Idle })
    }

    fn is_busy(&self) -> bool {
        !self.fetches.is_empty()
    }

    async fn ended(&mut self) -> bool {
        let report_id = join_next(&mut self.fetches).await;
        if let Some(running) = self.running.remove(&report_id) {
            match running.is_slow() {
                true if self.slow.len() < SLOW_HOSTS_MAX => {
                    self.slow.insert(running.claimed.queue_id);
                }
                true => {}
                false => {
                    self.slow.remove(&running.claimed.queue_id);
                }
            }
        }
        // A place is free, and nobody signals for what has waited for it.
        true
    }

    /// Breaks off: a fetch may take minutes, and can begin anew elsewhere at once.
    async fn stop(&mut self) {
        self.fetches.shutdown().await;
        for (_, Running { claimed, unnamed, .. }) in self.running.drain() {
            unnamed.remove(&self.hub).await;
            let reason = "the fetch was broken off because the server stopped";
            put_back(&self.hub, &claimed, Some(reason), 1, 0).await;
        }
    }
}

/// Gives a report back untried. When that fails its lease ends by itself.
async fn put_back(
    hub: &Hub,
    claimed: &ClaimedReport,
    reason: Option<&str>,
    needed_bytes: i64,
    wait_ms: i64,
) {
    let due_at = hub.installation_clock.now().plus_ms(wait_ms);
    let given = hub.store.put_back_report(claimed, reason, needed_bytes, due_at).await;
    if let Err(fault) = given {
        tracing::warn!(%fault, "a report waits for the end of its lease");
    }
}

/// Why there is no report, as it is stored for people, and the word for the log.
struct Failure {
    reason: String,
    class: &'static str,
    /// Whether another try can come to something else: what was refused for its content is not asked for again.
    may_pass_later: bool,
    /// Whether the content is there and was refused for what it is.
    is_refused: bool,
    /// When only room was wanting: bytes that the content needs at least.
    needed_bytes: Option<i64>,
}

impl Failure {
    fn new(reason: &impl ToString, class: &'static str, may_pass_later: bool) -> Failure {
        let reason = reason.to_string();
        Failure { reason, class, may_pass_later, is_refused: false, needed_bytes: None }
    }

    fn no_room(needed_bytes: i64) -> Failure {
        Failure { needed_bytes: Some(needed_bytes), ..Failure::new(&DISK_FULL, "no_room", true) }
    }
}

impl From<FetchFailure> for Failure {
    fn from(failure: FetchFailure) -> Failure {
        Failure::new(&failure, failure.class(), failure.may_pass_later())
    }
}

impl From<IntakeError> for Failure {
    fn from(error: IntakeError) -> Failure {
        if let IntakeError::NotScanned(failure) = &error {
            let cause = std::error::Error::source(failure);
            tracing::error!(%failure, cause, "a report cannot be scanned");
        }
        let may_pass_later = !matches!(error, IntakeError::Content(_) | IntakeError::Malware);
        let is_refused = matches!(&error, IntakeError::Content(error) if error.may_be_accepted());
        Failure { is_refused, ..Failure::new(&error, error.class(), may_pass_later) }
    }
}

/// Fetches one report and records how it went, unless it gives way; gives its id.
async fn fetch(
    hub: Arc<Hub>,
    claimed: ClaimedReport,
    give_way: Arc<Notify>,
    unnamed: Unnamed,
) -> Id {
    let report_id = claimed.report_id;
    let (its, report, stored) = (Arc::clone(&hub), claimed.clone(), unnamed.clone());
    let fetching = async move { fetch_into_store(&its, &report, &stored).await };
    let fetched = tokio::select! {
        fetched = hub.low_priority.run(fetching) => fetched,
        () = give_way.notified() => {
            hub.metrics.count_fetch("gave_way");
            unnamed.remove(&hub).await;
            put_back(&hub, &claimed, None, 1, GAVE_WAY_MS).await;
            return report_id;
        }
    };
    let now = hub.installation_clock.now();
    let outcome = match fetched {
        Ok(stored) => stored,
        Err(Failure { reason, class, needed_bytes: Some(needed_bytes), .. }) => {
            hub.metrics.count_fetch(class);
            put_back(&hub, &claimed, Some(&reason), needed_bytes, NO_ROOM_MS).await;
            return report_id;
        }
        Err(Failure { reason, class, may_pass_later, is_refused, .. }) => {
            hub.metrics.count_fetch(class);
            tracing::info!(%report_id, attempt = claimed.attempt, class, "a report was not fetched");
            let next = retry::REPORT.next_before(claimed.attempt, now, claimed.link_ends_at);
            match next.filter(|_| may_pass_later) {
                Some(due_at) => FetchOutcome::Retry { reason, due_at },
                None => FetchOutcome::Failed { reason, is_refused },
            }
        }
    };
    // From here on a row may name it.
    unnamed.set(None);
    record(&hub, &claimed, &outcome).await;
    report_id
}

async fn record(hub: &Hub, claimed: &ClaimedReport, outcome: &FetchOutcome) {
    let report_id = claimed.report_id;
    match (hub.store.finish_report(claimed, outcome).await, outcome) {
        (Ok(true), FetchOutcome::Stored { .. }) => hub.metrics.count_fetch("stored"),
        (Ok(true), _) => {}
        (Ok(false), _) => {
            tracing::warn!(%report_id, "a fetch ended after its lease");
            forget(hub, outcome).await;
        }
        (Err(fault), FetchOutcome::Stored { content, .. }) if fault.kind() == FaultKind::NoRoom => {
            hub.metrics.count_fetch("quota_used_up");
            forget(hub, outcome).await;
            put_back(hub, claimed, Some(QUOTA_USED_UP), content.size_bytes, 0).await;
        }
        (Err(fault), _) => {
            tracing::error!(%report_id, %fault, "a fetch is not recorded and is made again");
        }
    }
}

/// Takes away an object that no row names. After a fault it stays: the row may have been written.
async fn forget(hub: &Hub, outcome: &FetchOutcome) {
    if let FetchOutcome::Stored { content, .. } = outcome {
        remove(hub, content.object_id).await;
    }
}

async fn remove(hub: &Hub, object_id: Id) {
    if let Err(error) = hub.objects.remove(object_id).await {
        tracing::warn!(%error, "an object without a row is left to the check of the objects");
    }
}

/// Checks deeply what is stored, before a row names it.
async fn check(
    hub: &Hub,
    claimed: &ClaimedReport,
    checked: Checked,
    stored: &Stored,
) -> Result<Inspection, IntakeError> {
    if !checked.needs_check() {
        return checked.check(stream::empty()).await;
    }
    let (tenant_id, object_id, size_bytes) =
        (claimed.tenant_id, stored.object_id, stored.size_bytes);
    let object = hub.objects.open(tenant_id, object_id, &stored.key, size_bytes).await;
    let object = object.map_err(|error| IntakeError::Unreadable(io::Error::other(error)))?;
    checked.check(object.read(0..size_bytes).map_err(io::Error::other)).await
}

async fn fetch_into_store(
    hub: &Hub,
    claimed: &ClaimedReport,
    unnamed: &Unnamed,
) -> Result<FetchOutcome, Failure> {
    // A first try that comes to nothing for want of processor time is soon followed by one that takes it.
    let inspector =
        Inspector::new(&hub.inspect, claimed.attempt == 1).accepting(claimed.is_accepted);
    let writer = hub.objects.create_behind(claimed.tenant_id);
    let mut intake = Intake { hub, writer, inspector, error: None, bytes: 0, looked_at: 0 };
    let fetched = hub.outbound.fetch(&claimed.source.url, &mut intake).await;
    if let Some(error) = intake.error {
        return Err(error.into());
    }
    if let Err(FetchFailure::Write(error)) = fetched {
        return Err(unstored(claimed, error, intake.bytes));
    }
    let fetched = fetched?;
    hub.metrics.count_fetched_bytes(fetched.bytes);
    let checked = intake.inspector.finish(fetched.final_host).await?;
    if claimed.lease_until.ms_since(hub.installation_clock.now()) < LEASE_LEFT_MS {
        return Err(FetchFailure::TooSlow.into());
    }
    let stored = intake.writer.finish().await;
    let stored = stored.map_err(|error| unstored(claimed, error, fetched.bytes))?;
    unnamed.set(Some(stored.object_id));
    let inspection = match check(hub, claimed, checked, &stored).await {
        Ok(inspection) => inspection,
        Err(error) => {
            unnamed.remove(hub).await;
            return Err(error.into());
        }
    };
    note(hub, claimed, &inspection);
    let content = NewContent {
        object_id: stored.object_id,
        key: store::Key::new(*stored.key),
        size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
        sha256: stored.sha256,
        fetched_at: hub.installation_clock.now(),
    };
    let facts = VersionFacts {
        source_host: inspection.source_host,
        findings: inspection.findings.iter().map(|finding| finding.code().to_owned()).collect(),
        scanner: inspection.scanner,
    };
    Ok(FetchOutcome::Stored { content, facts })
}

/// Why the object store took no more after so many bytes.
fn unstored(claimed: &ClaimedReport, error: io::Error, bytes: u64) -> Failure {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        // How much is still to come is not known: as much again.
        return Failure::no_room(i64::try_from(bytes * 2).unwrap_or(i64::MAX));
    }
    tracing::error!(report_id = %claimed.report_id, %error, "a report cannot be kept");
    FetchFailure::Write(error).into()
}

/// Counts what an inspection came to, and logs why a part of it has no result.
fn note(hub: &Hub, claimed: &ClaimedReport, inspection: &Inspection) {
    for finding in &inspection.findings {
        hub.metrics.count_finding(*finding);
    }
    if let Some(failure) = inspection.deep_failure {
        hub.metrics.count_deep_failure(failure.class());
        tracing::warn!(report_id = %claimed.report_id, %failure, "a report's deep check has no result");
    }
}

/// Where the bytes go: past the inspection into the object. Dropped unfinished, it leaves nothing.
struct Intake<'a> {
    hub: &'a Hub,
    writer: ObjectWriter,
    inspector: Inspector,
    /// Why the inspection broke off.
    error: Option<IntakeError>,
    bytes: u64,
    /// How many bytes there were when the disk was looked at last.
    looked_at: u64,
}

impl BytesWriter for Intake<'_> {
    async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        self.bytes += piece.len() as u64;
        if self.bytes - self.looked_at >= LOOK_EVERY_BYTES {
            self.looked_at = self.bytes;
            if self.hub.disk.room_bytes() <= 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        if let Err(error) = self.inspector.take(&piece).await {
            let broken_off = io::Error::other(error.to_string());
            self.error = Some(error);
            return Err(broken_off);
        }
        self.writer.write(piece).await
    }
}
