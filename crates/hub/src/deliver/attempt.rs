//! One try of a delivery: prepare, send, record.

use std::slice;

use domain::delivery::DeliveryState;
use domain::{UnixMs, retry};
use store::apps::App;
use store::claims::ClaimedDelivery;
use store::deliveries::{After, EndpointNote, NewAttempt};
use store::pauses::Pause;
use store::tenants::Tenant;
use store::{Fault, FaultKind, Key, Saved};

use super::endpoint::{Endpoint, NoRoute, Route};
use super::event_body::plain_text;
use super::sent::{Sent, unsent};
use super::{push, webhook};
use crate::Hub;
use crate::connections::may_stay;
use crate::secret_rotation::{AttemptSecrets, end_grace};

/// Until a delivery is looked at again that could not be checked: its endpoint changed, or storage failed.
const AGAIN_MS: i64 = 1_000;
/// An endpoint that takes nothing for so long is paused: 5 days.
const FAILING_MAX_MS: i64 = 5 * DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// A delivery that is ready to be sent.
struct Prepared<'e> {
    endpoint: &'e Endpoint,
    route: Route<'e>,
    secrets: AttemptSecrets<'e>,
    /// What the record of the try is sealed under.
    key: Key,
    /// The event's text.
    plain: Vec<u8>,
}

/// Tries a delivery, and records how it went; none when nothing was sent. `notes` says whether a success is noted of
/// the endpoint. What storage did not let happen is given back.
pub(super) async fn try_delivery(
    hub: &Hub,
    claimed: &ClaimedDelivery,
    notes: bool,
) -> Option<Sent> {
    let fault = match try_once(hub, claimed, notes).await {
        Ok(sent) => return sent,
        Err(fault) => fault,
    };
    tracing::error!(event_id = %claimed.event_id, %fault, "a delivery is tried again later");
    if fault.kind() != FaultKind::Damaged {
        put_back(hub, slice::from_ref(claimed), AGAIN_MS).await;
    }
    None
}

/// Gives deliveries back untried. When that fails their leases end by themselves.
pub(super) async fn put_back(hub: &Hub, claimed: &[ClaimedDelivery], wait_ms: i64) {
    let due_at = hub.installation_clock.now().plus_ms(wait_ms);
    if let Err(fault) = hub.store.put_back_deliveries(claimed, due_at).await {
        tracing::warn!(%fault, count = claimed.len(), "deliveries wait for the end of their lease");
    }
}

async fn try_once(
    hub: &Hub,
    claimed: &ClaimedDelivery,
    notes: bool,
) -> Result<Option<Sent>, Fault> {
    let gone = || Fault::new(FaultKind::Damaged, "a delivery has no tenant");
    let tenant = hub.store.find_tenant_of_event(claimed.tenant_id).await?.ok_or_else(gone)?;
    let Some(endpoint) = Endpoint::find(hub, claimed.endpoint_id, claimed.tenant_id).await? else {
        hub.store.set_delivery_aside(claimed, DeliveryState::Held, None).await?;
        return Ok(None);
    };
    let Some(prepared) = prepare(hub, claimed, &tenant, &endpoint).await? else { return Ok(None) };
    let Some(sent) = send(hub, &prepared).await else {
        put_back(hub, slice::from_ref(claimed), AGAIN_MS).await;
        return Ok(None);
    };
    record(hub, claimed, &prepared, &sent, notes).await;
    Ok(Some(sent))
}

/// What is to be sent, and where; none when that is nothing, which is recorded then.
///
/// # Errors
/// Faults of storage; [`FaultKind::Damaged`] when the tenant's or the order's key does not open.
async fn prepare<'e>(
    hub: &Hub,
    claimed: &ClaimedDelivery,
    tenant: &Tenant,
    endpoint: &'e Endpoint,
) -> Result<Option<Prepared<'e>>, Fault> {
    let Some(route) = find_route(hub, claimed, endpoint).await? else { return Ok(None) };
    let secrets = endpoint.secrets(claimed.scheduled_try(), hub.installation_clock.now());
    let key = claimed.key(tenant)?;
    match plain_text(hub, tenant, &secrets.app, claimed, &key, endpoint.holder()).await {
        Ok(Some(plain)) => Ok(Some(Prepared { endpoint, route, secrets, key, plain })),
        Ok(None) => {
            let attempt = unsent(hub, "not sent: the account is no longer bound");
            let state = DeliveryState::Exhausted;
            hub.store.finish_delivery(tenant, claimed, &attempt, state, None).await?;
            Ok(None)
        }
        Err(fault) if fault.kind() == FaultKind::Damaged => {
            tracing::error!(event_id = %claimed.event_id, %fault, "an event cannot be rendered");
            let attempt = unsent(hub, "not sent: what it tells of cannot be read");
            finish(hub, claimed, &key, &attempt, EndpointNote::Nothing).await?;
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}

/// The way to the endpoint; none when there is none now: then the delivery is set aside, or looked at again soon.
async fn find_route<'e>(
    hub: &Hub,
    claimed: &ClaimedDelivery,
    endpoint: &'e Endpoint,
) -> Result<Option<Route<'e>>, Fault> {
    let wait_ms = match endpoint.route(hub, claimed.kind) {
        Err(NoRoute::Aside(state)) => {
            let version = Some(endpoint.app.version);
            if hub.store.set_delivery_aside(claimed, state, version).await? {
                return Ok(None);
            }
            AGAIN_MS
        }
        // Its connection has ended since it was claimed; who is connected elsewhere is looked at anew.
        Err(NoRoute::Unconnected) => 0,
        Ok(Route::Connection(connection)) if !may_stay(hub, &connection).await? => {
            connection.refuse();
            AGAIN_MS
        }
        Ok(route) => return Ok(Some(route)),
    };
    put_back(hub, slice::from_ref(claimed), wait_ms).await;
    Ok(None)
}

/// Sends it, and counts how that went; none when this process had no file handle for it, which is neither a try nor
/// the receiver's fault.
async fn send(hub: &Hub, prepared: &Prepared<'_>) -> Option<Sent> {
    let plain = &prepared.plain;
    let sent = match &prepared.route {
        Route::Webhook(url) => webhook::post(hub, &prepared.secrets.app, url, plain).await,
        Route::Connection(connection) => Some(push::push(hub, connection, plain).await),
    };
    let outcome = match &sent {
        Some(sent) if sent.is_delivered => "delivered",
        Some(sent) => sent.class,
        None => "out_of_handles",
    };
    hub.metrics.count_delivery(prepared.route.is_posted(), outcome);
    sent
}

/// Records how it went, with what it says about the endpoint.
async fn record(
    hub: &Hub,
    claimed: &ClaimedDelivery,
    prepared: &Prepared<'_>,
    sent: &Sent,
    notes: bool,
) {
    let (event_id, app) = (claimed.event_id, &prepared.endpoint.app);
    if sent.is_delivered
        && prepared.route.is_posted()
        && prepared.secrets.proves_new
        && let Err(error) = end_grace(hub, app).await
    {
        tracing::warn!(app_id = %app.app_id, %error, "a grace time goes on");
    }
    if !sent.is_delivered {
        let (number, class) = (claimed.attempt, sent.class);
        tracing::info!(%event_id, app_id = %app.app_id, attempt = number, class, "an event was not taken");
    }
    let note = match (sent.is_delivered, notes) {
        (true, true) => EndpointNote::Taken,
        (true, false) => EndpointNote::Delivered,
        (false, _) => EndpointNote::Failed,
    };
    match finish(hub, claimed, &prepared.key, &sent.attempt, note).await {
        Ok(Some(failing_since)) => pause(hub, app, failing_since, &sent.attempt).await,
        Ok(None) => {}
        Err(fault) => {
            // Left to its lease, so that a storage that fails now and then does not flood the receiver.
            tracing::error!(%event_id, %fault, "a try is not recorded, the event is sent again");
        }
    }
}

/// Stores a try, and what follows from it; since when the endpoint takes nothing, when it failed.
async fn finish(
    hub: &Hub,
    claimed: &ClaimedDelivery,
    key: &Key,
    attempt: &NewAttempt,
    endpoint: EndpointNote,
) -> Result<Option<UnixMs>, Fault> {
    let is_delivered = matches!(endpoint, EndpointNote::Taken | EndpointNote::Delivered);
    let next = retry::DELIVERY.next(claimed.scheduled_try(), hub.installation_clock.now());
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
async fn pause(hub: &Hub, app: &App, failing_since: UnixMs, attempt: &NewAttempt) {
    let since = hub.installation_clock.now();
    let failing_ms = since.ms_since(failing_since);
    if failing_ms < FAILING_MAX_MS || app.pause.is_some() {
        return;
    }
    let (days, last) = (failing_ms / DAY_MS, &attempt.outcome);
    let reason = format!("no event was taken for {days} days; the last try: {last}");
    let (app_id, pause) = (app.app_id, Pause { since, reason });
    let paused = hub.store.pause_app(app_id, app.version, &pause, Some(&pause.reason));
    match paused.await {
        Ok(Saved::Done) => {
            tracing::warn!(%app_id, days, "an app is paused: its endpoint takes nothing");
        }
        // Another try was quicker, or somebody changed the app: the next failure looks again.
        Ok(Saved::Outdated | Saved::KeyTaken) => {}
        Err(fault) => tracing::error!(%app_id, %fault, "a failing app is not paused"),
    }
}
