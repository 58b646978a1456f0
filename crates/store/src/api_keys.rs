//! Keys of the control API, as hashes: who they are and what they may do.
//!
//! A key is found by its hash at every call and cached nowhere, so that revoking takes effect at once on every
//! replica. A tenant, like the operator, always has one key that creates keys and does not end.

use const_format::concatcp;
use contract::evidence::{AuditAct, AuditEntry};
use domain::people::KeyHolder;
use domain::{Id, TenantId, UnixMs};
use serde::{Deserialize, Serialize};

use crate::answers::StoredAnswer;
use crate::audit::{self, By, OPERATOR};
use crate::content;
use crate::fault::{Fault, FaultKind};
use crate::seal::RowContext;
use crate::tenants::Tenant;
use crate::value::{Row, Statement, Written, any, one, values};
use crate::{Saved, Store, service_accounts};

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's id; it stands as the actor in timelines.
    pub key_id: Id,
    /// The person or service that it belongs to; by this a placed order knows its placer.
    pub owner_id: Id,
    /// The tenant; none for the operator's keys.
    pub tenant_id: Option<TenantId>,
    /// The roles in the tenant, with blanks between them, or `operator`.
    pub roles: String,
    /// The roles that the person has whose key it is, of which it may do no more; none for a key of no person.
    pub member_roles: Option<String>,
}

/// What people call a key and whom it belongs to; sealed at rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyLabel {
    /// What it is for.
    pub name: String,
    /// The person or service, in free words; empty where the key belongs to a person that is known.
    pub owner: String,
}

/// Everything about a key but its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyFacts {
    /// The key's id.
    pub key_id: Id,
    /// The roles, with blanks between them.
    pub roles: String,
    /// Whom it belongs to.
    pub owner: KeyOwner,
    /// None for the first key of a tenant or an installation.
    pub label: Option<ApiKeyLabel>,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it ends.
    pub expires_at: Option<UnixMs>,
    /// Until when the value before the last replacement is good as well.
    pub old_until: Option<UnixMs>,
    /// When it was last used, as far as that was recorded.
    pub last_used_at: Option<UnixMs>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMs>,
}

/// A key to be made.
#[derive(Debug)]
pub struct NewApiKey {
    /// The key's id.
    pub key_id: Id,
    /// SHA-256 of its value.
    pub hash: [u8; 32],
    /// The roles, with blanks between them.
    pub roles: String,
    /// Whom it belongs to.
    pub owner: KeyOwner,
    /// What people call it.
    pub label: ApiKeyLabel,
    /// When it ends.
    pub expires_at: Option<UnixMs>,
}

/// Whom a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOwner {
    /// Nobody but itself: a service of its own.
    Itself,
    /// A person who is in the tenant, or an operator.
    Person(Id),
    /// A service account of the tenant.
    ServiceAccount(Id),
}

impl KeyOwner {
    fn parts(self, key_id: Id) -> (KeyHolder, Id) {
        match self {
            KeyOwner::Itself => (KeyHolder::Itself, key_id),
            KeyOwner::Person(id) => (KeyHolder::Person, id),
            KeyOwner::ServiceAccount(id) => (KeyHolder::ServiceAccount, id),
        }
    }

    fn of(holder: i64, owner_id: Id) -> Result<KeyOwner, Fault> {
        let holder = KeyHolder::try_from(holder);
        Ok(match holder.map_err(|error| Fault::new(FaultKind::Damaged, error))? {
            KeyHolder::Itself => KeyOwner::Itself,
            KeyHolder::Person => KeyOwner::Person(owner_id),
            KeyHolder::ServiceAccount => KeyOwner::ServiceAccount(owner_id),
        })
    }
}

/// How a change of a key ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChange {
    /// Committed.
    Done,
    /// Nothing was written: the Idempotency-Key was used before.
    KeyTaken,
    /// Nothing was written: there is no such key that is in force.
    NotInForce,
    /// Nothing was written: it is the last one that makes keys and does not end.
    Last,
}

const INSERT: &str = "INSERT INTO api_keys (key_hash, key_id, owner_id, tenant_id, role, created_at, sealed, \
    expires_at, owner_kind) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const FIND: &str = concatcp!(
    FOUND,
    "k.key_hash = $1",
    IN_FORCE,
    " UNION ALL ",
    FOUND,
    "k.old_key_hash = $1 \
    AND k.old_until > $2",
    IN_FORCE
);
/// A key of a person brings the person's place in the tenant with it.
const FOUND: &str = "SELECT k.key_id, k.owner_id, k.tenant_id, k.role, k.owner_kind, m.roles, m.suspended_at \
    FROM api_keys k LEFT JOIN memberships m ON k.owner_kind = 1 AND m.user_id = k.owner_id \
    AND coalesce(m.tenant_id, 0) = coalesce(k.tenant_id, 0) WHERE ";
const IN_FORCE: &str = " AND (k.expires_at IS NULL OR k.expires_at > $2) AND k.revoked_at IS NULL";
/// Making a key of a person waits here while the person is suspended or removed.
const HOLD_MEMBER: &str = "UPDATE memberships SET roles = roles WHERE coalesce(tenant_id, 0) = $1 AND user_id = $2 \
    AND suspended_at IS NULL";
const FIND_OPERATOR: &str = "SELECT key_id FROM api_keys WHERE coalesce(tenant_id, 0) = 0 \
    AND revoked_at IS NULL LIMIT 1";
const GET: &str = "SELECT key_id, role, sealed, created_at, expires_at, old_until, last_used_at, revoked_at, owner_kind, owner_id \
    FROM api_keys WHERE coalesce(tenant_id, 0) = $1 AND key_id = $2";
const LIST: &str = "SELECT key_id, role, sealed, created_at, expires_at, old_until, last_used_at, revoked_at, owner_kind, owner_id \
    FROM api_keys WHERE coalesce(tenant_id, 0) = $1 AND key_id < $2 ORDER BY key_id DESC LIMIT $3";
const REPLACE: &str = "UPDATE api_keys SET old_until = CAST($1 AS BIGINT), \
    old_key_hash = CASE WHEN CAST($1 AS BIGINT) IS NULL THEN NULL ELSE key_hash END, key_hash = $2 \
    WHERE coalesce(tenant_id, 0) = $3 AND key_id = $4 AND revoked_at IS NULL \
    AND (expires_at IS NULL OR expires_at > $5)";
/// Two that revoke at once wait for each other here, so that the second sees what the first left.
const HOLD: &str =
    "UPDATE api_keys SET role = role WHERE coalesce(tenant_id, 0) = $1 AND revoked_at IS NULL";
/// A hash of the hash is nobody's key; so nothing of the key stays, and programs of before refuse it too.
const REVOKE: &str = "UPDATE api_keys SET revoked_at = $1, key_hash = sha256(key_hash), old_key_hash = NULL \
    WHERE coalesce(tenant_id, 0) = $2 AND key_id = $3 AND revoked_at IS NULL \
    AND (EXISTS (SELECT 1 FROM api_keys o WHERE coalesce(o.tenant_id, 0) = $2 AND o.key_id <> $3 \
    AND o.revoked_at IS NULL AND o.expires_at IS NULL AND o.owner_kind <> 1 AND (' ' || o.role || ' ') LIKE $4) \
    OR EXISTS (SELECT 1 FROM memberships m WHERE coalesce(m.tenant_id, 0) = $2 AND m.suspended_at IS NULL \
    AND (' ' || m.roles || ' ') LIKE $4))";
const REVOKE_OPERATORS: &str = "UPDATE api_keys SET revoked_at = $1, key_hash = sha256(key_hash), \
    old_key_hash = NULL WHERE coalesce(tenant_id, 0) = 0 AND revoked_at IS NULL";
const LIST_OPERATORS: &str = "SELECT key_id FROM api_keys WHERE coalesce(tenant_id, 0) = 0 \
    AND revoked_at IS NULL ORDER BY key_id";
const NOTE_USE: &str = "UPDATE api_keys SET last_used_at = $1 WHERE key_id = $2 \
    AND (last_used_at IS NULL OR last_used_at < $1)";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    INSERT,
    FIND,
    HOLD_MEMBER,
    FIND_OPERATOR,
    GET,
    LIST,
    REPLACE,
    HOLD,
    REVOKE,
    REVOKE_OPERATORS,
    LIST_OPERATORS,
    NOTE_USE,
];

/// The first key of a tenant or an installation, which has no label.
pub(crate) fn insert_first(
    hash: &[u8; 32],
    key_id: Id,
    tenant_id: Option<TenantId>,
    role: &str,
    at: UnixMs,
) -> Statement {
    let tenant = tenant_id.map(|id| id.0);
    let (sealed, ends): (Option<Vec<u8>>, Option<i64>) = (None, None);
    let holder = KeyHolder::Itself.number();
    any(
        INSERT,
        values![hash.as_slice(), key_id.0, key_id.0, tenant, role, at.0, sealed, ends, holder],
    )
}

pub(crate) fn creation_entry(by: By, key_id: Id, role: &str) -> AuditEntry {
    let mut entry = changed(by, AuditAct::ApiKeyMade, key_id);
    entry.details.insert("role".to_owned(), role.to_owned());
    entry
}

/// The statements that revoke keys, of which each must touch one row, after the one that holds the tenant's keys.
pub(crate) fn revocations(
    by: By,
    owner: TenantId,
    keys: &[Id],
    makes_keys: &str,
) -> Vec<Statement> {
    let role = format!("% {makes_keys} %");
    let revoke = |key_id: &Id| one(REVOKE, values![by.at.0, owner.0, key_id.0, role.as_str()]);
    std::iter::once(any(HOLD, values![owner.0])).chain(keys.iter().map(revoke)).collect()
}

pub(crate) fn changed(by: By, act: AuditAct, key_id: Id) -> AuditEntry {
    let mut entry = by.did(act);
    entry.details.insert("key_id".to_owned(), key_id.to_string());
    entry
}

fn context(tenant_id: TenantId, key_id: Id) -> RowContext {
    RowContext::new("api_keys", tenant_id, key_id.0)
}

impl Store {
    /// The key with this SHA-256, if there is one that is in force. That of a person who is suspended or gone is not.
    pub async fn find_api_key(
        &self,
        hash: &[u8; 32],
        now: UnixMs,
    ) -> Result<Option<ApiKey>, Fault> {
        let rows = self.read(FIND, values![hash.as_slice(), now.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let owner_id = Id(row.int(1)?);
        let is_suspended = row.find_int(6)?.is_some();
        let member_roles = row.find_text(5)?.filter(|_| !is_suspended);
        let is_persons = matches!(KeyOwner::of(row.int(4)?, owner_id)?, KeyOwner::Person(_));
        if is_persons && member_roles.is_none() {
            return Ok(None);
        }
        Ok(Some(ApiKey {
            key_id: Id(row.int(0)?),
            owner_id,
            tenant_id: row.find_int(2)?.map(TenantId),
            roles: row.text(3)?,
            member_roles,
        }))
    }

    /// Whether the installation has an operator key.
    pub async fn has_operator_key(&self) -> Result<bool, Fault> {
        Ok(!self.read(FIND_OPERATOR, Vec::new()).await?.is_empty())
    }

    /// Adds the operator's first key by its SHA-256.
    pub async fn create_operator_key(&self, hash: &[u8; 32], at: UnixMs) -> Result<Id, Fault> {
        let key_id = self.make_id(at);
        let mut statements = vec![insert_first(hash, key_id, None, "operator", at)];
        let entry = creation_entry(By::system(at), key_id, "operator");
        statements.extend(audit::add(OPERATOR, &entry));
        self.write(statements).await?;
        Ok(key_id)
    }

    /// Revokes every operator key and adds one by its SHA-256.
    pub async fn replace_operator_keys(&self, hash: &[u8; 32], at: UnixMs) -> Result<Id, Fault> {
        let (key_id, by) = (self.make_id(at), By::system(at));
        let revoked = self.read(LIST_OPERATORS, Vec::new()).await?;
        let mut statements = vec![any(REVOKE_OPERATORS, values![at.0])];
        statements.push(insert_first(hash, key_id, None, "operator", at));
        for row in &revoked {
            let entry = changed(by, AuditAct::ApiKeyRevoked, Id(row.int(0)?));
            statements.extend(audit::add(OPERATOR, &entry));
        }
        statements.extend(audit::add(OPERATOR, &creation_entry(by, key_id, "operator")));
        self.write(statements).await?;
        Ok(key_id)
    }

    /// Adds a key: of the tenant, or of the operator when there is none. [`Saved::Outdated`] when its owner is not there.
    pub async fn create_api_key(
        &self,
        by: By,
        tenant: Option<&Tenant>,
        key: &NewApiKey,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        let owner = tenant.unwrap_or(&self.nobody);
        let label = content::to_text(&key.label);
        let (holder, owner_id) = key.owner.parts(key.key_id);
        let mut statements: Vec<_> = match key.owner {
            KeyOwner::Itself => None,
            KeyOwner::Person(id) => Some(one(HOLD_MEMBER, values![owner.tenant_id.0, id.0])),
            KeyOwner::ServiceAccount(id) => {
                Some(one(service_accounts::HOLD, values![owner.tenant_id.0, id.0]))
            }
        }
        .into_iter()
        .collect();
        let holds = statements.len();
        statements.extend(self.keep_answer(answer));
        statements.push(any(
            INSERT,
            values![
                key.hash.as_slice(),
                key.key_id.0,
                owner_id.0,
                tenant.map(|tenant| tenant.tenant_id.0),
                key.roles.as_str(),
                by.at.0,
                owner.key.seal(context(owner.tenant_id, key.key_id), &label),
                key.expires_at.map(|at| at.0),
                holder.number(),
            ],
        ));
        let mut entry = creation_entry(by, key.key_id, &key.roles);
        if owner_id != key.key_id {
            entry.details.insert("owner_id".to_owned(), owner_id.to_string());
        }
        if let Some(at) = key.expires_at {
            entry.details.insert("expires_at_ms".to_owned(), at.0.to_string());
        }
        statements.extend(self.audit(owner.tenant_id, entry).await?);
        Ok(match self.write(statements).await? {
            Written::Done(_) => Saved::Done,
            Written::Unmet(index) if index < holds => Saved::Outdated,
            Written::Unmet(_) => Saved::KeyTaken,
        })
    }

    /// A key of the tenant, or of the operator when there is none.
    pub async fn get_api_key(
        &self,
        tenant: Option<&Tenant>,
        key_id: Id,
    ) -> Result<Option<ApiKeyFacts>, Fault> {
        let owner = tenant.unwrap_or(&self.nobody);
        let rows = self.read(GET, values![owner.tenant_id.0, key_id.0]).await?;
        rows.first().map(|row| facts(owner, row)).transpose()
    }

    /// At most `limit` keys of the tenant, or of the operator, made before the given one, newest first.
    pub async fn list_api_keys(
        &self,
        tenant: Option<&Tenant>,
        before: Id,
        limit: u32,
    ) -> Result<Vec<ApiKeyFacts>, Fault> {
        let owner = tenant.unwrap_or(&self.nobody);
        let values = values![owner.tenant_id.0, before.0, i64::from(limit)];
        self.read(LIST, values).await?.iter().map(|row| facts(owner, row)).collect()
    }

    /// Gives a key another value by its SHA-256; the present one is good until `old_until`, if that is named.
    pub async fn replace_api_key(
        &self,
        by: By,
        tenant: Option<&Tenant>,
        key_id: Id,
        hash: &[u8; 32],
        old_until: Option<UnixMs>,
        answer: Option<&StoredAnswer>,
    ) -> Result<KeyChange, Fault> {
        let owner = tenant.map_or(OPERATOR, |tenant| tenant.tenant_id);
        let until = old_until.map(|at| at.0);
        let mut statements = self.keep_answer(answer);
        let replace = statements.len();
        let values = values![until, hash.as_slice(), owner.0, key_id.0, by.at.0];
        statements.push(one(REPLACE, values));
        let mut entry = changed(by, AuditAct::ApiKeyReplaced, key_id);
        if let Some(until) = until {
            entry.details.insert("old_until_ms".to_owned(), until.to_string());
        }
        statements.extend(self.audit(owner, entry).await?);
        Ok(match self.write(statements).await? {
            Written::Done(_) => KeyChange::Done,
            Written::Unmet(index) if index == replace => KeyChange::NotInForce,
            Written::Unmet(_) => KeyChange::KeyTaken,
        })
    }

    /// Revokes a key, for good. `makes_keys` is the role that makes keys: it must be left to one that does not end.
    pub async fn revoke_api_key(
        &self,
        by: By,
        tenant: Option<&Tenant>,
        key_id: Id,
        makes_keys: &str,
    ) -> Result<KeyChange, Fault> {
        let owner = tenant.map_or(OPERATOR, |tenant| tenant.tenant_id);
        let mut statements = revocations(by, owner, &[key_id], makes_keys);
        statements.extend(self.audit(owner, changed(by, AuditAct::ApiKeyRevoked, key_id)).await?);
        if self.write(statements).await?.is_done() {
            return Ok(KeyChange::Done);
        }
        match self.get_api_key(tenant, key_id).await? {
            Some(facts) if facts.revoked_at.is_none() => Ok(KeyChange::Last),
            _ => Ok(KeyChange::NotInForce),
        }
    }

    /// Records when keys were last used.
    pub async fn note_key_uses(&self, uses: &[(Id, UnixMs)]) -> Result<(), Fault> {
        let note = |(key_id, at): &(Id, UnixMs)| any(NOTE_USE, values![at.0, key_id.0]);
        self.write(uses.iter().map(note).collect()).await.map(drop)
    }
}

fn facts(owner: &Tenant, row: &Row) -> Result<ApiKeyFacts, Fault> {
    let key_id = Id(row.int(0)?);
    let open = |sealed: &[u8]| {
        content::from_text(&owner.key.open(context(owner.tenant_id, key_id), sealed)?)
    };
    let instant = |column| row.find_int(column).map(|at| at.map(UnixMs));
    Ok(ApiKeyFacts {
        key_id,
        roles: row.text(1)?,
        label: row.find_bytes(2)?.map(open).transpose()?,
        created_at: UnixMs(row.int(3)?),
        expires_at: instant(4)?,
        old_until: instant(5)?,
        last_used_at: instant(6)?,
        revoked_at: instant(7)?,
        owner: KeyOwner::of(row.int(8)?, Id(row.int(9)?))?,
    })
}
