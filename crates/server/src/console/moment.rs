//! Times as a reader sees them: in the reader's zone, relative while they are near, with the zone shown on hover.
//!
//! The zone comes from a cookie that the pages' script sets; without it each language has one.

use askama::Template;
use axum::http::HeaderMap;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::cookie;
use super::words::{Language, Words};

const COOKIE: &str = "zone";

/// When and where a page is read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    words: Words,
    now: Zoned,
}

/// An instant in a page.
#[derive(Debug, Clone, Template)]
#[template(path = "console/pieces/moment.html")]
pub(super) struct Moment {
    machine: String,
    exact: String,
    shown: String,
}

impl askama::filters::HtmlSafe for Moment {}

impl Reading {
    /// `now` in milliseconds since the epoch.
    pub(super) fn new(words: Words, now_ms: i64, headers: &HeaderMap) -> Reading {
        let zone = cookie::find(headers, COOKIE).and_then(|name| TimeZone::get(&name).ok());
        let zone = zone.or_else(|| TimeZone::get(default_zone(words.language)).ok());
        let now = Timestamp::from_millisecond(now_ms).unwrap_or_default();
        Reading { words, now: now.to_zoned(zone.unwrap_or(TimeZone::UTC)) }
    }

    /// An instant of a view (RFC 3339). One that is none, such as the milliseconds of a year that no calendar has, is shown as
    /// it came.
    pub(super) fn moment(&self, text: &str) -> Moment {
        let Ok(at) = text.parse::<Timestamp>() else {
            let (exact, shown) = (text.to_owned(), text.to_owned());
            return Moment { machine: String::new(), exact, shown };
        };
        let at = at.to_zoned(self.now.time_zone().clone());
        let exact = at.strftime("%Y-%m-%d %H:%M:%S (%Q, UTC%:z)").to_string();
        Moment { machine: text.to_owned(), exact, shown: self.shown(&at) }
    }

    /// How long ago an instant is, in the two largest units.
    pub(super) fn since(&self, text: &str) -> String {
        let Ok(at) = text.parse::<Timestamp>() else { return text.to_owned() };
        let minutes = self.minutes_since(at).max(0);
        let (days, hours) = (minutes / 1_440, minutes % 1_440 / 60);
        match (days, hours) {
            (0, 0) => self.words.n("for-minutes", minutes),
            (0, hours) => self.words.n("for-hours", hours),
            (days, 0) => self.words.n("for-days", days),
            (days, hours) => self.words.with("for-days-hours", [("days", days), ("hours", hours)]),
        }
    }

    fn minutes_since(&self, at: Timestamp) -> i64 {
        (self.now.timestamp().as_second() - at.as_second()) / 60
    }

    fn shown(&self, at: &Zoned) -> String {
        let minutes = self.minutes_since(at.timestamp());
        let yesterday = self.now.checked_sub(1.day()).map(|it| it.date());
        match minutes {
            0 => self.words.t("just-now").into_owned(),
            1..60 => self.words.n("minutes-ago", minutes),
            60..1_440 => self.words.n("hours-ago", minutes / 60),
            _ if yesterday.is_ok_and(|yesterday| yesterday == at.date()) => {
                self.words.of_it("yesterday", &at.strftime("%H:%M").to_string())
            }
            _ => at.strftime(self.format(at)).to_string(),
        }
    }

    fn format(&self, at: &Zoned) -> &'static str {
        match (self.words.language, at.year() == self.now.year()) {
            (Language::Chinese, true) => "%-m月%-d日 %H:%M",
            (Language::Chinese, false) => "%Y年%-m月%-d日",
            (Language::English, true) => "%-d %b %H:%M",
            (Language::English, false) => "%-d %b %Y",
        }
    }
}

fn default_zone(language: Language) -> &'static str {
    match language {
        Language::Chinese => "Asia/Shanghai",
        Language::English => "UTC",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29T12:00:00Z
    const NOW: i64 = 1_795_953_600_000;

    fn reading(language: Language, zone: &str) -> Reading {
        let mut headers = HeaderMap::new();
        headers.insert("cookie", format!("zone={zone}").parse().unwrap());
        Reading::new(Words::of(language), NOW, &headers)
    }

    #[test]
    fn times_are_relative_while_they_are_near() {
        let reading = reading(Language::Chinese, "Asia/Shanghai");
        for (at, shown) in [
            ("2026-11-29T11:59:50Z", "刚刚"),
            ("2026-11-29T11:20:00Z", "40 分钟前"),
            ("2026-11-29T09:00:00Z", "3 小时前"),
            ("2026-11-28T06:03:00Z", "昨天 14:03"),
            ("2026-11-27T06:03:00Z", "11月27日 14:03"),
            ("2025-11-27T06:03:00Z", "2025年11月27日"),
            // Clocks differ: a time to come is shown as it is.
            ("2026-12-02T00:00:00Z", "12月2日 08:00"),
            ("9999999999999999", "9999999999999999"),
        ] {
            assert_eq!(reading.moment(at).shown, shown, "{at}");
        }
        let exact = reading.moment("2026-11-27T06:03:00Z").exact;
        assert_eq!(exact, "2026-11-27 14:03:00 (Asia/Shanghai, UTC+08:00)");
        assert_eq!(reading.since("2026-11-28T08:00:00Z"), "1 天 4 小时");
    }

    #[test]
    fn the_zone_is_the_readers_and_a_wrong_one_is_passed_over() {
        let at = "2026-06-01T12:00:00Z";
        let shown = |zone| reading(Language::English, zone).moment(at).shown;
        assert_eq!(shown("Europe/Berlin"), "1 Jun 14:00");
        assert_eq!(shown("../../etc/passwd"), "1 Jun 12:00");
        assert_eq!(shown("<script>"), "1 Jun 12:00");
    }
}
