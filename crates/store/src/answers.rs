//! First answers to POSTs that carried an Idempotency-Key, sealed, for 24 hours.

use domain::{Id, TenantId, UnixMs};

use crate::fault::Fault;
use crate::rows::{self, IdempotencyKey};
use crate::seal::RowContext;
use crate::value::{Statement, any, one, values};
use crate::{Saved, Store};

/// An answer that is stored in the same commit as what it is about.
#[derive(Debug, Clone)]
pub struct StoredAnswer {
    /// The Idempotency-Key and the request.
    pub key: IdempotencyKey,
    /// The status that was answered.
    pub http_status: u16,
    /// The body that was answered.
    pub body: Vec<u8>,
    /// When.
    pub at: UnixMs,
}

/// What an Idempotency-Key was used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedKey {
    /// The digest of the request that it came with.
    pub request_digest: domain::order::Digest,
    /// The status that was answered.
    pub http_status: u16,
    /// The order that the command was about; its answer is the order as it is now.
    pub order_id: Option<Id>,
    /// The body that was answered, for all other calls.
    pub body: Option<Vec<u8>>,
}

const INSERT: &str = "INSERT INTO idempotency (actor_id, key_digest, request_digest, order_id, http_status, \
    sealed, created_at, tenant_id) VALUES ($1, $2, $3, NULL, $4, $5, $6, $7) \
    ON CONFLICT (actor_id, key_digest, tenant_id) DO NOTHING";
/// A key that was used more than 24 hours ago is free again.
const FREE: &str = "DELETE FROM idempotency \
    WHERE tenant_id = $4 AND actor_id = $1 AND key_digest = $2 AND created_at <= $3";
/// Tenant 0 is the operator, and what a program of the version before wrote.
const FIND: &str = "SELECT request_digest, http_status, order_id, sealed FROM idempotency \
    WHERE tenant_id IN ($4, 0) AND actor_id = $1 AND key_digest = $2 AND created_at > $3";
/// The tenants that have answers, with their oldest one.
const LIST_TENANTS: &str = "SELECT tenant_id, created_at FROM idempotency WHERE tenant_id > $1 \
    ORDER BY tenant_id, created_at LIMIT $2";
const FORGET: &str = "DELETE FROM idempotency WHERE tenant_id = $1 AND created_at <= $2";
const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[FREE, INSERT, FIND, LIST_TENANTS, FORGET];

impl Store {
    pub(crate) fn keep_answer(&self, answer: Option<&StoredAnswer>) -> Vec<Statement> {
        let Some(answer) = answer else { return Vec::new() };
        let key = &answer.key;
        let since = answer.at.plus_ms(-DAY_MS);
        let tenant_id = key.tenant_id.0;
        let used = values![key.actor_id.0, key.key_digest.as_slice(), since.0, tenant_id];
        let free = any(FREE, used);
        let sealed = self.secrets().answers.seal(context(key), &answer.body);
        let insert = one(
            INSERT,
            values![
                key.actor_id.0,
                key.key_digest.as_slice(),
                key.request_digest.as_slice(),
                i64::from(answer.http_status),
                sealed,
                answer.at.0,
                tenant_id,
            ],
        );
        vec![free, insert]
    }

    /// Keeps an answer to a call that has done its work already; [`Saved::KeyTaken`] when the key was used before.
    pub async fn keep_answer_alone(&self, answer: &StoredAnswer) -> Result<Saved, Fault> {
        Ok(self.write(self.keep_answer(Some(answer))).await?.saved_or(Saved::KeyTaken))
    }

    /// What this Idempotency-Key was used for during the last 24 hours.
    pub async fn find_used_key(
        &self,
        key: &IdempotencyKey,
        now: UnixMs,
    ) -> Result<Option<UsedKey>, Fault> {
        let since = now.plus_ms(-DAY_MS);
        let (actor_id, tenant_id) = (key.actor_id.0, key.tenant_id.0);
        let values = values![actor_id, key.key_digest.as_slice(), since.0, tenant_id];
        let rows = self.read(FIND, values).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let body =
            row.find_bytes(3)?.map(|sealed| self.secrets().answers.open(context(key), sealed));
        Ok(Some(UsedKey {
            request_digest: rows::digest(row.bytes(0)?)?,
            http_status: u16::try_from(row.int(1)?).unwrap_or(500),
            order_id: row.find_int(2)?.map(Id),
            body: body.transpose()?,
        }))
    }

    /// Forgets the answers that are older than 24 hours.
    pub async fn forget_old_answers(&self, now: UnixMs) -> Result<(), Fault> {
        let since = now.plus_ms(-DAY_MS);
        for row in self.read_first_of_each(LIST_TENANTS, i64::MIN).await? {
            if row.int(1)? <= since.0 {
                self.write(vec![any(FORGET, values![row.int(0)?, since.0])]).await?;
            }
        }
        Ok(())
    }
}

fn context(key: &IdempotencyKey) -> RowContext {
    let digest = key.key_digest.first_chunk().expect("a digest is 16 bytes");
    RowContext::new("idempotency", TenantId(key.actor_id.0), i64::from_be_bytes(*digest))
}
