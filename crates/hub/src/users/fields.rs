//! The rules for what people say about themselves, as faults that name the member.

use contract::control::{FieldFault, KeyRole};
use domain::password;

use super::Owner;
use crate::error::fault;

const TEXT_CHARS_MAX: usize = 100;
const EMAIL_CHARS_MAX: usize = 254;
const LOCALES: [&str; 2] = ["zh-CN", "en"];

/// Name, mail address and language of a person.
pub(crate) fn person(name: &str, email: &str, locale: Option<&str>) -> Vec<FieldFault> {
    let faults = [text("name", name), self::email(email), self::locale(locale)];
    faults.into_iter().flatten().collect()
}

/// A name: 1 to 100 characters, not blanks alone.
pub(crate) fn text(field: &str, text: &str) -> Option<FieldFault> {
    let count = text.chars().take(TEXT_CHARS_MAX + 1).count();
    let is_good = !text.trim().is_empty() && count <= TEXT_CHARS_MAX && !text.contains('\0');
    (!is_good).then(|| fault(field, format!("expected 1 to {TEXT_CHARS_MAX} characters")))
}

fn email(email: &str) -> Option<FieldFault> {
    let email = email.trim();
    let parts = email.split_once('@');
    let is_shaped = parts
        .is_some_and(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    let is_clean = !email.chars().any(|sign| sign.is_whitespace() || sign.is_control());
    let is_short = email.chars().take(EMAIL_CHARS_MAX + 1).count() <= EMAIL_CHARS_MAX;
    (!(is_shaped && is_clean && is_short)).then(|| fault("email", "expected a mail address"))
}

/// A language of pages, or none.
pub(crate) fn locale(locale: Option<&str>) -> Option<FieldFault> {
    let is_known = locale.is_none_or(|locale| LOCALES.contains(&locale));
    (!is_known).then(|| fault("locale", format!("expected {}", LOCALES.join(" or "))))
}

/// A new password; `own` are the person's name and mail address.
pub(crate) fn password(password: &str, own: &[&str]) -> Option<FieldFault> {
    password::check(password, own).err().map(|why| fault("password", why.to_string()))
}

/// Roles that can be had in a tenant, or among the operators.
pub(crate) fn roles(owner: Owner<'_>, roles: &[KeyRole]) -> Vec<FieldFault> {
    let (is_operators, expected) = match owner {
        None => (true, "expected operator alone"),
        Some(_) => (false, "expected a role of a tenant"),
    };
    let wrong = |(_, role): &(usize, &KeyRole)| (**role == KeyRole::Operator) != is_operators;
    let wrong = roles.iter().enumerate().filter(wrong);
    wrong.map(|(index, _)| fault(format!("roles[{index}]"), expected)).collect()
}
