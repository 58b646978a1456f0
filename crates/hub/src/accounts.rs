//! Accounts: values of custom fields as they are shown and stored.

use contract::control::FieldValue;

/// Values of custom fields, from how they are stored.
#[must_use]
pub fn field_values(stored: &[(String, String)]) -> Vec<FieldValue> {
    stored
        .iter()
        .map(|(key, value)| FieldValue { key: key.clone(), value: value.clone() })
        .collect()
}

/// Values of custom fields, to how they are stored.
#[must_use]
pub fn stored_values(values: Vec<FieldValue>) -> Vec<(String, String)> {
    values.into_iter().map(|FieldValue { key, value }| (key, value)).collect()
}
