//! The strict JSON tree from which request bodies are decoded, so that what is accepted has one meaning only: a member
//! that occurs twice, more than [`DEPTH_MAX`] levels or [`VALUES_MAX`] values, anything after the value, a byte order
//! mark and invalid UTF-8 are refused. Counting while reading keeps a hostile body from costing stack or memory.
//! One leniency: an escape of half a surrogate pair is read as U+FFFD ([`replace_lone_surrogates`]).

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// Most levels of lists and objects, the outermost one counted.
pub const DEPTH_MAX: usize = 32;

/// Most values in one body; a value of two bytes on the wire takes a hundred in memory.
pub const VALUES_MAX: usize = 100_000;

/// One JSON value.
#[derive(Clone, PartialEq)]
pub enum Node {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object: its members as they came, no name twice.
    Object(Vec<(String, Node)>),
}

impl fmt::Debug for Node {
    /// A body may hold personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        })
    }
}

/// The bytes are not one strict JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one json value without repeated members and bounded in depth and size")]
pub struct NotJson;

/// Reads exactly one JSON value. Errors: [`NotJson`], without a reason, since a body is never quoted back.
pub fn parse(bytes: &[u8]) -> Result<Node, NotJson> {
    read(bytes, false).map_err(|_| NotJson)
}

/// The same with repeated members left in their objects, for a reader that names them. Errors say where, not what.
pub(crate) fn parse_repeats(bytes: &[u8]) -> Result<Node, serde_json::Error> {
    read(bytes, true)
}

fn read(bytes: &[u8], may_repeat: bool) -> Result<Node, serde_json::Error> {
    let bytes = replace_lone_surrogates(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
    let values_left = Cell::new(VALUES_MAX);
    let level = Level { depth_left: DEPTH_MAX, values_left: &values_left, may_repeat };
    let node = level.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(node)
}

/// The same JSON with every escape of a lone surrogate, such as `\ud83d`, replaced by U+FFFD. JavaScript writes them
/// when a text was cut within an emoji; most parsers, serde_json's too, refuse the whole body for one.
pub fn replace_lone_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    let mut replaced = Cow::Borrowed(json);
    let mut index = 0;
    while let Some(found) = json[index..].iter().position(|byte| *byte == b'\\') {
        index += found;
        index += match escaped_unit(json, index) {
            Some(0xd800..=0xdbff) => match escaped_unit(json, index + ESCAPE_BYTES) {
                Some(0xdc00..=0xdfff) => 2 * ESCAPE_BYTES,
                _ => replace_escape(replaced.to_mut(), index),
            },
            Some(0xdc00..=0xdfff) => replace_escape(replaced.to_mut(), index),
            Some(_) => ESCAPE_BYTES,
            // The escaped byte may be a backslash itself.
            None => 2.min(json.len() - index),
        };
    }
    replaced
}

const ESCAPE_BYTES: usize = 6;

/// The UTF-16 unit that is escaped by number at `index`.
fn escaped_unit(json: &[u8], index: usize) -> Option<u16> {
    let digits = json.get(index..index + ESCAPE_BYTES)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

/// Writes U+FFFD over the escape at `index`; returns the number of bytes written.
fn replace_escape(json: &mut [u8], index: usize) -> usize {
    json[index..index + ESCAPE_BYTES].copy_from_slice(b"\\ufffd");
    ESCAPE_BYTES
}

/// Reads one value of which lists and objects may nest `depth_left` levels.
#[derive(Clone, Copy)]
struct Level<'c> {
    depth_left: usize,
    values_left: &'c Cell<usize>,
    may_repeat: bool,
}

impl Level<'_> {
    fn below<E: de::Error>(self) -> Result<Self, E> {
        match self.depth_left.checked_sub(1) {
            Some(depth_left) => Ok(Self { depth_left, ..self }),
            None => Err(E::custom("too deep")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let values_left = self.values_left.get().checked_sub(1);
        self.values_left.set(values_left.ok_or_else(|| de::Error::custom("too many values"))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a json value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        serde_json::Number::from_f64(value)
            .map(Node::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let level = self.below()?;
        let mut list = Vec::new();
        while let Some(node) = seq.next_element_seed(level)? {
            list.push(node);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let level = self.below()?;
        let mut members: Vec<(String, Node)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            members.push((name, map.next_value_seed(level)?));
        }
        if !self.may_repeat && has_repeats(&members) {
            return Err(de::Error::custom("repeated member"));
        }
        Ok(Node::Object(members))
    }
}

fn has_repeats(members: &[(String, Node)]) -> bool {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(members: &[(&str, Node)]) -> Node {
        Node::Object(
            members.iter().map(|(name, node)| ((*name).to_owned(), node.clone())).collect(),
        )
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let text = r#" {"n":null,"b":true,"i":-3,"u":18446744073709551615,"f":1.5,"t":"\u5f20三","l":[1,[]],"o":{}} "#;
        let expected = object(&[
            ("n", Node::Null),
            ("b", Node::Bool(true)),
            ("i", Node::Number((-3).into())),
            ("u", Node::Number(u64::MAX.into())),
            ("f", Node::Number(serde_json::Number::from_f64(1.5).unwrap())),
            ("t", Node::Text("张三".to_owned())),
            ("l", Node::List(vec![Node::Number(1.into()), Node::List(vec![])])),
            ("o", object(&[])),
        ]);
        assert!(parse(text.as_bytes()).unwrap() == expected);
    }

    #[test]
    fn anything_but_one_strict_value_is_refused() {
        let cases: &[&[u8]] = &[
            b"",
            b" ",
            b"{",
            b"}",
            b"nul",
            b"{}{}",
            b"{} x",
            b"[1,]",
            b"{\"a\":1,}",
            b"{a:1}",
            b"{'a':1}",
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\0}\0",
            b"{\"a\":\"\xff\"}",
            b"{\"\xc3\x28\":1}",
            b"{\"a\":\"\xed\xa0\x80\"}",
            b"{\"a\":\"\\ud8\"}",
            b"{\"a\":\"\\ud83g\"}",
            b"{\"a\":\\ud83d}",
            b"{\"\\ud83d\":1,\"\\ufffd\":2}",
            b"{\"a\":\"\n\"}",
            b"{\"a\":01}",
            b"{\"a\":+1}",
            b"{\"a\":NaN}",
            b"{\"a\":1e999}",
            b"{\"a\":1,\"a\":1}",
            b"{\"a\":1,\"\\u0061\":2}",
            b"{\"x\":{\"a\":1,\"a\":2}}",
            b"{\"x\":[{\"a\":1,\"b\":2,\"a\":null}]}",
            b"app_id=cli_0&app_secret=1",
        ];
        for case in cases {
            assert!(parse(case).is_err(), "{}", String::from_utf8_lossy(case));
        }
    }

    #[test]
    fn lone_surrogates_are_read_as_the_replacement_character() {
        for (text, expected) in [
            (r#""ok \ud83d""#, "ok \u{fffd}"),
            (r#""\uD83D""#, "\u{fffd}"),
            (r#""\ude00""#, "\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d \ude00""#, "\u{fffd} \u{fffd}"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83d\\ude00""#, "\u{fffd}\\ude00"),
            // Not escapes of surrogates.
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\\\\ud83d""#, "\\\\ud83d"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""\ud7ff\ue000""#, "\u{d7ff}\u{e000}"),
        ] {
            assert!(parse(text.as_bytes()).unwrap() == Node::Text(expected.to_owned()), "{text}");
        }
        let text = r#"{"\ud83d":[{"a\udfff":"\ud800"}],"b":1}"#;
        let inner = object(&[("a\u{fffd}", Node::Text("\u{fffd}".to_owned()))]);
        let expected =
            object(&[("\u{fffd}", Node::List(vec![inner])), ("b", Node::Number(1.into()))]);
        assert!(parse(text.as_bytes()).unwrap() == expected);
    }

    #[test]
    fn what_has_no_lone_surrogate_is_not_copied() {
        for text in ["", "{}", r#"{"a":"\ud83d\ude00 \\ \""}"#, "\\", r"\u", r"\ud83"] {
            let replaced = replace_lone_surrogates(text.as_bytes());
            assert!(matches!(replaced, Cow::Borrowed(same) if same == text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn repeats_are_seen_among_many_members() {
        for count in [15, 16, 17, 40, 5_000] {
            let names: Vec<String> = (0..count).map(|i| format!("\"m{i}\":1")).collect();
            assert!(parse(format!("{{{}}}", names.join(",")).as_bytes()).is_ok());
            assert!(
                parse(format!("{{{},\"m0\":1}}", names.join(",")).as_bytes()).is_err(),
                "{count}"
            );
        }
    }

    #[test]
    fn depth_ends_at_the_limit_without_stack_trouble() {
        let lists = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for text in [lists(DEPTH_MAX), objects(DEPTH_MAX)] {
            assert!(parse(text.as_bytes()).is_ok());
        }
        for depth in [DEPTH_MAX + 1, 128, 10_000, 100_000] {
            for text in [lists(depth), objects(depth), "[".repeat(depth), "{\"a\":".repeat(depth)] {
                assert_eq!(parse(text.as_bytes()), Err(NotJson), "{depth}");
            }
        }
    }

    #[test]
    fn values_are_counted() {
        let list = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert!(parse(list(VALUES_MAX - 1).as_bytes()).is_ok());
        assert_eq!(parse(list(VALUES_MAX).as_bytes()), Err(NotJson));
    }

    #[test]
    fn a_printed_tree_shows_no_content() {
        assert_eq!(format!("{:?}", parse(b"\"secret\"").unwrap()), "text");
    }
}
