//! Pages: keysets as opaque cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::control::{LIMIT_DEFAULT, Page};

use super::failure::Failure;

/// The list that a cursor belongs to: one of another list is refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Tenants = 1,
    Apps = 2,
    Accounts = 3,
    Orders = 4,
    Events = 5,
    Installations = 6,
    Alerts = 7,
    Views = 8,
    Erasures = 9,
    Candidates = 10,
    ApiKeys = 11,
    FoundOrders = 12,
}

/// The cursor of the entry with this keyset.
pub(super) fn write<const N: usize>(of: Of, keyset: [i64; N]) -> String {
    let mut bytes = vec![of as u8];
    keyset.iter().for_each(|part| bytes.extend(part.to_be_bytes()));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The keyset after which the page begins; none for the first page.
///
/// Refuses a text that is no cursor of this list, naming `cursor`.
pub(super) fn read<const N: usize>(
    of: Of,
    text: Option<&str>,
) -> Result<Option<[i64; N]>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let keyset = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (list, parts) = bytes.split_first()?;
        let (parts, rest) = parts.as_chunks::<8>();
        (*list == of as u8 && rest.is_empty()).then_some(())?;
        let parts: Vec<_> = parts.iter().map(|part| i64::from_be_bytes(*part)).collect();
        parts.try_into().ok()
    };
    match keyset() {
        Some(keyset) => Ok(Some(keyset)),
        None => Err(Failure::field("cursor", "expected a next_cursor of this list")),
    }
}

/// The entries of a page when the request names no number.
pub(super) fn limit(asked: Option<u32>) -> u32 {
    asked.unwrap_or(LIMIT_DEFAULT)
}

/// The page of `rows`, of which one more than `limit` was asked for, to know whether there is a next page.
pub(super) fn page<R, T>(
    mut rows: Vec<R>,
    limit: u32,
    view: impl Fn(&R) -> T,
    cursor: impl Fn(&R) -> String,
) -> Page<T> {
    let limit = limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| has_more).map(cursor);
    Page { items: rows.iter().map(view).collect(), next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_by_its_own_list_only() {
        let text = write(Of::Apps, [1, -2]);
        assert_eq!(read(Of::Apps, Some(&text)).unwrap(), Some([1, -2]));
        assert_eq!(read::<2>(Of::Apps, None).unwrap(), None);
        assert!(read::<2>(Of::Tenants, Some(&text)).is_err());
        assert!(read::<1>(Of::Apps, Some(&text)).is_err());
        for wrong in ["", "a", "!", &text[1..], &format!("{text}A")] {
            assert!(read::<2>(Of::Apps, Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let cursor = |row: &i64| row.to_string();
        let of = |rows: Vec<i64>| page(rows, 2, |row| *row, cursor);
        assert_eq!(of(vec![3, 2, 1]), Page { items: vec![3, 2], next_cursor: Some("2".into()) });
        assert_eq!(of(vec![3, 2]), Page { items: vec![3, 2], next_cursor: None });
        assert_eq!(of(vec![]), Page { items: vec![], next_cursor: None });
    }
}
