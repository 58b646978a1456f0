//! One range of bytes. Source: RFC 9110, section 14.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What a request wants of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it; also when the range cannot be read, or there are several.
    Whole,
    /// These bytes of it, at least one.
    Part(Range<u64>),
    /// Bytes that it does not have.
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
    let spec = value.to_str().ok().and_then(|value| value.split_once('='));
    let Some((_, spec)) = spec.filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes")) else {
        return Asked::Whole;
    };
    parse(spec.trim(), size_bytes)
}

fn parse(spec: &str, size_bytes: u64) -> Asked {
    let Some((first, last)) = spec.split_once('-') else { return Asked::Whole };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1),
        (Some(first), None) if last.is_empty() => first..u64::MAX,
        (None, Some(length)) if first.is_empty() => {
            if length == 0 {
                return Asked::Outside;
            }
            size_bytes.saturating_sub(length)..u64::MAX
        }
        _ => return Asked::Whole,
    };
    match range.start < size_bytes {
        true => Asked::Part(range.start..range.end.min(size_bytes)),
        false => Asked::Outside,
    }
}

/// Digits alone; more than fit mean the end of any content.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
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
            assert_eq!(of(range, None), Asked::Part(expected), "{range}");
        }
    }

    #[test]
    fn what_cannot_be_read_asks_for_the_whole() {
        for range in
            ["bytes=", "bytes=a-b", "bytes=5-4", "bytes=0-1,3-4", "bytes=--1", "lines=1-2", "0-1"]
        {
            assert_eq!(of(range, None), Asked::Whole, "{range}");
        }
        assert_eq!(asked(&HeaderMap::new(), "\"a\"", 100), Asked::Whole);
    }

    #[test]
    fn ranges_beyond_the_end_lie_outside() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(of(range, None), Asked::Outside, "{range}");
        }
    }

    #[test]
    fn a_range_of_other_bytes_asks_for_the_whole() {
        assert_eq!(of("bytes=0-1", Some("\"a\"")), Asked::Part(0..2));
        assert_eq!(of("bytes=0-1", Some("\"b\"")), Asked::Whole);
    }
}
