//! Deliveries: the way of each event to each of its endpoints, with every attempt. Workers take them by [`crate::claims`].

use domain::delivery::DeliveryState;
use domain::{AppId, EndpointId, Id, TenantId, UnixMs};

use crate::Store;
use crate::claims::ClaimedDelivery;
use crate::content::{self, HttpExchange};
use crate::fault::{Fault, FaultKind};
use crate::seal::{Key, RowContext};
use crate::tenants::Tenant;
use crate::value::{Row, Written, any, one, values};

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
    pub exchange: HttpExchange,
}

/// What follows from a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// How far the delivery is then.
    pub state: DeliveryState,
    /// When it is tried next.
    pub due_at: Option<UnixMs>,
    /// What the try says about the endpoint.
    pub endpoint: EndpointNote,
}

/// What a try says about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointNote {
    /// Nothing was sent.
    Nothing,
    /// It took the event, as is known of it.
    Delivered,
    /// It took the event: it is not failing, whatever was noted before.
    Taken,
    /// It did not take an event: it is failing from now on, if it was not before.
    Failed,
}

/// How the record of a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// False, and nothing was changed, when the lease was lost.
    pub is_mine: bool,
    /// Since when the endpoint takes nothing, after a failed try.
    pub failing_since: Option<UnixMs>,
}

/// One try as it was stored.
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
    pub exchange: HttpExchange,
}

/// How far a delivery is, with every try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Where to.
    pub endpoint_id: EndpointId,
    /// How far it is.
    pub state: DeliveryState,
    /// When it is tried next.
    pub due_at: Option<UnixMs>,
    /// Every try, oldest first.
    pub attempts: Vec<Attempt>,
}

/// A worker that lost its lease changes nothing.
const FINISH: &str = "UPDATE deliveries SET state = $1, due_at = $2, finished_at = $3 \
    WHERE tenant_id = $4 AND event_no = $5 AND endpoint_id = $6 AND due_at = $7";
const INSERT_ATTEMPT: &str = "INSERT INTO attempts (tenant_id, event_no, endpoint_id, attempt, at, took_ms, \
    outcome, http_status, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
    ON CONFLICT (tenant_id, event_no, endpoint_id, attempt) DO NOTHING";
const NOTE_FAILED: &str = "UPDATE apps SET failing_since = coalesce(failing_since, $2) WHERE app_id = $1 \
    RETURNING failing_since";
const NOTE_TAKEN: &str =
    "UPDATE apps SET failing_since = NULL WHERE app_id = $1 AND failing_since IS NOT NULL";
const LIST: &str = "SELECT d.endpoint_id, e.app_id, d.state, d.due_at FROM events e \
    JOIN deliveries d ON d.tenant_id = e.tenant_id AND d.event_no = e.event_no \
    WHERE e.tenant_id = $1 AND e.event_no = $2 ORDER BY d.endpoint_id";
const LIST_ATTEMPTS: &str = "SELECT attempt, at, took_ms, outcome, http_status, sealed FROM attempts \
    WHERE tenant_id = $1 AND event_no = $2 AND endpoint_id = $3 ORDER BY attempt";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[FINISH, INSERT_ATTEMPT, NOTE_FAILED, NOTE_TAKEN, LIST, LIST_ATTEMPTS];

impl Store {
    /// Records a try, and the state that the delivery has after it; `due_at` is when it is tried next. False,
    /// and nothing changes, when the lease was lost.
    pub async fn finish_delivery(
        &self,
        tenant: &Tenant,
        claimed: &ClaimedDelivery,
        attempt: &NewAttempt,
        state: DeliveryState,
        due_at: Option<UnixMs>,
    ) -> Result<bool, Fault> {
        let after = After { state, due_at, endpoint: EndpointNote::Nothing };
        Ok(self.finish_try(&claimed.key(tenant)?, claimed, attempt, after).await?.is_mine)
    }

    /// As [`Store::finish_delivery`], with what the try says about the endpoint; `key` is that of
    /// [`ClaimedDelivery::key`].
    pub async fn finish_try(
        &self,
        key: &Key,
        claimed: &ClaimedDelivery,
        attempt: &NewAttempt,
        after: After,
    ) -> Result<Finished, Fault> {
        let (tenant_id, event_no) = (claimed.tenant_id, claimed.event_id.event_no);
        let context = claimed.way().attempt(claimed.attempt);
        let sealed = key.seal(context, &content::to_text(&attempt.exchange));
        let finished_at = after.due_at.is_none().then_some(attempt.at.plus_ms(attempt.took_ms));
        let mut statements = vec![
            one(
                FINISH,
                values![
                    after.state.number(),
                    after.due_at.map(|at| at.0),
                    finished_at.map(|at| at.0),
                    tenant_id.0,
                    event_no.0,
                    claimed.endpoint_id.0,
                    claimed.lease_until.0,
                ],
            ),
            any(
                INSERT_ATTEMPT,
                values![
                    tenant_id.0,
                    event_no.0,
                    claimed.endpoint_id.0,
                    i64::from(claimed.attempt),
                    attempt.at.0,
                    attempt.took_ms,
                    attempt.outcome.as_str(),
                    attempt.http_status.map(i64::from),
                    sealed,
                ],
            ),
        ];
        match after.endpoint {
            EndpointNote::Nothing | EndpointNote::Delivered => {}
            EndpointNote::Taken => statements.push(any(NOTE_TAKEN, values![claimed.endpoint_id.0])),
            EndpointNote::Failed => {
                statements.push(any(NOTE_FAILED, values![claimed.endpoint_id.0, attempt.at.0]));
            }
        }
        let Written::Done(rows) = self.write(statements).await? else {
            return Ok(Finished { is_mine: false, failing_since: None });
        };
        let failing_since = match (after.endpoint, rows.first()) {
            (EndpointNote::Failed, Some(row)) => row.find_int(0)?.map(UnixMs),
            _ => None,
        };
        Ok(Finished { is_mine: true, failing_since })
    }

    /// The deliveries of an event, each with every try.
    pub async fn list_deliveries(
        &self,
        tenant: &Tenant,
        event_no: Id,
        order_id: Option<Id>,
    ) -> Result<Vec<Delivery>, Fault> {
        let tenant_id = tenant.tenant_id;
        let rows = self.read(LIST, values![tenant_id.0, event_no.0]).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.event_key(tenant, order_id).await?;
        let mut deliveries = Vec::with_capacity(rows.len());
        for row in rows {
            let endpoint_id = EndpointId(row.int(0)?);
            let way = Way { tenant_id, event_no, endpoint_id, app_id: AppId(row.int(1)?) };
            let values = values![tenant_id.0, event_no.0, endpoint_id.0];
            let attempts = self.read(LIST_ATTEMPTS, values).await?;
            let attempts = attempts.iter().map(|row| attempt(way, key.as_ref(), row));
            deliveries.push(Delivery {
                endpoint_id,
                state: row.int(2)?.try_into()?,
                due_at: row.find_int(3)?.map(UnixMs),
                attempts: attempts.collect::<Result<_, _>>()?,
            });
        }
        Ok(deliveries)
    }

    /// What is said about an order is sealed under the order's own key, anything else under the tenant's. None when
    /// the order is erased: then nothing can be opened, also what was under way meanwhile.
    async fn event_key(&self, tenant: &Tenant, order_id: Option<Id>) -> Result<Option<Key>, Fault> {
        let Some(order_id) = order_id else { return Ok(Some(tenant.key.clone())) };
        let found = self.find_order_row(tenant, order_id).await?;
        let (row, data_key) =
            found.ok_or_else(|| Fault::new(FaultKind::Damaged, "an event has no order"))?;
        Ok((!row.is_erased()).then_some(data_key))
    }
}

/// The way of an event to an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    pub(crate) tenant_id: TenantId,
    pub(crate) event_no: Id,
    pub(crate) endpoint_id: EndpointId,
    /// The app that the event concerns.
    pub(crate) app_id: AppId,
}

impl Way {
    /// What a try is sealed for. On the way to the event's own app it is what it was before there were other endpoints.
    fn attempt(self, attempt: u32) -> RowContext {
        let other = self.endpoint_id.0 ^ self.app_id.0;
        // Numbers of attempts are small, so that neighbouring events cannot be confused with them.
        let id = self.event_no.0 ^ (i64::from(attempt) << 48) ^ other;
        RowContext::new("attempts", self.tenant_id, id)
    }
}

fn attempt(way: Way, key: Option<&Key>, row: &Row) -> Result<Attempt, Fault> {
    let number = u32::try_from(row.int(0)?).unwrap_or(u32::MAX);
    let exchange = match key {
        Some(key) => {
            let text = key.open(way.attempt(number), row.bytes(5)?)?;
            content::from_text(&text)?
        }
        None => HttpExchange::default(),
    };
    Ok(Attempt {
        attempt: number,
        at: UnixMs(row.int(1)?),
        took_ms: row.int(2)?,
        outcome: row.text(3)?,
        http_status: row.find_int(4)?.and_then(|status| u16::try_from(status).ok()),
        exchange,
    })
}
