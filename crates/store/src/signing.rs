//! The installation's signature: Ed25519 over texts that prove something to outsiders, as JWS.
//!
//! The key derives from the installation's secret, so every replica has the same. Source: RFC 8032, RFC 8037.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use contract::evidence::{self, Evidence};

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

    /// The signature of a text, as it is stored beside it: see [`evidence::detached`].
    #[must_use]
    pub fn sign<T: Evidence>(&self, text: &str) -> String {
        let input = evidence::signing_input::<T>(text, &self.key_id);
        let signature = self.pair.sign(input.as_bytes());
        let signature = signature.as_ref().try_into().expect("an Ed25519 signature is 64 bytes");
        evidence::detached(&input, signature)
    }

    /// The file of a text with its stored signature; [`FaultKind::Damaged`] when that is none.
    pub fn file<T: Evidence>(&self, text: &str, signature: &[u8]) -> Result<String, Fault> {
        let file =
            evidence::signed_text::<T>(text, signature, &self.key_id).map(|file| file + "\n");
        file.ok_or_else(|| Fault::new(FaultKind::Damaged, "a signature has another form"))
    }

    /// The key that others verify with.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }
}

contract::debug_only! { Signer { key_id } }
