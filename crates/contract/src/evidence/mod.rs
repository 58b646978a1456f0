//! What proves something to somebody who has no access to the hub: the audit chain, manifests of reports,
//! certificates of erasure.
//!
//! All of them are exact texts: one changed byte of such a text changes what is proved, and is found. Manifests,
//! certificates and anchors are signed as JWS ([`Signed`]); making and checking the Ed25519 signatures is left to who has
//! the cryptography at hand. Instants are milliseconds since the Unix epoch.

mod certificate;
mod chain;
mod manifest;
mod old_form;
mod signed;

pub use certificate::{
    Certificate, CertificateCounts, ErasedVersion, ErasureRule, RECOVERABLE_DAYS,
};
pub use chain::{
    Anchor, AuditAct, AuditActor, AuditEntry, Chain, ChainFault, ChainLine, OPERATOR_CHAIN,
    chain_header, chain_line, chain_start, chain_step,
};
pub use manifest::{Manifest, ManifestVersion};
pub use signed::{
    Evidence, NotSigned, Signed, detached, key_id, sha256, signed_text, signing_input,
};
