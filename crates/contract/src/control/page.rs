//! Lists: one page at a time, by an opaque cursor over a stable order (newest first).

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::rule::{Faults, Rules};

/// Entries of a page when the request names no `limit`.
pub const LIMIT_DEFAULT: u32 = 50;
/// Most entries of a page.
pub const LIMIT_MAX: u32 = 200;
const CURSOR_CHARS_MAX: usize = 512;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The entries, newest first; at most as many as the request's `limit`.
    pub items: Vec<T>,
    /// Opaque; sent back as `cursor` it brings the next page. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The query of a list without filters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct List {
    /// `next_cursor` of the page before; absent for the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Entries wanted, 1 to 200; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

impl Rules for List {
    fn check(&self, faults: &mut Faults) {
        faults.page(self.cursor.as_deref(), self.limit);
    }
}

impl Faults {
    /// The rules for the members of every list.
    pub(super) fn page(&mut self, cursor: Option<&str>, limit: Option<u32>) {
        self.range("limit", limit, 1, LIMIT_MAX);
        self.optional("cursor", cursor, CURSOR_CHARS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_outside_1_to_200_are_named() {
        for (limit, wrong) in
            [(None, 0), (Some(0), 1), (Some(1), 0), (Some(200), 0), (Some(201), 1)]
        {
            let faults = List { cursor: None, limit }.faults();
            assert_eq!(faults.len(), wrong, "{limit:?}");
        }
        assert_eq!(List { cursor: Some(String::new()), limit: None }.faults()[0].field, "cursor");
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let page = Page { items: vec![1], next_cursor: None };
        assert_eq!(serde_json::to_string(&page).unwrap(), r#"{"items":[1]}"#);
    }
}
