//! Pages of lists: keysets as opaque cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::control::{LIMIT_DEFAULT, List, Page};
use domain::Id;

use crate::{Error, Input};

/// The list that a cursor belongs to: one of another list is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of {
    Tenants = 1,
    Apps = 2,
    Accounts = 3,
    Orders = 4,
    Events = 5,
    Installations = 6,
    Alerts = 7,
    Views = 8,
    Erasures = 9,
    RetentionCandidates = 10,
    ApiKeys = 11,
    FoundOrders = 12,
    Users = 13,
    Invitations = 14,
    ServiceAccounts = 15,
    Reviews = 16,
    MovedOrders = 17,
}

/// What is asked of a list.
#[derive(Debug)]
pub(crate) struct Paging<const N: usize> {
    of: Of,
    /// The keyset of the entry after which the page begins; none for the first page.
    pub(crate) after: Option<[i64; N]>,
    pub(crate) limit: u32,
}

impl<const N: usize> Paging<N> {
    /// Reads a list's query. Refuses a text that is no cursor of this list.
    pub(crate) fn new(
        of: Of,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Paging<N>, Error> {
        let after = match cursor {
            Some(text) => Some(
                read(of, text)
                    .ok_or_else(|| Error::field("cursor", "expected a next_cursor of this list"))?,
            ),
            None => None,
        };
        Ok(Paging { of, after, limit: limit.unwrap_or(LIMIT_DEFAULT) })
    }

    pub(crate) fn of_list(of: Of, list: Input<List>) -> Result<Paging<N>, Error> {
        let list = list.valid()?;
        Paging::new(of, list.cursor.as_deref(), list.limit)
    }

    /// Rows to ask for: one more than the page has, to know whether there is a next one.
    pub(crate) fn rows(&self) -> u32 {
        self.limit + 1
    }

    pub(crate) fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        view: impl Fn(&R) -> T,
        keyset: impl Fn(&R) -> [i64; N],
    ) -> Page<T> {
        let limit = self.limit as usize;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|last| self.cursor(keyset(last)));
        Page { items: rows.iter().map(view).collect(), next_cursor }
    }

    pub(crate) fn cursor(&self, keyset: [i64; N]) -> String {
        let mut bytes = vec![self.of as u8];
        keyset.iter().for_each(|part| bytes.extend(part.to_be_bytes()));
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl Paging<1> {
    /// The id before which the page begins.
    pub(crate) fn before(&self) -> Id {
        self.after.map_or(Id(i64::MAX), |[id]| Id(id))
    }
}

pub(crate) fn whole<T>(items: Vec<T>) -> Page<T> {
    Page { items, next_cursor: None }
}

pub(crate) fn read_all<T, E>(page: Page<Result<T, E>>) -> Result<Page<T>, E> {
    let items = page.items.into_iter().collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

fn read<const N: usize>(of: Of, text: &str) -> Option<[i64; N]> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (list, parts) = bytes.split_first()?;
    let (parts, rest) = parts.as_chunks::<8>();
    (*list == of as u8 && rest.is_empty()).then_some(())?;
    let parts: Vec<_> = parts.iter().map(|part| i64::from_be_bytes(*part)).collect();
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging<const N: usize>(of: Of, cursor: Option<&str>) -> Result<Paging<N>, Error> {
        Paging::new(of, cursor, Some(2))
    }

    #[test]
    fn a_cursor_is_read_by_its_own_list_only() {
        let text = paging::<2>(Of::Apps, None).unwrap().cursor([1, -2]);
        assert_eq!(paging(Of::Apps, Some(&text)).unwrap().after, Some([1, -2]));
        assert_eq!(paging::<2>(Of::Apps, None).unwrap().after, None);
        assert!(paging::<2>(Of::Tenants, Some(&text)).is_err());
        assert!(paging::<1>(Of::Apps, Some(&text)).is_err());
        for wrong in ["", "a", "!", &text[1..], &format!("{text}A")] {
            assert!(paging::<2>(Of::Apps, Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let paging = paging::<1>(Of::Orders, None).unwrap();
        let of = |rows: Vec<i64>| paging.page(rows, |row| *row, |row| [*row]);
        let next_cursor = Some(paging.cursor([2]));
        assert_eq!(of(vec![3, 2, 1]), Page { items: vec![3, 2], next_cursor });
        assert_eq!(of(vec![3, 2]), Page { items: vec![3, 2], next_cursor: None });
        assert_eq!(of(vec![]), Page { items: vec![], next_cursor: None });
    }
}
