//! More of each kind of input: what viewers open and hosts send although it is sloppy, and what must still be refused.
//!
//! Long because: one table of kinds, each a few lines; apart they would only be harder to compare.

use std::io::Write as _;

use contract::control::ReportState::{self, Failed, Flagged, Stored};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// An answer of the report host, and how the report may end.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) answer: Vec<u8>,
    pub(crate) ends: Vec<ReportState>,
}

const STORED: &[ReportState] = &[Stored];
const FLAGGED: &[ReportState] = &[Flagged];
const READABLE: &[ReportState] = &[Stored, Flagged];
const FAILED: &[ReportState] = &[Failed];

/// A page of one line, and what is put where.
#[derive(Default)]
pub(crate) struct Page {
    before: Vec<u8>,
    second_line: Vec<u8>,
    first: Vec<Vec<u8>>,
    last: Vec<Vec<u8>>,
    catalog: Vec<u8>,
    trailer: Vec<u8>,
    between: Vec<u8>,
    behind: Vec<u8>,
}

impl Page {
    /// The file; its offsets count from the header. Further objects have the numbers 5 and on.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let drawing = b"BT 40 700 Td ET";
        let mut out = self.before.clone();
        let mut starts = Vec::new();
        let header = out.len();
        out.extend_from_slice(b"%PDF-1.5\n");
        out.extend_from_slice(&self.second_line);
        let usual = [
            [b"<</Type/Catalog/Pages 2 0 R", &self.catalog[..], b">>"].concat(),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>".to_vec(),
            stream(b"", b"stream\n", drawing),
        ];
        let number = |index: usize| u32::try_from(index).unwrap();
        let first = self.first.iter().enumerate().map(|(at, it)| (number(at + 5), it));
        let usual = usual.iter().enumerate().map(|(at, it)| (number(at + 1), it));
        let after = 5 + self.first.len();
        let last = self.last.iter().enumerate().map(|(at, it)| (number(at + after), it));
        for (number, content) in first.chain(usual).chain(last) {
            starts.push((number, out.len() - header));
            out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
            out.extend_from_slice(content);
            out.extend_from_slice(b"\nendobj\n");
        }
        out.extend_from_slice(&self.between);
        starts.sort_unstable();
        let (table, size) = (out.len() - header, starts.len() + 1);
        writeln!(out, "xref\n0 {size}\n0000000000 65535 f ").unwrap();
        for (_, start) in starts {
            writeln!(out, "{start:010} 00000 n ").unwrap();
        }
        write!(out, "trailer\n<</Size {size}/Root 1 0 R").unwrap();
        out.extend_from_slice(&self.trailer);
        writeln!(out, ">>\nstartxref\n{table}\n%%EOF").unwrap();
        out.extend_from_slice(&self.behind);
        out
    }
}

/// A stream: `entries` in its dictionary, `begin` from there to its data.
fn stream(entries: &[u8], begin: &[u8], data: &[u8]) -> Vec<u8> {
    let head = format!("/Length {}>>", data.len());
    [b"<<", entries, head.as_bytes(), begin, data, b"\nendstream"].concat()
}

/// A ZIP archive of one file that is not compressed, which lies behind `at` bytes of something else.
pub(crate) fn archive(name: &str, data: &[u8], at: usize) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    let (size, name_size) =
        (u32::try_from(data.len()).unwrap(), u16::try_from(name.len()).unwrap());
    let mut facts = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x58].to_vec();
    facts.extend(crc.sum().to_le_bytes());
    facts.extend(size.to_le_bytes());
    facts.extend(size.to_le_bytes());
    facts.extend(name_size.to_le_bytes());
    facts.extend([0, 0]);
    let local = [b"PK\x03\x04", &facts[..], name.as_bytes(), data].concat();
    let begin = u32::try_from(at).unwrap();
    let entry =
        [b"PK\x01\x02\x14\0", &facts[..], &[0; 10], &begin.to_le_bytes(), name.as_bytes()].concat();
    let directory = u32::try_from(at + local.len()).unwrap();
    let end = [
        b"PK\x05\x06\0\0\0\0\x01\0\x01\0",
        &u32::try_from(entry.len()).unwrap().to_le_bytes()[..],
        &directory.to_le_bytes(),
        &[0, 0],
    ]
    .concat();
    [local, entry, end].concat()
}

/// A whole answer with these lines in its head.
fn answer(status: &str, lines: &[&[u8]], body: &[u8]) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for line in lines {
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
    write!(out, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()).unwrap();
    out.extend_from_slice(body);
    out
}

/// A body with its usual head.
pub(crate) fn served(body: &[u8]) -> Vec<u8> {
    answer("200 OK", &[b"Content-Type: application/pdf"], body)
}

/// The variants of every kind; `host` is the report host's own authority.
pub(crate) fn variants(host: &str) -> Vec<Input> {
    let mut all = Vec::new();
    let mut add = |kind: &str, ends: &[ReportState], answers: Vec<Vec<u8>>| {
        assert!(answers.len() >= 10, "{kind}: {}", answers.len());
        for (number, answer) in answers.into_iter().enumerate() {
            let name = format!("{kind}-{number}");
            all.push(Input { name, answer, ends: ends.to_vec() });
        }
    };
    let files = |pages: Vec<Page>| pages.iter().map(|page| served(&page.bytes())).collect();
    add("title", STORED, files(titles()));
    add("note", READABLE, files(notes()));
    add("scan", READABLE, files(scans()));
    add("attachment-first", FLAGGED, files(attachments(true)));
    add("attachment-last", FLAGGED, files(attachments(false)));
    add("form", READABLE, files(forms()));
    add("leading", READABLE, files(leading()));
    add("trailing", READABLE, files(trailing()));
    add("encoding", STORED, encodings());
    add("location", STORED, locations(host));
    add("header", STORED, headers());
    add("still-else", FAILED, foreign().iter().map(|body| served(body)).collect());
    add("still-before", FAILED, files(before()));
    add("still-second-line", FAILED, files(second_lines()));
    add("still-between", FAILED, files(between()));
    add("still-behind", FAILED, files(behind()));
    add("still-encoded", FAILED, encoded());
    add("still-location", FAILED, inner_locations(host));
    add("still-framing", FAILED, framings());
    all
}

/// Comment that look like the marks of other formats.
const WORDS: [&[u8]; 12] = [
    b"COUNTY SHERIFF",
    b"RIFF and WAVE",
    b"how to use <object>",
    b"<html><body onload=x>",
    b"<script src=x></script>",
    b"<!DOCTYPE html>",
    b"\nMZ\x90 4711",
    b"\r\n#!/bin/sh",
    b"GIF89a \xff\xd8\xff\xe0 JFIF",
    b"<?php echo 1 ?>",
    b"PK\x03\x04 and PK\x05\x06",
    b"\nMIME-Version: 1.0\nContent-Type: x",
];

fn titles() -> Vec<Page> {
    // A parenthesis is escaped, or has its partner.
    let title = |words: &&[u8]| Page {
        first: vec![[b"<</Title(", *words, b" \\(a (copy\\\\))/Producer(x)>>"].concat()],
        trailer: b"/Info 5 0 R".to_vec(),
        ..Page::default()
    };
    WORDS.iter().map(title).collect()
}

fn notes() -> Vec<Page> {
    let note = |words: &&[u8]| Page {
        first: vec![
            [b"<</Type/Annot/Subtype/Text/Rect[1 1 9 9]/Contents(seen by\n", *words, b")>>"]
                .concat(),
            [b"<</Subtype/FreeText/RC(<body xmlns=\"x\"><p>", *words, b"</p></body>)>>"].concat(),
        ],
        ..Page::default()
    };
    WORDS.iter().map(note).collect()
}

fn scans() -> Vec<Page> {
    let pictures: [&[u8]; 4] = [
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"II*\0\x08\0\0\0",
        b"GIF89a\x01\0\x01\0",
    ];
    let begins: [&[u8]; 6] = [
        b"stream\r",
        b"stream \r\n",
        b"stream  \n",
        b"\rstream\n",
        b"\r\nstream\r",
        b" stream\t\n",
    ];
    let scan = |picture: &[u8], begin: &[u8]| Page {
        first: vec![stream(b"/Subtype/Image/Width 1/Height 1", begin, picture)],
        ..Page::default()
    };
    begins.iter().flat_map(|begin| pictures.iter().map(|it| scan(it, begin))).collect()
}

fn attachments(is_first: bool) -> Vec<Page> {
    let page: &[u8] = b"<!doctype html><html><head></head><body><script>x</script></body></html>";
    let mut carried: Vec<Vec<u8>> = ["a.xlsx", "b.docx", "c.pptx", "d.zip", "e.jar"]
        .iter()
        .map(|name| archive(name, b"<a/>", 0))
        .collect();
    carried.extend([
        page.to_vec(),
        b"<svg onload=alert(1)></svg>".to_vec(),
        b"<?php echo 1;".to_vec(),
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old letter".to_vec(),
        b"MZ\x90\0\x03\0\0\0".to_vec(),
        b"\x1f\x8b\x08\0\0\0\0\0".to_vec(),
        b"Rar!\x1a\x07\0".to_vec(),
    ]);
    let named = b"/Names<</EmbeddedFiles<</Names[(a)5 0 R]>>>>".to_vec();
    carried
        .iter()
        .map(|data| {
            let objects = vec![
                b"<</Type/Filespec/F(a)/EF<</F 6 0 R>>>>".to_vec(),
                stream(b"/Type/EmbeddedFile", b"stream\r\n", data),
            ];
            let (first, last) =
                if is_first { (objects, Vec::new()) } else { (Vec::new(), objects) };
            Page { first, last, catalog: named.clone(), ..Page::default() }
        })
        .collect()
}

fn forms() -> Vec<Page> {
    WORDS
        .iter()
        .map(|words| {
            let template = [b"<xdp:xdp><template><body>", *words, b"</body></template></xdp:xdp>"];
            Page {
                first: vec![stream(b"", b"stream\n", &template.concat())],
                catalog: b"/AcroForm<</Fields[]/XFA 5 0 R>>".to_vec(),
                ..Page::default()
            }
        })
        .collect()
}

fn leading() -> Vec<Page> {
    let mark = b"\xef\xbb\xbf";
    let blanks: [&[u8]; 6] = [b"", b"\n", b"\r\n\r\n", b"    ", b"\t \x0c", b"\0\0"];
    blanks
        .iter()
        .flat_map(|it| [it.to_vec(), [&mark[..], it].concat()])
        .chain([vec![b'\n'; 900]])
        .map(|before| Page { before, ..Page::default() })
        .collect()
}

fn trailing() -> Vec<Page> {
    [1_100, 4_096, 65_536, 300_000]
        .iter()
        .flat_map(|count| [0, b' ', b'\n'].map(|byte| vec![byte; *count]))
        .chain([b"\r\n\x1a".to_vec(), b"\x0c\0\n".repeat(2_000)])
        .map(|behind| Page { behind, ..Page::default() })
        .collect()
}

fn encodings() -> Vec<Vec<u8>> {
    [
        "utf-8",
        "UTF8",
        "binary",
        "none",
        "aws-chunked",
        "application/pdf",
        "text/plain; charset=utf-8",
        "identity, utf-8",
        "8bit",
        "base64url",
        "",
        "iso-8859-1",
        "pdf",
    ]
    .iter()
    .map(|word| {
        let line = format!("Content-Encoding: {word}").into_bytes();
        answer("200 OK", &[b"Content-Type: application/pdf", &line], &Page::default().bytes())
    })
    .collect()
}

fn moved(to: &[u8]) -> Vec<u8> {
    answer("302 Found", &[&[b"Location: ", to].concat()], b"")
}

fn locations(host: &str) -> Vec<Vec<u8>> {
    let targets = [
        "/报告.pdf".to_owned(),
        format!("http://{host}/报告/候选人 一.pdf"),
        "final report.pdf".to_owned(),
        format!("http://{host}/a b.pdf?name=c d"),
        "?name=最终 报告".to_owned(),
        "/é.pdf".to_owned(),
        format!("//{host}/relative to the scheme.pdf"),
        "./报 告.pdf#seite 1".to_owned(),
        "/already%20encoded and not.pdf".to_owned(),
        format!("HTTP://{host}/upper case.pdf"),
        "/emoji-😀.pdf".to_owned(),
    ];
    targets.iter().map(|to| moved(to.as_bytes())).collect()
}

fn headers() -> Vec<Vec<u8>> {
    let lines: [&[u8]; 12] = [
        b"X-Note: a\r\n b",
        b"X-Note: a\r\n\tb",
        b"X-Note: a\r\n   b\r\n   c",
        b"Set-Cookie: a=b;\r\n path=/",
        b"this line has no colon",
        b"HTTP/1.1 200 again",
        b"X Powered By: PHP",
        b"X-Powered-By : PHP",
        b"(comment): x",
        b"X-Umlaut: \xe9\xe8",
        b"X-Empty:",
        b"X/Y: z",
    ];
    let body = Page::default().bytes();
    lines
        .iter()
        .map(|line| answer("200 OK", &[b"Content-Type: application/pdf", line], &body))
        .collect()
}

/// What is no PDF at all.
fn foreign() -> Vec<Vec<u8>> {
    [
        &b"<!doctype html><title>log in</title>"[..],
        b"<html><body>%PDF-1.4</body></html>",
        b"{\"error\":\"expired\"}",
        b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
        b"PK\x03\x04\x14\0\0\0",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"\x89PNG\r\n\x1a\n",
        b"{\\rtf1 x}",
        b"%!PS-Adobe-3.0\n%%EOF\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"not found",
    ]
    .iter()
    .map(|body| body.to_vec())
    .collect()
}

/// What browsers and other programs run or open.
fn acting() -> Vec<Vec<u8>> {
    [
        &b"<script>alert(1)</script>"[..],
        b"<SCRIPT SRC=//x.example></SCRIPT>",
        b"<html><body>",
        b"<!DOCTYPE html>",
        b"<iframe src=x>",
        b"<svg onload=alert(1)>",
        b"<object data=x>",
        b"<?php system($_GET['c']); ?>",
        b"<body onload=alert(1)>",
        b"<head >",
    ]
    .iter()
    .map(|it| it.to_vec())
    .collect()
}

fn before() -> Vec<Page> {
    acting()
        .into_iter()
        .chain([b"MZ\x90\0".to_vec(), b"GIF89a".to_vec(), b"PK\x03\x04".to_vec(), b"x".to_vec()])
        .map(|it| Page { before: [&it[..], b"\n"].concat(), ..Page::default() })
        .collect()
}

fn second_lines() -> Vec<Page> {
    let line = |before: &[u8], it: &[u8]| Page {
        second_line: [before, it, b"\n"].concat(),
        ..Page::default()
    };
    // Plainly, in a comment, and behind what only looks like the beginning of a string or a stream.
    acting()
        .iter()
        .flat_map(|it| [line(b"", it), line(b"%", it), line(b"(", it), line(b"<<>>stream\n", it)])
        .collect()
}

fn between() -> Vec<Page> {
    (1..=11)
        .map(|size| {
            let data = vec![b'x'; size * 7];
            let at = {
                let page = Page { between: b"@".to_vec(), ..Page::default() };
                page.bytes().iter().position(|byte| *byte == b'@').unwrap()
            };
            let between = [archive("a.txt", &data, at), b"\n".to_vec()].concat();
            Page { between, ..Page::default() }
        })
        .collect()
}

fn behind() -> Vec<Page> {
    let end = Page::default().bytes().len();
    let archives = (1..=6).map(|size| archive("a.txt", &vec![b'x'; size * 50], end));
    let closed = archives.clone().map(|it| [it, b"\n%%EOF\n".to_vec()].concat());
    archives
        .chain(closed)
        .chain(acting())
        .map(|behind| Page { behind, ..Page::default() })
        .collect()
}

fn encoded() -> Vec<Vec<u8>> {
    let body = Page::default().bytes();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&body).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(&body).unwrap();
    let deflate = deflate.finish().unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&body).unwrap();
    let zlib = zlib.finish().unwrap();
    let answers: [(&str, &[u8]); 11] = [
        ("gzip", &gzip),
        ("GZIP", &gzip),
        ("x-gzip", &gzip),
        ("aws-chunked, gzip", &gzip),
        ("gzip,utf-8", &gzip),
        ("utf-8", &gzip),
        ("identity", &gzip),
        ("deflate", &deflate),
        ("deflate", &zlib),
        ("binary", &zlib),
        ("br", b"\x0b\x02\x80x"),
    ];
    answers
        .iter()
        .map(|(word, body)| {
            let line = format!("Content-Encoding: {word}").into_bytes();
            answer("200 OK", &[b"Content-Type: application/pdf", &line], body)
        })
        .collect()
}

fn inner_locations(host: &str) -> Vec<Vec<u8>> {
    let targets = [
        "http://10.0.0.1/final report.pdf".to_owned(),
        "http://169.254.169.254/报告".to_owned(),
        "http://[::1]/a b".to_owned(),
        "http://192.168.0.1 /x".to_owned(),
        format!("http://a b@{host}/x.pdf"),
        format!("http://a:b c@{host}/x.pdf"),
        format!("http://报告@{host}/x.pdf"),
        format!("ftp://{host}/a b.pdf"),
        "file:///etc/passwd a".to_owned(),
        "http://0x7f000002/a b".to_owned(),
        "http://[::ffff:10.0.0.1]/é".to_owned(),
    ];
    targets.iter().map(|to| moved(to.as_bytes())).collect()
}

/// Answers that say two things at once, or are no HTTP.
fn framings() -> Vec<Vec<u8>> {
    let body = Page::default().bytes();
    let length = body.len();
    let lengths = [
        "7".to_owned(),
        "0".to_owned(),
        format!("{}", length + 1),
        format!("{length}, 7"),
        "-1".to_owned(),
        "0x10".to_owned(),
        format!("+{length}"),
    ];
    let mut all: Vec<_> = lengths
        .iter()
        .map(|it| answer("200 OK", &[format!("Content-Length: {it}").as_bytes()], &body))
        .collect();
    all.push([b"HTTP/1.1 99999 OK\r\n\r\n", &body[..]].concat());
    all.push([b"ICY 200 OK\r\n\r\n", &body[..]].concat());
    all.push([b"HTTP/7.0 200 OK\r\n\r\n", &body[..]].concat());
    all
}
