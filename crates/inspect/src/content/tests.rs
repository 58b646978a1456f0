//! What is a PDF, what is something else as well, and that it does not matter how the bytes are cut.

use proptest::prelude::*;

use super::*;

fn check(pieces: &[&[u8]]) -> Result<Vec<Finding>, ContentError> {
    let mut check = Check::default();
    for piece in pieces {
        check.take(piece)?;
    }
    check.finish().map(|found| found.iter().collect())
}

/// The same verdict in one piece and in small ones.
fn check_cut(bytes: &[u8]) -> Result<Vec<Finding>, ContentError> {
    let whole = check(&[bytes]);
    for size in [1, 7, 4_096, 65_536] {
        let pieces: Vec<_> = bytes.chunks(size).collect();
        assert_eq!(check(&pieces), whole, "in pieces of {size}");
    }
    whole
}

fn pdf(content: &str) -> Vec<u8> {
    format!("%PDF-1.7\n1 0 obj\n<< {content} >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n")
        .into_bytes()
}

fn early(bytes: &[u8]) -> Vec<u8> {
    [b"%PDF-1.7\n", bytes, b"\n1 0 obj\n<< >>\nendobj\n%%EOF\n"].concat()
}

fn late(bytes: &[u8]) -> Vec<u8> {
    [&pdf("")[..], bytes].concat()
}

/// A ZIP archive without entries and with a comment.
fn zip_end(comment: &[u8]) -> Vec<u8> {
    let length = u16::try_from(comment.len()).unwrap().to_le_bytes();
    [b"PK\x05\x06", &[0; 16][..], &length, comment].concat()
}

#[test]
fn a_pdf_has_its_beginning_and_its_end() {
    let padded = |count| [b"%PDF-1.4 %%EOF".as_slice(), &vec![b'\n'; count]].concat();
    for (bytes, expected) in [
        (pdf("/Type /Catalog"), Ok(vec![])),
        (padded(1_024 - END.len()), Ok(vec![])),
        (padded(200_000), Ok(vec![])),
        ([b"%PDF-1.4 %%EOF", &[0; 4_096][..]].concat(), Ok(vec![])),
        ([b"%PDF-1.4 %%EOF", &[0; 70_000][..], b"x"].concat(), Err(ContentError::NotWhole)),
        ([b"%PDF-1.4 %%EOF", &[b'x'; 1_024][..]].concat(), Err(ContentError::NotWhole)),
        (b"%PDF-1.4 %%EO".to_vec(), Err(ContentError::NotWhole)),
        (b"%PDF".to_vec(), Err(ContentError::NotPdf)),
        (b"%PDF-1.".to_vec(), Err(ContentError::Version)),
        (b"".to_vec(), Err(ContentError::Empty)),
        (b"<html>%PDF- %%EOF</html>".to_vec(), Err(ContentError::NotPdf)),
        (b"\n%PDF-1.4 %%EOF".to_vec(), Ok(vec![])),
        (b"    %PDF-1.4 %%EOF".to_vec(), Ok(vec![])),
        (b"\xef\xbb\xbf%PDF-1.4 %%EOF".to_vec(), Ok(vec![])),
        (b"\xef\xbb\xbf\r\n%PDF-1.4 %%EOF".to_vec(), Ok(vec![])),
        (b"\xef\xbb%PDF-1.4 %%EOF".to_vec(), Err(ContentError::NotPdf)),
        (b"\xef\xbb\xbf".to_vec(), Err(ContentError::NotPdf)),
        (b"   ".to_vec(), Err(ContentError::NotPdf)),
        ([&[b' '; 1_023][..], b"%PDF-1.4 %%EOF"].concat(), Ok(vec![])),
        ([&[b' '; 1_024][..], b"%PDF-1.4 %%EOF"].concat(), Err(ContentError::NotPdf)),
        (b"PK\x03\x04".to_vec(), Err(ContentError::NotPdf)),
        (b"%PDF-2.0\n%%EOF\r\n\x1a".to_vec(), Ok(vec![])),
        (b"%PDF-1.4\n%%EOF what else".to_vec(), Ok(vec![Finding::OddStructure])),
        (pdf("/Encrypt 5 0 R /JS (x)"), Ok(vec![Finding::Encrypted, Finding::Script])),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
        assert_eq!(check_cut(&bytes), expected, "{shown}");
    }
}

#[test]
fn only_versions_that_there_are_are_taken() {
    for version in ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "2.0"] {
        assert_eq!(check_cut(format!("%PDF-{version}\n%%EOF").as_bytes()), Ok(vec![]), "{version}");
    }
    for version in ["1.8", "1.9", "2.1", "3.0", "0.9", "1,4", "1.10", "10.", "abc", "1. ", "   "] {
        let verdict = check_cut(format!("%PDF-{version}\n%%EOF").as_bytes());
        assert_eq!(verdict, Err(ContentError::Version), "{version}");
    }
}

/// Beginnings of files of other formats, as their programs find them.
const FOREIGN: &[(&str, &[u8])] = &[
    ("ZIP", b"PK\x03\x04\x14\0\0\0\x08\0"),
    ("ZIP, spanned", b"PK\x07\x08PK\x03\x04"),
    ("RAR 4", b"Rar!\x1a\x07\0"),
    ("RAR 5", b"Rar!\x1a\x07\x01\0"),
    ("7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
    ("cabinet", b"MSCF\0\0\0\0\x2c"),
    ("xz", b"\xfd7zXZ\0"),
    ("Office 97", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("SQLite", b"SQLite format 3\0"),
    ("PHP", b"<?php system($_GET[0]); ?>"),
    ("HTML 5", b"<!DOCTYPE html><title>x</title>"),
    ("HTML", b"<HTML><body onload=alert(1)>"),
    ("HTML script", b"<script src=//x.example></script>"),
    ("HTML frame", b"<iframe src=x />"),
    ("SVG", b"<svg onload=alert(1)>"),
    ("JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    ("JPEG, Exif", b"\xff\xd8\xff\xe1"),
    ("PNG", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"),
    ("GIF 87", b"GIF87a"),
    ("GIF 89", b"GIF89a\x01\0\x01\0"),
    ("TIFF, little", b"II*\0\x08"),
    ("TIFF, big", b"MM\0*\0"),
    ("ELF", b"\x7fELF\x02\x01\x01"),
    ("PE", b"MZ\x90\0\x03\0\0\0"),
    ("DOS", b"MZ\x01\x02"),
    ("Java class", b"\xca\xfe\xba\xbe\0\0\0\x34"),
    ("Mach-O", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
    ("WebAssembly", b"\0asm\x01\0\0\0"),
    ("Dalvik", b"dex\n035\0"),
    ("gzip", b"\x1f\x8b\x08\0\0\0\0\0"),
    ("bzip2", b"BZh91AY&SY"),
    ("Zstandard", b"\x28\xb5\x2f\xfd\x04"),
    ("shortcut", b"L\0\0\0\x01\x14\x02\0"),
    ("help", b"ITSF\x03\0\0\0"),
    ("RIFF", b"RIFF\x10\0\0\0WEBP"),
    ("Ogg", b"OggS\0\x02"),
    ("FLAC", b"fLaC\0\0\0\x22"),
    ("MP3", b"ID3\x03\0\0"),
    ("shell script", b"#!/bin/sh\nrm x\n"),
    ("PostScript", b"%!PS-Adobe-3.0\n"),
    ("RTF", b"{\\rtf1\\ansi"),
    ("MHTML", b"MIME-Version: 1.0\r\n"),
    ("batch file", b"@echo off\r\n"),
];

#[test]
fn files_of_two_formats_are_refused() {
    let mut refused = 0;
    let mut expect = |name: &str, bytes: Vec<u8>| {
        let verdict = check_cut(&bytes);
        assert!(matches!(verdict, Err(ContentError::AlsoElse(_))), "{name}: {verdict:?}");
        refused += 1;
    };
    for (name, bytes) in FOREIGN {
        expect(name, early(bytes));
        expect(name, late(bytes));
        // At the last place where it counts.
        let mut comment = vec![b'%'; 4_096 - 9 - 1 - bytes.len()];
        comment.push(b'\n');
        expect(name, early(&[&comment, *bytes].concat()));
    }
    let at = |at: usize, mark: &[u8]| {
        let mut bytes = pdf("");
        let end = bytes.split_off(bytes.len() - 6);
        bytes.resize(at, b'\n');
        [&bytes[..], mark, b"\n", &end].concat()
    };
    expect("tar", at(257, b"ustar\x0000"));
    expect("DICOM", at(128, b"DICM"));
    expect("ISO 9660", at(32_769, b"CD001"));
    // An archive before the end, which its comment hides.
    expect("ZIP with a comment", [&pdf("")[..], &zip_end(b"\n%%EOF\n")].concat());
    let comment = [vec![b' '; 60_000], b"\n%%EOF\n".to_vec()].concat();
    expect("ZIP with a long comment", [vec![b' '; 0], pdf(""), zip_end(&comment)].concat());
    assert!(refused >= 30 * 3, "{refused}");
    println!("{refused} files of two formats refused");
}

#[test]
fn what_pdfs_usually_hold_is_taken() {
    let image = [
        b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Subtype /Image /Filter /DCTDecode /Length 9 >>\nstream\n"
            .as_slice(),
        b"\xff\xd8\xff\xe0\0\x10JFIF\0 MZ GIF89a",
        b"\nendstream\nendobj\n",
        b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'/>\n",
        b"startxref\n0\n%%EOF\n",
    ]
    .concat();
    assert_eq!(check_cut(&image), Ok(vec![]));
    // Far from the beginning signatures stand at random, in pictures, and in attached archives.
    let far = [
        b"%PDF-1.7\n".as_slice(),
        &[b'\n'; 5_000],
        b"PK\x03\x04 <html> #!\n",
        &[b'\n'; 70_000],
        b"%%EOF",
    ]
    .concat();
    assert_eq!(check_cut(&far), Ok(vec![]));
}

#[test]
fn memory_stays_small_while_much_streams_through() {
    let mut check = Check::default();
    check.take(b"%PDF-1.7\n").unwrap();
    let piece = b"/Name ".repeat(20_000);
    for _ in 0..50 {
        check.take(&piece).unwrap();
        assert!(check.tail.len() <= 2 * TAIL_BYTES && check.head.len() <= HEAD_BYTES);
    }
    for _ in 0..100_000 {
        check.take(b"/Name ").unwrap();
        assert!(check.tail.capacity() <= 4 * TAIL_BYTES);
    }
    check.take(END).unwrap();
    assert_eq!(check.finish(), Ok(Findings::NONE));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the bytes, the verdict does not depend on the cuts, and nothing panics.
    #[test]
    fn the_verdict_does_not_depend_on_the_cuts(
        parts in proptest::collection::vec(part(), 0..40),
        cuts in proptest::collection::vec(1..3_000usize, 1..20),
        is_pdf in proptest::bool::weighted(0.8),
    ) {
        let mut bytes = if is_pdf { b"%PDF-1.6\n".to_vec() } else { Vec::new() };
        bytes.extend(parts.concat());
        let whole = check(&[&bytes]);
        let mut rest = &bytes[..];
        let mut pieces = Vec::new();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(check(&pieces), whole);
    }
}

/// Bytes that mean something to the check, and some that do not.
fn part() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::sample::select(vec![
            b"%%EOF".to_vec(),
            b"/JS (x)".to_vec(),
            b"/#4aavaScript ".to_vec(),
            b"\nstream\n".to_vec(),
            b"endstream".to_vec(),
            b"\xff\xd8\xff".to_vec(),
            b"PK\x03\x04".to_vec(),
            b"\nMZ".to_vec(),
            b"<html>".to_vec(),
            vec![b'\n'; 1_500],
            vec![b' '; 4_000],
        ]),
    ]
}
