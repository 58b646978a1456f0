//! Deliveries: the way of each event to its app, claimed by workers under a lease, every attempt kept.
//!
//! A worker claims what is due, closes the transaction, sends, and records how it went. While a try is under
//! way `due_at` is the end of its lease: when the worker dies, the delivery becomes due again by itself. So an
//! event may be sent twice, never lost; its `event_id` lets the receiver discard repeats.

use contract::control::DeliveryState;
use domain::{AppId, Id, TenantId, UnixMs};

use crate::Store;
use crate::content::{self, Exchange};
use crate::events::{EventId, EventKind};
use crate::fault::{Fault, FaultKind};
use crate::seal::{Key, Place};
use crate::tenants::Tenant;
use crate::value::{Row, Statement, Written, any, one, values};

/// The number by which a row keeps the state.
pub(crate) fn state_number(state: DeliveryState) -> i64 {
    match state {
        DeliveryState::Held => 1,
        DeliveryState::Due => 2,
        DeliveryState::Delivered => 3,
        DeliveryState::Exhausted => 4,
        DeliveryState::Paused => 5,
    }
}

pub(crate) fn state_from_number(number: i64) -> Result<DeliveryState, Fault> {
    match number {
        1 => Ok(DeliveryState::Held),
        2 => Ok(DeliveryState::Due),
        3 => Ok(DeliveryState::Delivered),
        4 => Ok(DeliveryState::Exhausted),
        5 => Ok(DeliveryState::Paused),
        _ => Err(Fault::new(FaultKind::Damaged, "a delivery's state is unknown")),
    }
}

/// A delivery that a worker holds until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The tenant that the event concerns.
    pub tenant_id: TenantId,
    /// The event.
    pub event_id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// The app that it is for.
    pub app_id: AppId,
    /// The order that it tells of.
    pub order_id: Option<Id>,
    /// When it happened.
    pub created_at: UnixMs,
    /// The number of this try; 1 is the first.
    pub attempt: u32,
    /// Until when nobody else tries.
    pub lease_until: UnixMs,
}

/// How one try went.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    /// When it began.
    pub at: UnixMs,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// In a word or two, for people: `delivered`, or why not.
    pub outcome: String,
    /// The status that the receiver answered.
    pub http_status: Option<u16>,
    /// What was sent and what came back; sealed at rest.
    pub exchange: Exchange,
}

/// One try as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number; 1 is the first.
    pub attempt: u32,
    /// When it began.
    pub at: UnixMs,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// In a word or two.
    pub outcome: String,
    /// The status that the receiver answered.
    pub http_status: Option<u16>,
    /// What was sent and what came back.
    pub exchange: Exchange,
}

/// How far a delivery is, with every try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// How far it is.
    pub state: DeliveryState,
    /// When it is tried next.
    pub due_at: Option<UnixMs>,
    /// Every try, oldest first.
    pub attempts: Vec<Attempt>,
}

const INSERT: &str = "INSERT INTO deliveries (tenant_id, event_no, app_id, order_id, state, attempts, due_at) \
    VALUES ($1, $2, $3, NULL, 2, 0, $4)";
/// Claims what is due, the oldest first, and `canceled` only after the first try of the order's `created`,
/// whose number is the order's id. `$4` lists the apps to be passed over: `,7,8,`.
const CLAIM: &str = "WITH due (tenant, number) AS MATERIALIZED (\
    SELECT d.tenant_id, d.event_no FROM deliveries d WHERE d.due_at <= $1 \
      AND $4 NOT LIKE '%,' || d.app_id || ',%' \
      AND NOT EXISTS (SELECT 1 FROM deliveries c WHERE c.tenant_id = d.tenant_id \
        AND c.event_no = d.order_id AND c.event_no <> d.event_no AND c.state = 2 \
        AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.tenant_id = c.tenant_id \
          AND a.event_no = c.event_no)) \
      ORDER BY d.due_at LIMIT $3 /* skip locked */) \
    UPDATE deliveries SET due_at = $2, attempts = attempts + 1 FROM due \
      WHERE tenant_id = due.tenant AND event_no = due.number \
    RETURNING tenant_id, event_no, attempts";
const FIND_CLAIMED: &str = "SELECT tag, kind, app_id, order_id, created_at FROM events \
    WHERE tenant_id = $1 AND event_no = $2";
/// A worker that lost its lease changes nothing.
const FINISH: &str = "UPDATE deliveries SET state = $1, due_at = $2, finished_at = $3 \
    WHERE tenant_id = $4 AND event_no = $5 AND due_at = $6";
const INSERT_ATTEMPT: &str = "INSERT INTO attempts (tenant_id, event_no, attempt, at, took_ms, outcome, \
    http_status, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
/// A claim that could not be tried, for want of a sink, counts as no try.
const HOLD: &str = "UPDATE deliveries SET state = 1, due_at = NULL, attempts = attempts - 1 \
    WHERE tenant_id = $1 AND event_no = $2 AND due_at = $3";
/// Takes the app's row, so that a change of its sink comes either before or after.
const KEEP_APP: &str = "UPDATE apps SET version = version WHERE app_id = $1 AND version = $2";
/// A claim that was not tried, for want of a place, counts as no try either.
const PUT_BACK: &str = "UPDATE deliveries SET due_at = $4, attempts = attempts - 1 \
    WHERE tenant_id = $1 AND event_no = $2 AND due_at = $3";
const RELEASE: &str =
    "UPDATE deliveries SET state = 2, due_at = $2 WHERE app_id = $1 AND state = 1";
const RESEND: &str = "UPDATE deliveries SET state = 2, due_at = $3, finished_at = NULL \
    WHERE tenant_id = $1 AND event_no = $2";
/// But for tickets: an old one must not come after a new one.
const RESEND_SINCE: &str = "UPDATE deliveries SET state = 2, due_at = $3, finished_at = NULL \
    WHERE app_id = $1 AND event_no >= $2 AND tenant_id <> 0 RETURNING event_no";
const FIND: &str = "SELECT state, due_at FROM deliveries WHERE tenant_id = $1 AND event_no = $2";
const LIST_ATTEMPTS: &str = "SELECT attempt, at, took_ms, outcome, http_status, sealed FROM attempts \
    WHERE tenant_id = $1 AND event_no = $2 ORDER BY attempt";

/// The statements of this file, for the test that prepares all of them.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    INSERT,
    CLAIM,
    FIND_CLAIMED,
    FINISH,
    INSERT_ATTEMPT,
    HOLD,
    KEEP_APP,
    PUT_BACK,
    RELEASE,
    RESEND,
    RESEND_SINCE,
    FIND,
    LIST_ATTEMPTS,
];

pub(crate) fn insert(tenant_id: TenantId, event_no: Id, app_id: AppId, at: UnixMs) -> Statement {
    any(INSERT, values![tenant_id.0, event_no.0, app_id.0, at.0])
}

/// Makes everything that is held for an app due.
pub(crate) fn release(app_id: AppId, at: UnixMs) -> Statement {
    any(RELEASE, values![app_id.0, at.0])
}

impl Store {
    /// Claims at most `limit` due deliveries of all tenants until `lease_until`.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn claim_deliveries(
        &self,
        now: UnixMs,
        lease_until: UnixMs,
        limit: u32,
    ) -> Result<Vec<ClaimedDelivery>, Fault> {
        self.claim_deliveries_except(now, lease_until, limit, &[]).await
    }

    /// As [`Store::claim_deliveries`], passing over the deliveries for the apps `passed_over`. A row that is
    /// damaged is logged and left until its lease ends.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn claim_deliveries_except(
        &self,
        now: UnixMs,
        lease_until: UnixMs,
        limit: u32,
        passed_over: &[AppId],
    ) -> Result<Vec<ClaimedDelivery>, Fault> {
        let mut apps = String::from(",");
        for app_id in passed_over {
            apps.push_str(&format!("{},", app_id.0));
        }
        let claim = any(CLAIM, values![now.0, lease_until.0, i64::from(limit), apps]);
        let Written::Done(rows) = self.write(vec![claim]).await? else { return Ok(Vec::new()) };
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            match self.claimed_delivery(&row, lease_until).await {
                Ok(delivery) => claimed.push(delivery),
                Err(fault) if fault.kind() == FaultKind::Damaged => {
                    tracing::error!(%fault, "a delivery cannot be read and is tried later");
                }
                Err(fault) => return Err(fault),
            }
        }
        claimed.sort_by_key(|delivery| delivery.event_id.event_no);
        Ok(claimed)
    }

    async fn claimed_delivery(
        &self,
        row: &Row,
        lease_until: UnixMs,
    ) -> Result<ClaimedDelivery, Fault> {
        let damaged = |what| Fault::new(FaultKind::Damaged, what);
        let (tenant_id, event_no) = (TenantId(row.int(0)?), Id(row.int(1)?));
        let events = self.read(FIND_CLAIMED, values![tenant_id.0, event_no.0]).await?;
        let event = events.first().ok_or_else(|| damaged("a delivery has no event"))?;
        let tag = event.bytes(0)?.try_into();
        let tag = tag.map_err(|_| damaged("an event's tag is not 8 bytes"))?;
        Ok(ClaimedDelivery {
            tenant_id,
            event_id: EventId { event_no, tag },
            kind: EventKind::from_number(event.int(1)?)?,
            app_id: AppId(event.int(2)?),
            order_id: event.find_int(3)?.map(Id),
            created_at: UnixMs(event.int(4)?),
            attempt: u32::try_from(row.int(2)?).unwrap_or(u32::MAX),
            lease_until,
        })
    }

    /// Records a try, and the state that the delivery has after it; `due_at` is when it is tried next. False,
    /// and nothing changes, when the lease was lost.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn finish_delivery(
        &self,
        tenant: &Tenant,
        claimed: &ClaimedDelivery,
        attempt: &NewAttempt,
        state: DeliveryState,
        due_at: Option<UnixMs>,
    ) -> Result<bool, Fault> {
        let (tenant_id, event_no) = (claimed.tenant_id, claimed.event_id.event_no);
        let key = self.event_key(tenant, claimed.order_id).await?;
        let place = attempt_place(tenant_id, event_no, claimed.attempt);
        let sealed = key.seal(place, &content::to_text(&attempt.exchange));
        let finished_at = due_at.is_none().then_some(attempt.at.plus_ms(attempt.took_ms));
        let statements = vec![
            one(
                FINISH,
                values![
                    state_number(state),
                    due_at.map(|at| at.0),
                    finished_at.map(|at| at.0),
                    tenant_id.0,
                    event_no.0,
                    claimed.lease_until.0,
                ],
            ),
            any(
                INSERT_ATTEMPT,
                values![
                    tenant_id.0,
                    event_no.0,
                    i64::from(claimed.attempt),
                    attempt.at.0,
                    attempt.took_ms,
                    attempt.outcome.as_str(),
                    attempt.http_status.map(i64::from),
                    sealed,
                ],
            ),
        ];
        Ok(matches!(self.write(statements).await?, Written::Done(_)))
    }

    /// Sets a claimed delivery aside until its app has a sink.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn hold_delivery(&self, claimed: &ClaimedDelivery) -> Result<(), Fault> {
        let (tenant_id, event_no) = (claimed.tenant_id, claimed.event_id.event_no);
        let values = values![tenant_id.0, event_no.0, claimed.lease_until.0];
        self.write(vec![any(HOLD, values)]).await.map(drop)
    }

    /// As [`Store::hold_delivery`], if the app is still as it was at `app_version`. False, and nothing changes,
    /// when it is not: then it may have a sink by now.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn hold_delivery_of(
        &self,
        claimed: &ClaimedDelivery,
        app_version: i64,
    ) -> Result<bool, Fault> {
        let (tenant_id, event_no) = (claimed.tenant_id, claimed.event_id.event_no);
        let statements = vec![
            one(KEEP_APP, values![claimed.app_id.0, app_version]),
            any(HOLD, values![tenant_id.0, event_no.0, claimed.lease_until.0]),
        ];
        Ok(matches!(self.write(statements).await?, Written::Done(_)))
    }

    /// Gives claimed deliveries back untried, due at `due_at`.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn put_back_deliveries(
        &self,
        claimed: &[ClaimedDelivery],
        due_at: UnixMs,
    ) -> Result<(), Fault> {
        let put_back = |claimed: &ClaimedDelivery| {
            let (tenant_id, event_no) = (claimed.tenant_id, claimed.event_id.event_no);
            any(PUT_BACK, values![tenant_id.0, event_no.0, claimed.lease_until.0, due_at.0])
        };
        self.write(claimed.iter().map(put_back).collect()).await.map(drop)
    }

    /// Makes an event's delivery due again, whatever became of it. False when there is none.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn resend_event(
        &self,
        tenant_id: TenantId,
        event_no: Id,
        at: UnixMs,
    ) -> Result<bool, Fault> {
        let resend = one(RESEND, values![tenant_id.0, event_no.0, at.0]);
        let written = self.write(vec![resend]).await?;
        self.wake_deliveries();
        Ok(matches!(written, Written::Done(_)))
    }

    /// Makes all deliveries of an app due again whose events happened at `since` or later; gives their number.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn resend_since(
        &self,
        app_id: AppId,
        since: UnixMs,
        at: UnixMs,
    ) -> Result<usize, Fault> {
        let first = domain::id::IdMaker::new(0).next(since);
        let resend = any(RESEND_SINCE, values![app_id.0, first.0, at.0]);
        let written = self.write(vec![resend]).await?;
        self.wake_deliveries();
        Ok(match written {
            Written::Done(rows) => rows.len(),
            Written::Unmet(_) => 0,
        })
    }

    /// How far the delivery of an event is, with every try.
    ///
    /// # Errors
    /// Faults of storage, or of a sealed text that does not open.
    pub async fn find_delivery(
        &self,
        tenant: &Tenant,
        event_no: Id,
        order_id: Option<Id>,
    ) -> Result<Option<Delivery>, Fault> {
        let values = values![tenant.tenant_id.0, event_no.0];
        let rows = self.read(FIND, values.clone()).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let key = self.event_key(tenant, order_id).await?;
        let attempts = self.read(LIST_ATTEMPTS, values).await?;
        let attempts = attempts.iter().map(|row| attempt(tenant.tenant_id, event_no, &key, row));
        Ok(Some(Delivery {
            state: state_from_number(row.int(0)?)?,
            due_at: row.find_int(1)?.map(UnixMs),
            attempts: attempts.collect::<Result<_, _>>()?,
        }))
    }

    /// What is said about an order is sealed under the order's own key, anything else under the tenant's.
    async fn event_key(&self, tenant: &Tenant, order_id: Option<Id>) -> Result<Key, Fault> {
        let Some(order_id) = order_id else { return Ok(tenant.key.clone()) };
        let found = self.find_order_row(tenant, order_id).await?;
        let (_, data_key) =
            found.ok_or_else(|| Fault::new(FaultKind::Damaged, "an event has no order"))?;
        Ok(data_key)
    }
}

fn attempt_place(tenant_id: TenantId, event_no: Id, attempt: u32) -> Place {
    // Numbers of attempts are small, so that neighbouring events cannot be confused with them.
    Place::new("attempts", tenant_id, event_no.0 ^ (i64::from(attempt) << 48))
}

fn attempt(tenant_id: TenantId, event_no: Id, key: &Key, row: &Row) -> Result<Attempt, Fault> {
    let number = u32::try_from(row.int(0)?).unwrap_or(u32::MAX);
    let text = key.open(attempt_place(tenant_id, event_no, number), row.bytes(5)?)?;
    Ok(Attempt {
        attempt: number,
        at: UnixMs(row.int(1)?),
        took_ms: row.int(2)?,
        outcome: row.text(3)?,
        http_status: row.find_int(4)?.and_then(|status| u16::try_from(status).ok()),
        exchange: content::from_text(&text)?,
    })
}
