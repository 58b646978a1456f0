//! Marks of other formats: by these a file shows that it is, or is taken for, something else than a PDF as well.
//!
//! None counts within strings and the data of streams, where a viewer sees text and attachments. Of the four kinds, a
//! `Found` mark is looked for by the programs that read its format wherever it stands, and a `Tag`, which is HTML's, by
//! browsers: in any case, and its name must end there. Both count in comments too. A `Plain` mark counts in the
//! structure alone; a `Line` mark is short or a plain word, and counts at the beginning of a line of it.

use super::syntax::Region;

/// Where a mark counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Found,
    Plain,
    Line,
    Tag,
}

struct Mark {
    bytes: &'static [u8],
    kind: Kind,
    format: &'static str,
}

const fn mark(kind: Kind, format: &'static str, bytes: &'static [u8]) -> Mark {
    Mark { bytes, kind, format }
}

use Kind::{Found, Line, Plain, Tag};

/// Sources: the formats' own descriptions, and the table of sniffed types of the WHATWG's MIME standard.
const MARKS: &[Mark] = &[
    mark(Found, "a ZIP archive", b"PK\x03\x04"),
    mark(Found, "a ZIP archive", b"PK\x05\x06"),
    mark(Found, "a ZIP archive", b"PK\x07\x08"),
    mark(Found, "a RAR archive", b"Rar!\x1a\x07"),
    mark(Found, "a 7z archive", b"7z\xbc\xaf\x27\x1c"),
    mark(Found, "a cabinet", b"MSCF\0\0\0\0"),
    mark(Found, "an xz archive", b"\xfd7zXZ\0"),
    mark(Found, "a compound document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    mark(Found, "a database", b"SQLite format 3\0"),
    mark(Found, "a PHP script", b"<?php"),
    mark(Tag, "an HTML page", b"<!doctype html"),
    mark(Tag, "an HTML page", b"<html"),
    mark(Tag, "an HTML page", b"<head"),
    mark(Tag, "an HTML page", b"<body"),
    mark(Tag, "an HTML page", b"<script"),
    mark(Tag, "an HTML page", b"<iframe"),
    mark(Tag, "an HTML page", b"<object"),
    mark(Tag, "an SVG image", b"<svg"),
    mark(Plain, "a JPEG image", b"\xff\xd8\xff"),
    mark(Plain, "a PNG image", b"\x89PNG\r\n\x1a\n"),
    mark(Plain, "a GIF image", b"GIF87a"),
    mark(Plain, "a GIF image", b"GIF89a"),
    mark(Plain, "a TIFF image", b"II*\0"),
    mark(Plain, "a TIFF image", b"MM\0*"),
    mark(Plain, "an ELF program", b"\x7fELF"),
    mark(Plain, "a Windows program", b"MZ\x90\0"),
    mark(Plain, "a Windows program", b"This program cannot be run in DOS mode"),
    mark(Plain, "a Java class", b"\xca\xfe\xba\xbe"),
    mark(Plain, "a macOS program", b"\xcf\xfa\xed\xfe"),
    mark(Plain, "a macOS program", b"\xce\xfa\xed\xfe"),
    mark(Plain, "a WebAssembly module", b"\0asm"),
    mark(Plain, "an Android program", b"dex\n035"),
    mark(Plain, "a gzip archive", b"\x1f\x8b\x08"),
    mark(Plain, "a bzip2 archive", b"BZh91AY&SY"),
    mark(Plain, "a Zstandard archive", b"\x28\xb5\x2f\xfd"),
    mark(Plain, "a Windows shortcut", b"L\0\0\0\x01\x14\x02\0"),
    mark(Plain, "a help file", b"ITSF\x03\0\0\0"),
    mark(Plain, "a RIFF container", b"RIFF"),
    mark(Plain, "an Ogg container", b"OggS\0"),
    mark(Plain, "a FLAC recording", b"fLaC"),
    mark(Plain, "an MP4 container", b"ftypisom"),
    mark(Plain, "a Flash film", b"CWS\x0a"),
    mark(Line, "a Windows program", b"MZ"),
    mark(Line, "a script", b"#!"),
    mark(Line, "a PostScript program", b"%!PS"),
    mark(Line, "an RTF document", b"{\\rtf"),
    mark(Line, "a web archive", b"MIME-Version:"),
    mark(Line, "an e-mail", b"Content-Type:"),
    mark(Line, "a batch file", b"@echo off"),
    mark(Line, "an MP3 recording", b"ID3\x03"),
];

/// Marks that stand at one place of a file: offset, mark, format.
pub(super) const AT: &[(u64, &[u8], &str)] = &[
    (128, b"DICM", "a DICOM image"),
    (257, b"ustar", "a tar archive"),
    (32_769, b"CD001", "a disc image"),
];

/// The format, with its article, of a mark in these bytes, which begin a line and lie in these regions; none when
/// there is none.
pub(super) fn find(bytes: &[u8], regions: &[Region]) -> Option<&'static str> {
    let mut is_line_start = true;
    for (at, region) in regions.iter().enumerate().take(bytes.len()) {
        let rest = &bytes[at..];
        let is_structure = *region == Region::Structure;
        let is_seen = is_structure || *region == Region::Comment;
        let found = MARKS.iter().filter(|_| is_seen).find(|mark| match mark.kind {
            Found => rest.starts_with(mark.bytes),
            Plain => is_structure && rest.starts_with(mark.bytes),
            Line => is_structure && is_line_start && rest.starts_with(mark.bytes),
            Tag => is_tag(rest, mark.bytes),
        });
        if let Some(mark) = found {
            return Some(mark.format);
        }
        is_line_start = matches!(bytes[at], b'\n' | b'\r');
    }
    None
}

fn is_tag(rest: &[u8], name: &[u8]) -> bool {
    rest.first() == Some(&b'<')
        && rest.len() > name.len()
        && rest[..name.len()].eq_ignore_ascii_case(name)
        && matches!(rest[name.len()], b' ' | b'\t' | b'\r' | b'\n' | b'\x0c' | b'>' | b'/')
}

/// Whether these bytes, which begin with the mark of a ZIP archive's end, are that end, by which its readers find the
/// pause: numbers that fit a file of `size_bytes`. Archives may have a PDF before them, or a comment behind.
pub(super) fn is_zip_end(end: &[u8], size_bytes: u64) -> bool {
    let number =
        |bytes: &[u8]| bytes.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let Some(end) = end.get(..22) else { return false };
    let (entries, bytes) = (number(&end[10..12]), number(&end[12..16]));
    // An entry of the directory has at least 46 bytes; zip64 writes all ones.
    number(&end[4..6]) == number(&end[6..8])
        && bytes >= entries * 46
        && (bytes <= size_bytes || bytes == 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::super::syntax::Syntax;
    use super::*;

    fn find_in(bytes: &[u8]) -> Option<&'static str> {
        find(bytes, &Syntax::regions(bytes))
    }

    #[test]
    fn marks_count_where_a_viewer_sees_neither_text_nor_data() {
        for (mark, format) in [
            (&b"\xff\xd8\xff\xe0"[..], "a JPEG image"),
            (b"PK\x03\x04", "a ZIP archive"),
            (b"<ScRipt>", "an HTML page"),
            (b"MZ\x90\0", "a Windows program"),
        ] {
            let stream = [b"1 0 obj << >>\nstream\n", mark, b"\nendstream endobj\n"].concat();
            let text = [b"1 0 obj << /Title (", mark, b") >> endobj\n"].concat();
            for inside in [&stream, &text] {
                assert_eq!(find_in(inside), None, "{format}");
                assert_eq!(find_in(&[&inside[..], mark].concat()), Some(format));
            }
            assert_eq!(find_in(mark), Some(format));
        }
        assert_eq!(find_in(b"%<script>"), Some("an HTML page"));
        assert_eq!(find_in(b"% RIFF, MZ\x90\0"), None);
    }

    #[test]
    fn words_that_only_look_alike_are_no_marks() {
        for text in
            ["(MZ)", "12 #!", "<htmlish>", "<scripts>", "PK", "stream", "<head", "%!", "x\tID3\x03"]
        {
            assert_eq!(find_in(text.as_bytes()), None, "{text}");
        }
    }
}
