//! Manifests: signed lists of the contents that were stored for an order's reports, append-only.
//!
//! Contents in no manifest make one due; its writer marks those it lists, in one transaction. Source: product,
//! section 4.

use contract::evidence::{Evidence as _, Manifest, ManifestVersion};
use contract::hex::to_hex;
use domain::{Id, TenantId, UnixMs};
use url::Url;

use crate::Store;
use crate::fault::{Fault, FaultKind};
use crate::reports::Report;
use crate::tenants::Tenant;
use crate::value::{Row, any, one, values};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredVersion {
    pub(crate) version: i64,
    pub(crate) object_id: Id,
    pub(crate) size_bytes: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) fetched_at: UnixMs,
    is_listed: bool,
}

const LIST_UNLISTED: &str = "SELECT tenant_id, order_id FROM report_versions \
    WHERE manifest_number = 0 AND order_id > $1 ORDER BY order_id LIMIT $2";
const LIST_VERSIONS: &str = "SELECT version, object_id, size_bytes, sha256, fetched_at, manifest_number \
    FROM report_versions WHERE tenant_id = $1 AND report_id = $2 ORDER BY version";
const FIND_LAST: &str = "SELECT number, body, signature FROM manifests \
    WHERE tenant_id = $1 AND order_id = $2 ORDER BY number DESC LIMIT 1";
const INSERT: &str = "INSERT INTO manifests (tenant_id, order_id, number, body, signature) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, order_id, number) DO NOTHING";
const NOTE_LISTED: &str = "UPDATE report_versions SET manifest_number = $4 \
    WHERE tenant_id = $1 AND report_id = $2 AND version = $3 AND manifest_number = 0";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[LIST_UNLISTED, LIST_VERSIONS, FIND_LAST, INSERT, NOTE_LISTED];

impl Store {
    /// At most `limit` orders after the given one with contents that stand in no manifest yet.
    pub async fn list_unlisted_orders(
        &self,
        after: Id,
        limit: u32,
    ) -> Result<Vec<(TenantId, Id)>, Fault> {
        let rows = self.read(LIST_UNLISTED, values![after.0, i64::from(limit)]).await?;
        let order = |row: &Row| Ok((TenantId(row.int(0)?), Id(row.int(1)?)));
        let mut orders = rows.iter().map(order).collect::<Result<Vec<_>, Fault>>()?;
        orders.dedup();
        Ok(orders)
    }

    /// Writes the order's next manifest; false without contents that stand in none, or when another was quicker.
    pub async fn write_manifest(
        &self,
        tenant: &Tenant,
        order_id: Id,
        at: UnixMs,
    ) -> Result<bool, Fault> {
        let Some(order) = self.find_order(tenant, order_id).await? else { return Ok(false) };
        let tenant_id = tenant.tenant_id;
        let (mut versions, mut unlisted) = (Vec::new(), Vec::new());
        for report in &order.reports {
            for stored in self.list_stored_versions(tenant_id, report.report_id).await? {
                if !stored.is_listed {
                    unlisted.push((report.report_id, stored.version));
                }
                versions.push(manifest_version(report, &stored));
            }
        }
        if unlisted.is_empty() {
            return Ok(false);
        }
        let last = self.find_last_manifest(tenant_id, order_id).await?;
        let manifest = Manifest {
            kind: Manifest::KIND.to_owned(),
            tenant_key: tenant_id.to_string(),
            order_id: order_id.to_string(),
            number: last.as_ref().map_or(0, |last| last.number.unsigned_abs()) + 1,
            before: last.map(|last| Manifest::hash(&last.text)),
            made_at_ms: tenant.time(at).0,
            versions,
        };
        let number = i64::try_from(manifest.number).unwrap_or(i64::MAX);
        let text = manifest.text();
        let signature = self.signer().sign::<Manifest>(&text).into_bytes();
        let insert =
            one(INSERT, values![tenant_id.0, order_id.0, number, text.into_bytes(), signature]);
        let mut statements = vec![insert];
        statements.extend(unlisted.into_iter().map(|(report_id, version)| {
            any(NOTE_LISTED, values![tenant_id.0, report_id.0, version, number])
        }));
        Ok(self.write(statements).await?.is_done())
    }

    /// The order's newest manifest with its signature, as a file; none while it has none.
    pub async fn find_manifest(
        &self,
        tenant_id: TenantId,
        order_id: Id,
    ) -> Result<Option<String>, Fault> {
        let last = self.find_last_manifest(tenant_id, order_id).await?;
        last.map(|last| self.signer().file::<Manifest>(&last.text, &last.signature)).transpose()
    }

    pub(crate) async fn find_manifest_hash(
        &self,
        tenant_id: TenantId,
        order_id: Id,
    ) -> Result<Option<String>, Fault> {
        let last = self.find_last_manifest(tenant_id, order_id).await?;
        Ok(last.map(|last| Manifest::hash(&last.text)))
    }

    pub(crate) async fn list_stored_versions(
        &self,
        tenant_id: TenantId,
        report_id: Id,
    ) -> Result<Vec<StoredVersion>, Fault> {
        let rows = self.read(LIST_VERSIONS, values![tenant_id.0, report_id.0]).await?;
        let version = |row: &Row| {
            Ok(StoredVersion {
                version: row.int(0)?,
                object_id: Id(row.int(1)?),
                size_bytes: row.int(2)?,
                sha256: row.bytes(3)?.to_vec(),
                fetched_at: UnixMs(row.int(4)?),
                is_listed: row.int(5)? > 0,
            })
        };
        rows.iter().map(version).collect()
    }

    async fn find_last_manifest(
        &self,
        tenant_id: TenantId,
        order_id: Id,
    ) -> Result<Option<Last>, Fault> {
        let rows = self.read(FIND_LAST, values![tenant_id.0, order_id.0]).await?;
        rows.first().map(last).transpose()
    }
}

struct Last {
    number: i64,
    text: String,
    signature: Vec<u8>,
}

fn last(row: &Row) -> Result<Last, Fault> {
    Ok(Last { number: row.int(0)?, text: text(row, 1)?, signature: row.bytes(2)?.to_vec() })
}

pub(crate) fn text(row: &Row, column: usize) -> Result<String, Fault> {
    String::from_utf8(row.bytes(column)?.to_vec())
        .map_err(|_| Fault::new(FaultKind::Damaged, "a signed text is no UTF-8"))
}

fn manifest_version(report: &Report, stored: &StoredVersion) -> ManifestVersion {
    ManifestVersion {
        report_id: report.report_id.to_string(),
        version: stored.version.unsigned_abs(),
        kind: report.kind.into(),
        sha256: to_hex(&stored.sha256),
        size_bytes: stored.size_bytes.unsigned_abs(),
        source_host: host(&report.source.url),
        log_id: report.source.log_id.clone(),
        accepted_at_ms: report.created_at.0,
        fetched_at_ms: stored.fetched_at.0,
    }
}

fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}
