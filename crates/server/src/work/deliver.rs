//! Delivering: each event on its way to its app's webhook, or to one of its long connections ([`super::push`]).
//!
//! A step claims what is due, per app as much as its lane has room for ([`super::lanes`]), and begins to send
//! it; no transaction is open meanwhile. HTTP 200 within 3 s is a delivery. Anything else is a failed try: it
//! is recorded with what was sent and what came back, and tried again after 15 s, 5 min, 1 h, 6 h; then the
//! delivery is exhausted and kept. The number of tries counts on over a resend, so that an exhausted delivery
//! that is resent has one try.
//!
//! An event is held, not tried, while its app has no sink: no app, disabled, no callback URL, no long connection on
//! any replica, or none of the scopes that subscribe to the event. A change of the app releases it, and so does the
//! opening of a connection. An app's connections on other replicas are no concern of this one.
//!
//! The signature stands on encrypted events alone: it is made with the encrypt key, and a receiver whose app
//! is not encrypted has none to check it with. Source: contract, section 5.2.

use std::sync::Arc;

use bytes::Bytes;
use contract::control::{AppKind, DeliveryState, EventMode};
use contract::scope::Scope;
use contract::seal;
use domain::{AppId, TenantId, retry};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use store::apps::App as Receiver;
use store::content::Exchange;
use store::deliveries::{ClaimedDelivery, NewAttempt};
use store::events::EventKind;
use store::tenants::Tenant;
use store::{Fault, FaultKind};
use tokio::task::JoinSet;

use super::event_body::plain_text;
use super::lanes::{Lanes, Sign};
use super::{Step, Worker, joined, push};
use crate::app::{App, SharedApp};
use crate::chance;
use crate::long_connection::Line;
use crate::outbound::{Answer, PostFailure};

/// How long a claimed delivery is this worker's.
const LEASE_MS: i64 = 30_000;
/// What a lease must have left for a try: the 3 s of the call, and time to record it.
const LEASE_LEFT_MS: i64 = 6_000;
/// How long the deliveries are spared that waited for a receiver that is down.
const SPARE_MS: i64 = 15_000;
/// Until a delivery is looked at again that could not be judged: its app changed, or storage failed.
pub(super) const AGAIN_MS: i64 = 1_000;
/// Bytes kept of a request and of an answer.
const KEPT_BYTES_MAX: usize = 64 * 1024;

const TIMESTAMP: HeaderName = HeaderName::from_static("x-lark-request-timestamp");
const NONCE: HeaderName = HeaderName::from_static("x-lark-request-nonce");
const SIGNATURE: HeaderName = HeaderName::from_static("x-lark-signature");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Claims due deliveries and sends them.
pub(super) struct Deliver {
    app: SharedApp,
    lanes: Lanes,
    /// Tries, and what gives deliveries back.
    tasks: JoinSet<Option<Ended>>,
}

/// The end of one try.
struct Ended {
    app_id: AppId,
    /// Whether a delivery may have waited for this one: `canceled` for the first try of `created`.
    is_first: bool,
    sign: Sign,
}

impl Deliver {
    pub(super) fn new(app: &SharedApp) -> Deliver {
        Deliver { app: SharedApp::clone(app), lanes: Lanes::default(), tasks: JoinSet::new() }
    }

    /// Begins what has a place.
    fn begin(&mut self) {
        let mut late = Vec::new();
        for app_id in self.lanes.with_waiting() {
            while let Some(claimed) = self.lanes.start(app_id) {
                if claimed.lease_until.ms_since(self.app.clock.now()) < LEASE_LEFT_MS {
                    self.lanes.end(app_id, Sign::Unknown);
                    late.push(claimed);
                    continue;
                }
                let app = SharedApp::clone(&self.app);
                self.tasks.spawn(async move { Some(deliver(&app, claimed).await) });
            }
        }
        self.give_back(late, 0);
    }

    fn give_back(&mut self, claimed: Vec<ClaimedDelivery>, wait_ms: i64) {
        if claimed.is_empty() {
            return;
        }
        let app = SharedApp::clone(&self.app);
        self.tasks.spawn(async move {
            put_back(&app, &claimed, wait_ms).await;
            None
        });
    }
}

impl Worker for Deliver {
    async fn signal(app: &App) {
        app.store.deliveries_due().await;
    }

    async fn step(&mut self) -> Result<Step, Fault> {
        let room = u32::try_from(self.lanes.room()).unwrap_or(0);
        if room == 0 {
            return Ok(Step::Idle);
        }
        let (store, now) = (&self.app.store, self.app.clock.now());
        let (lease_until, mut full) = (now.plus_ms(LEASE_MS), self.lanes.full());
        full.extend(self.app.lines.only_elsewhere());
        let claimed = store.claim_deliveries_except(now, lease_until, room, &full).await?;
        if claimed.is_empty() {
            return Ok(Step::Idle);
        }
        let mut spared = Vec::new();
        for claimed in claimed {
            spared.extend(self.lanes.admit(claimed));
        }
        self.begin();
        self.give_back(spared, SPARE_MS);
        Ok(Step::Worked)
    }

    fn is_busy(&self) -> bool {
        !self.tasks.is_empty()
    }

    async fn ended(&mut self) -> bool {
        let Some(Ended { app_id, is_first, sign }) = joined(&mut self.tasks).await else {
            return false;
        };
        let was_full = self.lanes.full().contains(&app_id);
        let given_up = self.lanes.end(app_id, sign);
        self.begin();
        self.give_back(given_up, SPARE_MS);
        is_first || (was_full && !self.lanes.full().contains(&app_id))
    }

    async fn stop(&mut self) {
        let waiting = self.lanes.drain();
        self.give_back(waiting, 0);
        while !self.tasks.is_empty() {
            joined(&mut self.tasks).await;
        }
    }
}

/// Gives deliveries back untried. When that fails their leases end by themselves.
pub(super) async fn put_back(app: &App, claimed: &[ClaimedDelivery], wait_ms: i64) {
    let due_at = app.clock.now().plus_ms(wait_ms);
    if let Err(fault) = app.store.put_back_deliveries(claimed, due_at).await {
        tracing::warn!(%fault, count = claimed.len(), "deliveries wait for the end of their lease");
    }
}

/// Tries one delivery, whatever comes of it.
async fn deliver(app: &App, claimed: ClaimedDelivery) -> Ended {
    let (app_id, is_first) = (claimed.app_id, claimed.attempt == 1);
    let sign = match try_once(app, &claimed).await {
        Ok(sign) => sign,
        Err(fault) => {
            let event_id = claimed.event_id;
            tracing::error!(%event_id, %fault, "a delivery is tried again later");
            if fault.kind() != FaultKind::Damaged {
                put_back(app, &[claimed], AGAIN_MS).await;
            }
            Sign::Unknown
        }
    };
    Ended { app_id, is_first, sign }
}

/// Tries one delivery and records how it went.
///
/// # Errors
/// Faults of storage before anything was sent; [`FaultKind::Damaged`] when tenant or app do not open.
async fn try_once(app: &App, claimed: &ClaimedDelivery) -> Result<Sign, Fault> {
    let gone = || Fault::new(FaultKind::Damaged, "a delivery has no tenant");
    let tenant = app.store.find_tenant_of_event(claimed.tenant_id).await?.ok_or_else(gone)?;
    let Some(receiver) = app.store.find_app(claimed.app_id).await? else {
        app.store.hold_delivery(claimed).await?;
        return Ok(Sign::Unknown);
    };
    let granted = granted(app, &receiver, claimed.tenant_id).await?;
    let sink = match sink(app, &receiver, &granted, claimed.kind) {
        Sink::None => {
            if !app.store.hold_delivery_of(claimed, receiver.version).await? {
                put_back(app, std::slice::from_ref(claimed), AGAIN_MS).await;
            }
            return Ok(Sign::Unknown);
        }
        Sink::Unconnected => {
            push::wait_for_connection(app, claimed, &receiver).await?;
            return Ok(Sign::Unknown);
        }
        sink => sink,
    };
    let plain = match plain_text(app, &tenant, &receiver, claimed).await {
        Ok(Some(plain)) => plain,
        Ok(None) => {
            let attempt = unsent(app, "not sent: the account is no longer bound");
            let state = DeliveryState::Exhausted;
            app.store.finish_delivery(&tenant, claimed, &attempt, state, None).await?;
            return Ok(Sign::Unknown);
        }
        Err(fault) if fault.kind() == FaultKind::Damaged => {
            tracing::error!(event_id = %claimed.event_id, %fault, "an event cannot be told");
            let attempt = unsent(app, "not sent: what it tells of cannot be read");
            record(app, &tenant, claimed, &attempt, false).await?;
            return Ok(Sign::Unknown);
        }
        Err(fault) => return Err(fault),
    };
    let tried = match sink {
        Sink::Connection(line) => push::push(app, &line, &plain).await,
        Sink::Webhook(url) => post(app, url, &receiver, &plain).await,
        Sink::None | Sink::Unconnected => unreachable!("nothing is sent without a sink"),
    };
    let Tried { attempt, is_delivered, class, sign } = tried;
    if !is_delivered {
        let (event_id, number) = (claimed.event_id, claimed.attempt);
        tracing::info!(%event_id, app_id = %claimed.app_id, attempt = number, class, "an event was not taken");
    }
    if let Err(fault) = record(app, &tenant, claimed, &attempt, is_delivered).await {
        // Left to its lease, so that a storage that fails now and then does not flood the receiver.
        tracing::error!(event_id = %claimed.event_id, %fault, "a try is not recorded, the event is sent again");
    }
    Ok(sign)
}

/// How a try went.
pub(super) struct Tried {
    pub(super) attempt: NewAttempt,
    pub(super) is_delivered: bool,
    /// Why it was not taken: the word for the operator's log.
    pub(super) class: &'static str,
    pub(super) sign: Sign,
}

/// Posts an event to its app's callback URL.
async fn post(app: &App, url: &str, receiver: &Receiver, plain: &[u8]) -> Tried {
    let (at, begun_ms) = (app.clock.now(), app.clock.mono_ms());
    let (headers, body) = request(receiver, at.seconds(), plain);
    let answered = app.outbound.post(url, headers, body.clone()).await;
    let took_ms = app.clock.mono_ms().saturating_sub(begun_ms);
    let attempt = NewAttempt {
        at,
        took_ms: i64::try_from(took_ms).unwrap_or(i64::MAX),
        outcome: outcome(&answered),
        http_status: answered.as_ref().ok().map(|answer| answer.status.as_u16()),
        exchange: Exchange {
            request: kept(&body),
            response: answered.as_ref().map(|answer| kept(&answer.body)).unwrap_or_default(),
            connection_id: None,
        },
    };
    Tried {
        attempt,
        is_delivered: matches!(&answered, Ok(answer) if answer.status == StatusCode::OK),
        class: answered.as_ref().map_or_else(|failure| failure.class(), |_| "answer_status"),
        sign: if answered.is_ok() { Sign::Up } else { Sign::Down },
    }
}

/// Records a try, and what follows from it.
async fn record(
    app: &App,
    tenant: &Tenant,
    claimed: &ClaimedDelivery,
    attempt: &NewAttempt,
    is_delivered: bool,
) -> Result<(), Fault> {
    let next = retry::DELIVERY.next(claimed.attempt, app.clock.now());
    let (state, due_at) = match (is_delivered, next) {
        (true, _) => (DeliveryState::Delivered, None),
        (false, Some(due_at)) => (DeliveryState::Due, Some(due_at)),
        (false, None) => (DeliveryState::Exhausted, None),
    };
    let is_mine = app.store.finish_delivery(tenant, claimed, attempt, state, due_at).await?;
    if !is_mine {
        tracing::warn!(event_id = %claimed.event_id, "a try ended after its lease");
    }
    Ok(())
}

/// What an app may in a tenant: its own scopes, for a store app as far as the tenant granted them.
async fn granted(app: &App, receiver: &Receiver, tenant_id: TenantId) -> Result<Vec<Scope>, Fault> {
    let scopes = &receiver.settings.scopes;
    if receiver.kind == AppKind::SelfBuilt {
        return Ok(scopes.clone());
    }
    let installation = app.store.find_installation(receiver.app_id, tenant_id).await?;
    let granted = installation.as_ref().map_or(&[][..], |installation| &installation.scopes);
    Ok(scopes.iter().copied().filter(|scope| granted.contains(scope)).collect())
}

/// Where an app's events of a kind go.
enum Sink<'a> {
    Webhook(&'a str),
    /// One of its connections, drawn anew for each try.
    Connection(Arc<Line>),
    /// By long connection, and none is here.
    Unconnected,
    None,
}

/// The sink of an app that has these scopes. Tickets need none.
fn sink<'a>(app: &App, receiver: &'a Receiver, granted: &[Scope], kind: EventKind) -> Sink<'a> {
    let settings = &receiver.settings;
    let is_subscribed = kind == EventKind::AppTicket
        || granted.iter().any(|scope| match scope {
            Scope::BackgroundCheckOrder | Scope::BackgroundCheckOrderReadonly => true,
            Scope::ExamReadonly => kind == EventKind::AccountCreated,
            _ => false,
        });
    if !settings.is_enabled || !is_subscribed {
        return Sink::None;
    }
    match settings.event_mode {
        EventMode::Webhook => settings.callback_url.as_deref().map_or(Sink::None, Sink::Webhook),
        EventMode::LongConnection => {
            app.lines.pick(receiver.app_id).map_or(Sink::Unconnected, Sink::Connection)
        }
    }
}

/// The request of a try: nonce, request id and initialisation vector are fresh, the event is the same.
fn request(receiver: &Receiver, seconds: i64, plain: &[u8]) -> (HeaderMap, Bytes) {
    let (timestamp, nonce) = (seconds.to_string(), chance::hex::<16>());
    let encrypt_key = &receiver.secrets.encrypt_key;
    let mut headers = HeaderMap::new();
    let body = if receiver.settings.encrypted {
        let body = seal::encrypt(encrypt_key, chance::bytes(), plain);
        let signature = seal::signature(&timestamp, &nonce, encrypt_key, &body);
        headers.insert(SIGNATURE, ascii(&signature));
        body
    } else {
        plain.to_vec()
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(TIMESTAMP, ascii(&timestamp));
    headers.insert(NONCE, ascii(&nonce));
    headers.insert(REQUEST_ID, ascii(&chance::hex::<16>()));
    (headers, Bytes::from(body))
}

fn ascii(digits: &str) -> HeaderValue {
    HeaderValue::from_str(digits).expect("digits are fit for a header")
}

fn outcome(answered: &Result<Answer, PostFailure>) -> String {
    match answered {
        Ok(answer) if answer.status == StatusCode::OK => "delivered".to_owned(),
        Ok(answer) => format!("status {}", answer.status.as_u16()),
        Err(failure) => failure.to_string(),
    }
}

/// A try that ended before anything was sent.
fn unsent(app: &App, why: &str) -> NewAttempt {
    NewAttempt {
        at: app.clock.now(),
        took_ms: 0,
        outcome: why.to_owned(),
        http_status: None,
        exchange: Exchange::default(),
    }
}

/// The beginning of a body as text, cut between characters; bytes that are no text become `\u{fffd}`.
pub(super) fn kept(body: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    text.truncate(text.floor_char_boundary(KEPT_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_cut_between_characters() {
        let long = "张".repeat(30_000);
        let text = kept(long.as_bytes());
        assert_eq!(text.len(), KEPT_BYTES_MAX - KEPT_BYTES_MAX % 3);
        assert!(long.starts_with(&text));
        assert_eq!(kept(b"ok"), "ok");
        assert_eq!(kept(b"\xff"), "\u{fffd}");
        assert!(kept(&[0xff; KEPT_BYTES_MAX]).len() <= KEPT_BYTES_MAX);
    }
}
