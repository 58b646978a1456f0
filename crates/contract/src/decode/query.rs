//! The rules for parameters of a query string, and for members that filter: whatever is empty counts as left out.

use super::{Faults, Node, Object, QUOTED_MAX, Refused, Taken, cut};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Reads the parameters of a query string as if they were members of a body, each a text. Errors: [`Refused`] with all
/// faults; a parameter that stands twice is one.
pub fn decode_query<T>(
    parameters: Vec<(String, String)>,
    read: impl FnOnce(&mut Object<'_>) -> T,
) -> Result<T, Refused> {
    let mut faults = Faults::default();
    let mut members = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for (name, value) in parameters {
        match members.entry(name) {
            Entry::Vacant(index) => {
                index.insert(Node::Text(value));
            }
            Entry::Occupied(index) => {
                twice.insert(index.key().clone());
            }
        }
    }
    let members = members.into_iter().collect();
    let mut object = Object { path: String::new(), members, faults: &mut faults };
    for name in twice {
        object.violate(cut(&name, QUOTED_MAX), None, "expected once".to_owned());
    }
    let value = read(&mut object);
    match faults.violations.is_empty() {
        true => Ok(value),
        false => Err(Refused::Violations(faults.violations)),
    }
}

impl Object<'_> {
    /// Reads an instant that may be left out or empty: milliseconds since the epoch as the text of a decimal integer.
    pub fn optional_time_ms(&mut self, name: &str) -> Option<i64> {
        let Taken::Value(text) = self.take_text(name) else { return None };
        if text.is_empty() {
            return None;
        }
        let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(ms) if digits_only => Some(ms),
            _ => {
                let expected = "expected milliseconds since the epoch as a decimal integer";
                self.violate(name, Some(&text), expected.to_owned());
                None
            }
        }
    }

    /// Reads a whole number from `min` to `max` that is written as a text and may be left out or empty.
    pub fn optional_count(&mut self, name: &str, min: u32, max: u32) -> Option<u32> {
        let Taken::Value(text) = self.take_text(name) else { return None };
        if text.is_empty() {
            return None;
        }
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // A number that does not fit is beyond the bound on its side.
        let beyond = if text.starts_with('-') { i64::MIN } else { i64::MAX };
        let number = text.parse().unwrap_or(beyond);
        let expected = match number {
            _ if !is_number => "expected a decimal integer".to_owned(),
            _ if number < i64::from(min) => format!("the min value is {min}"),
            _ if number > i64::from(max) => format!("the max value is {max}"),
            _ => return u32::try_from(number).ok(),
        };
        self.violate(name, Some(&text), expected);
        None
    }

    /// Reads a text that may be left out or empty and else must be one of the words of `choices`.
    pub fn optional_choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let Taken::Value(text) = self.take_text(name) else { return None };
        if text.is_empty() {
            return None;
        }
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            self.violate_choice(name, &text, &words.join(","));
        }
        found.map(|(_, choice)| *choice)
    }

    /// Reads one of `options` that may be left out, written as a text or as a number.
    pub fn optional_text_option(&mut self, name: &str, options: &[u8]) -> Option<u8> {
        match self.take(name)? {
            Node::Text(text) if text.is_empty() => None,
            Node::Text(text) => {
                let found = options.iter().copied().find(|option| option.to_string() == text);
                if found.is_none() {
                    let options: Vec<String> = options.iter().map(u8::to_string).collect();
                    self.violate_choice(name, &text, &options.join(","));
                }
                found
            }
            node => self.validate_option(name, &node, options),
        }
    }
}
