//! Erasing: an order loses its keys and all personal data, for ever.
//!
//! One transaction destroys the keys of the order, its reports and its files and every text sealed under them, and
//! writes the signed certificate with its audit entry. A tombstone stays: ids, states, times. Then objects are
//! removed and old pages scrubbed, retried until both worked; so a crash at any moment is harmless. Source: product,
//! section 4; decision 043.

use const_format::formatcp;
use contract::evidence::{
    AuditAct, Certificate, CertificateCounts, ErasedVersion, ErasureRule, Evidence as _,
    RECOVERABLE_DAYS,
};
use contract::hex::to_hex;
use domain::retention::DAY_MS;
use domain::{Id, TenantId, UnixMs};

use crate::audit::By;
use crate::content::{self, Comment};
use crate::fault::{Fault, FaultKind};
use crate::manifests::{self, StoredVersion};
use crate::orders::Order;
use crate::retention::take_mark;
use crate::seal::RowContext;
use crate::states::{DELIVERY_DELIVERED, DELIVERY_EXHAUSTED, REPORT_ERASED};
use crate::tenants::Tenant;
use crate::value::{Row, Statement, Value, Written, any, one, values};
use crate::{Store, order_pages, order_terms, storage_use};

/// Why an order is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Its retention is over.
    Retention(ErasureRule),
    /// Somebody demanded it, for this reason.
    Hand(String),
}

/// An erasure as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its id; ascending in time.
    pub erasure_id: Id,
    /// The order.
    pub order_id: Id,
    /// The text of the certificate.
    pub certificate: String,
    /// Why somebody demanded it.
    pub reason: Option<String>,
    /// Since when nothing is left, of the objects either.
    pub finished_at: Option<UnixMs>,
}

/// An erasure of which something is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenErasure {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The erasure.
    pub erasure_id: Id,
    /// The names of objects that may still be there.
    pub objects: Vec<Id>,
}

/// The order's end and the lack of a hold are checked again here, where nobody can come between.
const ERASE_ORDER: &str = "UPDATE orders SET wrapped_key = $3, result_digest = NULL \
    WHERE tenant_id = $1 AND order_id = $2 AND ended_at IS NOT NULL AND length(wrapped_key) > 0 \
      AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.tenant_id = $1 AND h.order_id IN (0, $2))";
const ERASE_ENTRY: &str =
    "UPDATE timeline_entries SET sealed = $3, digest = $4 WHERE tenant_id = $1 AND entry_id = $2";
/// Fails when a content came since the versions were read, which the certificate lists.
const ERASE_REPORT: &str = formatcp!(
    "UPDATE reports SET state = {REPORT_ERASED}, due_at = NULL, failure = NULL, size_bytes = NULL, \
    sha256 = NULL, sealed = $3 WHERE tenant_id = $1 AND report_id = $2 AND version_last = $4"
);
const ERASE_VERSIONS: &str = "UPDATE report_versions SET wrapped_key = $3, sealed = $3 \
    WHERE tenant_id = $1 AND report_id = $2";
const ERASE_VIEWS: &str =
    "UPDATE report_views SET sealed = $3 WHERE tenant_id = $1 AND report_id = $2";
const ERASE_ATTEMPTS: &str =
    "UPDATE attempts SET sealed = $3 WHERE tenant_id = $1 AND event_no = $2";
const END_DELIVERY: &str = formatcp!(
    "UPDATE deliveries SET state = {DELIVERY_EXHAUSTED}, due_at = NULL, finished_at = $3 \
    WHERE tenant_id = $1 AND event_no = $2 AND state <> {DELIVERY_DELIVERED}"
);
const DELETE_STAGES: &str = "DELETE FROM stage_keys WHERE tenant_id = $1 AND order_id = $2";
const DELETE_APPLICATION: &str = "DELETE FROM order_applications \
    WHERE tenant_id = $1 AND application = $2 AND order_id = $3";
const DELETE_FILE: &str = "DELETE FROM files WHERE tenant_id = $1 AND file_id = $2";
const INSERT: &str = "INSERT INTO erasures (tenant_id, erasure_id, order_id, body, signature, objects, sealed) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const LIST: &str = "SELECT erasure_id, order_id, body, sealed, finished_at FROM erasures \
    WHERE tenant_id = $1 AND erasure_id < $2 ORDER BY erasure_id DESC LIMIT $3";
const FIND: &str = "SELECT body, signature FROM erasures WHERE tenant_id = $1 AND order_id = $2";
const FIND_OF_ORDER: &str = "SELECT erasure_id, order_id, body, sealed, finished_at FROM erasures \
    WHERE tenant_id = $1 AND order_id = $2";
const LIST_OPEN: &str = "SELECT tenant_id, erasure_id, objects FROM erasures \
    WHERE finished_at IS NULL AND erasure_id > $1 ORDER BY erasure_id LIMIT $2";
const FINISH: &str = "UPDATE erasures SET finished_at = $3, objects = '' \
    WHERE tenant_id = $1 AND erasure_id = $2 AND finished_at IS NULL";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    ERASE_ORDER,
    ERASE_ENTRY,
    ERASE_REPORT,
    ERASE_VERSIONS,
    ERASE_VIEWS,
    ERASE_ATTEMPTS,
    END_DELIVERY,
    DELETE_STAGES,
    DELETE_APPLICATION,
    DELETE_FILE,
    INSERT,
    LIST,
    FIND,
    FIND_OF_ORDER,
    LIST_OPEN,
    FINISH,
];

/// How often an erasure is begun anew when a content comes meanwhile.
const TRIES: usize = 5;
/// The place of [`ERASE_ORDER`] among the statements of an erasure.
const ORDER: usize = 1;
const NOTHING: [u8; 0] = [];
const NO_DIGEST: [u8; 16] = [0; 16];

impl Store {
    /// Erases an order; gives the erasure's id. None when the order is not there, has not ended, is held or is
    /// erased already.
    pub async fn erase_order(
        &self,
        by: By,
        tenant: &Tenant,
        order_id: Id,
        why: &Why,
    ) -> Result<Option<Id>, Fault> {
        for _ in 0..TRIES {
            let erased = self.try_erase(by, tenant, order_id, why).await?;
            let Some((erasure_id, written)) = erased else { return Ok(None) };
            match written {
                Written::Done(_) => return Ok(Some(erasure_id)),
                Written::Unmet(..=ORDER) => return Ok(None),
                Written::Unmet(_) => {}
            }
        }
        Err(Fault::new(FaultKind::Contention, "reports came while their order was erased"))
    }

    async fn try_erase(
        &self,
        by: By,
        tenant: &Tenant,
        order_id: Id,
        why: &Why,
    ) -> Result<Option<(Id, Written)>, Fault> {
        let Some(order) = self.find_order(tenant, order_id).await? else { return Ok(None) };
        let Some(ended_at) = order.summary.ended_at else { return Ok(None) };
        if order.summary.is_erased {
            return Ok(None);
        }
        let tenant_id = tenant.tenant_id;
        let mut versions = Vec::new();
        for report in &order.reports {
            let stored = self.list_stored_versions(tenant_id, report.report_id).await?;
            versions.extend(stored.into_iter().map(|stored| (report.report_id, stored)));
        }
        let (erasure_id, erased_at) = (self.make_id(by.at), tenant.time(by.at));
        let certificate = Certificate {
            kind: Certificate::KIND.to_owned(),
            erasure_id: erasure_id.to_string(),
            tenant_key: tenant_id.to_string(),
            order_id: order_id.to_string(),
            placed_at_ms: order.summary.placed_at.0,
            ended_at_ms: ended_at.0,
            erased_at_ms: erased_at.0,
            unrecoverable_from_ms: erased_at.plus_ms(RECOVERABLE_DAYS * DAY_MS).0,
            rule: match why {
                Why::Retention(rule) => *rule,
                Why::Hand(_) => ErasureRule::Hand,
            },
            counts: CertificateCounts {
                entries: order.timeline.len() as u64,
                reports: order.reports.len() as u64,
                versions: versions.len() as u64,
                files: order.form.files.len() as u64,
            },
            versions: versions.iter().map(erased_version).collect(),
            manifest: self.find_manifest_hash(tenant_id, order_id).await?,
        };
        let text = certificate.text();
        let sealed = match why {
            Why::Retention(_) => None,
            Why::Hand(reason) => {
                let words = content::to_text(&Comment { text: reason.clone() });
                Some(tenant.key.seal(context(tenant_id, erasure_id), &words))
            }
        };
        let mut statements = statements(tenant, &order, &versions, by.at);
        statements.push(any(
            INSERT,
            values![
                tenant_id.0,
                erasure_id.0,
                order_id.0,
                text.as_bytes(),
                self.signer().sign::<Certificate>(&text).into_bytes(),
                objects(&order, &versions),
                sealed,
            ],
        ));
        let mut entry = by.did(AuditAct::OrderErased);
        entry.order_id = Some(order_id.to_string());
        entry.details.insert("erasure_id".to_owned(), erasure_id.to_string());
        let hash = contract::evidence::sha256(text.as_bytes());
        entry.details.insert("certificate_sha256".to_owned(), to_hex(&hash));
        statements.extend(self.audit(tenant_id, entry).await?);
        Ok(Some((erasure_id, self.write(statements).await?)))
    }

    /// At most `limit` erasures before the given one, newest first.
    pub async fn list_erasures(
        &self,
        tenant: &Tenant,
        before: Id,
        limit: u32,
    ) -> Result<Vec<Erasure>, Fault> {
        let values = values![tenant.tenant_id.0, before.0, i64::from(limit)];
        let rows = self.read(LIST, values).await?;
        rows.iter().map(|row| erasure(tenant, row)).collect()
    }

    /// The erasure of an order, if it is erased.
    pub async fn find_erasure(
        &self,
        tenant: &Tenant,
        order_id: Id,
    ) -> Result<Option<Erasure>, Fault> {
        let rows = self.read(FIND_OF_ORDER, values![tenant.tenant_id.0, order_id.0]).await?;
        rows.first().map(|row| erasure(tenant, row)).transpose()
    }

    /// The certificate of an order's erasure with its signature, as a file; none when it is not erased.
    pub async fn find_certificate(
        &self,
        tenant_id: TenantId,
        order_id: Id,
    ) -> Result<Option<String>, Fault> {
        let rows = self.read(FIND, values![tenant_id.0, order_id.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let file = self.signer().file::<Certificate>(&manifests::text(row, 0)?, row.bytes(1)?)?;
        Ok(Some(file))
    }

    /// At most `limit` erasures of all tenants after the given one of which something is left.
    pub async fn list_open_erasures(
        &self,
        after: Id,
        limit: u32,
    ) -> Result<Vec<OpenErasure>, Fault> {
        let rows = self.read(LIST_OPEN, values![after.0, i64::from(limit)]).await?;
        let open = |row: &Row| {
            let objects = row.text(2)?;
            Ok(OpenErasure {
                tenant_id: TenantId(row.int(0)?),
                erasure_id: Id(row.int(1)?),
                objects: objects.split(',').filter_map(|id| id.parse().ok().map(Id)).collect(),
            })
        };
        rows.iter().map(open).collect()
    }

    /// Notes that nothing is left of what an erasure took.
    pub async fn finish_erasure(
        &self,
        tenant_id: TenantId,
        erasure_id: Id,
        at: UnixMs,
    ) -> Result<(), Fault> {
        self.write(vec![any(FINISH, values![tenant_id.0, erasure_id.0, at.0])]).await.map(drop)
    }
}

fn statements(
    tenant: &Tenant,
    order: &Order,
    versions: &[(Id, StoredVersion)],
    at: UnixMs,
) -> Vec<Statement> {
    let (tenant_id, order_id) = (tenant.tenant_id.0, order.summary.order_id.0);
    let nothing = || Value::from(NOTHING.as_slice());
    let mut statements = vec![
        take_mark(tenant.tenant_id),
        one(ERASE_ORDER, values![tenant_id, order_id, nothing()]),
        any(DELETE_STAGES, values![tenant_id, order_id]),
    ];
    for entry in &order.timeline {
        let entry_id = entry.entry_id.0;
        let values = values![tenant_id, entry_id, nothing(), NO_DIGEST.as_slice()];
        statements.push(any(ERASE_ENTRY, values));
        // An event's number is the id of the entry that caused it.
        statements.push(any(ERASE_ATTEMPTS, values![tenant_id, entry_id, nothing()]));
        statements.push(any(END_DELIVERY, values![tenant_id, entry_id, at.0]));
    }
    for report in &order.reports {
        let app_id = order.summary.app_id;
        let (report_id, version_last) = (report.report_id, report.version_last);
        let stored = versions.iter().filter(|(of, _)| *of == report_id);
        let bytes = stored.map(|(_, stored)| stored.size_bytes).sum();
        let values = values![tenant_id, report_id.0, nothing()];
        statements.extend(storage_use::free_report(tenant.tenant_id, app_id, report_id, bytes));
        statements.push(one(ERASE_REPORT, [values.clone(), values![version_last]].concat()));
        statements.push(any(ERASE_VERSIONS, values.clone()));
        statements.push(any(ERASE_VIEWS, values));
    }
    if !order.form.application_id.is_empty() {
        let application = order_pages::application(tenant, &order.form.application_id);
        let values = values![tenant_id, application.as_slice(), order_id];
        statements.push(any(DELETE_APPLICATION, values));
    }
    statements.extend(order_terms::delete(tenant, order.summary.order_id, &order.form));
    for file in &order.form.files {
        statements.push(storage_use::free_file(tenant.tenant_id, Id(file.file_id)));
        statements.push(any(DELETE_FILE, values![tenant_id, file.file_id]));
    }
    statements
}

/// The names of all objects that the order may have: of contents, of unversioned old reports, of files.
fn objects(order: &Order, versions: &[(Id, StoredVersion)]) -> String {
    let reports = order.reports.iter().map(|report| report.report_id.0);
    let versions = versions.iter().map(|(_, stored)| stored.object_id.0);
    let files = order.form.files.iter().map(|file| file.file_id);
    let names: Vec<_> = reports.chain(versions).chain(files).map(|id| id.to_string()).collect();
    names.join(",")
}

fn erased_version((report_id, stored): &(Id, StoredVersion)) -> ErasedVersion {
    ErasedVersion {
        report_id: report_id.to_string(),
        version: stored.version.unsigned_abs(),
        sha256: to_hex(&stored.sha256),
        size_bytes: stored.size_bytes.unsigned_abs(),
    }
}

fn erasure(tenant: &Tenant, row: &Row) -> Result<Erasure, Fault> {
    let erasure_id = Id(row.int(0)?);
    let reason = row.find_bytes(3)?.map(|sealed| {
        let text = tenant.key.open(context(tenant.tenant_id, erasure_id), sealed)?;
        content::from_text(&text).map(|words: Comment| words.text)
    });
    Ok(Erasure {
        erasure_id,
        order_id: Id(row.int(1)?),
        certificate: manifests::text(row, 2)?,
        reason: reason.transpose()?,
        finished_at: row.find_int(4)?.map(UnixMs),
    })
}

fn context(tenant_id: TenantId, erasure_id: Id) -> RowContext {
    RowContext::new("erasures", tenant_id, erasure_id.0)
}
