//! Manifests: which contents of an order's reports the installation keeps, signed.

use serde::{Deserialize, Serialize};

use super::{Evidence, sha256};
use crate::control::ReportKind;
use crate::hex::to_hex;

/// What was stored of an order's reports; a new one is made when a content comes, none is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `probity.manifest.v1`.
    pub kind: String,
    /// The tenant.
    pub tenant_key: String,
    /// The order.
    pub order_id: String,
    /// Counts the order's manifests; 1 is the first.
    pub number: u64,
    /// SHA-256 of the text of the order's manifest before, 64 hex digits; none for the first.
    pub before: Option<String>,
    /// When it was made.
    pub made_at_ms: i64,
    /// Every content ever stored, by report and version.
    pub versions: Vec<ManifestVersion>,
}

/// One content of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestVersion {
    /// The report.
    pub report_id: String,
    /// Counts the report's contents; 1 is the first.
    pub version: u64,
    /// Whether the report came with progress or with a result.
    pub kind: ReportKind,
    /// SHA-256 of the content, 64 hex digits.
    pub sha256: String,
    /// Bytes of the content.
    pub size_bytes: u64,
    /// The host that the vendor's address named.
    pub source_host: Option<String>,
    /// The call that named the report, as its answer's `X-Tt-Logid` said.
    pub log_id: Option<String>,
    /// When the call was accepted.
    pub accepted_at_ms: i64,
    /// When the content was fetched.
    pub fetched_at_ms: i64,
}

impl Evidence for Manifest {
    const NAME: &'static str = "manifest";
    const KIND: &'static str = "probity.manifest.v1";

    fn kind(&self) -> &str {
        &self.kind
    }
}

impl Manifest {
    /// The hash by which the next manifest and the certificate of erasure name this one.
    #[must_use]
    pub fn hash(text: &str) -> String {
        to_hex(&sha256(text.as_bytes()))
    }

    /// The content with this size and SHA-256 (64 hex digits), if it is one of these.
    #[must_use]
    pub fn find(&self, size_bytes: u64, sha256: &str) -> Option<&ManifestVersion> {
        let is_it = |version: &&ManifestVersion| {
            version.size_bytes == size_bytes && version.sha256 == sha256
        };
        self.versions.iter().find(is_it)
    }
}
