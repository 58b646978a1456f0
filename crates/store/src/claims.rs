//! Claims: how workers take due deliveries, endpoint by endpoint, each under a lease.
//!
//! A worker reads what is due, claims it in a transaction for each tenant, sends, and records how it went. While a try is
//! under way `due_at` is the end of its lease: when the worker dies, the delivery becomes due again by itself. So an event
//! may be sent twice, never lost; its `event_id` lets the receiver discard repeats.
//!
//! Endpoints are distinguished before anything is read of their deliveries: however much waits for one, finding
//! what is due for another takes no longer.

use std::collections::HashMap;

use const_format::formatcp;

use domain::delivery::DeliveryState;
use domain::event::{EventId, EventKind};
use domain::{AppId, EndpointId, Id, TenantId, UnixMs};

use crate::Store;
use crate::by_tenant::{KEYS, TenantKey, keys};
use crate::content::{self, Comment, Form};
use crate::deliveries::Way;
use crate::fault::{Fault, FaultKind};
use crate::orders::entry_context;
use crate::rows::OrderRow;
use crate::seal::Key;
use crate::states::DELIVERY_DUE;
use crate::tenants::Tenant;
use crate::value::{Row, Statement, Value, any, one, values};

/// Deliveries changed by one call, so that the writer is soon free for others.
const AT_ONCE: i64 = 1_000;

/// A delivery that a worker holds until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The tenant that the event concerns.
    pub tenant_id: TenantId,
    /// The event.
    pub event_id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// Where it goes.
    pub endpoint_id: EndpointId,
    /// The app that it concerns.
    pub app_id: AppId,
    /// The order that it is about.
    pub order_id: Option<Id>,
    /// When it happened.
    pub created_at: UnixMs,
    /// The number of this try; 1 is the first.
    pub attempt: u32,
    /// The tries made before it was resent last; the schedule counts from them.
    pub tries_before: u32,
    /// Until when nobody else tries.
    pub lease_until: UnixMs,
    /// What it carries of its order.
    pub content: Option<OrderContent>,
}

/// What an event carries of its order, sealed under the order's own key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderContent {
    /// The account that the order was placed with.
    pub account_id: Id,
    /// The package.
    pub package_id: String,
    wrapped_key: Vec<u8>,
    sealed: Vec<u8>,
}

impl ClaimedDelivery {
    /// The number of this try in the schedule that counts now.
    #[must_use]
    pub fn scheduled_try(&self) -> u32 {
        self.attempt.saturating_sub(self.tries_before)
    }

    /// The key under which what is said about this event is sealed: the order's own, or the tenant's when it says
    /// of no order.
    ///
    /// # Errors
    /// [`FaultKind::Damaged`] when it is missing or does not open.
    pub fn key(&self, tenant: &Tenant) -> Result<Key, Fault> {
        let Some(order_id) = self.order_id else { return Ok(tenant.key.clone()) };
        let damaged = || Fault::new(FaultKind::Damaged, "an event has no order");
        let content = self.content.as_ref().ok_or_else(damaged)?;
        tenant.key.open_key(OrderRow::key_context(self.tenant_id, order_id), &content.wrapped_key)
    }

    /// The form with which the order was placed: what `created` says. `key` is that of [`ClaimedDelivery::key`].
    ///
    /// # Errors
    /// [`FaultKind::Damaged`] when it is missing or does not open.
    pub fn form(&self, key: &Key) -> Result<Form, Fault> {
        content::from_text(&self.open(key)?)
    }

    /// The reason for which the order was ended: what `canceled` says. `key` is that of [`ClaimedDelivery::key`].
    ///
    /// # Errors
    /// [`FaultKind::Damaged`] when it is missing or does not open.
    pub fn words(&self, key: &Key) -> Result<Comment, Fault> {
        content::from_text(&self.open(key)?)
    }

    pub(crate) fn way(&self) -> Way {
        Way {
            tenant_id: self.tenant_id,
            event_no: self.event_id.event_no,
            endpoint_id: self.endpoint_id,
            app_id: self.app_id,
        }
    }

    fn open(&self, key: &Key) -> Result<Vec<u8>, Fault> {
        let damaged = || Fault::new(FaultKind::Damaged, "an event's order has no entry");
        let content = self.content.as_ref().ok_or_else(damaged)?;
        key.open(entry_context(self.tenant_id, self.event_id.event_no), &content.sealed)
    }
}

/// The endpoints for which something waits, with what is due first.
const LIST_ENDPOINTS: &str = "SELECT endpoint_id, due_at, \
      (SELECT max(endpoint_id) FROM deliveries WHERE due_at IS NOT NULL) FROM deliveries \
    WHERE due_at IS NOT NULL AND endpoint_id > $1 ORDER BY endpoint_id, due_at LIMIT $2";
/// What is due for an endpoint, the oldest first, and `canceled` only after the first try of the order's `created`, whose
/// number is the order's id; with what it is about: an order's entry has its event's number.
const LIST_DUE: &str = formatcp!(
    "SELECT e.tenant_id, e.event_no, e.tag, e.kind, e.app_id, e.order_id, e.created_at, \
      o.account_id, o.package_id, o.wrapped_key, t.sealed, d.endpoint_id \
    FROM deliveries d JOIN events e ON e.tenant_id = d.tenant_id AND e.event_no = d.event_no \
    LEFT JOIN orders o ON o.tenant_id = e.tenant_id AND o.order_id = e.order_id \
    LEFT JOIN timeline_entries t ON t.tenant_id = e.tenant_id AND t.entry_id = e.event_no \
    WHERE d.endpoint_id = $1 AND d.due_at <= $2 \
      AND NOT EXISTS (SELECT 1 FROM deliveries c WHERE c.tenant_id = d.tenant_id \
        AND c.event_no = d.order_id AND c.endpoint_id = d.endpoint_id AND c.event_no <> d.event_no \
        AND c.state = {DELIVERY_DUE} AND NOT EXISTS (SELECT 1 FROM attempts a \
          WHERE a.tenant_id = c.tenant_id AND a.event_no = c.event_no AND a.endpoint_id = c.endpoint_id)) \
    ORDER BY d.due_at, d.event_no LIMIT $3"
);
/// A delivery that another worker claimed meanwhile is due later. By its `+` the endpoint is compared after the row was found
/// by its event: SQLite would look through all that is due for the endpoint instead.
const CLAIM: &str = formatcp!(
    "UPDATE deliveries SET due_at = $18, attempts = attempts + 1 \
    WHERE tenant_id = $1 AND event_no IN ({KEYS}) AND +endpoint_id = $20 AND due_at <= $19 \
    RETURNING tenant_id, event_no, attempts, tries_before"
);
/// The keys of what is due for an endpoint.
const LIST_DUE_KEYS: &str = "SELECT tenant_id, event_no FROM deliveries WHERE endpoint_id = $1 AND due_at <= $2 \
    ORDER BY due_at, event_no LIMIT $3";
/// A claim that was not tried counts as no try.
const SET_ASIDE: &str = "UPDATE deliveries SET state = $4, due_at = NULL, attempts = attempts - 1 \
    WHERE tenant_id = $1 AND event_no = $2 AND endpoint_id = $5 AND due_at = $3";
const SET_DUE_ASIDE: &str = formatcp!(
    "UPDATE deliveries SET state = $19, due_at = NULL \
    WHERE tenant_id = $1 AND event_no IN ({KEYS}) AND +endpoint_id = $20 AND due_at <= $18 \
    RETURNING event_no"
);
/// Takes the app's row, so that a change of its endpoint comes either before or after.
const KEEP_APP: &str = "UPDATE apps SET version = version WHERE app_id = $1 AND version = $2";
const PUT_BACK: &str = "UPDATE deliveries SET due_at = $4, attempts = attempts - 1 \
    WHERE tenant_id = $1 AND event_no = $2 AND endpoint_id = $5 AND due_at = $3";
/// The keys of what is tried again later.
const LIST_LATER: &str = "SELECT tenant_id, event_no FROM deliveries WHERE endpoint_id = $1 AND due_at > $2 \
    ORDER BY due_at, event_no LIMIT $3";
const RETRY_NOW: &str = formatcp!(
    "UPDATE deliveries SET due_at = $19 \
    WHERE tenant_id = $1 AND event_no IN ({KEYS}) AND +endpoint_id = $20 AND due_at > $18"
);

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    LIST_ENDPOINTS,
    LIST_DUE,
    CLAIM,
    SET_ASIDE,
    LIST_DUE_KEYS,
    SET_DUE_ASIDE,
    KEEP_APP,
    PUT_BACK,
    LIST_LATER,
    RETRY_NOW,
];

/// Takes an app's row and fails when it is no longer as it was at `version`.
pub(crate) fn keep_app(app_id: AppId, version: i64) -> Statement {
    one(KEEP_APP, values![app_id.0, version])
}

impl Store {
    /// The endpoints for which deliveries are due, in the order of their ids.
    pub async fn list_due_endpoints(&self, now: UnixMs) -> Result<Vec<EndpointId>, Fault> {
        let mut endpoints = Vec::new();
        for row in self.read_first_of_each(LIST_ENDPOINTS, i64::MIN).await? {
            if row.int(1)? <= now.0 {
                endpoints.push(EndpointId(row.int(0)?));
            }
        }
        Ok(endpoints)
    }

    /// Claims at most `limit` due deliveries of all endpoints until `lease_until`, in the order of their events.
    pub async fn claim_deliveries(
        &self,
        now: UnixMs,
        lease_until: UnixMs,
        limit: u32,
    ) -> Result<Vec<ClaimedDelivery>, Fault> {
        let mut claimed = Vec::new();
        for endpoint_id in self.list_due_endpoints(now).await? {
            let left = limit.saturating_sub(u32::try_from(claimed.len()).unwrap_or(u32::MAX));
            if left == 0 {
                break;
            }
            claimed.extend(self.claim_deliveries_of(endpoint_id, now, lease_until, left).await?);
        }
        claimed.sort_by_key(|delivery: &ClaimedDelivery| delivery.event_id.event_no);
        Ok(claimed)
    }

    /// Claims at most `limit` due deliveries of an endpoint until `lease_until`, in the order of their events. A row
    /// that is damaged is logged and left until its lease ends.
    pub async fn claim_deliveries_of(
        &self,
        endpoint_id: EndpointId,
        now: UnixMs,
        lease_until: UnixMs,
        limit: u32,
    ) -> Result<Vec<ClaimedDelivery>, Fault> {
        let (due, claims) = loop {
            let values = values![endpoint_id.0, now.0, i64::from(limit)];
            let due = self.read_to_claim(LIST_DUE, values).await?;
            let values = values![lease_until.0, now.0, endpoint_id.0];
            let claims = self.write_keys(&keys(&due)?, None, CLAIM, &values).await?;
            // When others were quicker with all of them, something else may be due.
            if due.is_empty() || !claims.is_empty() {
                break (due, claims);
            }
        };
        let mine: HashMap<TenantKey, &Row> = keys(&claims)?.into_iter().zip(&claims).collect();
        let mut claimed = Vec::with_capacity(mine.len());
        for (key, row) in keys(&due)?.iter().zip(&due) {
            let Some(claim) = mine.get(key) else { continue };
            match claimed_delivery(row, claim, lease_until) {
                Ok(delivery) => claimed.push(delivery),
                Err(fault) => {
                    tracing::error!(%fault, "a delivery cannot be read and is tried later");
                }
            }
        }
        claimed.sort_by_key(|delivery| delivery.event_id.event_no);
        Ok(claimed)
    }

    /// Sets a claimed delivery aside in `state` (held, paused), if the app that it goes to is still as it was at `app_version`;
    /// whatever it is when none is given. False, and nothing changes, when it is not: then it may have an endpoint.
    pub async fn set_delivery_aside(
        &self,
        claimed: &ClaimedDelivery,
        state: DeliveryState,
        app_version: Option<i64>,
    ) -> Result<bool, Fault> {
        let (tenant_id, event_no) = (claimed.tenant_id, claimed.event_id.event_no);
        let keep = app_version.map(|version| keep_app(claimed.endpoint_id.app_id(), version));
        let mut statements: Vec<_> = keep.into_iter().collect();
        let lease = claimed.lease_until.0;
        let endpoint_id = claimed.endpoint_id.0;
        let values = values![tenant_id.0, event_no.0, lease, state.number(), endpoint_id];
        statements.push(any(SET_ASIDE, values));
        Ok(self.write(statements).await?.is_done())
    }

    /// Sets due deliveries of an app aside in `state` (held, paused), at most 1,000, and gives their number;
    /// none when the app is no longer as it was at `app_version`.
    pub async fn set_due_aside(
        &self,
        app_id: AppId,
        state: DeliveryState,
        app_version: Option<i64>,
        now: UnixMs,
    ) -> Result<usize, Fault> {
        let keep = app_version.map(|version| keep_app(app_id, version));
        let values = values![now.0, state.number(), app_id.0];
        self.set_keys_aside(app_id, now, keep, SET_DUE_ASIDE, &values).await
    }

    /// Sets due deliveries of an app aside by `sql` and the values after its keys, each tenant's after `keep`.
    pub(crate) async fn set_keys_aside(
        &self,
        app_id: AppId,
        now: UnixMs,
        keep: Option<Statement>,
        sql: &'static str,
        values: &[Value],
    ) -> Result<usize, Fault> {
        let due = self.read(LIST_DUE_KEYS, values![app_id.0, now.0, AT_ONCE]).await?;
        Ok(self.write_keys(&keys(&due)?, keep.as_ref(), sql, values).await?.len())
    }

    /// Gives claimed deliveries back untried, due at `due_at`.
    pub async fn put_back_deliveries(
        &self,
        claimed: &[ClaimedDelivery],
        due_at: UnixMs,
    ) -> Result<(), Fault> {
        let put_back = |claimed: &ClaimedDelivery| {
            let (tenant_id, event_no) = (claimed.tenant_id, claimed.event_id.event_no);
            let (lease, endpoint_id) = (claimed.lease_until.0, claimed.endpoint_id.0);
            let values = values![tenant_id.0, event_no.0, lease, due_at.0, endpoint_id];
            (tenant_id, any(PUT_BACK, values))
        };
        self.write_by_tenant(claimed.iter().map(put_back)).await.map(drop)
    }

    /// Makes the deliveries of an endpoint due at `now` that would be tried again later than `after`, which is later
    /// than any lease ends: its receiver is back.
    pub async fn retry_deliveries_now(
        &self,
        endpoint_id: EndpointId,
        after: UnixMs,
        now: UnixMs,
    ) -> Result<(), Fault> {
        let values = values![after.0, now.0, endpoint_id.0];
        loop {
            let later = self.read(LIST_LATER, values![endpoint_id.0, after.0, AT_ONCE]).await?;
            self.write_keys(&keys(&later)?, None, RETRY_NOW, &values).await?;
            if later.len() < AT_ONCE as usize {
                break;
            }
        }
        self.wake_deliveries();
        Ok(())
    }
}

fn claimed_delivery(row: &Row, claim: &Row, lease_until: UnixMs) -> Result<ClaimedDelivery, Fault> {
    let count = |column| claim.int(column).map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let tag = row.bytes(2)?.try_into();
    let content = match (row.find_int(7)?, row.find_bytes(10)?) {
        (Some(account_id), Some(sealed)) => Some(OrderContent {
            account_id: Id(account_id),
            package_id: row.text(8)?,
            wrapped_key: row.bytes(9)?.to_vec(),
            sealed: sealed.to_vec(),
        }),
        _ => None,
    };
    Ok(ClaimedDelivery {
        tenant_id: TenantId(row.int(0)?),
        event_id: EventId {
            event_no: Id(row.int(1)?),
            tag: tag
                .map_err(|_| Fault::new(FaultKind::Damaged, "an event's tag is not 8 bytes"))?,
        },
        kind: row.int(3)?.try_into()?,
        endpoint_id: EndpointId(row.int(11)?),
        app_id: AppId(row.int(4)?),
        order_id: row.find_int(5)?.map(Id),
        created_at: UnixMs(row.int(6)?),
        attempt: count(2)?,
        tries_before: count(3)?,
        lease_until,
        content,
    })
}
