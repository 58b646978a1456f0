//! Judging a report by its bytes while they stream through: whether it is a PDF, and whether it calls for
//! caution. In constant memory, and without parsing: parsers of hostile files are a danger of their own.
//!
//! A PDF begins with `%PDF-` and has `%%EOF` in its last 1 KiB. Caution means that it is encrypted, or names
//! what can act by itself when it is opened: scripts, programs, attached files, forms with scripts. Names in
//! compressed parts are not seen, so no caution is no promise.

const BEGINNING: &[u8] = b"%PDF-";
const END: &[u8] = b"%%EOF";
/// Within how many bytes of the end [`END`] stands.
const END_WITHIN: usize = 1_024;
/// The longest name looked for.
const NAME_BYTES_MAX: usize = 16;

/// Why bytes are no report that can be kept. The text is for vendor and hirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the report is empty")]
    Empty,
    #[error("the report is not a PDF: expected it to begin with %PDF-")]
    NotPdf,
    #[error("the report is not a whole PDF: expected %%EOF at its end")]
    NotWhole,
}

/// Takes a report piece by piece, however it is cut.
#[derive(Debug, Default)]
pub(super) struct Judge {
    size_bytes: u64,
    /// The last bytes, at most [`END_WITHIN`].
    tail: Vec<u8>,
    names: Names,
}

impl Judge {
    /// Takes the next piece.
    ///
    /// # Errors
    /// [`Unfit::NotPdf`] as soon as it shows.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<(), Unfit> {
        let seen = usize::try_from(self.size_bytes).unwrap_or(usize::MAX);
        let rest_of_beginning = BEGINNING.get(seen..).unwrap_or_default();
        if rest_of_beginning.iter().zip(piece).any(|(expected, byte)| expected != byte) {
            return Err(Unfit::NotPdf);
        }
        self.size_bytes += piece.len() as u64;
        self.names.take(piece);
        if piece.len() >= END_WITHIN {
            self.tail.clear();
        }
        self.tail.extend_from_slice(&piece[piece.len().saturating_sub(END_WITHIN)..]);
        let surplus = self.tail.len().saturating_sub(END_WITHIN);
        self.tail.drain(..surplus);
        Ok(())
    }

    /// Whether the whole calls for caution.
    ///
    /// # Errors
    /// Why it is unfit.
    pub(super) fn finish(self) -> Result<bool, Unfit> {
        if self.size_bytes == 0 {
            return Err(Unfit::Empty);
        }
        if self.size_bytes < BEGINNING.len() as u64 {
            return Err(Unfit::NotPdf);
        }
        match self.tail.windows(END.len()).any(|bytes| bytes == END) {
            true => Ok(self.names.is_flagged),
            false => Err(Unfit::NotWhole),
        }
    }
}

/// Looks for names, `/Like#20this`, and for what follows those that are too short to trust: by chance alone
/// `/JS` stands in every fourth PDF full of pictures.
#[derive(Debug, Default)]
struct Names {
    state: State,
    name: Vec<u8>,
    is_flagged: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Outside,
    Name,
    /// After `#` in a name.
    High,
    /// After `#` and a digit with this value in a name.
    Low(u8),
    /// After a name that matters when one of these bytes begins its value.
    Before(&'static [u8]),
}

impl Names {
    fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            self.state = self.next(*byte);
        }
    }

    fn next(&mut self, byte: u8) -> State {
        match self.state {
            State::Outside if byte == b'/' => self.begin(),
            State::Outside => State::Outside,
            State::Before(_) if is_space(byte) => self.state,
            State::Before(values) => {
                self.is_flagged |= values.contains(&byte);
                if byte == b'/' { self.begin() } else { State::Outside }
            }
            State::Name if byte == b'#' => State::High,
            State::Name if is_space(byte) || is_delimiter(byte) => {
                self.state = self.end();
                self.next(byte)
            }
            State::Name => self.push(byte),
            State::High => match digit(byte) {
                Some(high) => State::Low(high),
                None => self.literal(b"#", byte),
            },
            State::Low(high) => match digit(byte) {
                Some(low) => self.push(high << 4 | low),
                None => self.literal(b"#0", byte),
            },
        }
    }

    fn begin(&mut self) -> State {
        self.name.clear();
        State::Name
    }

    fn push(&mut self, byte: u8) -> State {
        if self.name.len() >= NAME_BYTES_MAX {
            // No name looked for is this long.
            return State::Outside;
        }
        self.name.push(byte);
        State::Name
    }

    /// A `#` that escapes nothing: no name looked for has one, so only its end matters.
    fn literal(&mut self, bytes: &[u8], next: u8) -> State {
        for byte in bytes {
            self.state = self.push(*byte);
        }
        self.next(next)
    }

    fn end(&mut self) -> State {
        match self.name.as_slice() {
            b"Encrypt" | b"JavaScript" | b"Launch" | b"EmbeddedFile" | b"EmbeddedFiles" => {
                self.is_flagged = true;
                State::Outside
            }
            b"JS" => State::Before(b"(<0123456789"),
            b"XFA" => State::Before(b"[0123456789"),
            // An array is only the page to begin with.
            b"OpenAction" => State::Before(b"<0123456789"),
            _ => State::Outside,
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(pieces: &[&[u8]]) -> Result<bool, Unfit> {
        let mut judge = Judge::default();
        for piece in pieces {
            judge.take(piece)?;
        }
        judge.finish()
    }

    fn pdf(content: &str) -> Vec<u8> {
        format!("%PDF-1.7\n1 0 obj\n<< {content} >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n")
            .into_bytes()
    }

    #[test]
    fn a_pdf_has_its_beginning_and_its_end() {
        let padded = |count| [b"%PDF-1.4 %%EOF".as_slice(), &vec![b'\n'; count]].concat();
        for (bytes, expected) in [
            (pdf("/Type /Catalog"), Ok(false)),
            (padded(1_024 - END.len()), Ok(false)),
            (padded(1_024 - END.len() + 1), Err(Unfit::NotWhole)),
            (b"%PDF-1.4 %%EO".to_vec(), Err(Unfit::NotWhole)),
            (b"%PDF".to_vec(), Err(Unfit::NotPdf)),
            (b"".to_vec(), Err(Unfit::Empty)),
            (b"<html>%PDF- %%EOF</html>".to_vec(), Err(Unfit::NotPdf)),
            (b"\n%PDF-1.4 %%EOF".to_vec(), Err(Unfit::NotPdf)),
            (b"PK\x03\x04".to_vec(), Err(Unfit::NotPdf)),
        ] {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
            assert_eq!(judge(&[&bytes]), expected, "{shown}");
            let single: Vec<_> = bytes.chunks(1).collect();
            assert_eq!(judge(&single), expected, "{shown} byte by byte");
        }
    }

    #[test]
    fn encrypted_and_acting_pdfs_call_for_caution_however_they_are_cut() {
        for content in [
            "/Encrypt 5 0 R",
            "/Encrypt<</V 4>>",
            "/S /JavaScript",
            "/S/JavaScript/JS(app.alert())",
            "/JS (app.alert())",
            "/JS\n12 0 R",
            "/JS <6170>",
            "/S /Java#53cript",
            "/#4a#53 (x)",
            "/Type /EmbeddedFile ",
            "/EmbeddedFiles 3 0 R",
            "/S /Launch /F (x)",
            "/OpenAction 7 0 R",
            "/OpenAction<</S/URI>>",
            "/XFA [(a) 1 0 R]",
            "/XFA 1 0 R",
            "/Long#er#than#any /JS (x)",
            "/A#4 /JS (x)",
        ] {
            let bytes = pdf(content);
            for size in [1, 2, 3, 7, bytes.len()] {
                let pieces: Vec<_> = bytes.chunks(size).collect();
                assert_eq!(judge(&pieces), Ok(true), "{content} in pieces of {size}");
            }
        }
    }

    #[test]
    fn names_that_only_look_alike_call_for_none() {
        for content in [
            "/EncryptMetadata false",
            "/JavaScripts 1 0 R",
            "/JS /Type",
            "/JS\u{1}(x)",
            "/JSON (x)",
            "/XFAmily [1]",
            "/OpenAction [3 0 R /Fit]",
            "/Launcher 1",
            "(JavaScript)",
            "/ JavaScript",
            "/JavaScriptJavaScript ",
            "/Java#2",
        ] {
            let bytes = pdf(content);
            for size in [1, bytes.len()] {
                let pieces: Vec<_> = bytes.chunks(size).collect();
                assert_eq!(judge(&pieces), Ok(false), "{content} in pieces of {size}");
            }
        }
    }

    #[test]
    fn memory_stays_small_while_much_streams_through() {
        let mut judge = Judge::default();
        judge.take(BEGINNING).unwrap();
        let piece = b"/Name ".repeat(20_000);
        for _ in 0..50 {
            judge.take(&piece).unwrap();
            assert!(judge.tail.len() <= END_WITHIN && judge.names.name.len() <= NAME_BYTES_MAX);
        }
        judge.take(END).unwrap();
        assert_eq!(judge.finish(), Ok(false));
    }
}
