//! The report that the scripted vendor serves: one page of ASCII text in a font that every reader has.
//! Source: ISO 32000-1, sections 7.5 (file structure) and 9.4 (text).

use std::fmt::Write as _;

/// A PDF of one A4 page: a title and lines below it. Characters outside ASCII become `?`.
pub(super) fn page(title: &str, lines: &[&str]) -> Vec<u8> {
    let mut text = format!("BT /F1 18 Tf 72 760 Td ({}) Tj\n/F2 11 Tf 0 -14 Td\n", escape(title));
    for line in lines {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "0 -18 Td ({}) Tj", escape(line));
    }
    text.push_str("ET");
    let font = |name| format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} >>");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R \
         /Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> >>"
            .to_owned(),
        font("Helvetica-Bold"),
        font("Helvetica"),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
    ];
    write_file(&objects)
}

/// Objects, numbered from 1, with the table of their offsets. The first is the catalog.
fn write_file(objects: &[String]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.4\n");
    let mut starts = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        starts.push(file.len());
        let _ = writeln!(file, "{} 0 obj\n{object}\nendobj", index + 1);
    }
    let table = file.len();
    let size = objects.len() + 1;
    // Each entry has 20 bytes, the blank before the line's end among them.
    let _ = write!(file, "xref\n0 {size}\n0000000000 65535 f \n");
    for start in starts {
        let _ = writeln!(file, "{start:010} 00000 n ");
    }
    let _ = write!(file, "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    file.into_bytes()
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '(' | ')' | '\\' => escaped.extend(['\\', c]),
            ' '..='~' => escaped.push(c),
            _ => escaped.push('?'),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file as a PDF reader does: from its end to the table, from there to every object.
    fn objects(file: &[u8]) -> Vec<&str> {
        let file = std::str::from_utf8(file).unwrap();
        assert!(file.starts_with("%PDF-1.4\n") && file.ends_with("\n%%EOF\n"), "{file}");
        let (_, end) = file.rsplit_once("startxref\n").unwrap();
        let table: usize = end.lines().next().unwrap().parse().unwrap();
        let (table, trailer) = file[table..].split_once("trailer\n").unwrap();
        let entries = table.strip_prefix("xref\n0 7\n0000000000 65535 f \n").unwrap();
        assert!(trailer.starts_with("<< /Size 7 /Root 1 0 R >>\n"), "{trailer}");
        assert_eq!(entries.len(), 6 * 20);
        let entries = entries.as_bytes().chunks(20).enumerate();
        let object = |(index, entry): (usize, &[u8])| {
            let entry = std::str::from_utf8(entry).unwrap();
            assert_eq!(&entry[10..], " 00000 n \n");
            let start: usize = entry[..10].parse().unwrap();
            let head = format!("{} 0 obj\n", index + 1);
            let object = file[start..].strip_prefix(&head).expect("an object where the table says");
            object.split_once("\nendobj\n").unwrap().0
        };
        entries.map(object).collect()
    }

    #[test]
    fn every_object_lies_where_the_table_says() {
        let file = page("Background check", &["Order 7", "Result (final): no difference"]);
        let objects = objects(&file);
        assert_eq!(objects[0], "<< /Type /Catalog /Pages 2 0 R >>");
        assert!(objects[2].contains("/Contents 6 0 R"), "{}", objects[2]);
    }

    #[test]
    fn the_streams_length_is_what_it_says() {
        let file = page("Background check", &["Order 7"]);
        let (head, stream) = objects(&file)[5].split_once("\nstream\n").unwrap();
        let stream = stream.strip_suffix("\nendstream").unwrap();
        assert_eq!(head, format!("<< /Length {} >>", stream.len()));
        assert!(stream.contains("(Order 7) Tj"), "{stream}");
    }

    #[test]
    fn text_cannot_leave_its_string() {
        assert_eq!(escape("a) Tj (b\\"), "a\\) Tj \\(b\\\\");
        assert_eq!(escape("无\n"), "??");
    }
}
