//! Scanning a PDF for names that call for caution (`/Like#20this`), byte by byte as it streams through. `/JS` alone
//! stands in every fourth PDF at random, so what follows counts too. Unlike the deep check this sees encrypted and
//! broken files and objects that no table names, but nothing packed.

use std::borrow::Cow;

use super::finding::{Finding, Findings};

/// What a name that matters says.
#[derive(Debug, Clone, Copy)]
enum Means {
    /// This, whatever follows.
    Alone(Finding),
    /// This when one of these bytes begins its value.
    With(&'static [u8], Finding),
}

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

#[derive(Debug, Default)]
pub(super) struct Keywords {
    /// The last bytes taken, from a slash on, when what follows decides about them.
    undecided: Vec<u8>,
    pub(super) found: Findings,
}

impl Keywords {
    pub(super) fn take(&mut self, piece: &[u8]) {
        let bytes = match self.undecided.is_empty() {
            true => Cow::Borrowed(piece),
            false => Cow::Owned([&self.undecided, piece].concat()),
        };
        self.undecided.clear();
        let mut name = Vec::new();
        for slash in memchr::memchr_iter(b'/', &bytes) {
            match look(&bytes[slash + 1..], &mut name) {
                Look::Finding(finding) => self.found.add(finding),
                Look::Nothing => {}
                Look::Undecided(length) => {
                    self.undecided.extend_from_slice(&bytes[slash..=slash + length]);
                }
            }
        }
    }
}

enum Look {
    Finding(Finding),
    Nothing,
    /// Nothing yet: they end too early. So many of them matter.
    Undecided(usize),
}

/// `name` is where the name is put together.
fn look(bytes: &[u8], name: &mut Vec<u8>) -> Look {
    name.clear();
    let mut rest = bytes;
    loop {
        let (byte, after) = match rest {
            [] | [b'#'] => return Look::Undecided(bytes.len()),
            [b'#', high] if digit(*high).is_some() => return Look::Undecided(bytes.len()),
            [b'#', high, low, after @ ..] => match digit(*high).zip(digit(*low)) {
                Some((high, low)) => (high << 4 | low, after),
                // No name looked for has a `#`.
                None => return Look::Nothing,
            },
            [byte, ..] if is_space(*byte) || is_delimiter(*byte) => break,
            [byte, after @ ..] => (*byte, after),
        };
        name.push(byte);
        if !WANTED.iter().any(|(wanted, _)| wanted.starts_with(name)) {
            return Look::Nothing;
        }
        rest = after;
    }
    match WANTED.iter().find(|(wanted, _)| wanted == name) {
        Some((_, Means::Alone(finding))) => Look::Finding(*finding),
        Some((_, Means::With(values, finding))) => match rest.iter().find(|it| !is_space(**it)) {
            Some(value) if values.contains(value) => Look::Finding(*finding),
            Some(_) => Look::Nothing,
            // Of all the blanks one is enough.
            None => Look::Undecided(bytes.len() - rest.len() + 1),
        },
        None => Look::Nothing,
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
            assert!(names.undecided.len() <= "/EmbeddedFiles".len() * 3);
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
            ("/JS \r\n\t\0                  (x)", vec![Script]),
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
