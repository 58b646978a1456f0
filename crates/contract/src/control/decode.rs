//! Reads bodies and queries of the control API from the strict tree of [`json`] into their types, by serde. Reading goes
//! on after a fault, so that one answer names them all by their paths: the members in the order they came, then those
//! that are missing. No value is quoted.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use std::cell::RefCell;
use std::fmt;

use super::problem::{FieldFault, Problem, ProblemCode};
use crate::json::{self, Node};

/// Most faults of one answer.
const FAULTS_MAX: usize = 100;
/// Most missing members that are looked for: each costs another reading.
const MISSING_MAX: usize = 20;

/// Reads a body. Errors: [`ProblemCode::Malformed`] for what is no JSON object, [`ProblemCode::ValidationFailed`] with
/// all members of a wrong type, missing, unknown or repeated.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Box<Problem>> {
    let detail = match json::parse_repeats(body) {
        Ok(root @ Node::Object(_)) => return read(&root, false),
        Ok(_) => "expected a JSON object".to_owned(),
        Err(at) => format!("expected JSON: broken at line {}, column {}", at.line(), at.column()),
    };
    Err(Box::new(Problem::new(ProblemCode::Malformed, detail)))
}

/// Reads the parameters of a query, each a text, as if they were the members of a body.
pub fn decode_query<T: DeserializeOwned>(
    parameters: impl Iterator<Item = (String, String)>,
) -> Result<T, Box<Problem>> {
    let members = parameters.map(|(name, value)| (name, Node::Text(value))).collect();
    read(&Node::Object(members), true)
}

/// For a member whose absence is `None` and whose null is `Some(None)`.
pub(super) fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn read<T: DeserializeOwned>(root: &Node, is_query: bool) -> Result<T, Box<Problem>> {
    let mut missing = Vec::new();
    loop {
        let notes = Notes { is_query, missing: &missing, faults: RefCell::default() };
        let reader =
            Reader { node: root, path: String::new(), origin: Origin::Body, notes: &notes };
        let read = T::deserialize(reader);
        let mut faults = notes.faults.into_inner();
        match read {
            Ok(value) if faults.is_empty() => return Ok(value),
            Ok(_) => return Err(Box::new(Problem::invalid(faults))),
            Err(Missing { path, .. }) if missing.len() < MISSING_MAX => missing.push(path),
            Err(Missing { path, .. }) => {
                faults.push(FieldFault { field: path, message: "is required".to_owned() });
                return Err(Box::new(Problem::invalid(faults)));
            }
        }
    }
}

/// What one reading knows and finds.
struct Notes<'r> {
    /// Numbers are written as texts.
    is_query: bool,
    /// Members that earlier readings missed; this one goes on as if they were there.
    missing: &'r [String],
    faults: RefCell<Vec<FieldFault>>,
}

/// Where a node comes from: what is wrong with it is a fault, or one of another name, or follows from one.
#[derive(Clone, Copy)]
enum Origin {
    Body,
    MissingMember,
    FaultyObject,
}

/// Reads one node as whatever serde asks for. After a fault it gives a value that fits, which is dropped in the end.
#[derive(Clone)]
struct Reader<'r> {
    node: &'r Node,
    path: String,
    origin: Origin,
    notes: &'r Notes<'r>,
}

impl<'r> Reader<'r> {
    fn fault(&self, expected: impl Into<String>) {
        let message = match self.origin {
            Origin::Body => expected.into(),
            Origin::MissingMember => "is required".to_owned(),
            Origin::FaultyObject => return,
        };
        let mut faults = self.notes.faults.borrow_mut();
        if faults.len() < FAULTS_MAX {
            faults.push(FieldFault { field: self.path.clone(), message });
        }
    }

    fn member(&self, name: &str, node: &'r Node, origin: Origin) -> Reader<'r> {
        let dot = if self.path.is_empty() { "" } else { "." };
        Reader { node, path: format!("{}{dot}{name}", self.path), origin, notes: self.notes }
    }

    /// The members of a struct, each once. Whatever is wrong with one becomes a fault when it is its turn.
    fn members(
        &self,
        fields: &'static [&'static str],
    ) -> impl Iterator<Item = (&'static str, Reader<'r>)> {
        let (found, is_object) = match self.node {
            Node::Object(found) => (&found[..], true),
            _ => (&[][..], false),
        };
        let mut seen = Vec::new();
        let came = found.iter().filter_map(move |(name, node)| {
            let member = self.member(name, node, Origin::Body);
            match fields.iter().find(|field| *field == name) {
                None => member.fault("expected no member of this name"),
                Some(field) if seen.contains(field) => member.fault("expected no member twice"),
                Some(field) => {
                    seen.push(*field);
                    return Some((*field, member));
                }
            }
            None
        });
        let origin = if is_object { Origin::MissingMember } else { Origin::FaultyObject };
        let absent =
            fields.iter().map(move |field| (*field, self.member(field, &Node::Null, origin)));
        let is_read =
            move |member: &Reader<'_>| !is_object || self.notes.missing.contains(&member.path);
        came.chain(absent.filter(move |(_, member)| is_read(member)))
    }

    fn number(&self, max: u64) -> u64 {
        let number = match self.node {
            Node::Number(number) => number.as_u64(),
            Node::Text(text) if self.notes.is_query => text.parse().ok(),
            _ => None,
        };
        number.filter(|number| *number <= max).unwrap_or_else(|| {
            self.fault("expected a whole number");
            0
        })
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Missing;

    /// Of a kind that no body has: refused, since a panic would end the server.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Missing> {
        Err(Missing { name: None, path: self.path })
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Missing> {
        let Node::Bool(bool) = self.node else {
            self.fault("expected a boolean");
            return visitor.visit_bool(false);
        };
        visitor.visit_bool(*bool)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Missing> {
        visitor.visit_u64(self.number(u32::MAX.into()))
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Missing> {
        visitor.visit_u64(self.number(u64::MAX))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Missing> {
        let Node::Text(text) = self.node else {
            self.fault("expected a string");
            return visitor.visit_str("");
        };
        visitor.visit_str(text)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Missing> {
        match self.node {
            Node::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Missing> {
        let mut list = &[][..];
        match self.node {
            Node::List(nodes) => list = nodes,
            _ => self.fault("expected a list"),
        }
        let entries = list.iter().enumerate().map(|(index, node)| Reader {
            node,
            path: format!("{}[{index}]", self.path),
            ..self.clone()
        });
        visitor.visit_seq(SeqDeserializer::new(entries))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Missing> {
        if !matches!(self.node, Node::Object(_)) {
            self.fault("expected an object");
        }
        let members = MapDeserializer::new(self.members(fields));
        visitor.visit_map(members).map_err(|mut missing| {
            if let Some(name) = missing.name.take() {
                missing.path = self.member(name, self.node, self.origin).path;
            }
            missing
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Missing> {
        let found = match self.node {
            Node::Text(text) => variants.iter().find(|variant| *variant == text),
            _ => None,
        };
        let variant = found.unwrap_or_else(|| {
            self.fault(match variants {
                [one, other] => format!("expected {one} or {other}"),
                _ => format!("expected one of {}", variants.join(", ")),
            });
            &variants[0]
        });
        visitor.visit_enum(variant.into_deserializer())
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 f64 char str bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct map identifier ignored_any
    }
}

impl IntoDeserializer<'_, Missing> for Reader<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A member that must be there is not, which ends a reading.
#[derive(Debug, Default, thiserror::Error)]
#[error("is required")]
struct Missing {
    /// Its name, while its path is not known.
    name: Option<&'static str>,
    path: String,
}

impl de::Error for Missing {
    fn custom<T: fmt::Display>(_: T) -> Missing {
        Missing::default()
    }

    fn missing_field(name: &'static str) -> Missing {
        Missing { name: Some(name), path: String::new() }
    }
}
