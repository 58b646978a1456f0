//! Going on with a transfer that broke off: what a source must have said for that, how the rest is asked for, and
//! how it is known to be of the same content.
//!
//! A source must have said that it gives ranges, and given its content a strong mark: an entity tag, or a date of
//! the last change that is at least a minute old, since a date distinguishs only seconds. What is asked for is bound
//! to the mark, and what comes must have it. Parts of two contents are never put together.
//!
//! Source: RFC 9110, sections 8.8.2.2, 8.8.3, 13.1.5 and 14.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// How old a date of the last change must be to distinguish contents, in seconds.
const DATE_AGE_SECONDS_MIN: i64 = 60;

/// A content that may be gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resumable {
    /// Which header holds the mark.
    name: HeaderName,
    mark: HeaderValue,
    size_bytes: Option<u64>,
}

impl Resumable {
    /// What the header of an answer 200 allows; none when it allows nothing.
    pub(super) fn of(headers: &HeaderMap) -> Option<Resumable> {
        let gives_ranges = headers.get_all(header::ACCEPT_RANGES).iter().any(|value| {
            let mut units = value.to_str().unwrap_or_default().split(',');
            units.any(|unit| unit.trim().eq_ignore_ascii_case("bytes"))
        });
        if !gives_ranges {
            return None;
        }
        let size_bytes = single(headers, &header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let (name, mark) = match single(headers, &header::ETAG) {
            Some(tag) if is_strong(tag) => (header::ETAG, tag),
            _ => (header::LAST_MODIFIED, old_date(headers)?),
        };
        Some(Resumable { name, mark: mark.clone(), size_bytes })
    }

    /// The size that was announced of the whole.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        self.size_bytes
    }

    /// Asks for what follows byte `begin`, of the same content only.
    pub(super) fn ask(&self, begin: u64, headers: &mut HeaderMap) {
        if let Ok(range) = HeaderValue::from_str(&format!("bytes={begin}-")) {
            headers.insert(header::RANGE, range);
            headers.insert(header::IF_RANGE, self.mark.clone());
        }
    }

    /// Whether the header of an answer 206 says that it is all that follows byte `begin` of the same content.
    pub(super) fn is_continued(&self, begin: u64, headers: &HeaderMap) -> bool {
        let range = single(headers, &header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
        let Some((first, last, size)) = range.and_then(parse_range) else { return false };
        let is_whole_rest = first == begin && last.checked_add(1) == Some(size);
        let is_same_size = self.size_bytes.is_none_or(|known| known == size);
        is_whole_rest && is_same_size && single(headers, &self.name) == Some(&self.mark)
    }
}

/// The value of a header that stands there once.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn is_strong(tag: &HeaderValue) -> bool {
    let tag = tag.as_bytes();
    tag.len() > 2 && tag.starts_with(b"\"") && tag.ends_with(b"\"")
}

/// The date of the last change, if it is old enough at the time of the answer.
fn old_date(headers: &HeaderMap) -> Option<&HeaderValue> {
    let changed = single(headers, &header::LAST_MODIFIED)?;
    let age = seconds(single(headers, &header::DATE)?)? - seconds(changed)?;
    (age >= DATE_AGE_SECONDS_MIN).then_some(changed)
}

fn seconds(date: &HeaderValue) -> Option<i64> {
    let date: Timestamp = DateTimeParser::new().parse_timestamp(date.to_str().ok()?).ok()?;
    Some(date.as_second())
}

/// First byte, last byte and size in `bytes 5-9/10`.
fn parse_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok())?
    };
    Some((number(first)?, number(last)?, number(size)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    const DATE: (&str, &str) = ("date", "Wed, 25 Nov 2026 12:00:00 GMT");
    const RANGES: (&str, &str) = ("accept-ranges", "bytes");

    #[test]
    fn a_source_allows_to_go_on_by_ranges_and_a_strong_mark() {
        for lines in [
            vec![RANGES, ("etag", "\"a-1\"")],
            vec![("accept-ranges", "none, Bytes"), ("etag", "\"a-1\"")],
            vec![RANGES, DATE, ("last-modified", "Wed, 25 Nov 2026 11:59:00 GMT")],
            vec![
                RANGES,
                DATE,
                ("etag", "W/\"a\""),
                ("last-modified", "Tue, 24 Nov 2026 12:00:00 GMT"),
            ],
        ] {
            assert!(Resumable::of(&headers(&lines)).is_some(), "{lines:?}");
        }
        for lines in [
            vec![],
            vec![RANGES],
            vec![("etag", "\"a-1\"")],
            vec![("accept-ranges", "none"), ("etag", "\"a-1\"")],
            vec![RANGES, ("etag", "W/\"a-1\"")],
            vec![RANGES, ("etag", "a-1")],
            vec![RANGES, ("etag", "\"\"")],
            vec![RANGES, ("etag", "\"a\""), ("etag", "\"b\"")],
            vec![RANGES, ("last-modified", "Tue, 24 Nov 2026 12:00:00 GMT")],
            vec![RANGES, DATE, ("last-modified", "Wed, 25 Nov 2026 11:59:01 GMT")],
            vec![RANGES, DATE, ("last-modified", "yesterday")],
        ] {
            assert_eq!(Resumable::of(&headers(&lines)), None, "{lines:?}");
        }
    }

    #[test]
    fn only_the_whole_rest_of_the_same_content_is_taken() {
        let tag = ("etag", "\"a-1\"");
        let whole = Resumable::of(&headers(&[RANGES, tag, ("content-length", "10")])).unwrap();
        let mut asked = HeaderMap::new();
        whole.ask(4, &mut asked);
        assert_eq!(
            (&asked["range"], &asked["if-range"]),
            (&"bytes=4-".parse().unwrap(), &"\"a-1\"".parse().unwrap())
        );
        let is_continued = |lines: &[(&'static str, &str)]| whole.is_continued(4, &headers(lines));
        assert!(is_continued(&[tag, ("content-range", "bytes 4-9/10")]));
        for range in [
            "bytes 3-9/10",
            "bytes 5-9/10",
            "bytes 4-8/10",
            "bytes 4-10/11",
            "bytes 4-9/*",
            "bytes */10",
            "items 4-9/10",
            "bytes 4-9",
            "bytes +4-9/10",
            "bytes 4-18446744073709551615/10",
            "",
        ] {
            assert!(!is_continued(&[tag, ("content-range", range)]), "{range}");
        }
        assert!(!is_continued(&[("content-range", "bytes 4-9/10")]), "without its tag");
        assert!(!is_continued(&[("etag", "\"a-2\""), ("content-range", "bytes 4-9/10")]));
        assert!(!is_continued(&[tag, ("etag", "\"a-2\""), ("content-range", "bytes 4-9/10")]));
        assert!(!is_continued(&[tag]));
    }
}
