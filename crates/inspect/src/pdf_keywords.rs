//! Looking for the names in a PDF that call for caution, byte by byte as it streams through, without parsing.
//!
//! A name is `/Like#20this`. Some are too short to trust: at random alone `/JS` stands in every fourth PDF full of
//! pictures, so what follows them counts too. Keywords in compressed parts are not seen here; the deep check sees them.

use super::finding::{Finding, Findings};

/// What a name that matters says.
#[derive(Debug, Clone, Copy)]
enum Means {
    /// This, whatever follows.
    Alone(Finding),
    /// This when one of these bytes begins its value.
    With(&'static [u8], Finding),
}

/// The names looked for.
const WANTED: [(&[u8], Means); 9] = [
    (b"Encrypt", Means::Alone(Finding::Encrypted)),
    (b"JavaScript", Means::Alone(Finding::Script)),
    (b"Launch", Means::Alone(Finding::Launch)),
    (b"EmbeddedFile", Means::Alone(Finding::Attachment)),
    (b"EmbeddedFiles", Means::Alone(Finding::Attachment)),
    (b"RichMedia", Means::Alone(Finding::RichMedia)),
    (b"JS", Means::With(b"(<0123456789", Finding::Script)),
    (b"XFA", Means::With(b"[0123456789", Finding::Xfa)),
    // An array is only the page to begin with.
    (b"OpenAction", Means::With(b"<0123456789", Finding::OpenAction)),
];

/// Looks for names, however the bytes are cut.
#[derive(Debug, Default)]
pub(super) struct Keywords {
    state: State,
    name: Vec<u8>,
    pub(super) found: Findings,
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
    Before(&'static [u8], Finding),
}

impl Keywords {
    /// Takes the next bytes.
    pub(super) fn take(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let Some((byte, after)) = rest.split_first() {
            if matches!(self.state, State::Outside) {
                // Nearly all bytes are outside of names.
                let Some(start) = memchr::memchr(b'/', rest) else { return };
                self.state = self.begin();
                rest = &rest[start + 1..];
                continue;
            }
            self.state = self.next(*byte);
            rest = after;
        }
    }

    fn next(&mut self, byte: u8) -> State {
        match self.state {
            State::Outside if byte == b'/' => self.begin(),
            State::Outside => State::Outside,
            State::Before(..) if is_space(byte) => self.state,
            State::Before(values, finding) => {
                if values.contains(&byte) {
                    self.found.add(finding);
                }
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
                None => self.leave(byte),
            },
            State::Low(high) => match digit(byte) {
                Some(low) => self.push(high << 4 | low),
                None => self.leave(byte),
            },
        }
    }

    fn begin(&mut self) -> State {
        self.name.clear();
        State::Name
    }

    fn push(&mut self, byte: u8) -> State {
        let so_far = self.name.len();
        // Nearly all names are left at their first byte.
        let goes_on = |name: &[u8]| name.get(so_far) == Some(&byte) && name.starts_with(&self.name);
        if WANTED.iter().any(|(name, _)| goes_on(name)) {
            self.name.push(byte);
            State::Name
        } else {
            State::Outside
        }
    }

    /// After a `#` that escapes nothing: no name looked for has one.
    fn leave(&mut self, next: u8) -> State {
        self.state = State::Outside;
        self.next(next)
    }

    fn end(&mut self) -> State {
        match WANTED.iter().find(|(name, _)| *name == self.name.as_slice()) {
            Some((_, Means::With(values, finding))) => State::Before(values, *finding),
            Some((_, Means::Alone(finding))) => {
                self.found.add(*finding);
                State::Outside
            }
            None => State::Outside,
        }
    }
}

pub(super) fn is_space(byte: u8) -> bool {
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

    fn found(bytes: &[u8], size: usize) -> Vec<Finding> {
        let mut names = Keywords::default();
        for piece in bytes.chunks(size) {
            names.take(piece);
            assert!(names.name.len() <= "EmbeddedFiles".len());
        }
        names.found.iter().collect()
    }

    #[test]
    fn encrypted_and_acting_pdfs_call_for_caution_however_they_are_cut() {
        use Finding::*;
        for (content, expected) in [
            ("/Encrypt 5 0 R", vec![Encrypted]),
            ("/Encrypt<</V 4>>", vec![Encrypted]),
            ("/S /JavaScript\n", vec![Script]),
            ("/S/JavaScript/JS(app.alert())", vec![Script]),
            ("/JS (app.alert())", vec![Script]),
            ("/JS\n12 0 R", vec![Script]),
            ("/JS <6170>", vec![Script]),
            ("/S /Java#53cript ", vec![Script]),
            ("/#4a#53 (x)", vec![Script]),
            ("/Type /EmbeddedFile ", vec![Attachment]),
            ("/EmbeddedFiles 3 0 R", vec![Attachment]),
            ("/S /Launch /F (x)", vec![Launch]),
            ("/OpenAction 7 0 R", vec![OpenAction]),
            ("/OpenAction<</S/URI>>", vec![OpenAction]),
            (
                "/OpenAction<</S/JavaScript/JS 5 0 R>>/AcroForm<</XFA[1]>>",
                vec![Script, OpenAction, Xfa],
            ),
            ("/XFA [(a) 1 0 R]", vec![Xfa]),
            ("/XFA 1 0 R", vec![Xfa]),
            ("/Subtype /RichMedia\n", vec![RichMedia]),
            ("/Long#er#than#any /JS (x)", vec![Script]),
            ("/A#4 /JS (x)", vec![Script]),
        ] {
            for size in [1, 2, 3, 7, content.len()] {
                let found = found(content.as_bytes(), size);
                assert_eq!(found, expected, "{content} in pieces of {size}");
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
            for size in [1, content.len()] {
                assert_eq!(found(content.as_bytes(), size), [], "{content} in pieces of {size}");
            }
        }
    }
}
