//! The one place that writes data to stdout, as text or as JSON, and words to stderr.

use std::io::Write as _;

use contract::control::Page;
use serde::Serialize;

use crate::shared_args::{Format, Global};
use crate::table::Table;

pub(crate) trait Show {
    fn show(&self, table: &mut Table);
}

pub(crate) trait Row {
    const COLUMNS: &'static str;

    fn cells(&self) -> Vec<String>;
}

impl<T: Row> Show for Page<T> {
    fn show(&self, table: &mut Table) {
        let rows: Vec<_> = self.items.iter().map(Row::cells).collect();
        table.list(T::COLUMNS, &rows);
    }
}

impl Global {
    pub(crate) fn print<T: Show + Serialize>(&self, answer: &T) -> anyhow::Result<()> {
        match self.output {
            Format::Json => print_json(answer),
            Format::Text => {
                let mut table = Table::default();
                answer.show(&mut table);
                print(&table.finish())
            }
        }
    }

    pub(crate) fn print_page<T: Row + Serialize>(&self, page: &Page<T>) -> anyhow::Result<()> {
        self.print(page)?;
        if let (Format::Text, Some(cursor)) = (self.output, &page.next_cursor) {
            print_note(&format!("there is more: --cursor {cursor}"));
        }
        Ok(())
    }
}

pub(crate) fn print_json(body: &impl Serialize) -> anyhow::Result<()> {
    print(&(serde_json::to_string_pretty(body)? + "\n"))
}

/// Writes words to stderr. That nobody takes them is no reason to fail.
pub(crate) fn print_note(words: &str) {
    let _ = writeln!(std::io::stderr(), "{}", crate::text::clean(words));
}

pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

pub(crate) fn short_time(rfc_3339: &str) -> String {
    match rfc_3339.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => rfc_3339.to_owned(),
    }
}

pub(crate) fn yes_no(choice: bool) -> &'static str {
    if choice { "yes" } else { "no" }
}

/// The name that a value has in JSON: the word for a state or kind.
pub(crate) fn wire_name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use contract::control::{DeliveryState, OrderState};

    use super::*;

    #[test]
    fn states_are_written_with_their_wire_words() {
        assert_eq!(wire_name(&OrderState::InReview), "in_review");
        assert_eq!(wire_name(&DeliveryState::Exhausted), "exhausted");
    }

    #[test]
    fn times_in_tables_end_with_the_second() {
        assert_eq!(short_time("2026-03-01T08:00:00.123Z"), "2026-03-01T08:00:00Z");
        assert_eq!(short_time("2026-03-01T08:00:00Z"), "2026-03-01T08:00:00Z");
    }
}
