//! Text for terminals: what others wrote is cleaned, widths are counted in columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Replaces what would steer the terminal or reorder the line; keeps line breaks and what is written.
pub(crate) fn clean(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Columns that `text` takes; Chinese characters take two.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in one line of at most `max` columns, with `…` where something was cut.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let line = clean(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if width(&line) <= max {
        return line;
    }
    let mut stored = String::new();
    let mut used = 0;
    for c in line.chars() {
        used += c.width().unwrap_or(0);
        if used + 1 > max {
            break;
        }
        stored.push(c);
    }
    stored.push('…');
    stored
}

/// `text` in lines of at most `max` columns, broken at blanks and between wide characters. A word
/// that is longer than a line keeps a line of its own, so that ids and URLs can be copied.
pub(crate) fn wrap(text: &str, max: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in clean(text).lines() {
        let mut current = String::new();
        for piece in pieces(line) {
            let fits = width(&current) + width(piece.trim_end()) <= max;
            if !fits && !current.is_empty() {
                lines.push(current.trim_end().to_owned());
                current.clear();
            }
            current.push_str(piece);
        }
        lines.push(current.trim_end().to_owned());
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn pieces(line: &str) -> impl Iterator<Item = &str> {
    line.split_inclusive(|c: char| c.is_whitespace() || c.width().unwrap_or(0) > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_reorderings_are_replaced_and_line_breaks_kept() {
        assert_eq!(clean("a\u{1b}[2J\r\nb\u{202e}c张"), "a\u{fffd}[2J\u{fffd}\nb\u{fffd}c张");
    }

    #[test]
    fn cutting_counts_columns_not_characters() {
        assert_eq!(cut("候选人张三", 10), "候选人张三");
        assert_eq!(cut("候选人张三", 9), "候选人张…");
        assert_eq!(cut("候选人张三", 8), "候选人…");
        assert_eq!(cut("a\n b\tc", 10), "a b c");
        assert_eq!(cut("abc", 2), "a…");
    }

    #[test]
    fn wrapping_breaks_at_blanks_and_between_wide_characters() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("工作履历核实无差异", 8), ["工作履历", "核实无差", "异"]);
        assert_eq!(wrap("see https://vendor.example/report.pdf now", 10).len(), 3);
        assert_eq!(wrap("a\nb", 10), ["a", "b"]);
        assert_eq!(wrap("", 10), [""]);
    }
}
