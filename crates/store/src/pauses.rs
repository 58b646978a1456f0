//! Pauses: when nothing is sent to an app, why, and the alert that is about it.

use domain::{AppId, Id, TenantId, UnixMs};

use crate::fault::{Fault, FaultKind};
use crate::value::{Row, Written, any, one, values};
use crate::{Known, Saved, Store, resend};

/// Since when nothing is sent to an app, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: UnixMs,
    /// Why, in words for people.
    pub reason: String,
}

/// What somebody should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// Nothing is sent to an app any more, because its endpoint failed for long.
    SinkPaused,
    /// 80 % of what may be stored for a tenant are used.
    TenantNearQuota,
    /// 80 % of what may be stored for an app are used.
    AppNearQuota,
    /// The disk has less room than its reserve.
    DiskNearlyFull,
    /// A content that was stored for a tenant is missing or damaged.
    ContentDamaged,
}

impl AlertKind {
    const ALL: [AlertKind; 5] = [
        AlertKind::SinkPaused,
        AlertKind::TenantNearQuota,
        AlertKind::AppNearQuota,
        AlertKind::DiskNearlyFull,
        AlertKind::ContentDamaged,
    ];

    /// The word by which a row keeps it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            AlertKind::SinkPaused => "sink_paused",
            AlertKind::TenantNearQuota => "tenant_near_quota",
            AlertKind::AppNearQuota => "app_near_quota",
            AlertKind::DiskNearlyFull => "disk_nearly_full",
            AlertKind::ContentDamaged => "content_damaged",
        }
    }
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id; ascending in time.
    pub alert_id: Id,
    /// The app that it is about, if it is about one.
    pub app_id: Option<AppId>,
    /// The tenant that it is about, if it is about one.
    pub tenant_id: Option<TenantId>,
    /// What it is about.
    pub kind: AlertKind,
    /// What happened, in words for people.
    pub detail: String,
    /// When.
    pub created_at: UnixMs,
    /// When it ended; none while it lasts.
    pub ended_at: Option<UnixMs>,
}

const PAUSE: &str = "UPDATE apps SET paused_at = $3, pause_reason = $4, version = version + 1 \
    WHERE app_id = $1 AND version = $2";
const RESUME: &str = "UPDATE apps SET paused_at = NULL, pause_reason = NULL, failing_since = NULL, \
    version = version + 1 WHERE app_id = $1 AND version = $2";
const INSERT_ALERT: &str = "INSERT INTO alerts (alert_id, app_id, kind, detail, created_at) \
    VALUES ($1, $2, $3, $4, $5)";
const END_ALERTS: &str = "UPDATE alerts SET ended_at = $2 \
    WHERE app_id = $1 AND kind = 'sink_paused' AND ended_at IS NULL";
const LIST_ALERTS: &str = "SELECT alert_id, app_id, kind, detail, created_at, ended_at, tenant_id FROM alerts \
    WHERE alert_id < $1 ORDER BY alert_id DESC LIMIT $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[PAUSE, RESUME, INSERT_ALERT, END_ALERTS, LIST_ALERTS];

impl Store {
    /// Pauses an app as `pause` says, unless it changed since `version`; with the alert `detail`, when somebody
    /// should look at it.
    pub async fn pause_app(
        &self,
        app_id: AppId,
        version: i64,
        pause: &Pause,
        detail: Option<&str>,
    ) -> Result<Saved, Fault> {
        let at = pause.since;
        let values = values![app_id.0, version, at.0, pause.reason.as_str()];
        let mut statements = vec![one(PAUSE, values)];
        if let Some(detail) = detail {
            let alert_id = self.make_id(at);
            let values = values![alert_id.0, app_id.0, AlertKind::SinkPaused.word(), detail, at.0];
            statements.push(any(INSERT_ALERT, values));
        }
        let written = self.write_known(statements, Known::App(app_id)).await?;
        Ok(saved(&written))
    }

    /// Ends an app's pause and its alerts, and makes what was paused due, unless the app changed since `version`.
    pub async fn resume_app(
        &self,
        app_id: AppId,
        version: i64,
        at: UnixMs,
    ) -> Result<Saved, Fault> {
        let mut statements =
            vec![one(RESUME, values![app_id.0, version]), any(END_ALERTS, values![app_id.0, at.0])];
        let concerned = self.list_concerned(app_id).await?.into_iter();
        let release = |tenant_id| resend::release_paused(app_id, tenant_id, at);
        statements.extend(concerned.map(release));
        let written = self.write_known(statements, Known::App(app_id)).await?;
        self.wake_deliveries();
        Ok(saved(&written))
    }

    /// At most `limit` alerts before the given one, newest first.
    pub async fn list_alerts(&self, before: Id, limit: u32) -> Result<Vec<Alert>, Fault> {
        let rows = self.read(LIST_ALERTS, values![before.0, i64::from(limit)]).await?;
        rows.iter().map(alert).collect()
    }
}

fn saved(written: &Written) -> Saved {
    match written {
        Written::Done(_) => Saved::Done,
        Written::Unmet(_) => Saved::Outdated,
    }
}

fn alert(row: &Row) -> Result<Alert, Fault> {
    let word = row.text(2)?;
    let kind = AlertKind::ALL.into_iter().find(|kind| kind.word() == word);
    let unknown = || Fault::new(FaultKind::Damaged, "an alert's kind is unknown");
    let some = |number: i64| (number != 0).then_some(number);
    Ok(Alert {
        alert_id: Id(row.int(0)?),
        app_id: some(row.int(1)?).map(AppId),
        tenant_id: row.find_int(6)?.and_then(some).map(TenantId),
        kind: kind.ok_or_else(unknown)?,
        detail: row.text(3)?,
        created_at: UnixMs(row.int(4)?),
        ended_at: row.find_int(5)?.map(UnixMs),
    })
}
