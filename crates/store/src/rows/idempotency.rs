//! `idempotency`: the Idempotency-Keys of accepted order commands.

use domain::order::Digest;
use domain::{Id, TenantId, UnixMs};

use super::Kind::{Bytes, Int};
use super::{Values, Verb, Write};
use crate::value::values;

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "idempotency",
    columns: &[
        ("tenant_id", Int),
        ("actor_id", Int),
        ("key_digest", Bytes),
        ("request_digest", Bytes),
        ("order_id", Int),
        ("http_status", Int),
        ("created_at", Int),
    ],
    clustered_by: &[],
};

/// Tenant 0 is what a program of the version before wrote.
pub(crate) const FIND_USED_KEY: &str = "SELECT request_digest, order_id FROM idempotency \
    WHERE tenant_id IN ($1, 0) AND actor_id = $2 AND key_digest = $3";

/// An Idempotency-Key with the request that it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The caller's tenant; [`NO_TENANT`](crate::tenants::NO_TENANT) for the operator. Of a command it is the order's.
    pub tenant_id: TenantId,
    /// Who asked: the same text from two callers is two keys.
    pub actor_id: Id,
    /// The digest of the Idempotency-Key.
    pub key_digest: Digest,
    /// The digest of method, path and body.
    pub request_digest: Digest,
}

#[derive(Debug)]
pub(crate) struct UsedKeyRow {
    pub(crate) tenant_id: TenantId,
    pub(crate) key: IdempotencyKey,
    pub(crate) order_id: Id,
    pub(crate) created_at: UnixMs,
}

impl UsedKeyRow {
    pub(crate) fn values(&self) -> Values {
        values![
            self.tenant_id.0,
            self.key.actor_id.0,
            self.key.key_digest.as_slice(),
            self.key.request_digest.as_slice(),
            self.order_id.0,
            200_i64,
            self.created_at.0,
        ]
    }
}
