//! Sending again: one event, or what happened in a span of time; and what waited for an app's endpoint.
//!
//! A delivery that is sent again has the whole schedule before it, and goes to whatever endpoint the app has then.

use const_format::formatcp;
use domain::delivery::DeliveryState;
use domain::id::IdMaker;
use domain::{AppId, EndpointId, Id, TenantId, UnixMs};

use crate::Store;
use crate::fault::Fault;
use crate::states::{DELIVERY_DUE, DELIVERY_EXHAUSTED, DELIVERY_HELD, DELIVERY_PAUSED};
use crate::value::{Statement, Written, any, one, values};

/// Deliveries looked at and changed at once, so that the writer is soon free for others.
const PAGE: i64 = 500;

const RESEND: &str = formatcp!(
    "UPDATE deliveries SET state = {DELIVERY_DUE}, due_at = $3, finished_at = NULL, \
    tries_before = attempts WHERE tenant_id = $1 AND event_no = $2 AND endpoint_id = $4 \
    AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.tenant_id = $1 AND o.order_id = deliveries.order_id \
      AND length(o.wrapped_key) = 0)"
);
const LIST_OF_APP: &str = "SELECT e.event_no, d.state FROM events e \
    JOIN deliveries d ON d.tenant_id = e.tenant_id AND d.event_no = e.event_no AND d.endpoint_id = e.app_id \
    WHERE e.tenant_id = $1 AND e.event_no > $2 AND e.event_no < $3 AND e.app_id = $4 \
    ORDER BY e.event_no LIMIT $5";
/// The tenants of which something waits for an app's endpoint.
const LIST_WAITING: &str = formatcp!(
    "SELECT DISTINCT tenant_id FROM deliveries WHERE endpoint_id = $1 \
    AND state IN ({DELIVERY_HELD}, {DELIVERY_EXHAUSTED}, {DELIVERY_PAUSED}) AND state = {DELIVERY_HELD}"
);
const RELEASE: &str = formatcp!(
    "UPDATE deliveries SET state = {DELIVERY_DUE}, due_at = $3 WHERE tenant_id = $1 AND endpoint_id = $2 \
    AND state IN ({DELIVERY_HELD}, {DELIVERY_EXHAUSTED}, {DELIVERY_PAUSED}) AND state = $4"
);

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[RESEND, LIST_OF_APP, LIST_WAITING, RELEASE];

/// Which deliveries of an app are sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResendFilter {
    /// Those of events that happened then or later.
    pub since: UnixMs,
    /// Those of events that happened before it; of all when there is none.
    pub until: Option<UnixMs>,
    /// Those in one of these states; in any when there is none.
    pub states: Vec<DeliveryState>,
}

/// Makes everything of a tenant due that is held for an app.
pub(crate) fn release_held(app_id: AppId, tenant_id: TenantId, at: UnixMs) -> Statement {
    any(RELEASE, values![tenant_id.0, app_id.0, at.0, DELIVERY_HELD])
}

/// Makes everything of a tenant due that is paused for an app.
pub(crate) fn release_paused(app_id: AppId, tenant_id: TenantId, at: UnixMs) -> Statement {
    any(RELEASE, values![tenant_id.0, app_id.0, at.0, DELIVERY_PAUSED])
}

impl Store {
    /// Makes everything due that waits for an endpoint of this app: it has a connection now.
    pub async fn release_held(&self, app_id: AppId, at: UnixMs) -> Result<(), Fault> {
        let mut releases = Vec::new();
        for row in self.read(LIST_WAITING, values![app_id.0]).await? {
            let tenant_id = TenantId(row.int(0)?);
            releases.push((tenant_id, release_held(app_id, tenant_id, at)));
        }
        self.write_by_tenant(releases).await?;
        self.wake_deliveries();
        Ok(())
    }

    /// Makes an event's delivery to an endpoint due again, whatever became of it. False when there is none, or when the order that it
    /// is about is erased: then there is nothing left to say.
    pub async fn resend_event(
        &self,
        tenant_id: TenantId,
        event_no: Id,
        endpoint_id: EndpointId,
        at: UnixMs,
    ) -> Result<bool, Fault> {
        let resend = one(RESEND, values![tenant_id.0, event_no.0, at.0, endpoint_id.0]);
        let written = self.write(vec![resend]).await?;
        self.wake_deliveries();
        Ok(matches!(written, Written::Done(_)))
    }

    /// Makes the deliveries of an app in a tenant due again that lie in `span`; gives their number. They are
    /// changed page by page: when storage fails on the way, those before stay due.
    pub async fn resend_span(
        &self,
        tenant_id: TenantId,
        app_id: AppId,
        filter: &ResendFilter,
        at: UnixMs,
    ) -> Result<usize, Fault> {
        let first_of = |instant| IdMaker::new(0).next(instant).0;
        let mut after = first_of(filter.since) - 1;
        let end = filter.until.map_or(i64::MAX, first_of);
        let mut count = 0;
        loop {
            let page = values![tenant_id.0, after, end, app_id.0, PAGE];
            let rows = self.read(LIST_OF_APP, page).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = last.int(0)?;
            let mut statements = Vec::with_capacity(rows.len());
            for row in &rows {
                let state = DeliveryState::try_from(row.int(1)?)?;
                if filter.states.is_empty() || filter.states.contains(&state) {
                    statements.push(any(RESEND, values![tenant_id.0, row.int(0)?, at.0, app_id.0]));
                }
            }
            count += statements.len();
            if !statements.is_empty() {
                self.write(statements).await?;
                self.wake_deliveries();
            }
        }
    }
}
