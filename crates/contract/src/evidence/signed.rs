//! Signed texts: JWS in the flattened JSON serialization (RFC 7515, section 7.2.2) with Ed25519 (RFC 8037).
//!
//! `{"manifest":TEXT,"payload":"…","protected":"…","signature":"…","key_id":"…"}`; the payload is TEXT. The protected
//! header holds `alg` (`EdDSA`), `typ` (`probity-manifest+jws`, by kind) and `kid` only. `manifest` and `key_id` are
//! copies for reading, checked by [`Signed::read`]. [`super::old_form`] is read as well.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::old_form;
use crate::hex::to_hex;

const ALGORITHM: &str = "EdDSA";

/// What is signed: manifests, certificates, anchors.
pub trait Evidence: Serialize + DeserializeOwned {
    /// The member that holds the copy for reading; also within `typ`.
    const NAME: &'static str;
    /// What [`Evidence::kind`] says.
    const KIND: &'static str;

    /// The member `kind` of the text.
    fn kind(&self) -> &str;

    /// The text that is signed.
    #[must_use]
    fn text(&self) -> String {
        serde_json::to_string(self).expect("evidence is texts and numbers")
    }

    /// What a text says, if it is the one spelling of such evidence.
    #[must_use]
    fn read(text: &str) -> Option<Self> {
        let read: Self = serde_json::from_str(text).ok()?;
        (read.kind() == Self::KIND && read.text() == text).then_some(read)
    }
}

/// Why a file is no signed text of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// It has another form.
    #[error("expected a signed {name}: {why}")]
    Form {
        /// [`Evidence::NAME`].
        name: &'static str,
        /// What was expected and what came.
        why: String,
    },
    /// What it shows for reading is not what was signed.
    #[error("the {name} was altered: what it shows is not what was signed")]
    Copy {
        /// [`Evidence::NAME`].
        name: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flattened<T> {
    payload: String,
    protected: String,
    signature: String,
    manifest: Option<T>,
    certificate: Option<T>,
    anchor: Option<T>,
    key_id: Option<String>,
}

/// A signed text, taken apart. Whether the signature is right is still to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The text that is proved.
    pub text: String,
    /// The bytes that were signed.
    pub message: String,
    /// Ed25519, 64 bytes.
    pub signature: [u8; 64],
    /// Which key signed, see [`key_id`].
    pub key_id: String,
}

impl Signed {
    /// Takes a file of this kind apart; [`NotSigned`] also for a repeated or unknown member, another `alg` or `typ`,
    /// base64url that is padded or not canonical, a copy that differs.
    pub fn read<T: Evidence>(file: &str) -> Result<Signed, NotSigned> {
        if let Some(signed) = old_form::read(T::NAME, file) {
            return Ok(signed);
        }
        let form = |why: String| NotSigned::Form { name: T::NAME, why };
        let json = |error: serde_json::Error| form(error.to_string());
        // First without the copies: in a file of another kind they have another shape, and `typ` says it better.
        let read: Flattened<IgnoredAny> = serde_json::from_str(file).map_err(json)?;
        let bytes = |member: &str, text: &str| {
            URL_SAFE_NO_PAD.decode(text).map_err(|_| form(format!("{member}: expected base64url")))
        };
        let header = bytes("protected", &read.protected)?;
        let header: Header =
            serde_json::from_slice(&header).map_err(|error| form(format!("protected: {error}")))?;
        for (name, expected, found) in
            [("alg", ALGORITHM.to_owned(), header.alg), ("typ", typ::<T>(), header.typ)]
        {
            if found != expected {
                return Err(form(format!("expected {name} {expected}, came {found}")));
            }
        }
        let signature = bytes("signature", &read.signature)?.try_into();
        let signature = signature.map_err(|_| form("signature: expected 64 bytes".to_owned()))?;
        let text = String::from_utf8(bytes("payload", &read.payload)?);
        let text = text.map_err(|_| form("payload: expected UTF-8".to_owned()))?;
        let shown: Flattened<T> = serde_json::from_str(file).map_err(json)?;
        let copies = [
            ("manifest", shown.manifest),
            ("certificate", shown.certificate),
            ("anchor", shown.anchor),
        ];
        let is_copy = |(name, copy): (&str, Option<T>)| {
            copy.is_none_or(|copy| name == T::NAME && copy.text() == text)
        };
        let is_own = read.key_id.is_none_or(|key_id| key_id == header.kid);
        if !is_own || !copies.into_iter().all(is_copy) {
            return Err(NotSigned::Copy { name: T::NAME });
        }
        let message = format!("{}.{}", read.protected, read.payload);
        Ok(Signed { text, message, signature, key_id: header.kid })
    }
}

fn typ<T: Evidence>() -> String {
    format!("probity-{}+jws", T::NAME)
}

/// What is signed of a text: header and payload. Source: RFC 7515, section 5.1.
#[must_use]
pub fn signing_input<T: Evidence>(text: &str, key_id: &str) -> String {
    let header = Header { alg: ALGORITHM.into(), typ: typ::<T>(), kid: key_id.into() };
    let header = serde_json::to_string(&header).expect("a header is texts");
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(text))
}

/// The signature as it is stored beside its text: a JWS without its payload. Source: RFC 7515, appendix F.
#[must_use]
pub fn detached(signing_input: &str, signature: &[u8; 64]) -> String {
    let protected = signing_input.split('.').next().unwrap_or_default();
    format!("{protected}..{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The file of a text with its stored signature; none when that is none. Earlier versions stored 64 bytes, by `key_id`.
#[must_use]
pub fn signed_text<T: Evidence>(text: &str, signature: &[u8], key_id: &str) -> Option<String> {
    if let Ok(signature) = signature.try_into() {
        return Some(old_form::write(T::NAME, text, signature, key_id));
    }
    let (protected, signature) = std::str::from_utf8(signature).ok()?.split_once("..")?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(protected).ok()?).ok()?;
    let (name, payload, kid) = (T::NAME, URL_SAFE_NO_PAD.encode(text), header.kid);
    Some(format!(
        r#"{{"{name}":{text},"payload":"{payload}","protected":"{protected}","signature":"{signature}","key_id":"{kid}"}}"#
    ))
}

/// By which a public key is named: the first 8 bytes of its SHA-256, as 16 hex digits.
#[must_use]
pub fn key_id(public_key: &[u8; 32]) -> String {
    to_hex(&sha256(public_key)[..8])
}

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
