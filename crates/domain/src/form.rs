//! Whether a filled form fits its fields; files are ids here. Source: contract, 3.2.1 and 7 (Q14).

use std::collections::HashSet;

use contract::field::{AccountField, CheckField, FieldType};
use contract::text::is_blank;

use crate::Id;
use crate::fields::{FieldError, none};

/// Most characters of a `text`.
pub const TEXT_CHARS_MAX: usize = 100;
/// Most characters of a `textarea`.
pub const TEXTAREA_CHARS_MAX: usize = 200;
/// Most characters of a `number`.
pub const NUMBER_CHARS_MAX: usize = 40;
/// Most files of one field.
pub const FILES_MAX: usize = 20;
/// The instants of a `date`, in milliseconds since the epoch: the years 1 to 9999.
pub const DATE_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// A value of a form: its field's key, and its text.
pub type Value = (String, String);

/// A form whose values fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled {
    /// The values that are not empty, in the order of the form's fields.
    pub values: Vec<Value>,
    /// The files of the fields that hold files.
    pub files: Vec<(String, Vec<Id>)>,
}

/// Checks an order's values; an empty one counts as none. All errors, then what is missing.
pub fn fill(fields: &[CheckField], values: &[Value]) -> Result<Filled, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut texts = Vec::with_capacity(values.len());
    for (index, (key, value)) in values.iter().enumerate() {
        let path = format!("custom_field_list[{index}]");
        let Some(field) = fields.iter().find(|field| field.key == *key) else {
            errors.push(unknown_key(&path));
            continue;
        };
        match read(field, value) {
            Ok(Some(read)) => texts.push((key, read)),
            Ok(None) => {}
            Err(expected) => errors.push(FieldError::new(format!("{path}.value"), expected)),
        }
    }
    let mut filled = Filled::default();
    for field in fields {
        let found = texts.iter().position(|(key, _)| **key == field.key);
        match found.map(|index| texts.swap_remove(index).1) {
            Some(Read::Text(text)) => filled.values.push((field.key.clone(), text)),
            Some(Read::Files(text, ids)) => {
                filled.values.push((field.key.clone(), text));
                filled.files.push((field.key.clone(), ids));
            }
            None if field.is_required => validate_missing(&mut errors, &field.key, values),
            None => {}
        }
    }
    none(errors)?;
    Ok(filled)
}

/// Checks the values of an account against the account fields of the vendor's app, if it published any.
pub fn validate_account(fields: &[AccountField], values: &[Value]) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    for (index, (key, _)) in values.iter().enumerate() {
        if !fields.iter().any(|field| field.key == *key) {
            errors.push(unknown_key(&format!("custom_field_list[{index}]")));
        }
    }
    for field in fields.iter().filter(|field| field.is_required) {
        let is_filled = |(key, value): &Value| *key == field.key && !is_blank(value);
        if !values.iter().any(is_filled) {
            validate_missing(&mut errors, &field.key, values);
        }
    }
    none(errors)
}

enum Read {
    Text(String),
    Files(String, Vec<Id>),
}

fn read(field: &CheckField, value: &str) -> Result<Option<Read>, String> {
    if is_blank(value) {
        return Ok(None);
    }
    let text = || Ok(Some(Read::Text(value.to_owned())));
    match field.kind {
        FieldType::Text => {
            validate_length(value, TEXT_CHARS_MAX)?;
            if value.contains(['\n', '\r']) {
                return Err("expected one line".to_owned());
            }
            text()
        }
        FieldType::Textarea => {
            validate_length(value, TEXTAREA_CHARS_MAX)?;
            text()
        }
        FieldType::Number if is_number(value) => text(),
        FieldType::Number => Err(format!(
            "expected a decimal number of at most {NUMBER_CHARS_MAX} characters, as -12.5"
        )),
        FieldType::Boolean if matches!(value, "true" | "false") => text(),
        FieldType::Boolean => Err("expected true or false".to_owned()),
        FieldType::Date if is_date(value) => text(),
        FieldType::Date => {
            Err("expected milliseconds since the epoch, within the years 1 to 9999".to_owned())
        }
        FieldType::Select if has_option(field, value) => text(),
        FieldType::Select => Err("expected the key of one of the field's options".to_owned()),
        FieldType::Multiselect => {
            let expected = "expected a JSON array of keys of the field's options, each once";
            let keys =
                distinct_texts(value).filter(|keys| keys.iter().all(|key| has_option(field, key)));
            let keys = keys.ok_or(expected)?;
            Ok((!keys.is_empty()).then(|| Read::Text(list(&keys))))
        }
        FieldType::File | FieldType::Resume => {
            let expected =
                || format!("expected a JSON array of 1 to {FILES_MAX} file ids, each once");
            let texts = distinct_texts(value).filter(|texts| texts.len() <= FILES_MAX);
            let texts = texts.ok_or_else(expected)?;
            let ids: Result<Vec<Id>, _> = texts.iter().map(|text| text.parse()).collect();
            let ids = ids.map_err(|_| expected())?;
            Ok((!ids.is_empty()).then(|| Read::Files(list(&texts), ids)))
        }
    }
}

fn validate_length(value: &str, chars_max: usize) -> Result<(), String> {
    let count = value.chars().count();
    if count > chars_max {
        return Err(format!("expected at most {chars_max} characters, came {count}"));
    }
    Ok(())
}

fn is_number(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    value.len() <= NUMBER_CHARS_MAX && is_digits(whole) && is_digits(fraction)
}

fn is_date(value: &str) -> bool {
    // `parse` alone would take a leading plus.
    !value.starts_with('+') && value.parse().is_ok_and(|ms| DATE_MS.contains(&ms))
}

fn has_option(field: &CheckField, key: &str) -> bool {
    field.options.iter().any(|option| option.key == key)
}

fn distinct_texts(value: &str) -> Option<Vec<String>> {
    let texts: Vec<String> = serde_json::from_str(value).ok()?;
    let mut seen = HashSet::new();
    texts.iter().all(|text| seen.insert(text)).then_some(())?;
    Some(texts)
}

fn list(texts: &[String]) -> String {
    serde_json::to_string(texts).expect("texts have a JSON text")
}

fn unknown_key(path: &str) -> FieldError {
    FieldError::new(format!("{path}.key"), "expected a key of the vendor's form")
}

fn validate_missing(errors: &mut Vec<FieldError>, key: &str, values: &[Value]) {
    match values.iter().position(|(found, _)| found == key) {
        None => {
            let expected = format!("expected a value of the required field {key}");
            errors.push(FieldError::new("custom_field_list", expected));
        }
        Some(index) => {
            let path = format!("custom_field_list[{index}].value");
            if !errors.iter().any(|error| error.field == path) {
                errors.push(FieldError::new(path, "is required"));
            }
        }
    }
}
