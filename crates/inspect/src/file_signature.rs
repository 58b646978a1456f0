//! Signatures of other formats: by these a file shows that it is, or is taken for, something else than a PDF as well.
//!
//! None counts within strings and stream data. A `Found` signature counts wherever it stands, a `Tag` (HTML) in any case
//! where its name ends there; both in comments too. A `Plain` one counts in the structure alone, a `Line` one at the
//! beginning of a line of it.

use super::syntax::Region;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Found,
    Plain,
    Line,
    Tag,
}

struct Signature {
    bytes: &'static [u8],
    kind: Kind,
    format: &'static str,
}

const fn signature(kind: Kind, format: &'static str, bytes: &'static [u8]) -> Signature {
    Signature { bytes, kind, format }
}

use Kind::{Found, Line, Plain, Tag};

/// Sources: the formats' own descriptions, and the table of sniffed types of the WHATWG's MIME standard.
const SIGNATURES: &[Signature] = &[
    signature(Found, "a ZIP archive", b"PK\x03\x04"),
    signature(Found, "a ZIP archive", b"PK\x05\x06"),
    signature(Found, "a ZIP archive", b"PK\x07\x08"),
    signature(Found, "a RAR archive", b"Rar!\x1a\x07"),
    signature(Found, "a 7z archive", b"7z\xbc\xaf\x27\x1c"),
    signature(Found, "a cabinet", b"MSCF\0\0\0\0"),
    signature(Found, "an xz archive", b"\xfd7zXZ\0"),
    signature(Found, "a compound document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    signature(Found, "a database", b"SQLite format 3\0"),
    signature(Found, "a PHP script", b"<?php"),
    signature(Tag, "an HTML page", b"<!doctype html"),
    signature(Tag, "an HTML page", b"<html"),
    signature(Tag, "an HTML page", b"<head"),
    signature(Tag, "an HTML page", b"<body"),
    signature(Tag, "an HTML page", b"<script"),
    signature(Tag, "an HTML page", b"<iframe"),
    signature(Tag, "an HTML page", b"<object"),
    signature(Tag, "an SVG image", b"<svg"),
    signature(Plain, "a JPEG image", b"\xff\xd8\xff"),
    signature(Plain, "a PNG image", b"\x89PNG\r\n\x1a\n"),
    signature(Plain, "a GIF image", b"GIF87a"),
    signature(Plain, "a GIF image", b"GIF89a"),
    signature(Plain, "a TIFF image", b"II*\0"),
    signature(Plain, "a TIFF image", b"MM\0*"),
    signature(Plain, "an ELF program", b"\x7fELF"),
    signature(Plain, "a Windows program", b"MZ\x90\0"),
    signature(Plain, "a Windows program", b"This program cannot be run in DOS mode"),
    signature(Plain, "a Java class", b"\xca\xfe\xba\xbe"),
    signature(Plain, "a macOS program", b"\xcf\xfa\xed\xfe"),
    signature(Plain, "a macOS program", b"\xce\xfa\xed\xfe"),
    signature(Plain, "a WebAssembly module", b"\0asm"),
    signature(Plain, "an Android program", b"dex\n035"),
    signature(Plain, "a gzip archive", b"\x1f\x8b\x08"),
    signature(Plain, "a bzip2 archive", b"BZh91AY&SY"),
    signature(Plain, "a Zstandard archive", b"\x28\xb5\x2f\xfd"),
    signature(Plain, "a Windows shortcut", b"L\0\0\0\x01\x14\x02\0"),
    signature(Plain, "a help file", b"ITSF\x03\0\0\0"),
    signature(Plain, "a RIFF container", b"RIFF"),
    signature(Plain, "an Ogg container", b"OggS\0"),
    signature(Plain, "a FLAC recording", b"fLaC"),
    signature(Plain, "an MP4 container", b"ftypisom"),
    signature(Plain, "a Flash film", b"CWS\x0a"),
    signature(Line, "a Windows program", b"MZ"),
    signature(Line, "a script", b"#!"),
    signature(Line, "a PostScript program", b"%!PS"),
    signature(Line, "an RTF document", b"{\\rtf"),
    signature(Line, "a web archive", b"MIME-Version:"),
    signature(Line, "an e-mail", b"Content-Type:"),
    signature(Line, "a batch file", b"@echo off"),
    signature(Line, "an MP3 recording", b"ID3\x03"),
];

/// Signatures that stand at one place of a file: offset, signature, format.
pub(super) const AT: &[(u64, &[u8], &str)] = &[
    (128, b"DICM", "a DICOM image"),
    (257, b"ustar", "a tar archive"),
    (32_769, b"CD001", "a disc image"),
];

/// The format, with its article, of a signature in these bytes, which begin a line and lie in these regions.
pub(super) fn find(bytes: &[u8], regions: &[Region]) -> Option<&'static str> {
    let mut is_line_start = true;
    for (at, region) in regions.iter().enumerate().take(bytes.len()) {
        let rest = &bytes[at..];
        let is_structure = *region == Region::Structure;
        let is_seen = is_structure || *region == Region::Comment;
        let found = SIGNATURES.iter().filter(|_| is_seen).find(|signature| match signature.kind {
            Found => rest.starts_with(signature.bytes),
            Plain => is_structure && rest.starts_with(signature.bytes),
            Line => is_structure && is_line_start && rest.starts_with(signature.bytes),
            Tag => is_tag(rest, signature.bytes),
        });
        if let Some(signature) = found {
            return Some(signature.format);
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

/// Whether these bytes are a ZIP end record by which readers find the archive: numbers that fit a file of `size_bytes`.
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
        for (signature, format) in [
            (&b"\xff\xd8\xff\xe0"[..], "a JPEG image"),
            (b"PK\x03\x04", "a ZIP archive"),
            (b"<ScRipt>", "an HTML page"),
            (b"MZ\x90\0", "a Windows program"),
        ] {
            let stream = [b"1 0 obj << >>\nstream\n", signature, b"\nendstream endobj\n"].concat();
            let text = [b"1 0 obj << /Title (", signature, b") >> endobj\n"].concat();
            for inside in [&stream, &text] {
                assert_eq!(find_in(inside), None, "{format}");
                assert_eq!(find_in(&[&inside[..], signature].concat()), Some(format));
            }
            assert_eq!(find_in(signature), Some(format));
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
