//! Alerts about room: who comes near a quota, and when the disk is nearly full. One at a time of each kind for each.

use domain::{AppId, TenantId, UnixMs};

use crate::Store;
use crate::fault::Fault;
use crate::pauses::AlertKind;
use crate::value::{any, values};

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The whole installation.
    Installation,
    /// A tenant.
    Tenant(TenantId),
    /// An app.
    App(AppId),
}

const RAISE: &str = "INSERT INTO alerts (alert_id, app_id, tenant_id, kind, detail, created_at) \
    SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM alerts a \
      WHERE a.app_id = $2 AND coalesce(a.tenant_id, 0) = $3 AND a.kind = $4 AND a.ended_at IS NULL)";
const END: &str = "UPDATE alerts SET ended_at = $4 \
    WHERE app_id = $1 AND coalesce(tenant_id, 0) = $2 AND kind = $3 AND ended_at IS NULL";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[RAISE, END];

impl Store {
    /// Raises an alert, unless one of its kind about the same lasts.
    pub async fn raise_alert(
        &self,
        kind: AlertKind,
        subject: Subject,
        detail: &str,
        at: UnixMs,
    ) -> Result<(), Fault> {
        let (app_id, tenant_id) = numbers(subject);
        let alert_id = self.make_id(at);
        let values = values![alert_id.0, app_id, tenant_id, kind.word(), detail, at.0];
        self.write(vec![any(RAISE, values)]).await.map(drop)
    }

    /// Ends the alert of this kind about it, if one lasts.
    pub async fn end_alert(
        &self,
        kind: AlertKind,
        subject: Subject,
        at: UnixMs,
    ) -> Result<(), Fault> {
        let (app_id, tenant_id) = numbers(subject);
        let values = values![app_id, tenant_id, kind.word(), at.0];
        self.write(vec![any(END, values)]).await.map(drop)
    }
}

fn numbers(subject: Subject) -> (i64, i64) {
    match subject {
        Subject::Installation => (0, 0),
        Subject::Tenant(tenant_id) => (0, tenant_id.0),
        Subject::App(app_id) => (app_id.0, 0),
    }
}
