//! The reports that the scripted vendors serve: one page of text in fonts that every reader has, or has another for.
//! Source: ISO 32000-1, sections 7.5 (file structure), 9.4 (text) and 9.7.5.2 (the character map `UniGB-UCS2-H`).

use std::fmt::Write as _;

/// A PDF of one A4 page: a title and lines below it, in Latin letters or in Chinese.
pub(super) fn page(title: &str, lines: &[&str]) -> Vec<u8> {
    let mut text = format!("BT 72 760 Td {}\n0 -14 Td\n", show(title, "F1", 18));
    for line in lines {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "0 -18 Td {}", show(line, "F2", 11));
    }
    text.push_str("ET");
    let font = |name| {
        format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
    };
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R \
         /Resources << /Font << /F1 4 0 R /F2 5 0 R /F3 7 0 R >> >> >>"
            .to_owned(),
        font("Helvetica-Bold"),
        font("Helvetica"),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
        "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H \
         /DescendantFonts [8 0 R] >>"
            .to_owned(),
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 9 0 R \
         /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> >>"
            .to_owned(),
        "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /ItalicAngle 0 \
         /FontBBox [-25 -254 1000 880] /Ascent 880 /Descent -120 /CapHeight 737 /StemV 93 >>"
            .to_owned(),
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

/// Shows a text in the font if it has all of its letters, else in the Chinese one, by its UTF-16 numbers.
fn show(text: &str, font: &str, size: u8) -> String {
    if text.chars().all(|c| c.is_ascii() || is_latin(c)) {
        return format!("/{font} {size} Tf ({}) Tj", escape(text));
    }
    let mut numbers = String::new();
    for number in text.encode_utf16() {
        let _ = write!(numbers, "{number:04x}");
    }
    format!("/F3 {size} Tf <{numbers}> Tj")
}

/// Letters and signs whose number in WinAnsiEncoding is their own.
fn is_latin(c: char) -> bool {
    ('\u{a1}'..='\u{ff}').contains(&c)
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '(' | ')' | '\\' => escaped.extend(['\\', c]),
            ' '..='~' => escaped.push(c),
            _ if is_latin(c) => {
                let _ = write!(escaped, "\\{:03o}", u32::from(c));
            }
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
        let entries = table.strip_prefix("xref\n0 10\n0000000000 65535 f \n").unwrap();
        assert!(trailer.starts_with("<< /Size 10 /Root 1 0 R >>\n"), "{trailer}");
        assert_eq!(entries.len(), 9 * 20);
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
        assert!(stream.contains("/F2 11 Tf (Order 7) Tj"), "{stream}");
    }

    #[test]
    fn chinese_is_shown_by_its_numbers() {
        let file = page("背景调查", &["Order 7"]);
        let text = objects(&file)[5];
        assert!(text.contains("/F3 18 Tf <80cc666f8c0367e5> Tj"), "{text}");
        assert!(text.contains("/F2 11 Tf (Order 7) Tj"), "{text}");
    }

    #[test]
    fn text_cannot_leave_its_string() {
        assert_eq!(escape("a) Tj (b\\"), "a\\) Tj \\(b\\\\");
        assert_eq!(escape("无\n"), "??");
        assert_eq!(show("Jürgen Groß", "F2", 11), "/F2 11 Tf (J\\374rgen Gro\\337) Tj");
    }
}
