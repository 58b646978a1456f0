//! Certificates of erasure: what was destroyed, why, and from when on nobody can bring it back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Evidence;

/// Days for which a copy of the keys may live in a backup. Source: product, section 4; design, section 7.
pub const RECOVERABLE_DAYS: i64 = 7;

/// What was erased of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Always `probity.erasure.v1`.
    pub kind: String,
    /// Names the certificate.
    pub erasure_id: String,
    /// The tenant.
    pub tenant_key: String,
    /// The order.
    pub order_id: String,
    /// When the order was placed.
    pub placed_at_ms: i64,
    /// When it ended.
    pub ended_at_ms: i64,
    /// When its keys were destroyed.
    pub erased_at_ms: i64,
    /// From this instant on no backup can bring the person back: copies of the keys live no longer.
    pub unrecoverable_from_ms: i64,
    /// Why it was erased.
    pub rule: ErasureRule,
    /// How much was erased.
    pub counts: CertificateCounts,
    /// The contents that were stored.
    pub versions: Vec<ErasedVersion>,
    /// SHA-256 of the text of the order's last manifest, 64 hex digits; none when it had none.
    pub manifest: Option<String>,
}

/// Why an order was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", deny_unknown_fields)]
pub enum ErasureRule {
    /// The tenant's retention was over.
    TenantRetention {
        /// Days after the order's end.
        days: u32,
    },
    /// The retention of the order's package was over.
    PackageRetention {
        /// Days after the order's end.
        days: u32,
    },
    /// Somebody demanded it; the reason is stored sealed.
    Hand,
}

/// How much was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateCounts {
    /// Entries of the timeline: the form, stages, results, reasons.
    pub entries: u64,
    /// Reports.
    pub reports: u64,
    /// Contents of reports.
    pub versions: u64,
    /// Files that the hirer gave with the order.
    pub files: u64,
}

/// A content that was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasedVersion {
    /// The report.
    pub report_id: String,
    /// Which of its contents.
    pub version: u64,
    /// SHA-256 of the content, 64 hex digits.
    pub sha256: String,
    /// Bytes of the content.
    pub size_bytes: u64,
}

impl Evidence for Certificate {
    const NAME: &'static str = "certificate";
    const KIND: &'static str = "probity.erasure.v1";

    fn kind(&self) -> &str {
        &self.kind
    }
}
