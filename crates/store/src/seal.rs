//! Sealing: personal data is stored as AES-256-GCM texts.
//!
//! The root key wraps each tenant's key, that wraps each order's data key, which seals the order's texts,
//! each bound to its row, so that a value moved elsewhere does not open. Source: design, section 7.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use domain::TenantId;
use domain::order::Digest;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::fault::{Fault, FaultKind};

/// A 256-bit key. It does not print, and is wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    /// A fresh random key.
    #[must_use]
    pub fn random() -> Key {
        let mut bytes = [0; 32];
        fill_random(&mut bytes);
        Key(bytes)
    }

    /// The key's bytes, to be stored by the caller.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals `plain` for `row`: nonce (12 bytes), cipher text, tag (16 bytes).
    #[must_use]
    pub fn seal(&self, context: RowContext, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce);
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .cipher()
            .seal_in_place_separate_tag(nonce, Aad::from(context.bytes()), &mut sealed[NONCE_LEN..])
            .expect("a text below 2^36 bytes can be sealed");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what was sealed for `row`; [`FaultKind::Damaged`] when it was altered, cut, moved, or
    /// sealed under another key.
    pub fn open(&self, context: RowContext, sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let damaged =
            || Fault::new(FaultKind::Damaged, format_args!("{} does not open", context.table));
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut text = text.to_vec();
        let length = self
            .cipher()
            .open_in_place(nonce, Aad::from(context.bytes()), &mut text)
            .map_err(|_| damaged())?
            .len();
        text.truncate(length);
        Ok(text)
    }

    /// Opens a key that was sealed (wrapped) for `row`.
    pub fn open_key(&self, context: RowContext, wrapped: &[u8]) -> Result<Key, Fault> {
        let mut plain = self.open(context, wrapped)?;
        let bytes = <[u8; 32]>::try_from(plain.as_slice());
        plain.zeroize();
        bytes.map(Key).map_err(|_| Fault::new(FaultKind::Damaged, "a wrapped key is not 32 bytes"))
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &self.0).expect("32 bytes are an AES-256 key");
        LessSafeKey::new(key)
    }

    /// The key derived from this one for `purpose`.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Key {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0), purpose.as_bytes());
        Key(tag.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes"))
    }

    /// The keyed hash of a text that is about something, by which it is found without being stored: HMAC-SHA256.
    #[must_use]
    pub fn keyed_hash(&self, about: &str, text: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.authenticator());
        context.update(about.as_bytes());
        context.update(&[0]);
        context.update(text);
        context.sign().as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes")
    }

    /// The key's authenticator for MACs over tokens and links: HMAC-SHA256.
    #[must_use]
    pub fn authenticator(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// The row that a sealed text stands in: its table, tenant and id.
#[derive(Debug, Clone, Copy)]
pub struct RowContext {
    table: &'static str,
    tenant: i64,
    id: i64,
}

impl RowContext {
    /// The row `id` of `table` that belongs to `tenant`.
    #[must_use]
    pub fn new(table: &'static str, tenant: TenantId, id: i64) -> RowContext {
        RowContext { table, tenant: tenant.0, id }
    }

    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.table.len() + 16);
        bytes.extend_from_slice(&self.tenant.to_be_bytes());
        bytes.extend_from_slice(&self.id.to_be_bytes());
        bytes.extend_from_slice(self.table.as_bytes());
        bytes
    }
}

/// Makes the keyed digests of one tenant, by which repeats are recognised without keeping what was said.
#[derive(Clone)]
pub struct Digester(hmac::Key);

impl Digester {
    /// The digester under `key`.
    #[must_use]
    pub fn new(key: &Key) -> Digester {
        Digester(key.derive("digest").authenticator())
    }

    /// The digest of `text` in the context `about`: 128 bits.
    #[must_use]
    pub fn digest(&self, about: &str, text: &[u8]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(about.as_bytes());
        context.update(&[0]);
        context.update(text);
        let tag = context.sign();
        tag.as_ref()[..16].try_into().expect("HMAC-SHA256 gives 32 bytes")
    }
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester(..)")
    }
}

/// Fills `bytes` from the system's secure source; panics when it gives none.
#[expect(
    clippy::disallowed_methods,
    reason = "nonces and data keys are drawn where they are used up"
)]
pub(crate) fn fill_random(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the system gives random bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_in_its_own_row_under_its_own_key_only() {
        let key = Key::random();
        let context = RowContext::new("orders", TenantId(1), 2);
        let sealed = key.seal(context, "张三".as_bytes());
        assert_eq!(key.open(context, &sealed).unwrap(), "张三".as_bytes());
        for other in [
            RowContext::new("orders", TenantId(2), 2),
            RowContext::new("orders", TenantId(1), 3),
            RowContext::new("reports", TenantId(1), 2),
        ] {
            assert_eq!(key.open(other, &sealed).unwrap_err().kind(), FaultKind::Damaged);
        }
        assert!(Key::random().open(context, &sealed).is_err());
        for place_of_flip in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place_of_flip] ^= 1;
            assert!(key.open(context, &altered).is_err());
            assert!(key.open(context, &sealed[..place_of_flip]).is_err());
        }
    }

    #[test]
    fn digests_differ_by_key_context_and_text() {
        let digester = Digester::new(&Key::new([1; 32]));
        let digest = digester.digest("result", b"a");
        assert_eq!(digest, digester.digest("result", b"a"));
        assert_ne!(digest, digester.digest("result", b"b"));
        assert_ne!(digest, digester.digest("stage", b"a"));
        assert_ne!(digest, Digester::new(&Key::new([2; 32])).digest("result", b"a"));
    }
}
