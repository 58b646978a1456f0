//! Keys of the control API, as hashes: who they are and what they may do.

use contract::evidence::{AuditAct, AuditEntry};
use domain::{Id, TenantId, UnixMs};

use crate::Store;
use crate::audit::{self, By};
use crate::fault::Fault;
use crate::value::{Statement, any, values};

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's id; it stands as the member in timelines.
    pub key_id: Id,
    /// The tenant; none for the operator's keys.
    pub tenant_id: Option<TenantId>,
    /// The role in the tenant, or `operator`.
    pub role: String,
}

const INSERT: &str = "INSERT INTO api_keys (key_hash, key_id, tenant_id, role, created_at) VALUES ($1, $2, $3, $4, $5)";
const FIND: &str = "SELECT key_id, tenant_id, role FROM api_keys WHERE key_hash = $1";
const FIND_OPERATOR: &str = "SELECT key_id FROM api_keys WHERE tenant_id IS NULL LIMIT 1";

/// The statements of this file, for the test that prepares all of them.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INSERT, FIND, FIND_OPERATOR];

pub(crate) fn insert(
    hash: &[u8; 32],
    key_id: Id,
    tenant_id: Option<TenantId>,
    role: &str,
    at: UnixMs,
) -> Statement {
    any(INSERT, values![hash.as_slice(), key_id.0, tenant_id.map(|id| id.0), role, at.0])
}

/// The entry of an audit chain that tells of a new key.
pub(crate) fn made(by: By, key_id: Id, role: &str) -> AuditEntry {
    let mut entry = by.did(AuditAct::ApiKeyMade);
    entry.details.insert("key_id".to_owned(), key_id.to_string());
    entry.details.insert("role".to_owned(), role.to_owned());
    entry
}

impl Store {
    /// The key with this SHA-256, if there is one.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn find_api_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, Fault> {
        let rows = self.read(FIND, values![hash.as_slice()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(ApiKey {
            key_id: Id(row.int(0)?),
            tenant_id: row.find_int(1)?.map(TenantId),
            role: row.text(2)?,
        }))
    }

    /// Whether the installation has an operator key.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn has_operator_key(&self) -> Result<bool, Fault> {
        Ok(!self.read(FIND_OPERATOR, Vec::new()).await?.is_empty())
    }

    /// Adds a key of a tenant by its SHA-256, with a role of the tenant.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn create_tenant_key(
        &self,
        hash: &[u8; 32],
        tenant_id: TenantId,
        role: &str,
        at: UnixMs,
    ) -> Result<Id, Fault> {
        let key_id = self.make_id(at);
        let mut statements = vec![insert(hash, key_id, Some(tenant_id), role, at)];
        statements.extend(audit::add(tenant_id, &made(By::system(at), key_id, role)));
        self.write(statements).await?;
        Ok(key_id)
    }

    /// Adds an operator key by its SHA-256.
    ///
    /// # Errors
    /// Faults of storage.
    pub async fn create_operator_key(&self, hash: &[u8; 32], at: UnixMs) -> Result<Id, Fault> {
        let key_id = self.make_id(at);
        let mut statements = vec![insert(hash, key_id, None, "operator", at)];
        let entry = made(By::system(at), key_id, "operator");
        statements.extend(audit::add(audit::OPERATOR, &entry));
        self.write(statements).await?;
        Ok(key_id)
    }
}
