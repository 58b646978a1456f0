//! The transcript on stdout: one line for each call, within 80 columns; colours for terminals alone.

use std::io::{IsTerminal as _, Write as _};

use crate::text::{clean, width, wrap};

const WIDTH: usize = 80;
const PAIR_WIDTH: usize = 20;
const WHAT_WIDTH: usize = 31;
const GAP: usize = 2;
const LABEL_WIDTH: usize = 17;

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    Operator,
    Hirer,
    Probity,
    Vendor,
}

impl Actor {
    fn name(self) -> &'static str {
        match self {
            Actor::Operator => "operator",
            Actor::Hirer => "hirer",
            Actor::Probity => "Probity",
            Actor::Vendor => "vendor",
        }
    }

    fn color(self) -> &'static str {
        match self {
            Actor::Operator => "33",
            Actor::Hirer => "36",
            Actor::Probity => "34",
            Actor::Vendor => "35",
        }
    }
}

#[derive(Debug)]
pub(super) struct Transcript {
    is_colored: bool,
}

impl Transcript {
    /// In colour on a terminal, unless `NO_COLOR` is set.
    pub(super) fn to_stdout() -> Transcript {
        let is_unwanted = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_colored = std::io::stdout().is_terminal() && !is_unwanted("NO_COLOR") && !is_dumb;
        Transcript { is_colored }
    }

    pub(super) fn title(&self, text: &str) {
        self.write(&[self.paint(BOLD, text), String::new()]);
    }

    pub(super) fn field(&self, label: &str, value: &str) {
        self.write(&[format!("  {label:LABEL_WIDTH$}{value}")]);
    }

    pub(super) fn heading(&self, text: &str) {
        self.write(&[String::new(), self.paint(BOLD, text)]);
    }

    pub(super) fn call(&self, from: Actor, to: Actor, what: &str, outcome: &str) {
        self.write(&self.call_lines(from, to, what, outcome));
    }

    pub(super) fn checked(&self, text: &str) {
        self.write(&[format!("{}  {text}", self.paint(GREEN, "ok"))]);
    }

    pub(super) fn words(&self, text: &str) {
        let mut lines = vec![String::new()];
        lines.extend(wrap(text, WIDTH));
        self.write(&lines);
    }

    /// What the reader may paste: from the first column on, unbroken.
    pub(super) fn paste(&self, text: &str) {
        self.write(&[String::new(), text.to_owned()]);
    }

    pub(super) fn end(&self, text: &str) {
        self.write(&[String::new(), self.paint(DIM, text)]);
    }

    fn call_lines(&self, from: Actor, to: Actor, what: &str, outcome: &str) -> Vec<String> {
        let pair = format!(
            "{} → {}{:padding$}",
            self.paint(from.color(), from.name()),
            self.paint(to.color(), to.name()),
            "",
            padding = PAIR_WIDTH.saturating_sub(width(from.name()) + 3 + width(to.name())),
        );
        let (what, outcome) = (clean(what), clean(outcome));
        let what_width = (width(&what) + GAP).max(WHAT_WIDTH + GAP);
        if PAIR_WIDTH + what_width + width(&outcome) <= WIDTH {
            let padding = what_width - width(&what);
            return vec![format!("{pair}{what}{:padding$}{outcome}", "")];
        }
        let mut lines = vec![format!("{pair}{what}")];
        for line in wrap(&outcome, WIDTH - PAIR_WIDTH) {
            lines.push(format!("{:PAIR_WIDTH$}{line}", ""));
        }
        lines
    }

    fn paint(&self, color: &str, text: &str) -> String {
        match self.is_colored {
            true => format!("\u{1b}[{color}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    fn write(&self, lines: &[String]) {
        let mut stdout = std::io::stdout().lock();
        for line in lines {
            let _ = writeln!(stdout, "{line}");
        }
        let _ = stdout.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Transcript = Transcript { is_colored: false };

    #[test]
    fn a_call_stands_in_one_line_when_it_fits_80_columns() {
        let lines = PLAIN.call_lines(
            Actor::Hirer,
            Actor::Probity,
            "POST /api/v1/tenants/…/orders",
            "order 6931286400470354183",
        );
        let expected =
            "hirer → Probity     POST /api/v1/tenants/…/orders    order 6931286400470354183";
        assert_eq!(lines, [expected]);
        assert!(width(expected) <= WIDTH);
    }

    #[test]
    fn a_long_outcome_goes_below_its_call() {
        let event = "hire.eco_background_check.created_v1";
        let outcome = "诉讼记录".repeat(20);
        let lines = PLAIN.call_lines(Actor::Probity, Actor::Vendor, event, &outcome);
        assert_eq!(lines[0], format!("Probity → vendor    {event}"));
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line) <= WIDTH), "{lines:?}");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let colored = Transcript { is_colored: true };
        let call = |transcript: &Transcript| {
            transcript.call_lines(Actor::Vendor, Actor::Probity, "POST", "ok")
        };
        let (with, without) = (call(&colored).concat(), call(&PLAIN).concat());
        assert!(with.contains("\u{1b}[35mvendor\u{1b}[0m"), "{with:?}");
        let codes = ["\u{1b}[35m", "\u{1b}[34m", "\u{1b}[0m"];
        assert_eq!(codes.iter().fold(with, |text, code| text.replace(code, "")), without);
    }
}
