//! Delivering: each event on its way to its app's endpoint.
//!
//! A step asks for which apps something is due, claims for each as much as its endpoint has room for
//! (`limiter.rs`), and begins to send it; no transaction is open meanwhile, and what is under way goes on
//! while the step waits for storage. A try that fails is recorded with what was sent and what came back, and made
//! again after 15 s, 5 min, 1 h, 6 h; then the delivery is exhausted and stored. One that is resent has that
//! schedule before it again.
//!
//! An event is held, not tried, while its app has no endpoint: no app, disabled, no callback URL, no long connection on
//! any replica, none of the scopes that subscribe to the event, or an endpoint that the tenant has not granted; a change of
//! the app or of its grant releases it, and so does the opening of a connection. It is paused while its app is; so it becomes by itself when its endpoint took nothing for
//! 5 days. Apps that are connected to other replicas alone are left to them.
//!
//! The ways themselves stand apart: `webhook.rs`, `push.rs`.

mod event_body;
mod limiter;
mod push;
mod sent;
mod webhook;

use std::sync::Arc;

use contract::control::EventMode;
use domain::delivery::DeliveryState;
use domain::event::EventKind;
use domain::{AppId, TenantId, UnixMs, retry};
use store::apps::App as Receiver;
use store::claims::ClaimedDelivery;
use store::deliveries::{After, EndpointNote, NewAttempt};
use store::pauses::Pause;
use store::tenants::NO_TENANT;
use store::{Fault, FaultKind, Key, Saved};
use system::low_priority_runtime::join_next;
use tokio::task::JoinSet;

use crate::Hub;
use crate::app_access::{AppAccess, Holder, Numbers};
use crate::connections::{Connection, may_stay};
use crate::secret_rotation::{end_grace, secrets_for_attempt};
use crate::service::{Service, Step};
use event_body::plain_text;
use limiter::{EndpointLimiter, Health};
use sent::{Sent, unsent};

/// How long a claimed delivery is this worker's.
pub(crate) const LEASE_MS: i64 = 30_000;
/// What a lease must have left for a try: the 3 s of the call, and time to record it.
const LEASE_LEFT_MS: i64 = 6_000;
/// Until a delivery is looked at again that could not be checked: its app changed, or storage failed.
const AGAIN_MS: i64 = 1_000;
/// An endpoint that takes nothing for so long is paused: 5 days.
const FAILING_MAX_MS: i64 = 5 * DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// Claims due deliveries and sends them.
pub(crate) struct Deliver {
    hub: Arc<Hub>,
    limiter: EndpointLimiter,
    /// Tries, and what gives deliveries back.
    tasks: JoinSet<Option<Ended>>,
}

/// The end of one try.
struct Ended {
    app_id: AppId,
    /// Whether a delivery may have waited for this one: `canceled` for the first try of `created`.
    is_first: bool,
    has_failed: bool,
    health: Health,
    /// When the receiver had answered or not, on the clock's monotonic count. It was recorded after that.
    at_ms: u64,
}

/// What was found for one app.
enum Taken {
    /// Deliveries to be tried.
    Claimed(AppId, Vec<ClaimedDelivery>),
    /// So many were set aside, for want of an endpoint.
    Aside(usize),
}

/// Where an app's events go.
enum Route<'r> {
    Webhook(&'r str),
    /// To one of the long connections here, drawn anew for each try.
    Connection(Arc<Connection>),
    /// By long connection, and none is here.
    Unconnected,
    /// Nowhere: they wait in this state.
    Aside(DeliveryState),
}

impl Deliver {
    pub(crate) fn new(hub: &Arc<Hub>) -> Deliver {
        Deliver { hub: Arc::clone(hub), limiter: EndpointLimiter::default(), tasks: JoinSet::new() }
    }

    /// Waits for storage, and takes note of tries that end meanwhile.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> (T, bool) {
        let mut work = std::pin::pin!(work);
        let mut is_due = false;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return (done, is_due),
                ended = join_next(&mut self.tasks) => is_due |= self.end(ended.as_ref()),
            }
        }
    }

    /// Takes note of the end of a task; true when more may have become due by it, or has room now.
    fn end(&mut self, ended: Option<&Ended>) -> bool {
        let Some(&Ended { app_id, is_first, has_failed, health, at_ms }) = ended else {
            return false;
        };
        let was_crowded = self.limiter.is_crowded();
        if has_failed {
            self.limiter.unnote(app_id);
        }
        let released = self.limiter.end(app_id, health, at_ms);
        if was_crowded {
            self.begin();
        } else {
            self.begin_of(app_id);
        }
        self.give_back(released.given_up);
        if released.is_back {
            self.retry_now(app_id);
        }
        is_first || released.has_room
    }

    /// Begins what has a place.
    fn begin(&mut self) {
        for app_id in self.limiter.with_waiting() {
            self.begin_of(app_id);
        }
    }

    fn begin_of(&mut self, app_id: AppId) {
        let mut late = Vec::new();
        while let Some(claimed) = self.limiter.start(app_id) {
            let (now, now_ms) = (self.hub.clock.now(), self.hub.clock.mono_ms());
            if claimed.lease_until.ms_since(now) < LEASE_LEFT_MS {
                self.limiter.end(app_id, Health::Unknown, now_ms);
                late.push(claimed);
                continue;
            }
            let (hub, notes) = (Arc::clone(&self.hub), self.limiter.must_note(app_id, now_ms));
            self.tasks.spawn(async move { Some(deliver(&hub, claimed, notes).await) });
        }
        self.give_back(late);
    }

    fn give_back(&mut self, claimed: Vec<ClaimedDelivery>) {
        if claimed.is_empty() {
            return;
        }
        let hub = Arc::clone(&self.hub);
        self.tasks.spawn(async move {
            put_back(&hub, &claimed, 0).await;
            None
        });
    }

    /// A receiver is back after it was down for long: what it missed is due, whatever the schedule says.
    fn retry_now(&mut self, app_id: AppId) {
        let hub = Arc::clone(&self.hub);
        self.tasks.spawn(async move {
            let now = hub.clock.now();
            // What is due later than any lease ends is under way nowhere.
            let retry_now =
                hub.store.retry_deliveries_now(app_id, now.plus_ms(LEASE_MS), now).await;
            if let Err(fault) = retry_now {
                tracing::warn!(%app_id, %fault, "what a receiver missed waits for its schedule");
            }
            None
        });
    }
}

impl Service for Deliver {
    async fn signal(hub: &Hub) {
        hub.store.deliveries_due().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let (hub, now) = (Arc::clone(&self.hub), self.hub.clock.now());
        let (due, mut has_more) = self.meanwhile(hub.store.list_due_apps(now)).await;
        let (mut due, elsewhere) = (due?, hub.connections.only_elsewhere());
        due.retain(|app_id| !elsewhere.contains(app_id));
        let mut taking = JoinSet::new();
        for (app_id, room) in self.limiter.choose(&due, hub.clock.mono_ms()) {
            let hub = Arc::clone(&hub);
            taking.spawn(async move { take(&hub, app_id, room).await });
        }
        let (taken, is_due) = self.meanwhile(taking.join_all()).await;
        has_more |= is_due;
        let mut failed = None;
        for taken in taken {
            match taken {
                Ok(Taken::Claimed(app_id, claimed)) => {
                    has_more |= !claimed.is_empty();
                    let given_up = self.limiter.admit(app_id, claimed);
                    self.give_back(given_up);
                }
                Ok(Taken::Aside(count)) => has_more |= count > 0,
                Err(fault) => failed = Some(fault),
            }
        }
        self.begin();
        match failed {
            Some(fault) => Err(fault),
            None => Ok(if has_more { Step::Worked } else { Step::Idle }),
        }
    }

    fn is_busy(&self) -> bool {
        !self.tasks.is_empty()
    }

    async fn ended(&mut self) -> bool {
        let ended = join_next(&mut self.tasks).await;
        self.end(ended.as_ref())
    }

    async fn stop(&mut self) {
        let waiting = self.limiter.drain();
        self.give_back(waiting);
        while !self.tasks.is_empty() {
            join_next(&mut self.tasks).await;
        }
    }
}

/// Claims what is due for an app, or sets it aside when the app has no endpoint for any event.
async fn take(hub: &Hub, app_id: AppId, room: u32) -> Result<Taken, Fault> {
    let now = hub.clock.now();
    let receiver = hub.store.find_app(app_id).await?;
    let shut = receiver.as_deref().map_or(Some(DeliveryState::Held), shut);
    if let Some(state) = shut {
        let version = receiver.as_ref().map(|receiver| receiver.version);
        return hub.store.set_due_aside(app_id, state, version, now).await.map(Taken::Aside);
    }
    if let Some(receiver) = receiver.filter(|receiver| is_unconnected(hub, receiver)) {
        let set_aside = hub.store.set_unconnected_aside(app_id, receiver.version, now);
        return set_aside.await.map(Taken::Aside);
    }
    let lease_until = now.plus_ms(LEASE_MS);
    let claimed = hub.store.claim_deliveries_of(app_id, now, lease_until, room).await?;
    Ok(Taken::Claimed(app_id, claimed))
}

/// Gives deliveries back untried. When that fails their leases end by themselves.
async fn put_back(hub: &Hub, claimed: &[ClaimedDelivery], wait_ms: i64) {
    let due_at = hub.clock.now().plus_ms(wait_ms);
    if let Err(fault) = hub.store.put_back_deliveries(claimed, due_at).await {
        tracing::warn!(%fault, count = claimed.len(), "deliveries wait for the end of their lease");
    }
}

/// Tries one delivery, whatever comes of it; `notes` says whether a success is noted of the endpoint.
async fn deliver(hub: &Hub, claimed: ClaimedDelivery, notes: bool) -> Ended {
    let (app_id, is_first) = (claimed.app_id, claimed.attempt == 1);
    let not_sent = (false, Health::Unknown, hub.clock.mono_ms());
    let (has_failed, health, at_ms) = match try_once(hub, &claimed, notes).await {
        Ok(Some(sent)) => (!sent.is_delivered, sent.health, sent.ended_ms),
        Ok(None) => not_sent,
        Err(fault) => {
            let event_id = claimed.event_id;
            tracing::error!(%event_id, %fault, "a delivery is tried again later");
            if fault.kind() != FaultKind::Damaged {
                put_back(hub, &[claimed], AGAIN_MS).await;
            }
            not_sent
        }
    };
    Ended { app_id, is_first, has_failed, health, at_ms }
}

/// Tries one delivery and records how it went; none when nothing was sent.
///
/// # Errors
/// Faults of storage before anything was sent; [`FaultKind::Damaged`] when tenant or app do not open.
async fn try_once(
    hub: &Hub,
    claimed: &ClaimedDelivery,
    notes: bool,
) -> Result<Option<Sent>, Fault> {
    let gone = || Fault::new(FaultKind::Damaged, "a delivery has no tenant");
    let tenant = hub.store.find_tenant_of_event(claimed.tenant_id).await?.ok_or_else(gone)?;
    let Some(receiver) = hub.store.find_app(claimed.app_id).await? else {
        hub.store.set_delivery_aside(claimed, DeliveryState::Held, None).await?;
        return Ok(None);
    };
    let access = access(hub, &receiver, claimed.tenant_id).await?;
    let route = match route(hub, &receiver, access.as_ref(), claimed.kind) {
        // Its connection has ended since it was claimed; who is connected elsewhere is looked at anew.
        Route::Unconnected => {
            put_back(hub, std::slice::from_ref(claimed), 0).await;
            return Ok(None);
        }
        Route::Aside(state) => {
            let version = Some(receiver.version);
            if !hub.store.set_delivery_aside(claimed, state, version).await? {
                put_back(hub, std::slice::from_ref(claimed), AGAIN_MS).await;
            }
            return Ok(None);
        }
        Route::Connection(connection) if !may_stay(hub, &connection).await? => {
            connection.refuse();
            put_back(hub, std::slice::from_ref(claimed), AGAIN_MS).await;
            return Ok(None);
        }
        route => route,
    };
    // The first try speaks as before the rotation; so does every one until the new key is granted.
    let speaks_anew = access.as_ref().is_none_or(AppAccess::grants_newest_key);
    let number = if speaks_anew { claimed.scheduled_try() } else { 1 };
    let attempt = secrets_for_attempt(&receiver, number, hub.clock.now());
    let key = claimed.key(&tenant)?;
    let holder = access.as_ref().map_or_else(|| nobody(&receiver), AppAccess::holder);
    let plain = match plain_text(hub, &tenant, &attempt.app, claimed, &key, holder).await {
        Ok(Some(plain)) => plain,
        Ok(None) => {
            let attempt = unsent(hub, "not sent: the account is no longer bound");
            let state = DeliveryState::Exhausted;
            hub.store.finish_delivery(&tenant, claimed, &attempt, state, None).await?;
            return Ok(None);
        }
        Err(fault) if fault.kind() == FaultKind::Damaged => {
            tracing::error!(event_id = %claimed.event_id, %fault, "an event cannot be told");
            let attempt = unsent(hub, "not sent: what it tells of cannot be read");
            record(hub, &key, claimed, &attempt, EndpointNote::Nothing).await?;
            return Ok(None);
        }
        Err(fault) => return Err(fault),
    };
    let is_posted = matches!(route, Route::Webhook(_));
    let sent = match route {
        Route::Webhook(url) => webhook::post(hub, &attempt.app, url, &plain).await,
        Route::Connection(connection) => Some(push::push(hub, &connection, &plain).await),
        Route::Unconnected | Route::Aside(_) => unreachable!("nothing is sent without an endpoint"),
    };
    let Some(sent) = sent else {
        // The want is ours: neither a try nor the receiver's fault.
        hub.metrics.count_delivery(is_posted, "out_of_handles");
        put_back(hub, std::slice::from_ref(claimed), AGAIN_MS).await;
        return Ok(None);
    };
    if sent.is_delivered
        && is_posted
        && attempt.proves_new
        && let Err(error) = end_grace(&hub, &receiver).await
    {
        tracing::warn!(app_id = %claimed.app_id, %error, "a grace time goes on");
    }
    let outcome = if sent.is_delivered { "delivered" } else { sent.class };
    hub.metrics.count_delivery(is_posted, outcome);
    if !sent.is_delivered {
        let (event_id, number, class) = (claimed.event_id, claimed.attempt, sent.class);
        tracing::info!(%event_id, app_id = %claimed.app_id, attempt = number, class, "an event was not taken");
    }
    let note = match (sent.is_delivered, notes) {
        (true, true) => EndpointNote::Taken,
        (true, false) => EndpointNote::Delivered,
        (false, _) => EndpointNote::Failed,
    };
    match record(hub, &key, claimed, &sent.attempt, note).await {
        Ok(Some(failing_since)) => pause(hub, &receiver, failing_since, &sent.attempt).await,
        Ok(None) => {}
        Err(fault) => {
            // Left to its lease, so that a storage that fails now and then does not flood the receiver.
            tracing::error!(event_id = %claimed.event_id, %fault, "a try is not recorded, the event is sent again");
        }
    }
    Ok(Some(sent))
}

/// Records a try, and what follows from it; since when the app's endpoint takes nothing, when it failed.
async fn record(
    hub: &Hub,
    key: &Key,
    claimed: &ClaimedDelivery,
    attempt: &NewAttempt,
    endpoint: EndpointNote,
) -> Result<Option<UnixMs>, Fault> {
    let is_delivered = matches!(endpoint, EndpointNote::Taken | EndpointNote::Delivered);
    let next = retry::DELIVERY.next(claimed.scheduled_try(), hub.clock.now());
    let (state, due_at) = match (is_delivered, next) {
        (true, _) => (DeliveryState::Delivered, None),
        (false, Some(due_at)) => (DeliveryState::Due, Some(due_at)),
        (false, None) => (DeliveryState::Exhausted, None),
    };
    let after = After { state, due_at, endpoint };
    let finished = hub.store.finish_try(key, claimed, attempt, after).await?;
    if !finished.is_mine {
        tracing::warn!(event_id = %claimed.event_id, "a try ended after its lease");
    }
    Ok(finished.failing_since)
}

/// Pauses an app whose endpoint took nothing for 5 days, and writes an alert.
async fn pause(hub: &Hub, receiver: &Receiver, failing_since: UnixMs, attempt: &NewAttempt) {
    let since = hub.clock.now();
    let failing_ms = since.ms_since(failing_since);
    if failing_ms < FAILING_MAX_MS || receiver.pause.is_some() {
        return;
    }
    let (days, last) = (failing_ms / DAY_MS, &attempt.outcome);
    let reason = format!("no event was taken for {days} days; the last try: {last}");
    let (app_id, pause) = (receiver.app_id, Pause { since, reason });
    let paused = hub.store.pause_app(app_id, receiver.version, &pause, Some(&pause.reason));
    match paused.await {
        Ok(Saved::Done) => {
            tracing::warn!(%app_id, days, "an app is paused: its endpoint takes nothing");
        }
        // Another try was quicker, or somebody changed the app: the next failure looks again.
        Ok(Saved::Outdated | Saved::KeyTaken) => {}
        Err(fault) => tracing::error!(%app_id, %fault, "a failing app is not paused"),
    }
}

/// The app's access to the tenant that an event is about; none without one, and for what is about no tenant.
async fn access(
    hub: &Hub,
    receiver: &Arc<Receiver>,
    tenant_id: TenantId,
) -> Result<Option<AppAccess>, Fault> {
    match tenant_id {
        NO_TENANT => Ok(None),
        tenant_id => AppAccess::find(&hub.store, receiver, tenant_id).await,
    }
}

/// Who gets the links of what is about no tenant: there are none.
fn nobody(receiver: &Receiver) -> Holder {
    Holder { app_id: receiver.app_id, numbers: Numbers::FIRST }
}

/// The state in which everything for an app waits; none while it has an endpoint.
fn shut(receiver: &Receiver) -> Option<DeliveryState> {
    let settings = &receiver.settings;
    let is_connected = settings.event_mode == EventMode::LongConnection;
    let has_endpoint = is_connected || settings.callback_url.is_some();
    match (&receiver.pause, settings.is_enabled && has_endpoint) {
        (Some(_), _) => Some(DeliveryState::Paused),
        (None, false) => Some(DeliveryState::Held),
        (None, true) => None,
    }
}

/// Where an app's events of this kind go. Tickets say nothing of a tenant, and need no grant.
fn route<'r>(
    hub: &Hub,
    receiver: &'r Receiver,
    access: Option<&AppAccess>,
    kind: EventKind,
) -> Route<'r> {
    if let Some(state) = shut(receiver) {
        return Route::Aside(state);
    }
    let may_know = |access: &AppAccess| {
        access.is_notified(kind) && access.ungranted_endpoint(hub.clock.now()).is_empty()
    };
    if kind != EventKind::AppTicket && !access.is_some_and(may_know) {
        return Route::Aside(DeliveryState::Held);
    }
    match (receiver.settings.event_mode, receiver.settings.callback_url.as_deref()) {
        (EventMode::LongConnection, _) => {
            hub.connections.pick(receiver.app_id).map_or(Route::Unconnected, Route::Connection)
        }
        (EventMode::Webhook, Some(url)) => Route::Webhook(url),
        (EventMode::Webhook, None) => Route::Aside(DeliveryState::Held),
    }
}

/// Whether an app gets its events by long connection, and has none here.
fn is_unconnected(hub: &Hub, receiver: &Receiver) -> bool {
    receiver.settings.event_mode == EventMode::LongConnection
        && hub.connections.count_of(receiver.app_id) == 0
}
