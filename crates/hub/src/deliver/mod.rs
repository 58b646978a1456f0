//! Delivering: each event on its way to each of its endpoints.
//!
//! A step asks for which endpoints something is due, claims for each as much as it has room for (`limiter.rs`), and begins
//! to send it; no transaction is open meanwhile, and what is under way goes on while the step waits for storage. A try
//! (`attempt.rs`) that fails is recorded with what was sent and what came back, and made again after 15 s, 5 min, 1 h, 6 h;
//! then the delivery is exhausted and stored. One that is resent has that schedule before it again.
//!
//! Of one event each endpoint has a delivery of its own, which knows nothing of the others. So far an endpoint is an app
//! (`endpoint.rs`). A delivery is held, not tried, while there is no way to it: no app, disabled, no callback URL, no long
//! connection on any replica, none of the scopes that subscribe to the event, or an endpoint that the tenant has not granted;
//! a change of the app or of its grant releases it, and so does the opening of a connection. It is paused while its app is;
//! so it becomes by itself when it took nothing for 5 days. Apps that are connected to other replicas alone are left to them.

mod attempt;
mod endpoint;
mod event_body;
mod limiter;
mod push;
mod sent;
mod webhook;

use std::sync::Arc;

use domain::EndpointId;
use domain::delivery::DeliveryState;
use store::Fault;
use store::claims::ClaimedDelivery;
use system::low_priority_runtime::join_next;
use tokio::task::JoinSet;

use crate::Hub;
use crate::service::{Service, Step};
use attempt::{put_back, try_delivery};
use endpoint::{is_unconnected, shut};
use limiter::{EndpointLimiter, Health};

/// How long a claimed delivery is this worker's.
pub(crate) const LEASE_MS: i64 = 30_000;
/// What a lease must have left for a try: the 3 s of the call, and time to record it.
const LEASE_LEFT_MS: i64 = 6_000;

/// Claims due deliveries and sends them.
pub(crate) struct Deliver {
    hub: Arc<Hub>,
    limiter: EndpointLimiter,
    /// Tries, and what gives deliveries back.
    tasks: JoinSet<Option<Ended>>,
}

/// The end of one try.
struct Ended {
    endpoint_id: EndpointId,
    /// Whether a delivery may have waited for this one: `canceled` for the first try of `created`.
    is_first: bool,
    has_failed: bool,
    health: Health,
    /// When the receiver had answered or not, on the clock's monotonic count. It was recorded after that.
    at_ms: u64,
}

/// What was found for one endpoint.
enum Taken {
    /// Deliveries to be tried.
    Claimed(EndpointId, Vec<ClaimedDelivery>),
    /// So many were set aside, for want of a way.
    Aside(usize),
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
        let Some(&Ended { endpoint_id, is_first, has_failed, health, at_ms }) = ended else {
            return false;
        };
        let was_crowded = self.limiter.is_crowded();
        if has_failed {
            self.limiter.unnote(endpoint_id);
        }
        let released = self.limiter.end(endpoint_id, health, at_ms);
        if was_crowded {
            self.begin();
        } else {
            self.begin_of(endpoint_id);
        }
        self.give_back(released.given_up);
        if released.is_back {
            self.retry_now(endpoint_id);
        }
        is_first || released.has_room
    }

    /// Begins what has a place.
    fn begin(&mut self) {
        for endpoint_id in self.limiter.with_waiting() {
            self.begin_of(endpoint_id);
        }
    }

    fn begin_of(&mut self, endpoint_id: EndpointId) {
        let mut late = Vec::new();
        while let Some(claimed) = self.limiter.start(endpoint_id) {
            let (now, now_ms) =
                (self.hub.installation_clock.now(), self.hub.installation_clock.mono_ms());
            if claimed.lease_until.ms_since(now) < LEASE_LEFT_MS {
                self.limiter.end(endpoint_id, Health::Unknown, now_ms);
                late.push(claimed);
                continue;
            }
            let (hub, notes) = (Arc::clone(&self.hub), self.limiter.must_note(endpoint_id, now_ms));
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
    fn retry_now(&mut self, endpoint_id: EndpointId) {
        let hub = Arc::clone(&self.hub);
        self.tasks.spawn(async move {
            let now = hub.installation_clock.now();
            // What is due later than any lease ends is under way nowhere.
            let retry_now =
                hub.store.retry_deliveries_now(endpoint_id, now.plus_ms(LEASE_MS), now).await;
            if let Err(fault) = retry_now {
                tracing::warn!(app_id = %endpoint_id.app_id(), %fault, "what a receiver missed waits for its schedule");
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
        let (hub, now) = (Arc::clone(&self.hub), self.hub.installation_clock.now());
        let (due, mut has_more) = self.meanwhile(hub.store.list_due_endpoints(now)).await;
        let (mut due, elsewhere) = (due?, hub.connections.only_elsewhere());
        due.retain(|endpoint_id| !elsewhere.contains(&endpoint_id.app_id()));
        let mut taking = JoinSet::new();
        for (endpoint_id, room) in self.limiter.choose(&due, hub.installation_clock.mono_ms()) {
            let hub = Arc::clone(&hub);
            taking.spawn(async move { take(&hub, endpoint_id, room).await });
        }
        let (taken, is_due) = self.meanwhile(taking.join_all()).await;
        has_more |= is_due;
        let mut failed = None;
        for taken in taken {
            match taken {
                Ok(Taken::Claimed(endpoint_id, claimed)) => {
                    has_more |= !claimed.is_empty();
                    let given_up = self.limiter.admit(endpoint_id, claimed);
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

/// Claims what is due for an endpoint, or sets it aside when no event has a way there.
async fn take(hub: &Hub, endpoint_id: EndpointId, room: u32) -> Result<Taken, Fault> {
    let (now, app_id) = (hub.installation_clock.now(), endpoint_id.app_id());
    let app = hub.store.find_app(app_id).await?;
    if let Some(state) = app.as_deref().map_or(Some(DeliveryState::Held), shut) {
        let version = app.as_ref().map(|app| app.version);
        return hub.store.set_due_aside(app_id, state, version, now).await.map(Taken::Aside);
    }
    if let Some(app) = app.filter(|app| is_unconnected(hub, app)) {
        let set_aside = hub.store.set_unconnected_aside(app_id, app.version, now);
        return set_aside.await.map(Taken::Aside);
    }
    let lease_until = now.plus_ms(LEASE_MS);
    let claimed = hub.store.claim_deliveries_of(endpoint_id, now, lease_until, room).await?;
    Ok(Taken::Claimed(endpoint_id, claimed))
}

/// Tries one delivery, whatever comes of it; `notes` says whether a success is noted of the endpoint.
async fn deliver(hub: &Hub, claimed: ClaimedDelivery, notes: bool) -> Ended {
    let (endpoint_id, is_first) = (claimed.endpoint_id, claimed.attempt == 1);
    let begun_ms = hub.installation_clock.mono_ms();
    let (has_failed, health, at_ms) = match try_delivery(hub, &claimed, notes).await {
        Some(sent) => (!sent.is_delivered, sent.health, sent.ended_ms),
        None => (false, Health::Unknown, begun_ms),
    };
    Ended { endpoint_id, is_first, has_failed, health, at_ms }
}
