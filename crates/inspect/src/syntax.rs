//! Where a byte of a PDF lies: in its structure, or in a string, stream data, or a comment. What looks like another
//! format counts only in the structure. Strings and streams exist only within objects (`1 0 obj` to `endobj`) and the
//! trailer, so that nothing outside hides anything. Constant memory. Source: ISO 32000-2, section 7.

use memchr::memmem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    /// Objects, keywords, and whatever a viewer passes over.
    Structure,
    /// From `%` to the end of its line.
    Comment,
    /// A string in parentheses.
    Text,
    /// The data of a stream.
    Stream,
}

const ENDSTREAM: &[u8] = b"endstream";
const ENDOBJ: &[u8] = b"endobj";
/// Longer words are no keywords.
const WORD_BYTES: usize = 10;
const ARCHIVE_END: &[u8] = b"PK\x05\x06";

#[derive(Debug)]
pub(super) struct Syntax {
    region: Region,
    is_in_object: bool,
    /// The bytes of the word that is being read; a name is none.
    word: Vec<u8>,
    is_name: bool,
    /// Whole numbers directly before the word, as before `obj`.
    numbers: u32,
    /// A dictionary ended directly before, as before `stream`.
    has_dictionary: bool,
    last: u8,
    depth: u32,
    is_escaped: bool,
    /// How much of the word that ends a string or stream was met.
    met: usize,
    /// How much of [`ARCHIVE_END`] was met, and whether it began in a stream or string.
    archive_met: usize,
    is_archive_inside: bool,
    at: u64,
    /// Where ends of archives stand, and whether each lies in a stream or string; the newest ones.
    pub(super) archive_ends: Vec<(u64, bool)>,
}

/// Ends of archives that are remembered; only those near the file's end count.
const ARCHIVE_ENDS_MAX: usize = 256;

impl Default for Syntax {
    fn default() -> Syntax {
        Syntax {
            region: Region::Structure,
            is_in_object: false,
            word: Vec::with_capacity(WORD_BYTES),
            is_name: false,
            numbers: 0,
            has_dictionary: false,
            last: 0,
            depth: 0,
            is_escaped: false,
            met: 0,
            archive_met: 0,
            is_archive_inside: false,
            at: 0,
            archive_ends: Vec::new(),
        }
    }
}

impl Syntax {
    pub(super) fn take(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !rest.is_empty() {
            let passed = self.pass_stream(rest);
            rest = &rest[passed..];
            if let Some((byte, after)) = rest.split_first() {
                self.step(*byte);
                rest = after;
            }
        }
    }

    /// The region of each of the first bytes of a file.
    pub(super) fn regions(bytes: &[u8]) -> Vec<Region> {
        let mut syntax = Syntax::default();
        bytes.iter().map(|byte| syntax.step(*byte)).collect()
    }

    /// How many bytes of a stream's data need not be looked at one by one: most of a report is that.
    fn pass_stream(&mut self, rest: &[u8]) -> usize {
        if self.region != Region::Stream || self.met > 0 || self.archive_met > 0 {
            return 0;
        }
        // The end of an archive matters in a stream as well.
        let end = memmem::find(rest, ENDSTREAM).unwrap_or(rest.len());
        let archive = memmem::find(&rest[..end], ARCHIVE_END).unwrap_or(end);
        // What may begin one of the two at the end of the piece is looked at.
        let passed = if archive == rest.len() {
            rest.len().saturating_sub(ENDSTREAM.len() - 1)
        } else {
            archive
        };
        self.at += passed as u64;
        if passed > 0 {
            self.last = rest[passed - 1];
        }
        passed
    }

    /// Takes a byte; the region that it belongs to. What opens a string, stream or comment is structure.
    fn step(&mut self, byte: u8) -> Region {
        let region = self.region;
        self.note_archive(byte, region);
        match region {
            Region::Structure => self.step_structure(byte),
            Region::Comment if matches!(byte, b'\r' | b'\n') => self.region = Region::Structure,
            Region::Comment => {}
            Region::Text => self.step_text(byte),
            Region::Stream => {
                if self.meets(byte, ENDSTREAM) {
                    self.leave();
                }
            }
        }
        self.last = byte;
        self.at += 1;
        region
    }

    fn step_structure(&mut self, byte: u8) {
        match byte {
            0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ' => self.end_word(),
            b'%' => {
                self.end_word();
                if self.region == Region::Structure {
                    self.region = Region::Comment;
                }
            }
            b'(' => {
                self.end_word();
                self.numbers = 0;
                if self.is_in_object && self.region == Region::Structure {
                    (self.region, self.depth, self.is_escaped, self.met) =
                        (Region::Text, 1, false, 0);
                }
            }
            b'<' | b'>' | b')' | b'[' | b']' | b'{' | b'}' | b'/' => {
                self.end_word();
                self.numbers = 0;
                self.has_dictionary = byte == b'>' && self.last == b'>';
                self.is_name = byte == b'/';
            }
            _ => {
                if self.word.len() <= WORD_BYTES {
                    self.word.push(byte);
                }
            }
        }
    }

    /// Ends the word before a blank or delimiter, and does what it says.
    fn end_word(&mut self) {
        if self.word.is_empty() {
            self.is_name = false;
            return;
        }
        let is_keyword = !std::mem::take(&mut self.is_name);
        let is_number = is_keyword && self.word.iter().all(u8::is_ascii_digit);
        match self.word.as_slice() {
            b"obj" if is_keyword && self.numbers >= 2 => self.is_in_object = true,
            b"trailer" if is_keyword => self.is_in_object = true,
            b"endobj" | b"startxref" | b"xref" if is_keyword => self.is_in_object = false,
            b"stream" if is_keyword && self.is_in_object && self.has_dictionary => {
                (self.region, self.met) = (Region::Stream, 0);
            }
            _ => {}
        }
        self.numbers = if is_number { self.numbers + 1 } else { 0 };
        self.has_dictionary = false;
        self.word.clear();
    }

    fn step_text(&mut self, byte: u8) {
        // A string that nobody closed ends with its object, as it does for viewers.
        let is_at_line_start = matches!(self.last, b'\r' | b'\n');
        if (self.met > 0 || is_at_line_start) && self.meets(byte, ENDOBJ) {
            self.leave();
            self.is_in_object = false;
            return;
        }
        if std::mem::take(&mut self.is_escaped) {
            return;
        }
        match byte {
            b'\\' => self.is_escaped = true,
            b'(' => self.depth += 1,
            b')' => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.leave();
                }
            }
            _ => {}
        }
    }

    fn leave(&mut self) {
        (self.region, self.met, self.numbers, self.has_dictionary) =
            (Region::Structure, 0, 0, false);
    }

    /// Whether `byte` completes `word`, of which [`Syntax::met`] bytes were met.
    fn meets(&mut self, byte: u8, word: &[u8]) -> bool {
        self.met = match self.met {
            met if word[met] == byte => met + 1,
            // `endstre` ends with the beginning of the word.
            7 if byte == b'n' => 2,
            _ => usize::from(word[0] == byte),
        };
        self.met == word.len()
    }

    fn note_archive(&mut self, byte: u8, region: Region) {
        self.archive_met = match self.archive_met {
            met if ARCHIVE_END[met] == byte => met + 1,
            _ => usize::from(byte == ARCHIVE_END[0]),
        };
        if self.archive_met == 1 {
            self.is_archive_inside = matches!(region, Region::Text | Region::Stream);
        }
        if self.archive_met == ARCHIVE_END.len() {
            self.archive_met = 0;
            if self.archive_ends.len() == ARCHIVE_ENDS_MAX {
                self.archive_ends.remove(0);
            }
            let begin = (self.at + 1).saturating_sub(ARCHIVE_END.len() as u64);
            self.archive_ends.push((begin, self.is_archive_inside));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte of a text as the first letter of its region.
    fn letters(text: &str) -> String {
        let letter = |region: &Region| match region {
            Region::Structure => '.',
            Region::Comment => 'c',
            Region::Text => 't',
            Region::Stream => 's',
        };
        Syntax::regions(text.as_bytes()).iter().map(letter).collect()
    }

    #[test]
    fn strings_streams_and_comments_are_told_from_structure() {
        for (text, expected) in [
            ("1 0 obj(a(b)\\)c)x", "........tttttttt."),
            ("1 0 obj<<>>stream\rxx endstream y", "..................ssssssssssss.."),
            ("1 0 obj<<>>\rstream xx", "...................ss"),
            ("1 0 obj << >> stream\r\nendstream 1", ".....................ssssssssss.."),
            ("a%b\nc", "..cc."),
            ("trailer<</ID(x)>>", ".............tt.."),
        ] {
            assert_eq!(letters(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_belongs_to_no_object_is_structure() {
        for text in [
            "(<script>)",
            "<<>>stream\nx",
            "obj(x",
            "1 obj(x",
            "/obj 1 0 /obj (x",
            "1 0 obj endobj (x",
            "1 0 obj /stream\nx",
            "1 0 obj stream\nx",
            "1 0 obj <<>> 1 stream\nx",
        ] {
            assert_eq!(letters(text), ".".repeat(text.len()), "{text:?}");
        }
    }

    #[test]
    fn a_string_that_nobody_closed_ends_with_its_object() {
        let text = "1 0 obj(abc\nendobj\nPK";
        assert!(letters(text).ends_with("..."), "{}", letters(text));
    }

    #[test]
    fn ends_of_archives_are_found_wherever_the_bytes_are_cut() {
        let parts: [&[u8]; 5] = [
            b"%PDF-1.4\n1 0 obj<<>>stream\n",
            b"PK\x05\x06 endstre endendstream endobj\n",
            b"PPK\x05\x06 2 0 obj(PK\x05\x06)",
            b"<<>>stream\nxxxxxxxxxxxxxxxxxxxxxPK\x05\x06",
            b"endstream",
        ];
        let bytes = parts.concat();
        let mut expected = Vec::new();
        for (at, _) in bytes.windows(4).enumerate().filter(|(_, four)| *four == ARCHIVE_END) {
            expected.push(at as u64);
        }
        for size in [1, 2, 3, 5, 8, 13, bytes.len()] {
            let mut syntax = Syntax::default();
            bytes.chunks(size).for_each(|piece| syntax.take(piece));
            let found: Vec<_> = syntax.archive_ends.iter().map(|(at, _)| *at).collect();
            assert_eq!(found, expected, "in pieces of {size}");
            let inside: Vec<_> = syntax.archive_ends.iter().map(|(_, inside)| *inside).collect();
            assert_eq!(inside, [true, false, true, true], "in pieces of {size}");
        }
    }
}
