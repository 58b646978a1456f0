//! Files that hirers bring for orders: what is stored of them beside their content, which is an object.

use domain::{Id, TenantId, UnixMs};

use crate::answers::StoredAnswer;
use crate::fault::Fault;
use crate::seal::{Key, RowContext};
use crate::tenants::Tenant;
use crate::value::{Written, any, one, values};
use crate::{Saved, Store, content, storage_use};

/// One file.
#[derive(Debug, Clone)]
pub struct File {
    /// Its id, and the name of its object.
    pub file_id: Id,
    /// Its name; sealed at rest.
    pub name: String,
    /// Bytes of its content.
    pub size_bytes: i64,
    /// SHA-256 of its content.
    pub sha256: Vec<u8>,
    /// The key that seals its content, wrapped at rest.
    pub key: Key,
}

const INSERT: &str = "INSERT INTO files (tenant_id, file_id, size_bytes, sha256, is_used, wrapped_key, \
    sealed) VALUES ($1, $2, $3, $4, 0, $5, $6)";
const FIND: &str = "SELECT size_bytes, sha256, wrapped_key, sealed FROM files \
    WHERE tenant_id = $1 AND file_id = $2";
const USE: &str = "UPDATE files SET is_used = 1 WHERE tenant_id = $1 AND file_id = $2";
const LIST_UNUSED: &str = "SELECT tenant_id, file_id FROM files \
    WHERE is_used = 0 AND file_id < $1 ORDER BY file_id LIMIT $2";
const DELETE_UNUSED: &str =
    "DELETE FROM files WHERE tenant_id = $1 AND file_id = $2 AND is_used = 0";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INSERT, FIND, USE, LIST_UNUSED, DELETE_UNUSED];

impl Store {
    /// Stores a file whose object is there already; [`FaultKind::NoRoom`](crate::FaultKind::NoRoom) when it
    /// exceeds the quota.
    pub async fn create_file(
        &self,
        tenant: &Tenant,
        file: &File,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let (names, keys) = contexts(tenant.tenant_id, file.file_id);
        let mut statements = self.keep_answer(answer);
        let quotas = self.quotas();
        statements.extend(storage_use::add_to_tenant(tenant.tenant_id, file.size_bytes, quotas));
        let room = statements.len() - 1;
        statements.push(any(
            INSERT,
            values![
                tenant.tenant_id.0,
                file.file_id.0,
                file.size_bytes,
                file.sha256.as_slice(),
                tenant.key.seal(keys, file.key.bytes()),
                file.key.seal(names, &content::to_text(&file.name)),
            ],
        ));
        Ok(match self.write(statements).await? {
            Written::Done(_) => Saved::Done,
            Written::Unmet(index) if index == room => return Err(storage_use::no_room()),
            Written::Unmet(_) => Saved::KeyTaken,
        })
    }

    /// The file, if the tenant has it.
    pub async fn find_file(&self, tenant: &Tenant, file_id: Id) -> Result<Option<File>, Fault> {
        let rows = self.read(FIND, values![tenant.tenant_id.0, file_id.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (names, keys) = contexts(tenant.tenant_id, file_id);
        let key = tenant.key.open_key(keys, row.bytes(2)?)?;
        Ok(Some(File {
            file_id,
            name: content::from_text(&key.open(names, row.bytes(3)?)?)?,
            size_bytes: row.int(0)?,
            sha256: row.bytes(1)?.to_vec(),
            key,
        }))
    }

    /// Notes that an order uses these files, all or none; gives the index of the first one that is not there.
    pub async fn use_files(
        &self,
        tenant_id: TenantId,
        file_ids: &[Id],
    ) -> Result<Option<usize>, Fault> {
        if file_ids.is_empty() {
            return Ok(None);
        }
        let used = file_ids.iter().map(|file_id| one(USE, values![tenant_id.0, file_id.0]));
        Ok(self.write(used.collect()).await?.unmet())
    }

    /// At most `limit` files of all tenants that no order uses and that came before `before`.
    pub async fn list_unused_files(
        &self,
        before: UnixMs,
        limit: u32,
    ) -> Result<Vec<(TenantId, Id)>, Fault> {
        let before = Id::first_of(before);
        let rows = self.read(LIST_UNUSED, values![before.0, i64::from(limit)]).await?;
        rows.iter().map(|row| Ok((TenantId(row.int(0)?), Id(row.int(1)?)))).collect()
    }

    /// Takes away a file that no order uses; false when one does by now, or it is gone.
    pub async fn delete_unused_file(
        &self,
        tenant_id: TenantId,
        file_id: Id,
    ) -> Result<bool, Fault> {
        let delete = one(DELETE_UNUSED, values![tenant_id.0, file_id.0]);
        let free = storage_use::free_file(tenant_id, file_id);
        Ok(self.write(vec![free, delete]).await?.is_done())
    }
}

pub(crate) fn contexts(tenant_id: TenantId, file_id: Id) -> (RowContext, RowContext) {
    (
        RowContext::new("files", tenant_id, file_id.0),
        RowContext::new("files key", tenant_id, file_id.0),
    )
}
