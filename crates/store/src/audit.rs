//! The audit chains: each entry is written in the transaction of what it says, and carries the hash of all before it.
//!
//! Adding an entry takes three statements: advance the chain's head, insert the entry with the hash computed by the
//! database, store that hash in the head. The head is locked until the commit, so entries come last in every
//! transaction. A lost head restarts the chain at entry 1, which exists: then nothing audited can be written.
//! Source: product, section 8.

use contract::evidence::{
    AuditAct, AuditActor, AuditEntry, OPERATOR_CHAIN, chain_line, chain_start,
};
use domain::{Actor, ActorId, ActorKind, Id, TenantId, UnixMs};

use crate::Store;
use crate::fault::{Fault, FaultKind};
use crate::value::{Row, Statement, one, values};

/// The operator's own chain.
pub const OPERATOR: TenantId = TenantId(0);

/// Who does something, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// Now, by the installation's clock.
    pub at: UnixMs,
}

impl By {
    /// The installation itself.
    #[must_use]
    pub const fn system(at: UnixMs) -> By {
        By { actor: Actor::system(), at }
    }

    pub(crate) fn actor_number(&self) -> i64 {
        self.actor.id.id.0
    }

    /// An entry that says that it did this.
    #[must_use]
    pub fn did(&self, act: AuditAct) -> AuditEntry {
        let ActorId { kind, id } = self.actor.id;
        let mut entry = AuditEntry::new(self.at.0, act, audited(kind));
        entry.actor_id = (id != Id(0)).then(|| self.actor.id.to_string());
        entry
    }
}

fn audited(kind: ActorKind) -> AuditActor {
    match kind {
        ActorKind::Vendor => AuditActor::Vendor,
        ActorKind::ApiKey => AuditActor::ApiKey,
        ActorKind::User => AuditActor::User,
        ActorKind::Candidate => AuditActor::Candidate,
        ActorKind::Link => AuditActor::Link,
        ActorKind::Job => AuditActor::Job,
        ActorKind::System => AuditActor::System,
    }
}

/// Where a chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Whose chain; [`OPERATOR`] for the operator's.
    pub tenant_id: TenantId,
    /// The number of the newest entry.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// One entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its number; 1 is the first.
    pub seq: u64,
    /// The line of an export, without a line feed.
    pub line: String,
}

pub(crate) const ADVANCE: &str = "INSERT INTO audit_heads (tenant_id, seq, hash) VALUES ($1, 1, $2) \
    ON CONFLICT (tenant_id) DO UPDATE SET seq = audit_heads.seq + 1";
pub(crate) const ADD: &str = "INSERT INTO audit_entries (tenant_id, seq, hash, body) \
    SELECT h.tenant_id, h.seq, sha256(h.hash || $2), $2 FROM audit_heads h WHERE h.tenant_id = $1";
pub(crate) const KEEP: &str = "UPDATE audit_heads SET hash = (SELECT e.hash FROM audit_entries e \
    WHERE e.tenant_id = audit_heads.tenant_id AND e.seq = audit_heads.seq) WHERE tenant_id = $1";
const LIST: &str = "SELECT seq, hash, body FROM audit_entries WHERE tenant_id = $1 AND seq > $2 \
    ORDER BY seq LIMIT $3";
const LIST_HEADS: &str = "SELECT tenant_id, seq, hash FROM audit_heads WHERE tenant_id > $1 \
    ORDER BY tenant_id LIMIT $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[ADVANCE, ADD, KEEP, LIST, LIST_HEADS];

/// The statements that add an entry to a chain as it is; the last ones of their transaction.
pub(crate) fn add(tenant_id: TenantId, entry: &AuditEntry) -> [Statement; 3] {
    [
        one(ADVANCE, values![tenant_id.0, chain_start(&chain_name(tenant_id)).as_slice()]),
        one(ADD, values![tenant_id.0, entry.text().into_bytes()]),
        one(KEEP, values![tenant_id.0]),
    ]
}

/// How a chain names its tenant.
#[must_use]
pub fn chain_name(tenant_id: TenantId) -> String {
    match tenant_id {
        OPERATOR => OPERATOR_CHAIN.to_owned(),
        tenant_id => tenant_id.to_string(),
    }
}

impl Store {
    /// As [`add`], for an entry that has the installation's time: a tenant's gets the tenant's.
    pub(crate) async fn audit(
        &self,
        tenant_id: TenantId,
        mut entry: AuditEntry,
    ) -> Result<[Statement; 3], Fault> {
        if tenant_id != OPERATOR
            && let Some(tenant) = self.find_tenant(tenant_id).await?
        {
            entry.at_ms = tenant.time(UnixMs(entry.at_ms)).0;
        }
        Ok(add(tenant_id, &entry))
    }

    /// Adds an entry that belongs to no other write.
    pub async fn add_audit_entry(
        &self,
        tenant_id: TenantId,
        entry: &AuditEntry,
    ) -> Result<(), Fault> {
        let statements = self.audit(tenant_id, entry.clone()).await?;
        self.write(statements.into()).await.map(drop)
    }

    /// At most `limit` entries of a chain after the given number, oldest first, as they are exported.
    pub async fn list_audit(
        &self,
        tenant_id: TenantId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<StoredEntry>, Fault> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows = self.read(LIST, values![tenant_id.0, after, i64::from(limit)]).await?;
        rows.iter().map(stored).collect()
    }

    /// At most `limit` heads of chains after the given tenant's, in the order of their tenants.
    pub async fn list_audit_heads(&self, after: TenantId, limit: u32) -> Result<Vec<Head>, Fault> {
        let rows = self.read(LIST_HEADS, values![after.0, i64::from(limit)]).await?;
        let head = |row: &Row| {
            Ok(Head { tenant_id: TenantId(row.int(0)?), seq: number(row, 1)?, hash: hash(row, 2)? })
        };
        rows.iter().map(head).collect()
    }
}

/// A row is shown as it is stored, also when it was altered: verification finds it.
fn stored(row: &Row) -> Result<StoredEntry, Fault> {
    let (seq, hash) = (number(row, 0)?, hash(row, 1)?);
    let body = String::from_utf8_lossy(row.bytes(2)?).into_owned();
    Ok(StoredEntry { seq, line: chain_line(seq, &hash, &body) })
}

fn number(row: &Row, column: usize) -> Result<u64, Fault> {
    u64::try_from(row.int(column)?)
        .map_err(|_| Fault::new(FaultKind::Damaged, "a number of an audit chain is negative"))
}

fn hash(row: &Row, column: usize) -> Result<[u8; 32], Fault> {
    let hash = row.bytes(column)?.try_into();
    hash.map_err(|_| Fault::new(FaultKind::Damaged, "a hash of an audit chain is not 32 bytes"))
}
