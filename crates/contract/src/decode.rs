//! The rules by which a request body becomes a value or a refusal that names each fault. Reading goes on after a fault,
//! so that one answer names all of them in the order of the members. A wrong JSON type outweighs broken rules. Members
//! that no rule reads are ignored; null counts as absent. Free text is never quoted back, since it may be personal.
//! Source: contract, sections 2.3 and 7 (Q5, Q8, Q33); product, section 12.

mod query;

use crate::code::{self, Code};
use crate::envelope::{ErrorBody, FieldViolation};
use crate::json::{self, Node};
use crate::text::is_blank;
use std::fmt::Write as _;
use std::mem;

pub use query::decode_query;

/// Most characters of a value that are quoted in `value`.
const QUOTED_MAX: usize = 100;
/// Most characters of a text that are quoted where another type was expected.
const QUOTED_WRONG_TYPE_MAX: usize = 40;

/// Why a body was not accepted; nothing of it may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Not one strict JSON object (9499).
    NotJson,
    /// A member has the wrong JSON type (9499).
    WrongType {
        /// Path of the member.
        field: String,
        /// What came: a number or bool, a short id or enum text, or the name of its kind.
        value: String,
    },
    /// Members break their rules (99992402), in the order of the members; never empty.
    Violations(Vec<FieldViolation>),
}

impl Refused {
    /// The row of the errors table.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NotJson => &code::BAD_REQUEST,
            Self::WrongType { .. } => &code::INVALID_PARAMETER_TYPE,
            Self::Violations(_) => &code::FIELD_VALIDATION_FAILED,
        }
    }

    /// The answer's body.
    pub fn into_body(self, log_id: &str) -> ErrorBody {
        let body = ErrorBody::new(self.code(), log_id);
        match self {
            Self::NotJson => body,
            Self::WrongType { field, value } => body.with_msg(format!(
                "Invalid parameter type in json: {field}. Invalid parameter value: {value}. \
                 Please check and modify accordingly."
            )),
            Self::Violations(violations) => body.with_field_violations(violations),
        }
    }
}

/// What a body of no bytes at all means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyBody {
    /// It is not JSON.
    Refused,
    /// It counts as `{}`.
    CountsAsObject,
}

/// Whether a member may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must be there and not empty.
    Required,
    /// It may be missing, null or empty.
    Optional,
}

/// Whether a faulty value may be quoted back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// Ids and enums.
    Value,
    /// Free text and addresses.
    Never,
}

/// The rule of a text member.
#[derive(Debug, Clone, Copy)]
pub struct TextRule {
    /// Most characters (Unicode scalar values).
    pub chars_max: usize,
    /// Whether a faulty value may be quoted back.
    pub quote: Quote,
    /// Whether blanks alone are a text.
    pub may_be_blank: bool,
}

impl TextRule {
    /// An id of at most `chars_max` characters; quoted when faulty.
    pub const fn id(chars_max: usize) -> Self {
        Self { chars_max, quote: Quote::Value, may_be_blank: true }
    }

    /// Free text of at most `chars_max` characters; never quoted.
    pub const fn free(chars_max: usize) -> Self {
        Self { chars_max, quote: Quote::Never, may_be_blank: true }
    }

    /// Free text that is shown to people: of at most `chars_max` characters, with something to read.
    pub const fn shown(chars_max: usize) -> Self {
        Self { may_be_blank: false, ..Self::free(chars_max) }
    }
}

#[derive(Debug, Default)]
struct Faults {
    wrong_type: Option<(String, String)>,
    violations: Vec<FieldViolation>,
}

/// Decodes a body with `read`, which asks for each member in the order of the contract; its value is dropped when a
/// member has a fault. Errors: [`Refused`] with all faults.
pub fn decode<T>(
    body: &[u8],
    empty: EmptyBody,
    read: impl FnOnce(&mut Object<'_>) -> T,
) -> Result<T, Refused> {
    let members = match (body, empty) {
        (b"", EmptyBody::CountsAsObject) => Vec::new(),
        _ => match json::parse(body) {
            Ok(Node::Object(members)) => members,
            Ok(_) | Err(json::NotJson) => return Err(Refused::NotJson),
        },
    };
    let mut faults = Faults::default();
    let value = read(&mut Object { path: String::new(), members, faults: &mut faults });
    match faults {
        Faults { wrong_type: Some((field, value)), .. } => Err(Refused::WrongType { field, value }),
        Faults { violations, .. } if !violations.is_empty() => Err(Refused::Violations(violations)),
        _ => Ok(value),
    }
}

/// One object of the body being read. Each method takes a member out, so a member is read once.
pub struct Object<'f> {
    /// Path before a member's name: empty, or ending in a full stop.
    path: String,
    members: Vec<(String, Node)>,
    faults: &'f mut Faults,
}

impl Object<'_> {
    /// Reads a text that must be there: at least 1 character. Faulty texts come back as they are, missing ones empty.
    pub fn text(&mut self, name: &str, rule: TextRule) -> String {
        match self.take_text(name) {
            Taken::Value(text) => {
                if text.is_empty() {
                    self.violate(name, None, "the min len is 1".to_owned());
                }
                self.validate_text(name, &text, rule);
                text
            }
            Taken::Absent => self.miss(name),
            Taken::WrongType => String::new(),
        }
    }

    /// Reads a text that may be left out; an empty one counts as left out, as clients send it for an unset member.
    pub fn optional_text(&mut self, name: &str, rule: TextRule) -> Option<String> {
        match self.take_text(name) {
            Taken::Value(text) if text.is_empty() => None,
            Taken::Value(text) => {
                self.validate_text(name, &text, rule);
                Some(text)
            }
            Taken::Absent | Taken::WrongType => None,
        }
    }

    /// Reads a required instant: milliseconds since the epoch as the text of a positive decimal integer.
    pub fn time_ms(&mut self, name: &str) -> i64 {
        let text = match self.take_text(name) {
            Taken::Value(text) => text,
            Taken::Absent => return self.miss(name),
            Taken::WrongType => return 0,
        };
        if text.is_empty() {
            self.violate(name, None, "the min len is 1".to_owned());
            return 0;
        }
        // `parse` alone would take a leading plus.
        let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(ms) if digits_only && ms > 0 => ms,
            _ => {
                let expected =
                    "expected milliseconds since the epoch as a positive decimal integer";
                self.violate(name, Some(&text), expected.to_owned());
                0
            }
        }
    }

    /// Reads a whole number that must be there and be one of `options`; 0 when it is not.
    pub fn option(&mut self, name: &str, options: &[u8]) -> u8 {
        match self.take(name) {
            Some(node) => self.validate_option(name, &node, options).unwrap_or_default(),
            None => self.miss(name),
        }
    }

    /// Reads a whole number that may be left out and must be one of `options`.
    pub fn optional_option(&mut self, name: &str, options: &[u8]) -> Option<u8> {
        let node = self.take(name)?;
        self.validate_option(name, &node, options)
    }

    fn validate_option(&mut self, name: &str, node: &Node, options: &[u8]) -> Option<u8> {
        let Node::Number(number) = node else {
            self.mistype(name, node, Quote::Value);
            return None;
        };
        let Some(number) = number.as_i64().or_else(|| number.is_u64().then_some(i64::MAX)) else {
            self.mistype(name, node, Quote::Value);
            return None;
        };
        let found = options.iter().copied().find(|option| i64::from(*option) == number);
        if found.is_none() {
            let options: Vec<String> = options.iter().map(u8::to_string).collect();
            self.violate_choice(name, &quote(node, Quote::Value, QUOTED_MAX), &options.join(","));
        }
        found
    }

    /// Reads a text that must be there and be one of the words of `choices`; the first one when it is not.
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> T {
        let first = choices.first().expect("a choice has words").1;
        let text = match self.take_text(name) {
            Taken::Value(text) => text,
            Taken::Absent => {
                self.miss::<()>(name);
                return first;
            }
            Taken::WrongType => return first,
        };
        match choices.iter().find(|(word, _)| *word == text) {
            Some((_, choice)) => *choice,
            None => {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                self.violate_choice(name, &text, &words.join(","));
                first
            }
        }
    }

    /// Reads a bool that must be there.
    pub fn bool(&mut self, name: &str) -> bool {
        match self.take(name) {
            Some(Node::Bool(bool)) => bool,
            Some(node) => {
                self.mistype(name, &node, Quote::Never);
                false
            }
            None => self.miss(name),
        }
    }

    /// Reads an object with `read`; `None` when it is absent or no object.
    pub fn object<T>(
        &mut self,
        name: &str,
        presence: Presence,
        read: impl FnOnce(&mut Object<'_>) -> T,
    ) -> Option<T> {
        match self.take(name) {
            Some(Node::Object(members)) => {
                let path = format!("{}{name}.", self.path);
                Some(read(&mut Object { path, members, faults: self.faults }))
            }
            Some(node) => {
                self.mistype(name, &node, Quote::Never);
                None
            }
            None => {
                if presence == Presence::Required {
                    self.miss::<()>(name);
                }
                None
            }
        }
    }

    /// Reads a list of texts, each at least 1 character; absent, null and empty lists come back empty.
    pub fn texts(&mut self, name: &str, len_max: usize, rule: TextRule) -> Vec<String> {
        let nodes = self.nodes(name, Presence::Optional, len_max);
        let mut texts = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.into_iter().enumerate() {
            let name = format!("{name}[{index}]");
            match node {
                Node::Text(text) => {
                    if text.is_empty() {
                        self.violate(&name, None, "the min len is 1".to_owned());
                    }
                    self.validate_text(&name, &text, rule);
                    texts.push(text);
                }
                node => self.mistype(&name, &node, Quote::Never),
            }
        }
        texts
    }

    /// Reads a list of objects with `read`; absent, null and empty lists come back empty. A required list must be there
    /// and hold something. A list longer than `len_max` is not looked into.
    pub fn list<T>(
        &mut self,
        name: &str,
        presence: Presence,
        len_max: usize,
        mut read: impl FnMut(&mut Object<'_>) -> T,
    ) -> Vec<T> {
        let nodes = self.nodes(name, presence, len_max);
        let mut values = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.into_iter().enumerate() {
            match node {
                Node::Object(members) => {
                    let path = format!("{}{name}[{index}].", self.path);
                    values.push(read(&mut Object { path, members, faults: self.faults }));
                }
                node => self.mistype(&format!("{name}[{index}]"), &node, Quote::Never),
            }
        }
        values
    }

    /// The entries of a list that is not too long; none when it is faulty.
    fn nodes(&mut self, name: &str, presence: Presence, len_max: usize) -> Vec<Node> {
        let nodes = match self.take(name) {
            None if presence == Presence::Required => return self.miss(name),
            None => return Vec::new(),
            Some(Node::List(nodes)) => nodes,
            Some(node) => {
                self.mistype(name, &node, Quote::Never);
                return Vec::new();
            }
        };
        if nodes.is_empty() && presence == Presence::Required {
            self.violate(name, None, "the min len is 1".to_owned());
        }
        if nodes.len() > len_max {
            self.violate(name, None, format!("the max len is {len_max}"));
            return Vec::new();
        }
        nodes
    }

    fn violate_choice(&mut self, name: &str, value: &str, options: &str) {
        self.violate(name, Some(value), format!("{name} is optional, options: [{options}]"));
    }

    /// Notes that a member breaks its rule; `value` is quoted, cut at 100 characters.
    pub fn violate(&mut self, name: &str, value: Option<&str>, description: String) {
        let field = format!("{}{name}", self.path);
        let value = value.map(|value| cut(value, QUOTED_MAX).to_owned());
        self.faults.violations.push(FieldViolation { field, value, description });
    }

    /// Whether a member is a list with entries; looks without taking it out.
    pub fn holds_entries(&self, name: &str) -> bool {
        self.list_len(name).is_some_and(|len| len > 0)
    }

    /// Whether a member is a list without entries; looks without taking it out.
    pub fn is_empty_list(&self, name: &str) -> bool {
        self.list_len(name) == Some(0)
    }

    fn list_len(&self, name: &str) -> Option<usize> {
        self.members.iter().find_map(|(found, node)| match node {
            Node::List(nodes) if found == name => Some(nodes.len()),
            _ => None,
        })
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let (_, node) = self.members.iter_mut().find(|(found, _)| found == name)?;
        match mem::replace(node, Node::Null) {
            Node::Null => None,
            node => Some(node),
        }
    }

    fn take_text(&mut self, name: &str) -> Taken {
        match self.take(name) {
            None => Taken::Absent,
            Some(Node::Text(text)) => Taken::Value(text),
            Some(node) => {
                self.mistype(name, &node, Quote::Never);
                Taken::WrongType
            }
        }
    }

    fn validate_text(&mut self, name: &str, text: &str, rule: TextRule) {
        let quoted = (rule.quote == Quote::Value).then_some(text);
        // A text has at most as many characters as bytes, so most need no counting.
        if text.len() > rule.chars_max && text.chars().count() > rule.chars_max {
            self.violate(name, quoted, format!("the max len is {}", rule.chars_max));
        }
        if !rule.may_be_blank && !text.is_empty() && is_blank(text) {
            self.violate(name, None, "expected more than blanks".to_owned());
        }
        // PostgreSQL's text cannot hold it.
        if text.contains('\0') {
            self.violate(name, None, "expected a text without the character U+0000".to_owned());
        }
    }

    fn miss<T: Default>(&mut self, name: &str) -> T {
        self.violate(name, None, format!("{name} is required"));
        T::default()
    }

    fn mistype(&mut self, name: &str, node: &Node, quoted: Quote) {
        if self.faults.wrong_type.is_none() {
            let field = format!("{}{name}", self.path);
            self.faults.wrong_type = Some((field, quote(node, quoted, QUOTED_WRONG_TYPE_MAX)));
        }
    }
}

enum Taken {
    Value(String),
    Absent,
    WrongType,
}

/// What of a value may be shown: numbers and bools, texts where allowed, else the kind's name.
fn quote(node: &Node, quoted: Quote, chars_max: usize) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(number) => {
            let mut text = String::new();
            write!(text, "{number}").expect("writing to a string never fails");
            text
        }
        Node::Text(text) if quoted == Quote::Value => cut(text, chars_max).to_owned(),
        Node::Text(_) => "string".to_owned(),
        Node::List(_) => "array".to_owned(),
        Node::Object(_) => "object".to_owned(),
    }
}

fn cut(text: &str, chars_max: usize) -> &str {
    text.char_indices().nth(chars_max).map_or(text, |(end, _)| &text[..end])
}
