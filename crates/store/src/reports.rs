//! Reports: each entry that a call brought, and how far its fetching is.
//!
//! A fetch that brings a content makes a version ([`crate::report_versions`]); a report that has one stays readable
//! while it is fetched anew and when that fails. A worker claims what is due, fetches outside a transaction, and
//! records. Meanwhile `due_at` is the end of its lease, so that a dead worker's reports become due again.

use const_format::formatcp;
use contract::evidence::AuditAct;
use domain::report::{ReportKind, ReportState};
use domain::{AppId, Id, TenantId, UnixMs};

use crate::Store;
use crate::audit::By;
use crate::content::{self, ReportSource, VersionFacts};
use crate::fault::{Fault, FaultKind};
use crate::report_versions::{self, NewContent};
use crate::seal::{Key, RowContext};
use crate::states::{REPORT_FAILED, REPORT_FLAGGED, REPORT_PENDING, REPORT_STORED};
use crate::storage_use;
use crate::tenants::Tenant;
use crate::value::{Row, Written, any, one, values};

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its id; ascending in time.
    pub report_id: Id,
    /// Interim or final.
    pub kind: ReportKind,
    /// How far it is.
    pub state: ReportState,
    /// Why it could not be fetched, for people.
    pub failure: Option<String>,
    /// Bytes of the newest version, once there is one.
    pub size_bytes: Option<i64>,
    /// SHA-256 of the newest version, once there is one.
    pub sha256: Option<Vec<u8>>,
    /// The number of the newest version; 0 when nothing was ever fetched.
    pub version_last: i64,
    /// Whether the content was refused when it was fetched last.
    pub is_refused: bool,
    /// Name and address.
    pub source: ReportSource,
    /// When a call brought it.
    pub created_at: UnixMs,
}

/// A report that a worker holds until its lease ends.
#[derive(Debug, Clone)]
pub struct ClaimedReport {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The order.
    pub order_id: Id,
    /// The report.
    pub report_id: Id,
    /// The number of this try; 1 is the first.
    pub attempt: u32,
    /// Name and address.
    pub source: ReportSource,
    /// Until when nobody else tries.
    pub lease_until: UnixMs,
    /// The app that brought it.
    pub app_id: AppId,
    /// The queue in which it waited; see [`crate::fetch_queues`].
    pub queue_id: i64,
    /// When its address says that it ends.
    pub link_ends_at: Option<UnixMs>,
    /// Whether a user takes the content as it is, also when it would be refused.
    pub is_accepted: bool,
    /// The order's data key, which wraps the key of what is fetched.
    pub(crate) data_key: Key,
}

impl Report {
    /// Whether it has a content that can be read, whatever is being tried.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.version_last > 0 && self.state != ReportState::Erased
    }
}

/// How a fetch ended.
#[derive(Debug, Clone)]
pub enum FetchOutcome {
    /// The content is stored in the object store, durably.
    Stored {
        /// What is stored.
        content: NewContent,
        /// What is known of it; findings flag it.
        facts: VersionFacts,
    },
    /// Not now; again at the given instant.
    Retry {
        /// Why, for people.
        reason: String,
        /// When again.
        due_at: UnixMs,
    },
    /// Not at all.
    Failed {
        /// Why, for people.
        reason: String,
        /// Whether the content is there and was refused for what it is.
        is_refused: bool,
    },
}

/// The reports that came with one entry: their ids follow the entry's without a gap.
pub(crate) const LIST_OF_ENTRY: &str = "SELECT report_id, kind, state, failure, size_bytes, sha256, sealed, version_last, \
    is_refused, created_at FROM reports WHERE tenant_id = $1 AND report_id BETWEEN $2 AND $3 ORDER BY report_id";
const FIND: &str = "SELECT report_id, kind, state, failure, size_bytes, sha256, sealed, version_last, \
    is_refused, created_at FROM reports WHERE tenant_id = $1 AND report_id = $2 AND order_id = $3";
/// A worker that lost its lease changes nothing.
const FINISH_STORED: &str = "UPDATE reports SET state = $1, due_at = NULL, failure = NULL, size_bytes = $2, \
    sha256 = $3, version_last = version_last + 1, is_refused = 0, is_accepted = 0 WHERE tenant_id = $4 AND report_id = $5 AND due_at = $6";
const FINISH_RETRY: &str = formatcp!(
    "UPDATE reports SET state = {REPORT_PENDING}, due_at = $1, failure = $2 \
    WHERE tenant_id = $3 AND report_id = $4 AND due_at = $5"
);
/// With a version the report is what the newest one makes it, 3 or 4; without any it has failed.
const FINISH_FAILED: &str = formatcp!(
    "UPDATE reports SET due_at = NULL, failure = $1, \
    is_refused = CASE WHEN is_refused = 1 THEN is_refused ELSE $5 END, is_accepted = 0, \
    state = CASE WHEN version_last = 0 THEN {REPORT_FAILED} ELSE (SELECT {REPORT_STORED} + v.is_flagged FROM report_versions v \
      WHERE v.tenant_id = reports.tenant_id AND v.report_id = reports.report_id \
        AND v.version = reports.version_last) END \
    WHERE tenant_id = $2 AND report_id = $3 AND due_at = $4"
);
const REFETCH: &str = formatcp!(
    "UPDATE reports SET state = {REPORT_PENDING}, due_at = $4, attempts = 0, failure = NULL, \
    needed_bytes = 1 WHERE tenant_id = $1 AND report_id = $2 AND order_id = $3 AND state IN ({REPORT_PENDING}, {REPORT_STORED}, {REPORT_FLAGGED}, {REPORT_FAILED})"
);
const ACCEPT: &str = formatcp!(
    "UPDATE reports SET state = {REPORT_PENDING}, due_at = $4, attempts = 0, failure = NULL, \
    needed_bytes = 1, is_accepted = 1 WHERE tenant_id = $1 AND report_id = $2 AND order_id = $3 \
    AND is_refused = 1 AND state IN ({REPORT_STORED}, {REPORT_FLAGGED}, {REPORT_FAILED})"
);

/// Why a report that was stored cannot be given: the reason that stands with it until it is asked for again.
const DAMAGED: &str = "the kept content is missing or damaged; a refetch brings it again";
const NOTE_DAMAGE: &str = formatcp!(
    "UPDATE reports SET failure = $4 WHERE tenant_id = $1 AND report_id = $2 \
    AND version_last = $3 AND state IN ({REPORT_STORED}, {REPORT_FLAGGED})"
);
/// One alert for each report, said by how its text begins.
const ALERT_DAMAGE: &str = "INSERT INTO alerts (alert_id, app_id, tenant_id, kind, detail, created_at) \
    SELECT $1, 0, $2, 'content_damaged', $3 || $4, $5 WHERE NOT EXISTS (SELECT 1 FROM alerts a \
      WHERE a.app_id = 0 AND coalesce(a.tenant_id, 0) = $2 AND a.kind = 'content_damaged' AND a.ended_at IS NULL \
        AND substr(a.detail, 1, length($3)) = $3)";
const END_DAMAGE: &str = "UPDATE alerts SET ended_at = $2 WHERE app_id = 0 AND coalesce(tenant_id, 0) = $1 \
    AND kind = 'content_damaged' AND ended_at IS NULL AND substr(detail, 1, length($3)) = $3";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    LIST_OF_ENTRY,
    FIND,
    FINISH_STORED,
    FINISH_RETRY,
    FINISH_FAILED,
    REFETCH,
    ACCEPT,
    NOTE_DAMAGE,
    END_DAMAGE,
];

impl Store {
    /// The report, if the tenant's order has it.
    pub async fn find_report(
        &self,
        tenant: &Tenant,
        order_id: Id,
        report_id: Id,
    ) -> Result<Option<Report>, Fault> {
        let rows = self.read(FIND, values![tenant.tenant_id.0, report_id.0, order_id.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let Some((_, data_key)) = self.find_order_row(tenant, order_id).await? else {
            return Ok(None);
        };
        report(tenant.tenant_id, &data_key, row).map(Some)
    }

    pub(crate) async fn claimed_report(
        &self,
        row: &Row,
        lease_until: UnixMs,
    ) -> Result<ClaimedReport, Fault> {
        let (tenant_id, report_id) = (TenantId(row.int(0)?), Id(row.int(1)?));
        let order_id = Id(row.int(2)?);
        let gone = || Fault::new(FaultKind::Damaged, "a report has no order");
        let tenant = self.find_tenant(tenant_id).await?.ok_or_else(gone)?;
        let (_, data_key) = self.find_order_row(&tenant, order_id).await?.ok_or_else(gone)?;
        let text = data_key.open(context(tenant_id, report_id), row.bytes(4)?)?;
        Ok(ClaimedReport {
            tenant_id,
            order_id,
            report_id,
            attempt: u32::try_from(row.int(3)?).unwrap_or(u32::MAX),
            source: content::from_text(&text)?,
            lease_until,
            app_id: AppId(row.int(5)?),
            queue_id: row.int(6)?,
            link_ends_at: row.find_int(7)?.map(UnixMs),
            is_accepted: row.int(8)? != 0,
            data_key,
        })
    }

    /// Records how a fetch ended; false when the lease was lost. [`FaultKind::NoRoom`] when the content exceeds a
    /// quota.
    pub async fn finish_report(
        &self,
        claimed: &ClaimedReport,
        outcome: &FetchOutcome,
    ) -> Result<bool, Fault> {
        let (tenant_id, report_id) = (claimed.tenant_id.0, claimed.report_id.0);
        let lease_until = claimed.lease_until.0;
        let statements = match outcome {
            FetchOutcome::Stored { content, facts } => {
                let is_flagged = !facts.findings.is_empty();
                let state = if is_flagged { ReportState::Flagged } else { ReportState::Stored };
                let finish = one(
                    FINISH_STORED,
                    values![
                        state.number(),
                        content.size_bytes,
                        content.sha256.as_slice(),
                        tenant_id,
                        report_id,
                        lease_until,
                    ],
                );
                let tenant = self.find_tenant(claimed.tenant_id).await?;
                let at = content.fetched_at;
                let at = tenant.map_or(at, |tenant| tenant.time(at));
                let insert = report_versions::insert(claimed, content, facts, at);
                let mut statements = vec![finish, insert];
                let quotas = self.quotas();
                let (tenant_id, size_bytes) = (claimed.tenant_id, content.size_bytes);
                statements.extend(storage_use::add_to_tenant(tenant_id, size_bytes, quotas));
                statements.extend(storage_use::add_to_app(claimed.app_id, size_bytes, quotas));
                statements
            }
            FetchOutcome::Retry { reason, due_at } => vec![one(
                FINISH_RETRY,
                values![due_at.0, reason.as_str(), tenant_id, report_id, lease_until],
            )],
            FetchOutcome::Failed { reason, is_refused } => vec![one(
                FINISH_FAILED,
                values![reason.as_str(), tenant_id, report_id, lease_until, i64::from(*is_refused),],
            )],
        };
        match self.write(statements).await? {
            Written::Done(_) => Ok(true),
            // After the report's row and its version.
            Written::Unmet(2..) => Err(storage_use::no_room()),
            Written::Unmet(_) => Ok(false),
        }
    }

    /// Notes that a version of a report cannot be given: the report says so, when it is its newest, and an alert.
    pub async fn note_damage(
        &self,
        tenant_id: TenantId,
        report_id: Id,
        version: i64,
        detail: &str,
        at: UnixMs,
    ) -> Result<(), Fault> {
        let alert_id = self.make_id(at);
        let detail = format!("version {version}: {detail}");
        let alert = values![alert_id.0, tenant_id.0, named(report_id), detail, at.0];
        let statements = vec![
            any(NOTE_DAMAGE, values![tenant_id.0, report_id.0, version, DAMAGED]),
            any(ALERT_DAMAGE, alert),
        ];
        self.write(statements).await.map(drop)
    }

    /// Retries a report that waits, failed, or has a version, with an audit entry. False when there is none, or one
    /// is being fetched.
    pub async fn refetch_report(
        &self,
        by: By,
        tenant_id: TenantId,
        order_id: Id,
        report_id: Id,
    ) -> Result<bool, Fault> {
        let asked = (REFETCH, AuditAct::ReportRefetched);
        self.ask_again(asked, by, tenant_id, order_id, report_id).await
    }

    /// Fetches a refused content again, to be stored as it is, with an audit entry. False when none was refused, or it is
    /// being fetched.
    pub async fn accept_report(
        &self,
        by: By,
        tenant_id: TenantId,
        order_id: Id,
        report_id: Id,
    ) -> Result<bool, Fault> {
        let asked = (ACCEPT, AuditAct::ReportAccepted);
        self.ask_again(asked, by, tenant_id, order_id, report_id).await
    }

    async fn ask_again(
        &self,
        (sql, act): (&'static str, AuditAct),
        by: By,
        tenant_id: TenantId,
        order_id: Id,
        report_id: Id,
    ) -> Result<bool, Fault> {
        let values = values![tenant_id.0, report_id.0, order_id.0, by.at.0];
        let ended = values![tenant_id.0, by.at.0, named(report_id)];
        let mut statements = vec![one(sql, values), any(END_DAMAGE, ended)];
        let mut entry = by.did(act);
        entry.order_id = Some(order_id.to_string());
        entry.report_id = Some(report_id.to_string());
        statements.extend(self.audit(tenant_id, entry).await?);
        let written = self.write(statements).await?;
        self.wake_reports();
        Ok(written.is_done())
    }
}

fn named(report_id: Id) -> String {
    format!("report {report_id}, ")
}

pub(crate) fn context(tenant_id: TenantId, report_id: Id) -> RowContext {
    RowContext::new("reports", tenant_id, report_id.0)
}

pub(crate) fn report(tenant_id: TenantId, data_key: &Key, row: &Row) -> Result<Report, Fault> {
    let report_id = Id(row.int(0)?);
    let sealed = row.bytes(6)?;
    let source = match sealed.is_empty() {
        true => ReportSource::default(),
        false => content::from_text(&data_key.open(context(tenant_id, report_id), sealed)?)?,
    };
    Ok(Report {
        report_id,
        kind: row.int(1)?.try_into()?,
        state: row.int(2)?.try_into()?,
        failure: row.find_text(3)?,
        size_bytes: row.find_int(4)?,
        sha256: row.find_bytes(5)?.map(<[u8]>::to_vec),
        version_last: row.int(7)?,
        is_refused: row.int(8)? != 0,
        source,
        created_at: UnixMs(row.int(9)?),
    })
}
