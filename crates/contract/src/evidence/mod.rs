//! Evidence for who has no access to the hub: audit chain, manifests, certificates, as exact texts. Manifests,
//! certificates and anchors are JWS ([`Signed`]); Ed25519 itself is the caller's. Instants are milliseconds since the
//! Unix epoch.

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
