//! Text output: labelled lines and aligned tables of at most 100 columns.

use std::fmt::Write as _;

use crate::text::{cut, width, wrap};

pub(crate) const WIDTH: usize = 100;
const GAP: usize = 2;
/// Columns that a flexible column keeps, however tight it gets.
const FLEXIBLE_MIN: usize = 12;

struct Column {
    head: &'static str,
    flexible: bool,
}

/// Heads of columns with `|` between them; a column with `~` is cut when the line gets too long: free text.
fn columns(heads: &'static str) -> Vec<Column> {
    let column = |head: &'static str| match head.strip_prefix('~') {
        Some(head) => Column { head, flexible: true },
        None => Column { head, flexible: false },
    };
    heads.split('|').map(column).collect()
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    text: String,
    /// Labelled lines that wait until the widest label is known.
    fields: Vec<(&'static str, String)>,
}

impl Table {
    pub(crate) fn field(&mut self, label: &'static str, value: impl Into<String>) {
        self.fields.push((label, value.into()));
    }

    /// A labelled line with what is shown once: the answer to a repeat has none of it.
    pub(crate) fn once(&mut self, label: &'static str, value: &str) {
        let shown = if value.is_empty() { "shown once, with the first answer" } else { value };
        self.field(label, shown);
    }

    pub(crate) fn optional(&mut self, label: &'static str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.field(label, value);
        }
    }

    pub(crate) fn list(&mut self, columns: &'static str, rows: &[Vec<String>]) {
        self.flush();
        self.table(columns, rows, "");
    }

    /// A titled table below the labelled lines; nothing when it has no rows.
    pub(crate) fn section(&mut self, title: &str, columns: &'static str, rows: &[Vec<String>]) {
        self.flush();
        if rows.is_empty() {
            return;
        }
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.text, "\n{title}");
        self.table(columns, rows, "  ");
    }

    pub(crate) fn finish(mut self) -> String {
        self.flush();
        self.text
    }

    fn flush(&mut self) {
        let fields = std::mem::take(&mut self.fields);
        let label_width = fields.iter().map(|(label, _)| width(label)).max().unwrap_or(0);
        for (label, value) in fields {
            let mut head = label;
            for line in wrap(&value, WIDTH - label_width - GAP) {
                let padding = label_width - width(head) + GAP;
                let row = format!("{head}{:padding$}{line}", "");
                let _ = writeln!(self.text, "{}", row.trim_end());
                head = "";
            }
        }
    }

    fn table(&mut self, heads: &'static str, rows: &[Vec<String>], indent: &str) {
        let columns = columns(heads);
        let widths = widths(&columns, rows, WIDTH - indent.len());
        let heads = columns.iter().map(|column| column.head.to_owned()).collect();
        for row in std::iter::once(&heads).chain(rows) {
            let mut line = String::from(indent);
            for (cell, column_width) in row.iter().zip(&widths) {
                let cell = cut(cell, *column_width);
                let padding = column_width - width(&cell) + GAP;
                let _ = write!(line, "{cell}{:padding$}", "");
            }
            let _ = writeln!(self.text, "{}", line.trim_end());
        }
    }
}

/// The widths of the columns: when the line gets too long, the widest flexible one is cut first.
fn widths(columns: &[Column], rows: &[Vec<String>], available: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| width(column.head)).collect();
    for row in rows {
        for (column_width, cell) in widths.iter_mut().zip(row) {
            *column_width = (*column_width).max(width(&cut(cell, usize::MAX)));
        }
    }
    let gaps = GAP * columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > available {
        let widest = columns
            .iter()
            .zip(&mut widths)
            .filter(|(column, column_width)| column.flexible && **column_width > FLEXIBLE_MIN)
            .max_by_key(|(_, column_width)| **column_width);
        let Some((_, column_width)) = widest else { break };
        *column_width -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_align_although_characters_have_different_widths() {
        let mut table = Table::default();
        let rows = [row(&["7", "星河科技", "on"]), row(&["70000", "Galaxy", "off"])];
        table.list("ID|~NAME|REVIEW", &rows);
        let expected = "\
ID     NAME      REVIEW
7      星河科技  on
70000  Galaxy    off
";
        assert_eq!(table.finish(), expected);
    }

    #[test]
    fn lines_fit_100_columns_and_only_free_text_is_cut() {
        let mut table = Table::default();
        let id = "7".repeat(32);
        let rows = [row(&[&id, &"长".repeat(80), &"b".repeat(30)])];
        table.list("ID|~NAME|~NOTE", &rows);
        let text = table.finish();
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
        assert!(text.contains(&id) && text.contains('…'), "{text}");
    }

    #[test]
    fn labelled_lines_align_and_long_values_go_on_below() {
        let mut table = Table::default();
        table.field("order", "7");
        table.field("候选人", "张三");
        table.optional("ended", None::<String>);
        table.field("comment", "word ".repeat(25));
        table.section("empty", "A", &[]);
        table.section("reports", "ID|STATE", &[row(&["1", "stored"])]);
        let text = table.finish();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "order    7");
        assert_eq!(lines[1], "候选人   张三");
        assert!(lines[2].starts_with("comment  word") && lines[3].starts_with("         word"));
        assert_eq!(lines[4..], ["", "reports", "  ID  STATE", "  1   stored"]);
        assert!(lines.iter().all(|line| width(line) <= WIDTH), "{text}");
    }
}
