//! Checking that a report is a PDF and nothing else while it streams through, in linear time and constant memory, without
//! parsing.
//!
//! A PDF begins with `%PDF-` and a version from 1.0 to 1.7 or 2.0, behind a byte-order mark and blanks at most, and
//! has `%%EOF` in its last 1 KiB before padding. Refused are files of two formats: a foreign signature
//! ([`super::file_signature`]) in the first 4 KiB or behind the end, or a ZIP directory in the last 64 KiB, outside
//! strings and streams ([`super::syntax`]).

use super::file_signature;
use super::finding::{Finding, Findings};
use super::pdf_keywords::{Keywords, is_space};
use super::syntax::{Region, Syntax};

const BEGINNING: &[u8] = b"%PDF-";
const VERSIONED_BYTES: usize = 8;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How far behind the file's beginning viewers look for [`BEGINNING`].
const BEGINS_WITHIN: usize = 1_024;
const END: &[u8] = b"%%EOF";
/// Within how many bytes of the end [`END`] stands.
const END_WITHIN: usize = 1_024;
/// How many bytes of the beginning may have no signature of another format.
const HEAD_BYTES: usize = 4_096;
/// How far from the end ZIP readers look for the directory: 22 bytes, and a comment of at most 64 KiB.
const TAIL_BYTES: usize = 65_535 + 22;

/// Why bytes are no report that can be stored. The text is for vendor and hirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// No byte at all.
    #[error("the report is empty")]
    Empty,
    /// Something else than a PDF.
    #[error("the report is not a PDF: expected it to begin with %PDF-")]
    NotPdf,
    /// A version that there is not.
    #[error("the report is a PDF of an unknown version: expected 1.0 to 1.7 or 2.0")]
    Version,
    /// Cut off.
    #[error("the report is not a whole PDF: expected %%EOF at its end")]
    NotWhole,
    /// A file of two formats; the other one.
    #[error("the report is more than a PDF: it has the mark of {0}")]
    AlsoElse(&'static str),
}

impl ContentError {
    /// Whether a user may take the content all the same.
    #[must_use]
    pub fn may_be_accepted(&self) -> bool {
        !matches!(self, ContentError::Empty)
    }

    /// The word for the operator's log and metrics.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            ContentError::Empty => "content_empty",
            ContentError::NotPdf => "content_not_pdf",
            ContentError::Version => "content_version",
            ContentError::NotWhole => "content_not_whole",
            ContentError::AlsoElse(_) => "content_polyglot",
        }
    }
}

/// Takes a report piece by piece, however it is cut.
#[derive(Debug, Default)]
pub struct Check {
    size_bytes: u64,
    /// The first bytes, at most [`HEAD_BYTES`].
    head: Vec<u8>,
    is_head_checked: bool,
    /// The last bytes before the padding: at least [`TAIL_BYTES`] of them, at most twice as many.
    tail: Vec<u8>,
    /// Bytes of padding behind the tail.
    padding: u64,
    /// How many bytes of each signature in [`file_signature::AT`] were met at their place.
    met: [usize; file_signature::AT.len()],
    names: Keywords,
    syntax: Syntax,
}

impl Check {
    /// Takes the next piece; what is wrong with the beginning is an error as soon as it shows.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), ContentError> {
        let begin = self.size_bytes;
        self.size_bytes += piece.len() as u64;
        let room = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&piece[..room.min(piece.len())]);
        self.check_beginning()?;
        if self.head.len() == HEAD_BYTES {
            self.check_head()?;
        }
        for ((at, bytes, format), met) in file_signature::AT.iter().zip(&mut self.met) {
            *met += overlap(begin, piece, *at, bytes);
            if *met == bytes.len() {
                return Err(ContentError::AlsoElse(format));
            }
        }
        self.names.take(piece);
        self.syntax.take(piece);
        self.keep_tail(piece);
        Ok(())
    }

    /// What calls for caution in the whole, or why it is refused.
    pub fn finish(mut self) -> Result<Findings, ContentError> {
        if self.size_bytes == 0 {
            return Err(ContentError::Empty);
        }
        let begin = self.begin().ok_or(ContentError::NotPdf)?;
        if self.head.len() < begin + BEGINNING.len() {
            return Err(ContentError::NotPdf);
        }
        if self.head.len() < begin + VERSIONED_BYTES {
            return Err(ContentError::Version);
        }
        self.check_head()?;
        let last = &self.tail[self.tail.len().saturating_sub(END_WITHIN)..];
        let end = last
            .windows(END.len())
            .rposition(|bytes| bytes == END)
            .ok_or(ContentError::NotWhole)?;
        let rest = &last[end + END.len()..];
        if let Some(format) = file_signature::find(rest, &vec![Region::Structure; rest.len()]) {
            return Err(ContentError::AlsoElse(format));
        }
        let mut found = self.names.found;
        for is_inside in self.archive_ends() {
            if !is_inside {
                return Err(ContentError::AlsoElse("a ZIP archive"));
            }
            // An archive in a stream is a file that this one carries.
            found.add(Finding::Attachment);
        }
        if !rest.iter().all(|byte| is_padding(*byte)) {
            found.add(Finding::OddStructure);
        }
        Ok(found)
    }

    /// Where the PDF begins: behind a byte-order mark and blanks. None when that is too far.
    fn begin(&self) -> Option<usize> {
        let marked = self.head.iter().zip(BYTE_ORDER_MARK).take_while(|(a, b)| a == b).count();
        let mark = if marked == BYTE_ORDER_MARK.len() { marked } else { 0 };
        let blanks = self.head[mark..].iter().take_while(|byte| is_space(**byte)).count();
        Some(mark + blanks).filter(|begin| *begin < BEGINS_WITHIN)
    }

    /// Of each end of an archive near the file's end, whether it lies in a string or stream.
    fn archive_ends(&self) -> impl Iterator<Item = bool> {
        let size_bytes = self.size_bytes;
        let tail_at = size_bytes - self.padding - self.tail.len() as u64;
        let within = size_bytes.saturating_sub(TAIL_BYTES as u64);
        let ends = self.syntax.archive_ends.iter().copied().filter(move |(at, _)| {
            let index = at.checked_sub(tail_at).and_then(|index| usize::try_from(index).ok());
            // What padding stands for is zero as well.
            let end = index.and_then(|index| self.tail.get(index..)).unwrap_or_default();
            let whole = [end, &[0; 22]].concat();
            *at >= within && file_signature::is_zip_end(&whole, size_bytes)
        });
        ends.map(|(_, is_inside)| is_inside)
    }

    fn check_beginning(&self) -> Result<(), ContentError> {
        let is_mark_cut =
            self.head.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.head);
        if is_mark_cut {
            return Ok(());
        }
        let head = &self.head[self.begin().ok_or(ContentError::NotPdf)?..];
        if head.iter().zip(BEGINNING).any(|(byte, expected)| byte != expected) {
            return Err(ContentError::NotPdf);
        }
        let is_known = |version: &[u8]| match version {
            [b'1', b'.', minor] => (b'0'..=b'7').contains(minor),
            version => version == b"2.0",
        };
        match head.get(BEGINNING.len()..VERSIONED_BYTES) {
            Some(version) if !is_known(version) => Err(ContentError::Version),
            // `1.10` is none either.
            Some(_) if head.get(VERSIONED_BYTES).is_some_and(u8::is_ascii_digit) => {
                Err(ContentError::Version)
            }
            _ => Ok(()),
        }
    }

    fn check_head(&mut self) -> Result<(), ContentError> {
        if self.is_head_checked {
            return Ok(());
        }
        self.is_head_checked = true;
        let regions = Syntax::regions(&self.head);
        file_signature::find(&self.head, &regions)
            .map_or(Ok(()), |format| Err(ContentError::AlsoElse(format)))
    }

    fn keep_tail(&mut self, piece: &[u8]) {
        let padding = piece.iter().rev().take_while(|byte| is_padding(**byte)).count();
        let piece = &piece[..piece.len() - padding];
        if piece.is_empty() {
            self.padding += padding as u64;
            return;
        }
        let between = usize::try_from(self.padding).unwrap_or(usize::MAX).min(TAIL_BYTES);
        self.padding = padding as u64;
        self.tail.resize(self.tail.len() + between, b'\n');
        if piece.len() >= TAIL_BYTES {
            self.tail.clear();
        }
        self.tail.extend_from_slice(&piece[piece.len().saturating_sub(TAIL_BYTES)..]);
        if self.tail.len() > 2 * TAIL_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_BYTES);
        }
    }
}

/// Whether the byte may stand behind the end of a PDF any number of times.
fn is_padding(byte: u8) -> bool {
    is_space(byte) || byte == 0x1a
}

/// How many of the bytes expected at `at` a piece that begins at `begin` has; a wrong one counts as none.
fn overlap(begin: u64, piece: &[u8], at: u64, expected: &[u8]) -> usize {
    let position = |index: usize| usize::try_from((at + index as u64).checked_sub(begin)?).ok();
    let met =
        |(index, byte): (usize, &u8)| piece.get(position(index)?).filter(|found| *found == byte);
    expected.iter().enumerate().filter_map(met).count()
}

#[cfg(test)]
mod tests;
