//! Reports: of what kind they are, and how far their fetching has come.

use contract::control;

/// Whether a report came with progress or with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// With progress (阶段性报告).
    Stage = 1,
    /// With a result (终版报告).
    Final = 2,
}

/// How far a report has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportState {
    /// Waits to be fetched, for the first time or again.
    Pending = 1,
    /// Is being fetched.
    Fetching = 2,
    /// Fetched, checked and stored.
    Stored = 3,
    /// Stored, with a warning: the PDF is encrypted or holds scripts.
    Flagged = 4,
    /// Could not be fetched.
    Failed = 5,
    /// A preview link, which stays a link.
    Linked = 6,
    /// Its content was erased.
    Erased = 7,
}

crate::stored::stored_as_number!(ReportKind, "the kind of a report", [Stage, Final]);
crate::stored::stored_as_number!(
    ReportState,
    "the state of a report",
    [Pending, Fetching, Stored, Flagged, Failed, Linked, Erased]
);

impl From<ReportKind> for control::ReportKind {
    fn from(kind: ReportKind) -> control::ReportKind {
        match kind {
            ReportKind::Stage => control::ReportKind::Stage,
            ReportKind::Final => control::ReportKind::Final,
        }
    }
}

impl From<ReportState> for control::ReportState {
    fn from(state: ReportState) -> control::ReportState {
        match state {
            ReportState::Pending => control::ReportState::Pending,
            ReportState::Fetching => control::ReportState::Fetching,
            ReportState::Stored => control::ReportState::Stored,
            ReportState::Flagged => control::ReportState::Flagged,
            ReportState::Failed => control::ReportState::Failed,
            ReportState::Linked => control::ReportState::Linked,
            ReportState::Erased => control::ReportState::Erased,
        }
    }
}
