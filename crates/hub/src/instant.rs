//! Instants on the wire: RFC 3339 in UTC with milliseconds.

use domain::UnixMs;
use jiff::Timestamp;

/// The instant as text, as in `2026-03-01T08:00:00.000Z`; beyond the year 9999 its milliseconds as a number.
#[must_use]
pub fn rfc3339(at: UnixMs) -> String {
    match Timestamp::from_millisecond(at.0) {
        Ok(at) => format!("{at:.3}"),
        Err(_) => at.0.to_string(),
    }
}

/// The instant of a text with any offset; None when it is not one.
#[must_use]
pub fn parse(text: &str) -> Option<UnixMs> {
    text.parse::<Timestamp>().ok().map(|at| UnixMs(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_three_decimals_and_end_in_z() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_004_800_000, "2026-11-18T12:26:40.000Z"),
            (1_795_004_800_120, "2026-11-18T12:26:40.120Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (999_999_999_999_999, "999999999999999"),
        ] {
            assert_eq!(rfc3339(UnixMs(ms)), expected);
        }
    }

    #[test]
    fn any_offset_is_read_and_nothing_without_one() {
        assert_eq!(parse("2026-11-18T12:26:40Z"), Some(UnixMs(1_795_004_800_000)));
        assert_eq!(parse("2026-11-18T20:26:40.12+08:00"), Some(UnixMs(1_795_004_800_120)));
        for wrong in ["", "yesterday", "2026-11-18", "2026-11-18T12:26:40", "1795004800000"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
