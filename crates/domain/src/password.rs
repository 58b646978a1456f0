//! Which passwords are good: long enough, and not what is tried first. There is no rule about kinds of characters: it makes
//! passwords worse. Source: NIST SP 800-63B, section 3.1.1.
//!
//! With at least 12 characters most of the usual lists fall away; what is left of them is made of few parts: a word with a
//! year, keys in a row, something twice. So the check takes such parts away and looks at what is left.

/// The fewest characters.
pub const CHARS_MIN: usize = 12;
/// The most characters. What is longer is refused before it is hashed.
pub const CHARS_MAX: usize = 128;

/// Words that stand in passwords all over the world, in lower case, one a line.
const COMMON: &str = include_str!("common_passwords.txt");
/// What keys and letters follow each other; both ways.
const ROWS: [&str; 9] = [
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "!@#$%^&*()_+",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
];
/// The fewest characters in a row that count as one thing.
const RUN_MIN: usize = 4;
/// The fewest characters that must be left of a password when all that is guessed first is taken away.
const OWN_CHARS_MIN: usize = 6;
/// The fewest different characters.
const DISTINCT_MIN: usize = 5;

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer than [`CHARS_MIN`] characters, or more than [`CHARS_MAX`].
    Length,
    /// One of those that are tried first.
    Common,
    /// It is mostly the person's own name or mail address, or the product's name.
    Own,
}

impl std::fmt::Display for PasswordFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PasswordFault::Length => write!(f, "expected {CHARS_MIN} to {CHARS_MAX} characters"),
            PasswordFault::Common => f.write_str(
                "expected a password that is not guessed soon: no usual word with a number, no keys \
                 in a row, nothing twice",
            ),
            PasswordFault::Own => {
                f.write_str("expected more than a name, a mail address or the name of this product")
            }
        }
    }
}

/// Checks a password; `own` are the person's names and mail address.
pub fn check(password: &str, own: &[&str]) -> Result<(), PasswordFault> {
    let count = password.chars().take(CHARS_MAX + 1).count();
    if !(CHARS_MIN..=CHARS_MAX).contains(&count) {
        return Err(PasswordFault::Length);
    }
    let text: Vec<char> = password.to_lowercase().chars().collect();
    if is_repeated(&text) || distinct(&text) < DISTINCT_MIN {
        return Err(PasswordFault::Common);
    }
    let text: String = text.into_iter().collect();
    // As it stands, and with the letters that figures and signs are put for.
    let is_common = [text.clone(), plain(&text)].iter().any(|text| {
        let text = without_runs(&without(text, COMMON.lines()));
        own_chars(&text) < OWN_CHARS_MIN
    });
    if is_common {
        return Err(PasswordFault::Common);
    }
    let own = own_words(own);
    if own_chars(&without(&text, own.iter().map(String::as_str))) < OWN_CHARS_MIN {
        return Err(PasswordFault::Own);
    }
    Ok(())
}

/// Whether the text is one shorter text several times, the last one perhaps cut.
fn is_repeated(text: &[char]) -> bool {
    (1..=text.len() / 2).any(|period| (period..text.len()).all(|at| text[at] == text[at - period]))
}

fn distinct(text: &[char]) -> usize {
    text.iter().collect::<std::collections::HashSet<_>>().len()
}

/// The letters and figures without the figures and signs at both ends, such as a year.
fn own_chars(text: &str) -> usize {
    let text = text.trim_matches(|sign: char| !sign.is_alphabetic());
    text.chars().filter(|sign| sign.is_alphanumeric()).count()
}

/// The person's words of at least three characters, and the product's name.
fn own_words(own: &[&str]) -> Vec<String> {
    let mut words = vec!["probity".to_owned()];
    for text in own {
        let text = text.to_lowercase();
        words.extend(text.split(|sign: char| !sign.is_alphanumeric()).map(str::to_owned));
        words.push(text);
    }
    words.retain(|word| word.chars().count() >= 3 || !word.is_ascii());
    words.retain(|word| !word.is_empty());
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// The text without these words; a blank stands for each.
fn without<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = words.filter(|word| text.contains(word)).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.into_iter().fold(text.to_owned(), |text, word| text.replace(word, " "))
}

/// The text with the letters that figures and signs usually stand for.
fn plain(text: &str) -> String {
    let letter = |sign| match sign {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        sign => sign,
    };
    text.chars().map(letter).collect()
}

/// The text without keys, letters and figures that follow each other, and without one character many times.
fn without_runs(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let (mut left, mut at) = (String::new(), 0);
    while at < text.len() {
        let length = run(&text[at..]);
        if length >= RUN_MIN {
            left.push(' ');
            at += length;
        } else {
            left.push(text[at]);
            at += 1;
        }
    }
    left
}

/// How many characters from the first on are a row, or the same.
fn run(text: &[char]) -> usize {
    let same = text.iter().take_while(|sign| **sign == text[0]).count();
    let backwards = ROWS.iter().map(|row| row.chars().rev().collect::<Vec<_>>());
    let rows = ROWS.iter().map(|row| row.chars().collect::<Vec<_>>()).chain(backwards);
    let longest = rows.map(|row| along(&row, text)).max().unwrap_or(0);
    same.max(longest)
}

fn along(row: &[char], text: &[char]) -> usize {
    let starts = (0..row.len()).filter(|start| row[*start] == text[0]);
    let common = |start: usize| row[start..].iter().zip(text).take_while(|(a, b)| a == b).count();
    starts.map(common).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> [&'static str; 2] {
        ["Zhang Haifeng 张海风", "haifeng.zhang@qiming.example"]
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for (password, expected) in [
            ("", PasswordFault::Length),
            ("short-one!1", PasswordFault::Length),
            ("aaaaaaaaaaaa", PasswordFault::Common),
            ("abababababab", PasswordFault::Common),
            ("passwordpassword", PasswordFault::Common),
            ("password1234", PasswordFault::Common),
            ("P@ssw0rd2026!", PasswordFault::Common),
            ("Welcome12345!", PasswordFault::Common),
            ("123456789012", PasswordFault::Common),
            ("210987654321", PasswordFault::Common),
            ("qwertyuiop12", PasswordFault::Common),
            ("1q2w3e4r5t6y", PasswordFault::Common),
            ("1qaz2wsx3edc", PasswordFault::Common),
            ("qwerty123456asdfgh", PasswordFault::Common),
            ("iloveyou5201314", PasswordFault::Common),
            ("woaini1314520", PasswordFault::Common),
            ("Administrator1!", PasswordFault::Common),
            ("correcthorsebatterystaple", PasswordFault::Common),
            ("199001011990", PasswordFault::Common),
            ("Haifeng19900101", PasswordFault::Own),
            ("haifeng.zhang@qiming.example", PasswordFault::Own),
            ("张海风张海风张海风张海风", PasswordFault::Common),
            ("Probity-2026!", PasswordFault::Own),
            ("Probity.Zhang.88", PasswordFault::Own),
        ] {
            assert_eq!(check(password, &own()), Err(expected), "{password}");
        }
        assert_eq!(check(&"长".repeat(129), &own()), Err(PasswordFault::Length));
    }

    #[test]
    fn long_own_texts_are_good_in_any_script_and_of_any_kind() {
        for password in [
            "lamp-quiet-river-9",
            "早上六点半去河边跑步吃包子",
            "zebra umbrella kettle moss",
            "Tr7#vq-Lm2.xKe",
            "kv8wq2mz7xhd",
            "password manager of aunt edna",
            "zhang keeps seven green herons",
        ] {
            assert_eq!(check(password, &own()), Ok(()), "{password}");
        }
        let longest: String = ('一'..).take(CHARS_MAX).collect();
        assert_eq!(check(&longest, &own()), Ok(()));
    }

    #[test]
    fn a_huge_text_is_refused_by_its_length() {
        assert_eq!(check(&"a".repeat(10_000_000), &[]), Err(PasswordFault::Length));
    }

    #[test]
    fn the_list_is_words_in_lower_case_each_once() {
        let words: Vec<_> = COMMON.lines().collect();
        assert!(words.len() > 250, "{}", words.len());
        let distinct: std::collections::HashSet<_> = words.iter().collect();
        assert_eq!(distinct.len(), words.len());
        for word in words {
            assert!(
                word.len() >= 3 && *word == word.to_lowercase() && !word.contains(' '),
                "{word}"
            );
        }
    }
}
