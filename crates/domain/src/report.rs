//! Reports: of what kind they are, and how far their fetching has come.

use contract::control;

crate::stored::stored_as_number! {
    /// Whether a report came with progress or with a result.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    ReportKind, "the kind of a report";
    Stage = 1: "With progress (阶段性报告).";
    Final = 2: "With a result (终版报告).";
}

crate::stored::stored_as_number! {
    /// How far a report has come.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    ReportState, "the state of a report";
    Pending = 1: "Waits to be fetched, for the first time or again.";
    Fetching = 2: "Is being fetched.";
    Stored = 3: "Fetched, checked and stored.";
    Flagged = 4: "Stored, with a warning: the PDF is encrypted or holds scripts.";
    Failed = 5: "Could not be fetched.";
    Linked = 6: "A preview link, which stays a link.";
    Erased = 7: "Its content was erased.";
}

crate::stored::same_variants!(ReportKind => control::ReportKind: [Stage, Final]);
crate::stored::same_variants!(ReportState => control::ReportState:
    [Pending, Fetching, Stored, Flagged, Failed, Linked, Erased]);
