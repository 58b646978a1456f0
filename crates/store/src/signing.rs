//! The installation's signature: Ed25519 over texts that prove something to outsiders.
//!
//! The key derives from the installation's secret, so that it needs no keeping of its own, and is the same on every
//! replica. Source: RFC 8032.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use contract::evidence;

use crate::fault::{Fault, FaultKind};
use crate::seal::Key;

/// Signs in the installation's name.
pub struct Signer {
    pair: Ed25519KeyPair,
    public_key: [u8; 32],
    key_id: String,
}

impl Signer {
    pub(crate) fn new(seed: &Key) -> Result<Signer, Fault> {
        let wrong = || Fault::new(FaultKind::Damaged, "the signing key cannot be derived");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes()).map_err(|_| wrong())?;
        let public_key: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| wrong())?;
        Ok(Signer { pair, public_key, key_id: evidence::key_id(&public_key) })
    }

    /// The signature of a text.
    ///
    /// # Panics
    /// Never: Ed25519 signatures have 64 bytes.
    #[must_use]
    pub fn sign(&self, text: &str) -> [u8; 64] {
        let signature = self.pair.sign(text.as_bytes());
        signature.as_ref().try_into().expect("an Ed25519 signature is 64 bytes")
    }

    /// The text with its signature, see [`evidence::Signed`].
    #[must_use]
    pub fn signed(&self, kind: &str, text: &str) -> String {
        evidence::signed_text(kind, text, &self.sign(text), &self.key_id)
    }

    /// The key that others verify with.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The public key's name, 16 hex digits.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
