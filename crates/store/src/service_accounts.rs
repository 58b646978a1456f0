//! Service accounts: what keys of a tenant belong to that belong to no person. Names are sealed under the tenant's key.

use contract::evidence::AuditAct;
use domain::people::KeyHolder;
use domain::{Id, UnixMs};
use serde::{Deserialize, Serialize};

use crate::answers::StoredAnswer;
use crate::api_keys;
use crate::audit::By;
use crate::fault::Fault;
use crate::seal::RowContext;
use crate::tenants::Tenant;
use crate::value::{Row, Written, any, one, values};
use crate::{Saved, Store, content};

/// What a service account is called; sealed at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccountLabel {
    /// Its name.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
}

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its id; keys name it as their owner, and so do the orders that they place.
    pub service_account_id: Id,
    /// What it is called.
    pub label: ServiceAccountLabel,
    /// When it was made.
    pub created_at: UnixMs,
}

/// How a removal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// Committed.
    Done,
    /// Nothing was written: there is none.
    NotFound,
    /// Nothing was written: it has the last key that makes keys, and nobody else could make one.
    LastKey,
}

const INSERT: &str = "INSERT INTO service_accounts (tenant_id, service_account_id, sealed, created_at) \
    VALUES ($1, $2, $3, $4)";
const GET: &str = "SELECT service_account_id, sealed, created_at FROM service_accounts \
    WHERE tenant_id = $1 AND service_account_id = $2";
const LIST: &str = "SELECT service_account_id, sealed, created_at FROM service_accounts \
    WHERE tenant_id = $1 AND service_account_id < $2 ORDER BY service_account_id DESC LIMIT $3";
const UPDATE: &str =
    "UPDATE service_accounts SET sealed = $1 WHERE tenant_id = $2 AND service_account_id = $3";
/// Making a key of it waits here while it is removed.
pub(crate) const HOLD: &str = "UPDATE service_accounts SET created_at = created_at \
    WHERE tenant_id = $1 AND service_account_id = $2";
const DELETE: &str =
    "DELETE FROM service_accounts WHERE tenant_id = $1 AND service_account_id = $2";
const LIST_KEYS: &str = "SELECT key_id FROM api_keys WHERE owner_id = $1 AND owner_kind = $2 AND tenant_id = $3 \
    AND revoked_at IS NULL";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[INSERT, GET, LIST, UPDATE, HOLD, DELETE, LIST_KEYS];

fn context(tenant: &Tenant, id: Id) -> RowContext {
    RowContext::new("service_accounts", tenant.tenant_id, id.0)
}

impl Store {
    /// Makes a service account.
    pub async fn create_service_account(
        &self,
        by: By,
        tenant: &Tenant,
        account: &ServiceAccount,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let id = account.service_account_id;
        let sealed = tenant.key.seal(context(tenant, id), &content::to_text(&account.label));
        let mut statements = self.keep_answer(answer);
        statements
            .push(any(INSERT, values![tenant.tenant_id.0, id.0, sealed, account.created_at.0]));
        statements.extend(self.audit_service(by, tenant, AuditAct::ServiceAccountMade, id).await?);
        Ok(self.write(statements).await?.saved_or(Saved::KeyTaken))
    }

    /// A service account of the tenant.
    pub async fn find_service_account(
        &self,
        tenant: &Tenant,
        id: Id,
    ) -> Result<Option<ServiceAccount>, Fault> {
        let rows = self.read(GET, values![tenant.tenant_id.0, id.0]).await?;
        rows.first().map(|row| service_account(tenant, row)).transpose()
    }

    /// At most `limit` service accounts made before the given one, newest first.
    pub async fn list_service_accounts(
        &self,
        tenant: &Tenant,
        before: Id,
        limit: u32,
    ) -> Result<Vec<ServiceAccount>, Fault> {
        let values = values![tenant.tenant_id.0, before.0, i64::from(limit)];
        self.read(LIST, values).await?.iter().map(|row| service_account(tenant, row)).collect()
    }

    /// Changes what a service account is called; [`Saved::Outdated`] when there is none.
    pub async fn update_service_account(
        &self,
        by: By,
        tenant: &Tenant,
        id: Id,
        label: &ServiceAccountLabel,
    ) -> Result<Saved, Fault> {
        let sealed = tenant.key.seal(context(tenant, id), &content::to_text(label));
        let mut statements = vec![one(UPDATE, values![sealed, tenant.tenant_id.0, id.0])];
        let act = AuditAct::ServiceAccountChanged;
        statements.extend(self.audit_service(by, tenant, act, id).await?);
        Ok(self.write(statements).await?.saved_or(Saved::Outdated))
    }

    /// Removes a service account with its keys, which are refused at once. `makes_keys` as for a key that is revoked.
    pub async fn remove_service_account(
        &self,
        by: By,
        tenant: &Tenant,
        id: Id,
        makes_keys: &str,
    ) -> Result<Removed, Fault> {
        let (tenant_id, kind) = (tenant.tenant_id, KeyHolder::ServiceAccount.number());
        let mut statements = vec![one(DELETE, values![tenant_id.0, id.0])];
        let keys = self.read(LIST_KEYS, values![id.0, kind, tenant_id.0]).await?;
        let keys = keys.iter().map(|row| row.int(0).map(Id)).collect::<Result<Vec<_>, _>>()?;
        statements.extend(api_keys::revocations(by, tenant_id, &keys, makes_keys));
        for key_id in keys {
            let entry = api_keys::changed(by, AuditAct::ApiKeyRevoked, key_id);
            statements.extend(self.audit(tenant_id, entry).await?);
        }
        let act = AuditAct::ServiceAccountRemoved;
        statements.extend(self.audit_service(by, tenant, act, id).await?);
        Ok(match self.write(statements).await? {
            Written::Done(_) => Removed::Done,
            Written::Unmet(0) => Removed::NotFound,
            Written::Unmet(_) => Removed::LastKey,
        })
    }

    async fn audit_service(
        &self,
        by: By,
        tenant: &Tenant,
        act: AuditAct,
        id: Id,
    ) -> Result<[crate::value::Statement; 3], Fault> {
        let mut entry = by.did(act);
        entry.details.insert("service_account_id".to_owned(), id.to_string());
        self.audit(tenant.tenant_id, entry).await
    }
}

fn service_account(tenant: &Tenant, row: &Row) -> Result<ServiceAccount, Fault> {
    let id = Id(row.int(0)?);
    let label = tenant.key.open(context(tenant, id), row.bytes(1)?)?;
    Ok(ServiceAccount {
        service_account_id: id,
        label: content::from_text(&label)?,
        created_at: UnixMs(row.int(2)?),
    })
}
