//! Finding orders by what somebody types: a candidate's name or a part of it, a phone number, a mail address, an application
//! or an order.
//!
//! What is typed and what an order holds are brought to the same shape, and cut into words. The *terms* of an order are
//! short pieces of its words, which an index can hold blind: of a Chinese name each character and each pair of
//! neighbours, of other words their beginnings, of long numbers the last digits. A query names the terms that an order
//! must have at least; whether it fits is seen on the order itself, by [`Query::fits`].

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};

use crate::candidate::{Candidate, is_unseen};
use crate::id::Id;

/// Most characters of the beginning of a word that is a term.
const BEGINNING_CHARS_MAX: usize = 6;
/// Of longer numbers the last digits are a term: the country code may stand before them or not.
const DIGITS_MAX: usize = 8;
/// Most terms of an order; a name would need some 120 Chinese characters to have more.
const TERMS_MAX: usize = 256;
/// Most terms that a query looks for: more would tell no more.
const QUERY_TERMS_MAX: usize = 16;
/// Most digits of a phone number with its country code. Source: E.164.
const PHONE_DIGITS_MAX: usize = 15;
/// Most digits of one group of a number that is written in groups.
const GROUP_DIGITS_MAX: usize = 5;

/// What an order is found by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Searched<'a> {
    /// Whom it is about.
    pub candidate: Candidate<'a>,
    /// The application in the hirer's system; may be empty.
    pub application_id: &'a str,
}

/// What is searched for: words that must all fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    words: Vec<Word>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// Characters of a script without blanks.
    Unspaced(String),
    /// Letters, with digits perhaps.
    Letters(String),
    /// Digits without zeros before them; the id that they are as they stand.
    Number(String, Option<Id>),
    /// With an `@`.
    Mail(String),
}

impl Query {
    /// What somebody typed; none when there is nothing in it to search for.
    #[must_use]
    pub fn new(typed: &str) -> Option<Query> {
        let words = words(typed);
        (!words.is_empty()).then_some(Query { words })
    }

    /// The ids that may be those of orders.
    pub fn order_ids(&self) -> impl Iterator<Item = Id> + '_ {
        self.words.iter().filter_map(|word| match word {
            Word::Number(_, order_id) => *order_id,
            _ => None,
        })
    }

    /// The query without the words that are this order's id: what else must fit.
    #[must_use]
    pub fn without(&self, order_id: Id) -> Query {
        let is_other = |word: &&Word| !matches!(word, Word::Number(_, Some(id)) if *id == order_id);
        Query { words: self.words.iter().filter(is_other).cloned().collect() }
    }

    /// Whether every order fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Terms that an order has if it fits, those first of which orders have the fewest.
    #[must_use]
    pub fn terms(&self) -> Vec<String> {
        let mut terms = Terms::default();
        for word in &self.words {
            match word {
                Word::Unspaced(text) if text.chars().nth(1).is_none() => terms.add(text.clone()),
                Word::Unspaced(text) => terms.add_pairs(text),
                Word::Letters(text) => terms.add(beginning(text, BEGINNING_CHARS_MAX)),
                Word::Number(digits, _) => terms.add(number_term(digits)),
                Word::Mail(address) => terms.add(address.clone()),
            }
        }
        let mut terms = terms.0;
        terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
        terms.truncate(QUERY_TERMS_MAX);
        terms
    }

    /// Whether an order fits: each word is somewhere in what it holds.
    #[must_use]
    pub fn fits(&self, searched: &Searched<'_>) -> bool {
        let held = Held::of(searched);
        self.words.iter().all(|word| held.has(word))
    }
}

/// The terms of an order, each once.
#[must_use]
pub fn terms(searched: &Searched<'_>) -> Vec<String> {
    let held = Held::of(searched);
    let mut terms = Terms::default();
    terms.0.extend(held.mail.clone());
    held.numbers.iter().for_each(|digits| terms.add(number_term(digits)));
    held.pieces.iter().for_each(|piece| terms.add(beginning(piece, BEGINNING_CHARS_MAX)));
    for text in &held.unspaced {
        text.chars().for_each(|c| terms.add(c.to_string()));
        terms.add_pairs(text);
    }
    for word in &held.names {
        let count = word.chars().count().min(BEGINNING_CHARS_MAX);
        (1..=count).for_each(|length| terms.add(beginning(word, length)));
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            terms.add(number_term(word));
        }
    }
    terms.0.truncate(TERMS_MAX);
    terms.0
}

#[derive(Default)]
struct Terms(Vec<String>);

impl Terms {
    fn add(&mut self, term: String) {
        if self.0.len() < TERMS_MAX && !self.0.contains(&term) {
            self.0.push(term);
        }
    }

    fn add_pairs(&mut self, text: &str) {
        let next = text.chars().skip(1);
        text.chars().zip(next).for_each(|(one, other)| self.add(format!("{one}{other}")));
    }
}

/// What an order holds, in the shape in which it is compared.
struct Held {
    /// The parts of the candidate's names that are written without blanks.
    unspaced: Vec<String>,
    /// The other words of the names.
    names: Vec<String>,
    /// Numbers: the phone number within its country and with the country's code, and those of the application.
    numbers: Vec<String>,
    /// Words of the application.
    pieces: Vec<String>,
    mail: Option<String>,
}

impl Held {
    fn of(searched: &Searched<'_>) -> Held {
        let Searched { candidate, application_id } = searched;
        let mut held = Held {
            unspaced: Vec::new(),
            names: Vec::new(),
            numbers: phone_numbers(candidate),
            pieces: Vec::new(),
            mail: Some(compact(candidate.email)).filter(|address| !address.is_empty()),
        };
        for name in [candidate.name, candidate.last_name, candidate.first_name] {
            held.add_name(name);
        }
        // 张三 signs as zhangsan.
        if let ([first], [last]) =
            (&words(candidate.first_name)[..], &words(candidate.last_name)[..])
            && let (Word::Letters(first), Word::Letters(last)) = (first, last)
        {
            held.names.extend([format!("{last}{first}"), format!("{first}{last}")]);
        }
        for word in words(application_id) {
            match word {
                Word::Number(digits, _) => held.numbers.push(digits),
                Word::Letters(text) | Word::Unspaced(text) | Word::Mail(text) => {
                    held.pieces.push(text);
                }
            }
        }
        held
    }

    fn add_name(&mut self, name: &str) {
        let mut unspaced = String::new();
        for word in words(name) {
            match word {
                // 张 三 is 张三.
                Word::Unspaced(text) => unspaced.push_str(&text),
                Word::Letters(text) | Word::Mail(text) => self.names.push(text),
                Word::Number(digits, _) => self.names.push(digits),
            }
        }
        self.unspaced.extend(Some(unspaced).filter(|text| !text.is_empty()));
    }

    fn has(&self, word: &Word) -> bool {
        match word {
            Word::Unspaced(text) => {
                self.unspaced.iter().any(|held| held.contains(text.as_str()))
                    || self.pieces.contains(text)
            }
            Word::Letters(text) => {
                self.names.iter().any(|name| name.starts_with(text.as_str()))
                    || self.pieces.contains(text)
            }
            Word::Number(digits, _) => {
                self.names.iter().any(|name| name.starts_with(digits.as_str()))
                    || self.numbers.contains(digits)
            }
            Word::Mail(address) => {
                self.mail.as_ref() == Some(address) || self.pieces.contains(address)
            }
        }
    }
}

/// The number within its country, and with the country's code before it.
fn phone_numbers(candidate: &Candidate<'_>) -> Vec<String> {
    let code = without_zeros(&digits(candidate.mobile_code));
    let number = digits(candidate.mobile_number);
    // Some write the country code before the number as well.
    let national = match number.strip_prefix("00") {
        Some(rest) => rest.strip_prefix(code.as_str()).unwrap_or(rest),
        None => &number,
    };
    let national = national.trim_start_matches('0');
    if national.is_empty() {
        return Vec::new();
    }
    let mut numbers = vec![national.to_owned()];
    if !code.is_empty() {
        numbers.push(format!("{code}{national}"));
    }
    numbers
}

fn number_term(digits: &str) -> String {
    digits[digits.len().saturating_sub(DIGITS_MAX)..].to_owned()
}

fn beginning(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

fn digits(text: &str) -> String {
    text.nfkc().filter(char::is_ascii_digit).collect()
}

fn without_zeros(digits: &str) -> String {
    match digits.trim_start_matches('0') {
        "" if !digits.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    }
}

/// A text without blanks in its usual shape.
fn compact(text: &str) -> String {
    plain(text).split_whitespace().collect()
}

/// The words of a text in their usual shape.
fn words(text: &str) -> Vec<Word> {
    let text = plain(text);
    let mut words = Vec::new();
    let mut chunks = text.split(|c: char| c.is_whitespace() || c.is_control()).peekable();
    while let Some(chunk) = chunks.next() {
        if chunk.trim_matches('@').contains('@') {
            words.push(Word::Mail(chunk.to_owned()));
        } else if is_number(chunk) {
            let mut group = NumberGroups::new(chunk);
            while let Some(next) = chunks.peek().filter(|next| group.goes_on_with(next)) {
                group.add(next);
                chunks.next();
            }
            words.push(group.word());
        } else {
            split_chunk(chunk, &mut words);
        }
    }
    words
}

/// Digits and signs between them.
fn is_number(chunk: &str) -> bool {
    chunk.contains(|c: char| c.is_ascii_digit())
        && chunk.chars().all(|c| c.is_ascii_digit() || !c.is_alphanumeric())
}

/// A number whose groups stand apart, as in `+86 138 0000 0000`.
struct NumberGroups {
    digits: String,
    is_phone: bool,
    has_long: bool,
}

impl NumberGroups {
    fn new(chunk: &str) -> NumberGroups {
        let is_phone = chunk.starts_with(['+', '(']) || chunk.starts_with("00");
        let mut group = NumberGroups { digits: String::new(), is_phone, has_long: false };
        group.add(chunk);
        group
    }

    fn goes_on_with(&self, next: &str) -> bool {
        let digits = digits(next);
        is_number(next)
            && !next.starts_with('+')
            && self.digits.len() + digits.len() <= PHONE_DIGITS_MAX
            && (self.is_phone || (!self.has_long && digits.len() <= GROUP_DIGITS_MAX))
    }

    fn add(&mut self, chunk: &str) {
        // +44 (0)20: the zero within brackets is dialled at home alone.
        let digits = digits(&chunk.replace("(0)", ""));
        self.has_long |= digits.len() > GROUP_DIGITS_MAX;
        self.digits.push_str(&digits);
    }

    fn word(self) -> Word {
        let order_id = self.digits.parse().ok();
        Word::Number(without_zeros(&self.digits), order_id)
    }
}

/// Runs of one kind of script; signs end them, but not those that are without blanks.
fn split_chunk(chunk: &str, words: &mut Vec<Word>) {
    let unspaced: String = chunk.chars().filter(|c| is_unspaced(*c)).collect();
    if !unspaced.is_empty() {
        words.push(Word::Unspaced(unspaced));
    }
    for run in chunk.split(|c: char| !is_word(c)).filter(|run| !run.is_empty()) {
        words.push(match run.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Word::Number(without_zeros(run), run.parse().ok()),
            false => Word::Letters(run.to_owned()),
        });
    }
}

fn is_word(c: char) -> bool {
    !is_unspaced(c) && (c.is_alphanumeric() || is_combining_mark(c))
}

/// Characters of scripts that set no blanks between words: Chinese, Japanese, and Korean, whose names are one word.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{3105}'..='\u{312f}'
        | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}')
}

/// The usual shape of a text: compatible forms and case made the same (NFKC), Latin letters without their accents, unseen
/// signs and apostrophes left out.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.nfkc().flat_map(char::to_lowercase) {
        match c {
            '\'' | '\u{2018}' | '\u{2019}' | '\u{2bc}' => {}
            c if is_unseen(c) => {}
            c if is_combining_mark(c)
                && plain.ends_with(|before: char| before.is_ascii_alphabetic()) => {}
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'þ' => plain.push_str("th"),
            'ø' => plain.push('o'),
            'ł' => plain.push('l'),
            'đ' | 'ð' => plain.push('d'),
            'ħ' => plain.push('h'),
            'ı' => plain.push('i'),
            'ς' => plain.push('σ'),
            c => plain.push(without_accent(c)),
        }
    }
    plain
}

/// The Latin letter below the accents; any other character as it is.
fn without_accent(c: char) -> char {
    let mut base = None;
    decompose_canonical(c, |part| {
        base.get_or_insert(part);
    });
    base.filter(char::is_ascii_alphabetic).unwrap_or(c)
}

#[cfg(test)]
mod tests;
