//! Reports: entries of an order, and `GET …/orders/{order_id}/reports/{report_id}/content`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a report came with progress or with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// 阶段性报告.
    Stage,
    /// 终版报告.
    Final,
}

/// How far a report has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// Waits to be fetched, for the first time or again.
    Pending,
    /// Is being fetched.
    Fetching,
    /// Fetched, checked and kept.
    Stored,
    /// Kept, with a warning: the PDF is encrypted or holds scripts.
    Flagged,
    /// Could not be fetched; `failure_reason` says why.
    Failed,
    /// A preview link, which stays a link.
    Linked,
    /// Its content was erased.
    Erased,
}

impl ReportState {
    /// Whether there is content to download.
    #[must_use]
    pub fn has_content(self) -> bool {
        matches!(self, ReportState::Stored | ReportState::Flagged)
    }
}

/// One document or preview link of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// 19 decimal digits.
    pub report_id: String,
    /// Whether it came with progress or with a result.
    pub kind: ReportKind,
    /// Shown name.
    pub name: String,
    /// How far it has come.
    pub state: ReportState,
    /// Why it failed or was flagged, or why the last try failed, in words for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The vendor's link, for a report in state `linked` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    /// Bytes of the content, once it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// SHA-256 of the content, 64 lower-case hex digits, once it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When the vendor named it (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
}
