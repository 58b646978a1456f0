//! App tickets: when a store app is sent its next one, and which event brings the newest.
//!
//! A ticket is derived from its event (whose number and instant it carries), so none is stored. An app has one
//! ticket under way at most: a new one takes the place of one that was not delivered. Source: contract, section 1.4.

use const_format::formatcp;
use domain::event::EventKind;
use domain::id::IdMaker;
use domain::{AppId, Id, UnixMs};

use crate::Store;
use crate::events;
use crate::fault::Fault;
use crate::states::{DELIVERY_DUE, DELIVERY_EXHAUSTED, DELIVERY_HELD, DELIVERY_PAUSED};
use crate::tenants::NO_TENANT;
use crate::value::{Statement, Written, any, one, values};

/// An app whose next ticket is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueTicket {
    /// The app.
    pub app_id: AppId,
    /// Since when it is due.
    pub due_at: UnixMs,
}

const LIST_DUE: &str =
    "SELECT app_id, due_at FROM app_tickets WHERE due_at <= $1 ORDER BY due_at LIMIT $2";
const SCHEDULE: &str = "INSERT INTO app_tickets (app_id, event_no, due_at) VALUES ($1, 0, $2)";
const DELETE: &str = "DELETE FROM app_tickets WHERE app_id = $1";
/// Takes the app's row first: of several issuers at once each sees the ticket of the one before.
const LOCK: &str = "UPDATE app_tickets SET due_at = due_at WHERE app_id = $1";
/// A ticket that waits or is tried ends with the coming of the next one.
const GIVE_UP: &str = formatcp!(
    "UPDATE deliveries SET state = {DELIVERY_EXHAUSTED}, due_at = NULL, finished_at = $2 \
    WHERE tenant_id = 0 AND event_no = (SELECT event_no FROM app_tickets WHERE app_id = $1) \
    AND state IN ({DELIVERY_HELD}, {DELIVERY_DUE}, {DELIVERY_PAUSED})"
);
/// Only the first of several issuers at once stands.
const NEXT: &str =
    "UPDATE app_tickets SET event_no = $2, due_at = $3 WHERE app_id = $1 AND due_at = $4";
const NEXT_NOW: &str = "UPDATE app_tickets SET event_no = $2, due_at = $3 WHERE app_id = $1";
const RENEW: &str = "UPDATE app_tickets SET due_at = $2 WHERE app_id = $1";
const FORGET_ATTEMPTS: &str = "DELETE FROM attempts WHERE tenant_id = 0 AND event_no IN \
    (SELECT event_no FROM events WHERE tenant_id = 0 AND event_no < $1)";
const FORGET_DELIVERIES: &str = "DELETE FROM deliveries WHERE tenant_id = 0 AND event_no IN \
    (SELECT event_no FROM events WHERE tenant_id = 0 AND event_no < $1)";
const FORGET_EVENTS: &str = "DELETE FROM events WHERE tenant_id = 0 AND event_no < $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    LIST_DUE,
    SCHEDULE,
    DELETE,
    LOCK,
    GIVE_UP,
    NEXT,
    NEXT_NOW,
    RENEW,
    FORGET_ATTEMPTS,
    FORGET_DELIVERIES,
    FORGET_EVENTS,
];

/// Begins the tickets of a new store app: the first one is due at `at`.
pub(crate) fn schedule(app_id: AppId, at: UnixMs) -> Statement {
    any(SCHEDULE, values![app_id.0, at.0])
}

/// Makes the next ticket of an app due at `at`: those of before have ended. Nothing for an app without tickets.
pub(crate) fn renew(app_id: AppId, at: UnixMs) -> Statement {
    any(RENEW, values![app_id.0, at.0])
}

/// Ends the tickets of an app.
pub(crate) fn unschedule(app_id: AppId) -> Statement {
    any(DELETE, values![app_id.0])
}

impl Store {
    /// At most `limit` apps whose next ticket is due, the longest due first.
    pub async fn list_due_tickets(&self, now: UnixMs, limit: u32) -> Result<Vec<DueTicket>, Fault> {
        let rows = self.read(LIST_DUE, values![now.0, i64::from(limit)]).await?;
        rows.iter()
            .map(|row| Ok(DueTicket { app_id: AppId(row.int(0)?), due_at: UnixMs(row.int(1)?) }))
            .collect()
    }

    /// Issues the ticket that is due, as an event; the next one is due at `next_at`. False, and nothing changes,
    /// when another worker was quicker.
    pub async fn issue_due_ticket(
        &self,
        due: DueTicket,
        at: UnixMs,
        next_at: UnixMs,
    ) -> Result<bool, Fault> {
        let event_no = self.make_id(at);
        let next = values![due.app_id.0, event_no.0, next_at.0, due.due_at.0];
        self.issue(due.app_id, event_no, at, one(NEXT, next)).await
    }

    /// Issues a ticket at once, as an event; the next one is due at `next_at`. False when the app has no tickets.
    pub async fn issue_ticket(
        &self,
        app_id: AppId,
        at: UnixMs,
        next_at: UnixMs,
    ) -> Result<bool, Fault> {
        let event_no = self.make_id(at);
        let next = values![app_id.0, event_no.0, next_at.0];
        self.issue(app_id, event_no, at, one(NEXT_NOW, next)).await
    }

    async fn issue(
        &self,
        app_id: AppId,
        event_no: Id,
        at: UnixMs,
        next: Statement,
    ) -> Result<bool, Fault> {
        let mut statements =
            vec![any(LOCK, values![app_id.0]), any(GIVE_UP, values![app_id.0, at.0]), next];
        statements.extend(events::insert(
            NO_TENANT,
            event_no,
            app_id,
            EventKind::AppTicket,
            at,
            at,
        ));
        let written = self.write(statements).await?;
        self.wake_deliveries();
        Ok(matches!(written, Written::Done(_)))
    }

    /// Forgets the events that brought tickets before `before`, with their deliveries.
    pub async fn forget_old_tickets(&self, before: UnixMs) -> Result<(), Fault> {
        let first = IdMaker::new(0).next(before).0;
        let statements = [FORGET_ATTEMPTS, FORGET_DELIVERIES, FORGET_EVENTS];
        let statements = statements.map(|sql| any(sql, values![first]));
        self.write(statements.to_vec()).await.map(drop)
    }
}
