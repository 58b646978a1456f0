//! What proves something to somebody who has no access to the hub: the audit chain, manifests of reports,
//! certificates of erasure.
//!
//! All of them are exact texts. A reader never takes "the same in another spelling": whoever changes one byte of
//! such a text changes what is proved, and is found. Signatures are Ed25519 over the bytes of the text; making and
//! checking them is left to who has the cryptography at hand. Instants are milliseconds since the Unix epoch.

mod certificate;
mod chain;
mod manifest;
mod signed;

pub use certificate::{
    CERTIFICATE, Certificate, CertificateCounts, ErasedVersion, ErasureRule, RECOVERABLE_DAYS,
};
pub use chain::{
    ANCHOR, Anchor, AuditAct, AuditActor, AuditEntry, Chain, ChainFault, ChainLine, OPERATOR_CHAIN,
    chain_header, chain_line, chain_start, chain_step,
};
pub use manifest::{MANIFEST, Manifest, ManifestVersion};
pub use signed::{NotSigned, Signed, key_id, sha256, signed_text};
