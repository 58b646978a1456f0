//! How vendors' forms may change; a refusal names all that is wrong. Source: contract, 3.1, 3.2, 7.

use std::collections::HashSet;

use contract::field::{AccountField, CheckField, FieldOption};

/// What is wrong with one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the member in the call's body.
    pub field: String,
    /// What was expected there.
    pub expected: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, expected: impl Into<String>) -> FieldError {
        FieldError { field: field.into(), expected: expected.into() }
    }
}

/// Checks the keys of a new form of account fields: none in `retired` (deleted earlier), none twice.
pub fn check_account_fields(
    fields: &[AccountField],
    retired: &[String],
) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    validate_keys(&mut errors, fields.iter().map(|field| field.key.as_str()), retired);
    none(errors)
}

/// The form with the names and descriptions of `changes`; unknown and repeated keys are errors.
pub fn rename_account_fields(
    form: &[AccountField],
    changes: &[AccountField],
) -> Result<Vec<AccountField>, Vec<FieldError>> {
    let mut errors = Vec::new();
    validate_keys(&mut errors, changes.iter().map(|change| change.key.as_str()), &[]);
    for (index, change) in changes.iter().enumerate() {
        if !form.iter().any(|field| field.key == change.key) {
            errors.push(unknown_key(format!("custom_field_list[{index}].key")));
        }
    }
    none(errors)?;
    let renamed = form.iter().map(|field| {
        let change = changes.iter().find(|change| change.key == field.key);
        change.map_or_else(
            || field.clone(),
            |change| AccountField {
                name: change.name.clone(),
                description: change.description.clone(),
                ..field.clone()
            },
        )
    });
    Ok(renamed.collect())
}

/// The form without the fields of `keys`; unknown and repeated keys, and an empty rest, are errors.
pub fn delete_account_fields(
    form: &[AccountField],
    keys: &[String],
) -> Result<Vec<AccountField>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for (index, key) in keys.iter().enumerate() {
        let path = format!("custom_field_key_list[{index}]");
        if !form.iter().any(|field| field.key == *key) {
            errors.push(unknown_key(path));
        } else if !seen.insert(key) {
            errors.push(FieldError::new(path, "expected each key once"));
        }
    }
    let remaining: Vec<_> =
        form.iter().filter(|field| !keys.contains(&field.key)).cloned().collect();
    if errors.is_empty() && remaining.is_empty() {
        errors.push(FieldError::new(
            "custom_field_key_list",
            "expected at least one field to remain",
        ));
    }
    none(errors)?;
    Ok(remaining)
}

/// Checks the keys of a new form of background-check fields and of their options, as [`check_account_fields`].
pub fn validate_check_fields(
    fields: &[CheckField],
    retired: &[String],
) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    validate_keys(&mut errors, fields.iter().map(|field| field.key.as_str()), retired);
    for (index, field) in fields.iter().enumerate() {
        let mut seen = HashSet::new();
        for (option_index, option) in field.options.iter().enumerate() {
            if !seen.insert(&option.key) {
                let path = format!("custom_field_list[{index}].options[{option_index}].key");
                errors.push(FieldError::new(path, "expected each key once"));
            }
        }
    }
    none(errors)
}

/// The form with the names and descriptions of `changes`; fields, options and types must match.
pub fn rename_check_fields(
    form: &[CheckField],
    changes: &[CheckField],
) -> Result<Vec<CheckField>, Vec<FieldError>> {
    let mut errors = Vec::new();
    if changes.len() != form.len() && !form.is_empty() {
        let expected = format!("expected all {} fields", form.len());
        errors.push(FieldError::new("custom_field_list", expected));
    }
    validate_keys(&mut errors, changes.iter().map(|change| change.key.as_str()), &[]);
    for (index, change) in changes.iter().enumerate() {
        let path = format!("custom_field_list[{index}]");
        match form.iter().find(|field| field.key == change.key) {
            None => errors.push(unknown_key(format!("{path}.key"))),
            Some(field) if field.kind != change.kind => {
                errors
                    .push(FieldError::new(format!("{path}.type"), "expected the type as created"));
            }
            Some(field) if !has_same_keys(&field.options, &change.options) => {
                let expected = "expected the keys of the options as created, each once";
                errors.push(FieldError::new(format!("{path}.options"), expected));
            }
            Some(_) => {}
        }
    }
    none(errors)?;
    let renamed = form.iter().map(|field| {
        let change = changes.iter().find(|change| change.key == field.key);
        change.map_or_else(|| field.clone(), |change| renamed(field, change))
    });
    Ok(renamed.collect())
}

fn renamed(field: &CheckField, change: &CheckField) -> CheckField {
    let name = |key: &str| change.options.iter().find(|option| option.key == key);
    let options = field.options.iter().map(|option| name(&option.key).unwrap_or(option).clone());
    CheckField {
        name: change.name.clone(),
        description: change.description.clone(),
        options: options.collect(),
        ..field.clone()
    }
}

fn has_same_keys(one: &[FieldOption], other: &[FieldOption]) -> bool {
    let keys = |options: &[FieldOption]| {
        options.iter().map(|option| option.key.clone()).collect::<HashSet<_>>()
    };
    one.len() == other.len() && keys(one) == keys(other)
}

fn validate_keys<'a>(
    errors: &mut Vec<FieldError>,
    keys: impl Iterator<Item = &'a str>,
    retired: &[String],
) {
    let mut seen = HashSet::new();
    for (index, key) in keys.enumerate() {
        let path = format!("custom_field_list[{index}].key");
        if !seen.insert(key) {
            errors.push(FieldError::new(path, "expected each key once"));
        } else if retired.iter().any(|retired| retired == key) {
            errors.push(FieldError::new(path, "expected a key that was never deleted"));
        }
    }
}

fn unknown_key(path: String) -> FieldError {
    FieldError::new(path, "expected a key of the form")
}

pub(crate) fn none(errors: Vec<FieldError>) -> Result<(), Vec<FieldError>> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
