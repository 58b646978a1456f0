//! Ranges of bytes: one, or several at once. Source: RFC 9110, section 14.

use std::num::NonZeroUsize;
use std::ops::Range;

use axum::http::{HeaderMap, header};
use http_range_header::RangeRejected::TooMany;
use http_range_header::RangeUnsatisfiableError::Rejected;
use http_range_header::SyntacticallyCorrectRange::{self, FromLast, FromStart, Indexed};
use http_range_header::parse_range_header_with_max_ranges;

const RANGES_MAX: NonZeroUsize = NonZeroUsize::new(16).expect("sixteen is not zero");

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it; also when the ranges cannot be read.
    Whole,
    /// These bytes: at least one range, none empty, ascending, none touching the next.
    Parts(Vec<Range<u64>>),
    Outside,
}

/// What the headers ask of a content of `size_bytes` whose entity tag is `tag`.
pub(super) fn asked(headers: &HeaderMap, tag: &str, size_bytes: u64) -> Asked {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Asked::Whole };
    // A range of what the caller has seen before counts only for the same bytes.
    if headers.get(header::IF_RANGE).is_some_and(|seen| seen.as_bytes() != tag.as_bytes()) {
        return Asked::Whole;
    }
    let value = value.to_str().unwrap_or_default();
    let ranges = match parse_range_header_with_max_ranges(value, RANGES_MAX) {
        Ok(parsed) => parsed.into_ranges(),
        Err(Rejected(TooMany)) => return Asked::Outside,
        Err(_) => return Asked::Whole,
    };
    match joined(ranges.into_iter().map(|range| cut(range, size_bytes)).collect()) {
        parts if parts.is_empty() => Asked::Outside,
        parts => Asked::Parts(parts),
    }
}

/// Whether the headers name the content's tag among what the caller has already.
pub(super) fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}

fn cut(range: SyntacticallyCorrectRange, size_bytes: u64) -> Range<u64> {
    let range = match range {
        Indexed(first, last) => first..last.saturating_add(1),
        FromStart(first) => first..u64::MAX,
        FromLast(length) => size_bytes.saturating_sub(length)..size_bytes,
    };
    range.start.min(size_bytes)..range.end.min(size_bytes)
}

/// The ranges in ascending order, those that overlap or touch made one, without empty ones.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
    let mut parts: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match parts.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => parts.push(range),
        }
    }
    parts
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a list of ranges, of which there is one")]
mod tests {
    use super::*;

    fn of(range: &str, seen: Option<&str>) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(seen) = seen {
            headers.insert(header::IF_RANGE, seen.parse().unwrap());
        }
        asked(&headers, "\"a\"", 100)
    }

    #[test]
    fn one_range_is_cut_to_the_content() {
        for (range, expected) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-99", 0..100),
            ("Bytes=10-", 10..100),
            ("bytes=-10", 90..100),
            ("bytes=-500", 0..100),
            ("bytes=99-100", 99..100),
            ("bytes=5-99999999999999999999999", 5..100),
        ] {
            assert_eq!(of(range, None), Asked::Parts(vec![expected]), "{range}");
        }
    }

    #[test]
    fn several_ranges_are_sorted_and_joined() {
        for (range, expected) in [
            ("bytes=0-1,3-4", vec![0..2, 3..5]),
            ("bytes=50-59, 0-9", vec![0..10, 50..60]),
            ("bytes=0-9,5-20,-1", vec![0..21, 99..100]),
            ("bytes=0-9,10-20", vec![0..21]),
            ("bytes=0-,0-,0-,0-", vec![0..100]),
            ("bytes=0-1,200-300", vec![0..2]),
            // Empty members of a list count for nothing. Source: RFC 9110, section 5.6.1.
            ("bytes=0-1,", vec![0..2]),
        ] {
            assert_eq!(of(range, None), Asked::Parts(expected), "{range}");
        }
        let many = |count: u32| {
            let ranges = (0..count).map(|index| format!("{0}-{0}", index * 2));
            format!("bytes={}", ranges.collect::<Vec<_>>().join(","))
        };
        assert!(matches!(of(&many(16), None), Asked::Parts(parts) if parts.len() == 16));
        assert_eq!(of(&many(17), None), Asked::Outside);
        assert_eq!(of(&format!("bytes=0-{}", ",0-".repeat(5_000)), None), Asked::Outside);
    }

    #[test]
    fn what_cannot_be_read_asks_for_the_whole() {
        for range in ["bytes=", "bytes=a-b", "bytes=5-4", "bytes=--1", "lines=1-2", "0-1"] {
            assert_eq!(of(range, None), Asked::Whole, "{range}");
        }
        assert_eq!(asked(&HeaderMap::new(), "\"a\"", 100), Asked::Whole);
    }

    #[test]
    fn ranges_beyond_the_end_lie_outside() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=100-,300-400"] {
            assert_eq!(of(range, None), Asked::Outside, "{range}");
        }
    }

    #[test]
    fn a_range_of_other_bytes_asks_for_the_whole() {
        assert_eq!(of("bytes=0-1", Some("\"a\"")), Asked::Parts(vec![0..2]));
        assert_eq!(of("bytes=0-1", Some("\"b\"")), Asked::Whole);
        assert_eq!(of("bytes=0-1", Some("W/\"a\"")), Asked::Whole);
    }

    #[test]
    fn a_tag_that_is_known_is_found_in_any_list() {
        for (known, expected) in
            [("\"a\"", true), ("\"b\", W/\"a\"", true), ("*", true), ("\"b\"", false), ("a", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, known.parse().unwrap());
            assert_eq!(has_already(&headers, "\"a\""), expected, "{known}");
        }
    }
}
