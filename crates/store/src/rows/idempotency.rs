//! `idempotency`: the Idempotency-Keys of accepted order commands.

use domain::order::Digest;
use domain::{Id, UnixMs};

use super::Kind::{Bytes, Int};
use super::{Values, Verb, Write};
use crate::value::values;

pub(super) const INSERT: Write = Write {
    verb: Verb::Insert,
    table: "idempotency",
    columns: &[
        ("actor_id", Int),
        ("key_digest", Bytes),
        ("request_digest", Bytes),
        ("order_id", Int),
        ("http_status", Int),
        ("created_at", Int),
    ],
    clustered_by: &[],
};

pub(crate) const FIND_USED_KEY: &str =
    "SELECT request_digest, order_id FROM idempotency WHERE actor_id = $1 AND key_digest = $2";

/// An Idempotency-Key with the request that it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Who asked: the same text from two callers is two keys.
    pub actor_id: Id,
    /// The digest of the Idempotency-Key.
    pub key_digest: Digest,
    /// The digest of method, path and body.
    pub request_digest: Digest,
}

#[derive(Debug)]
pub(crate) struct UsedKeyRow {
    pub(crate) key: IdempotencyKey,
    pub(crate) order_id: Id,
    pub(crate) created_at: UnixMs,
}

impl UsedKeyRow {
    pub(crate) fn values(&self) -> Values {
        values![
            self.key.actor_id.0,
            self.key.key_digest.as_slice(),
            self.key.request_digest.as_slice(),
            self.order_id.0,
            200_i64,
            self.created_at.0,
        ]
    }
}
