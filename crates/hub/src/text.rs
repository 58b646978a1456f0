//! Texts as they are shown.

/// A text, unless it is empty: stored texts are never absent, shown ones are.
pub(crate) fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
