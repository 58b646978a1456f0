//! Reports: entries of an order, and below `…/orders/{order_id}/reports/{report_id}` their versions and contents. A
//! report that has a version can be downloaded whatever its state says of a newer try, until it is erased.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::rule::Rules;

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
    /// Fetched, checked and stored.
    Stored,
    /// Stored, with a warning: the PDF is encrypted or holds scripts.
    Flagged,
    /// Could not be fetched; `failure_reason` says why.
    Failed,
    /// A preview link, which stays a link.
    Linked,
    /// Its content was erased.
    Erased,
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
    /// Whether the content was refused for what it is when it was fetched last; `accept` takes it all the same.
    #[serde(default)]
    pub is_refused: bool,
    /// The vendor's link, for a report in state `linked` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    /// The number of the newest version, once there is one: how often a content was fetched. It stays while the report
    /// is fetched anew, and when that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Bytes of the newest version, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// SHA-256 of the newest version, 64 lower-case hex digits, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When the vendor named it (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl Report {
    /// Whether there is content to download.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.version.is_some() && self.state != ReportState::Erased
    }
}

/// What one fetch brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportVersion {
    /// 1 is the first.
    pub version: u32,
    /// Bytes of the content.
    pub size_bytes: u64,
    /// SHA-256 of the content, 64 lower-case hex digits.
    pub sha256: String,
    /// When it was fetched (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub fetched_at: String,
    /// Whether the content calls for caution.
    pub is_flagged: bool,
    /// Codes of what in the content calls for caution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// What the scanner said, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanner: Option<String>,
    /// The host that gave it; absent once it is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_host: Option<String>,
    /// Whether its content was erased.
    pub is_erased: bool,
}

/// The query of `GET …/reports/{report_id}/content`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GetReportContent {
    /// The version wanted; the newest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1)]
    pub version: Option<u32>,
}

impl Rules for GetReportContent {}
