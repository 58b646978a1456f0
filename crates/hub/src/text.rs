//! Texts as they are shown.

/// The text, unless it is empty: stored texts are never absent.
pub(crate) fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
