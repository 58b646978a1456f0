//! PDFs made by hand: sound ones, and ones that are meant to trouble whoever parses them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A file under construction: objects with numbers of their own, and what ends it.
pub(crate) struct File {
    bytes: Vec<u8>,
    starts: Vec<(u32, usize)>,
}

impl File {
    pub(crate) fn new() -> File {
        File { bytes: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), starts: Vec::new() }
    }

    /// A catalog as object 1 with more in it, a tree of one page as 2 and 3, whose drawing is object 4.
    pub(crate) fn sound(catalog: &str) -> File {
        File::new()
            .object(1, format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"))
            .object(2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
            .object(3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>")
    }

    pub(crate) fn object(mut self, number: u32, content: impl AsRef<[u8]>) -> File {
        self.starts.push((number, self.bytes.len()));
        self.bytes.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        self.bytes.extend_from_slice(content.as_ref());
        self.bytes.extend_from_slice(b"\nendobj\n");
        self
    }

    /// An object with data; `entries` stand in its dictionary.
    pub(crate) fn stream(self, number: u32, entries: &str, data: &[u8]) -> File {
        let head = format!("<< {entries} /Length {} >>\nstream\n", data.len());
        self.object(number, [head.as_bytes(), data, b"\nendstream"].concat())
    }

    /// Bytes that belong to no object.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> File {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Where the next byte stands.
    pub(crate) fn place(&self) -> usize {
        self.bytes.len()
    }

    /// The rows of a table in a stream, with fields of 1, 4 and 2 bytes, for numbers from 0 on: the objects so far,
    /// and those that lie in streams of objects, each with its stream. The table's own object comes last.
    pub(crate) fn rows(&self, packed: &[(u32, u32)]) -> Vec<u8> {
        let last = self.starts.iter().map(|(number, _)| *number).max().unwrap_or(0);
        let last = packed.iter().map(|(number, _)| *number).max().unwrap_or(0).max(last);
        let mut rows = Vec::new();
        for number in 0..=last + 1 {
            let start =
                self.starts.iter().find(|(found, _)| *found == number).map(|(_, start)| *start);
            let start = start.or((number == last + 1).then_some(self.bytes.len()));
            let within =
                packed.iter().find(|(found, _)| *found == number).map(|(_, stream)| *stream);
            let (kind, field) = match (start, within) {
                (Some(start), _) => (1, u32::try_from(start).unwrap()),
                (None, Some(stream)) => (2, stream),
                (None, None) => (0, 0),
            };
            rows.push(kind);
            rows.extend(field.to_be_bytes());
            rows.extend([0, 0]);
        }
        rows
    }

    /// The whole file with its table.
    pub(crate) fn end(self) -> Vec<u8> {
        self.end_with("")
    }

    /// The same with more in the trailer.
    pub(crate) fn end_with(mut self, trailer: &str) -> Vec<u8> {
        let table = self.bytes.len();
        self.bytes.extend_from_slice(b"xref\n0 1\n0000000000 65535 f \n");
        for (number, start) in &self.starts {
            let entry = format!("{number} 1\n{start:010} 00000 n \n");
            self.bytes.extend_from_slice(entry.as_bytes());
        }
        let size = self.starts.iter().map(|(number, _)| number + 1).max().unwrap_or(1);
        self.end_at(table, &format!("trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\n"))
    }

    /// The whole file with a table that stands already at `table`, and this before the end.
    pub(crate) fn end_at(mut self, table: usize, before: &str) -> Vec<u8> {
        self.bytes.extend_from_slice(before.as_bytes());
        self.bytes.extend_from_slice(format!("startxref\n{table}\n%%EOF\n").as_bytes());
        self.bytes
    }
}

/// Compressed as `FlateDecode` takes it.
pub(crate) fn flate(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// So many mebibytes of nothing, compressed.
pub(crate) fn flate_of_zeros(mebibytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..mebibytes {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

/// Content between so many opening and closing words.
pub(crate) fn nested(open: &str, close: &str, depth: usize) -> Vec<u8> {
    [open.repeat(depth).into_bytes(), close.repeat(depth).into_bytes()].concat()
}

/// What a person would get: small, and larger with many pages.
pub(crate) fn sound_files() -> Vec<(&'static str, Vec<u8>)> {
    let drawing = b"BT /F1 12 Tf 72 760 Td (x) Tj ET";
    let mut many = File::new()
        .object(1, "<< /Type /Catalog /Pages 2 0 R /OpenAction [3 0 R /Fit] >>")
        .object(2, {
            let kids: String = (0..300).map(|page| format!("{} 0 R ", 3 + 2 * page)).collect();
            format!("<< /Type /Pages /Kids [{kids}] /Count 300 >>")
        });
    for page in 0..300 {
        let (number, contents) = (3 + 2 * page, 4 + 2 * page);
        many = many
            .object(number, format!("<< /Type /Page /Parent 2 0 R /Contents {contents} 0 R >>"))
            .stream(contents, "/Filter /FlateDecode", &flate(&drawing.repeat(100)));
    }
    // As newer programs write: objects in a stream, the table in another.
    let members = "1 0 2 34 3 78 << /Type /Catalog /Pages 2 0 R >>  << /Type /Pages /Kids [3 0 R] /Count 1 >>   \
        << /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>";
    let first = members.find("<<").unwrap();
    let packed = File::new();
    let objects = packed.place();
    let entries = format!("/Type /ObjStm /N 3 /First {first} /Filter /FlateDecode");
    let packed = packed.stream(4, &entries, &flate(members.as_bytes()));
    let table = packed.place();
    let mut rows = vec![0, 0, 0, 0];
    for index in 0..3 {
        rows.extend([2, 0, 4, index]);
    }
    for start in [objects, table] {
        let start = u16::try_from(start).unwrap().to_be_bytes();
        rows.extend([1, start[0], start[1], 0]);
    }
    let entries = "/Type /XRef /Size 6 /W [1 2 1] /Root 1 0 R /Filter /FlateDecode";
    let packed = packed.stream(5, entries, &flate(&rows)).end_at(table, "");
    vec![
        ("one page", File::sound("").stream(4, "", drawing).end()),
        ("many pages", many.end()),
        ("packed objects", packed),
        ("large picture", {
            let pixels: Vec<u8> =
                (0..8_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let drawn = File::sound("").stream(4, "", b"/X Do");
            drawn.stream(5, "/Type /XObject /Subtype /Image /Filter /DCTDecode", &pixels).end()
        }),
    ]
}
