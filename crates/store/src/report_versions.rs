//! Versions of reports: what each fetch brought, stored for good beside what was fetched before.
//!
//! The content is an object, sealed under its own key. Its row is written after the object is durable: an object
//! without a row is a dead worker's, a row without its object is damage. Erasing empties key and facts; the row
//! stays.

use domain::{Id, TenantId, UnixMs};

use crate::Store;
use crate::content::{self, VersionFacts};
use crate::fault::{Fault, FaultKind};
use crate::reports::ClaimedReport;
use crate::seal::{Key, RowContext};
use crate::tenants::Tenant;
use crate::value::{Row, Statement, one, values};

/// A content that is stored in the object store, to be recorded.
#[derive(Debug, Clone)]
pub struct NewContent {
    /// The name of its object.
    pub object_id: Id,
    /// The key that seals it.
    pub key: Key,
    /// Bytes.
    pub size_bytes: i64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// When it was fetched, by the installation's clock.
    pub fetched_at: UnixMs,
}

/// One version of a report.
#[derive(Debug, Clone)]
pub struct ReportVersion {
    /// 1 is the first.
    pub version: i64,
    /// The name of its object.
    pub object_id: Id,
    /// Bytes of its content.
    pub size_bytes: i64,
    /// SHA-256 of its content.
    pub sha256: Vec<u8>,
    /// Whether the content calls for caution.
    pub is_flagged: bool,
    /// When it was fetched.
    pub fetched_at: UnixMs,
    /// The key that seals its content, and what else is known of it; none once it is erased.
    pub opened: Option<(Key, VersionFacts)>,
}

/// What a check needs to know of an object that must be there, or must not be there any more.
#[derive(Debug, Clone)]
pub struct ExpectedObject {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The report, or the file.
    pub owner_id: Id,
    /// The report's version; none for a file.
    pub version: Option<i64>,
    /// The name of the object.
    pub object_id: Id,
    /// Bytes of its content.
    pub size_bytes: i64,
    /// SHA-256 of its content.
    pub sha256: Vec<u8>,
    /// The key that seals it, or that there is none.
    pub key: ExpectedKey,
}

/// Whether an object can be opened by what its row holds.
#[derive(Debug, Clone)]
pub enum ExpectedKey {
    /// With this key.
    Opens(Key),
    /// It was erased: nothing can be opened, and no object should be left.
    Erased,
    /// The row's key does not open.
    Damaged,
}

const INSERT: &str = "INSERT INTO report_versions (tenant_id, report_id, version, order_id, object_id, \
    size_bytes, sha256, is_flagged, fetched_at, wrapped_key, sealed) \
    SELECT tenant_id, report_id, version_last, order_id, $3, size_bytes, sha256, $4, $5, $6, $7 \
    FROM reports WHERE tenant_id = $1 AND report_id = $2";
const LIST: &str = "SELECT version, object_id, size_bytes, sha256, is_flagged, fetched_at, wrapped_key, sealed \
    FROM report_versions WHERE tenant_id = $1 AND report_id = $2 AND order_id = $3 ORDER BY version";
const FIND: &str = "SELECT version, object_id, size_bytes, sha256, is_flagged, fetched_at, wrapped_key, sealed \
    FROM report_versions WHERE tenant_id = $1 AND report_id = $2 AND order_id = $3 AND version = $4";
const LIST_ALL: &str = "SELECT tenant_id, report_id, version, order_id, object_id, size_bytes, sha256, \
    wrapped_key FROM report_versions WHERE (tenant_id, report_id, version) > ($1, $2, $3) \
    ORDER BY tenant_id, report_id, version LIMIT $4";
const LIST_ALL_FILES: &str = "SELECT tenant_id, file_id, size_bytes, sha256, wrapped_key FROM files \
    WHERE (tenant_id, file_id) > ($1, $2) ORDER BY tenant_id, file_id LIMIT $3";
/// Object names are unique in the installation.
const COUNT_ROWS: &str = "SELECT (SELECT count(*) FROM report_versions WHERE object_id = $1 \
    AND length(wrapped_key) > 0) + (SELECT count(*) FROM files WHERE file_id = $1)";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INSERT, LIST, FIND, LIST_ALL, LIST_ALL_FILES, COUNT_ROWS];

impl Store {
    /// Every version of a report, the first one first; erased ones too.
    pub async fn list_report_versions(
        &self,
        tenant: &Tenant,
        order_id: Id,
        report_id: Id,
    ) -> Result<Vec<ReportVersion>, Fault> {
        let values = values![tenant.tenant_id.0, report_id.0, order_id.0];
        let rows = self.read(LIST, values).await?;
        self.versions(tenant, order_id, &rows).await
    }

    /// One version of a report, if the tenant's order has it.
    pub async fn find_report_version(
        &self,
        tenant: &Tenant,
        order_id: Id,
        report_id: Id,
        version: i64,
    ) -> Result<Option<ReportVersion>, Fault> {
        let values = values![tenant.tenant_id.0, report_id.0, order_id.0, version];
        let rows = self.read(FIND, values).await?;
        Ok(self.versions(tenant, order_id, &rows).await?.pop())
    }

    async fn versions(
        &self,
        tenant: &Tenant,
        order_id: Id,
        rows: &[Row],
    ) -> Result<Vec<ReportVersion>, Fault> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let Some((_, data_key)) = self.find_order_row(tenant, order_id).await? else {
            return Ok(Vec::new());
        };
        rows.iter().map(|row| version(tenant.tenant_id, &data_key, row)).collect()
    }

    /// Objects that versions of reports must have, erased ones too: at most `limit` of all tenants, after the
    /// given row.
    pub async fn list_expected_reports(
        &self,
        after: (TenantId, Id, i64),
        limit: u32,
    ) -> Result<Vec<ExpectedObject>, Fault> {
        let (tenant_id, report_id, version) = after;
        let values = values![tenant_id.0, report_id.0, version, i64::from(limit)];
        let rows = self.read(LIST_ALL, values).await?;
        let mut expected = Vec::with_capacity(rows.len());
        for row in &rows {
            let (tenant_id, object_id) = (TenantId(row.int(0)?), Id(row.int(4)?));
            let key = match row.bytes(7)? {
                [] => ExpectedKey::Erased,
                wrapped => {
                    let data_key = self.expected_data_key(tenant_id, Id(row.int(3)?)).await?;
                    let context = key_context(tenant_id, object_id);
                    let key = data_key.and_then(|key| key.open_key(context, wrapped).ok());
                    key.map_or(ExpectedKey::Damaged, ExpectedKey::Opens)
                }
            };
            expected.push(ExpectedObject {
                tenant_id,
                owner_id: Id(row.int(1)?),
                version: Some(row.int(2)?),
                object_id,
                size_bytes: row.int(5)?,
                sha256: row.bytes(6)?.to_vec(),
                key,
            });
        }
        Ok(expected)
    }

    /// The objects that files of hirers must have, at most `limit` from after the given tenant and file on.
    pub async fn list_expected_files(
        &self,
        after: (TenantId, Id),
        limit: u32,
    ) -> Result<Vec<ExpectedObject>, Fault> {
        let values = values![after.0.0, after.1.0, i64::from(limit)];
        let rows = self.read(LIST_ALL_FILES, values).await?;
        let mut expected = Vec::with_capacity(rows.len());
        for row in &rows {
            let (tenant_id, file_id) = (TenantId(row.int(0)?), Id(row.int(1)?));
            let (_, keys) = crate::files::contexts(tenant_id, file_id);
            let key = match (row.bytes(4)?, self.find_tenant(tenant_id).await?) {
                ([], _) => ExpectedKey::Erased,
                (wrapped, Some(tenant)) => tenant
                    .key
                    .open_key(keys, wrapped)
                    .map_or(ExpectedKey::Damaged, ExpectedKey::Opens),
                (_, None) => ExpectedKey::Damaged,
            };
            expected.push(ExpectedObject {
                tenant_id,
                owner_id: file_id,
                version: None,
                object_id: file_id,
                size_bytes: row.int(2)?,
                sha256: row.bytes(3)?.to_vec(),
                key,
            });
        }
        Ok(expected)
    }

    /// Whether a row stands for the object: a version that is not erased, or a file.
    pub async fn knows_object(&self, object_id: Id) -> Result<bool, Fault> {
        let rows = self.read(COUNT_ROWS, values![object_id.0]).await?;
        rows.first().map_or(Ok(false), |row| row.bool(0))
    }

    async fn expected_data_key(
        &self,
        tenant_id: TenantId,
        order_id: Id,
    ) -> Result<Option<Key>, Fault> {
        let Some(tenant) = self.find_tenant(tenant_id).await? else { return Ok(None) };
        match self.find_order_row(&tenant, order_id).await {
            Ok(found) => Ok(found.map(|(_, data_key)| data_key)),
            Err(fault) if fault.kind() == FaultKind::Damaged => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

/// The statement that adds a version, after the report's row counts it.
pub(crate) fn insert(
    claimed: &ClaimedReport,
    content: &NewContent,
    facts: &VersionFacts,
    fetched_at: UnixMs,
) -> Statement {
    let (tenant_id, data_key) = (claimed.tenant_id, &claimed.data_key);
    let (keys, texts) =
        (key_context(tenant_id, content.object_id), text_place(tenant_id, content.object_id));
    one(
        INSERT,
        values![
            tenant_id.0,
            claimed.report_id.0,
            content.object_id.0,
            !facts.findings.is_empty(),
            fetched_at.0,
            data_key.seal(keys, content.key.bytes()),
            data_key.seal(texts, &content::to_text(facts)),
        ],
    )
}

fn version(tenant_id: TenantId, data_key: &Key, row: &Row) -> Result<ReportVersion, Fault> {
    let object_id = Id(row.int(1)?);
    let opened = match (row.bytes(6)?, row.bytes(7)?) {
        ([], _) | (_, []) => None,
        (wrapped, sealed) => {
            let key = data_key.open_key(key_context(tenant_id, object_id), wrapped)?;
            let text = data_key.open(text_place(tenant_id, object_id), sealed)?;
            Some((key, content::from_text(&text)?))
        }
    };
    Ok(ReportVersion {
        version: row.int(0)?,
        object_id,
        size_bytes: row.int(2)?,
        sha256: row.bytes(3)?.to_vec(),
        is_flagged: row.bool(4)?,
        fetched_at: UnixMs(row.int(5)?),
        opened,
    })
}

fn text_place(tenant_id: TenantId, object_id: Id) -> RowContext {
    RowContext::new("report_versions", tenant_id, object_id.0)
}

fn key_context(tenant_id: TenantId, object_id: Id) -> RowContext {
    RowContext::new("report_versions key", tenant_id, object_id.0)
}
