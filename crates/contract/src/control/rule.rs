//! The rules that several bodies share. Each adds a fault that names the member, or nothing. Lengths count characters
//! (Unicode scalar values), never bytes. Messages never repeat the value.

use std::collections::HashSet;
use std::net::IpAddr;

use super::problem::FieldFault;
use crate::text::is_blank;

/// Most characters of a comment or reason.
pub(super) const TEXT_CHARS_MAX: usize = 2_000;
const URL_CHARS_MAX: usize = 2_048;
/// Most characters of a mail address (RFC 5321, 4.5.3.1.3).
const EMAIL_CHARS_MAX: usize = 254;

/// A body or query with rules beyond its types. What only the server knows, such as which scopes exist, it checks.
pub trait Rules {
    /// Adds what is wrong.
    fn check(&self, _: &mut Faults) {}

    /// What is wrong, all at once.
    #[must_use]
    fn faults(&self) -> Vec<FieldFault> {
        let mut faults = Faults::default();
        self.check(&mut faults);
        faults.0
    }
}

/// The rules of bodies that say why, and nothing else.
macro_rules! reason_only {
    ($($body:ident)*) => {$(impl Rules for $body {
        fn check(&self, faults: &mut Faults) {
            faults.length("reason", &self.reason, 1, $crate::control::rule::TEXT_CHARS_MAX);
        }
    })*};
}
pub(super) use reason_only;

/// Collects what is wrong with one body or query.
#[derive(Debug, Default)]
pub struct Faults(pub(super) Vec<FieldFault>);

impl Faults {
    pub(super) fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldFault { field: field.into(), message: message.into() });
    }

    /// `text` has `min` to `max` characters, and not only blanks when `min` is above 0.
    pub(super) fn length(&mut self, field: &str, text: &str, min: usize, max: usize) {
        let count = text.chars().count();
        if count > max {
            self.add(field, format!("expected at most {max} characters, came {count}"));
        } else if count < min {
            self.add(field, format!("expected at least {min} character, came {count}"));
        } else if min > 0 && is_blank(text) {
            self.add(field, "expected more than blanks");
        } else if text.contains('\0') {
            self.add(field, "expected no NUL character");
        }
    }

    /// `text` has 1 to `max` characters, if it is there.
    pub(super) fn optional(&mut self, field: &str, text: Option<&str>, max: usize) {
        if let Some(text) = text {
            self.length(field, text, 1, max);
        }
    }

    /// `number` is one from `min` to `max`, if it is there.
    pub(super) fn range(&mut self, field: &str, number: Option<u32>, min: u32, max: u32) {
        if number.is_some_and(|number| !(min..=max).contains(&number)) {
            self.add(field, format!("expected {min} to {max}"));
        }
    }

    /// A change that changes nothing: it has none of `members`.
    pub(super) fn nothing(&mut self, members: &[&str]) {
        let (last, others) = members.split_last().expect("a change has members");
        self.add("", format!("expected at least one of {} or {last}", others.join(", ")));
    }

    /// `text` has `min` to `max` ASCII digits and nothing else.
    pub(super) fn digits(&mut self, field: &str, text: &str, min: usize, max: usize) {
        let fits = (min..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !fits && min == max {
            self.add(field, format!("expected {min} decimal digits"));
        } else if !fits {
            self.add(field, format!("expected {min} to {max} decimal digits"));
        }
    }

    /// `key` is a tenant_key: 16 lower-case hex digits.
    pub(super) fn tenant_key(&mut self, field: &str, key: &str) {
        if !is_hex_16(key) {
            self.add(field, "expected 16 lower-case hex digits");
        }
    }

    /// `id` is an app_id: `cli_` and 16 lower-case hex digits.
    pub(super) fn app_id(&mut self, field: &str, id: &str) {
        if !id.strip_prefix("cli_").is_some_and(is_hex_16) {
            self.add(field, "expected cli_ and 16 lower-case hex digits");
        }
    }

    /// `email` has one `@` with text on both sides and no blanks; it is not asked whether it exists.
    pub(super) fn email(&mut self, field: &str, email: &str) {
        let parts = email.split_once('@');
        let shaped = parts.is_some_and(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@')
        });
        let clean = !email.chars().any(|c| c.is_whitespace() || c.is_control());
        if !shaped || !clean {
            self.add(field, "expected a mail address");
        } else if email.chars().count() > EMAIL_CHARS_MAX {
            self.add(field, format!("expected at most {EMAIL_CHARS_MAX} characters"));
        }
    }

    /// `url` is absolute, `http` or `https`, names a host, and carries neither user-info nor fragment.
    pub(super) fn url(&mut self, field: &str, url: &str) {
        let rest = ["http://", "https://"].iter().find_map(|scheme| strip_scheme(url, scheme));
        let Some(rest) = rest else {
            return self.add(field, "expected an absolute http or https URL");
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.starts_with(':') {
            self.add(field, "expected a URL with a host");
        } else if authority.contains('@') {
            self.add(field, "expected a URL without user name and password");
        } else if url.contains('#') {
            self.add(field, "expected a URL without a fragment");
        } else if url.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            self.add(field, "expected a URL without blanks and backslashes");
        } else if url.chars().count() > URL_CHARS_MAX {
            self.add(field, format!("expected at most {URL_CHARS_MAX} characters"));
        }
    }

    /// `range` is an IP address, or one with a prefix length (`192.0.2.0/24`, `2001:db8::/32`).
    pub(super) fn ip_range(&mut self, field: &str, range: &str) {
        let (address, prefix) = match range.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (range, None),
        };
        let bits = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return self.add(field, "expected an IP address or a CIDR range"),
        };
        let fits = prefix.is_none_or(|prefix| {
            prefix.bytes().all(|b| b.is_ascii_digit())
                && prefix.parse::<u8>().is_ok_and(|length| length <= bits)
        });
        if !fits {
            self.add(field, format!("expected a prefix length of 0 to {bits}"));
        }
    }

    /// `list` holds at most `max` entries.
    pub(super) fn count<T>(&mut self, field: &str, list: &[T], max: usize) {
        if list.len() > max {
            self.add(field, format!("expected at most {max} entries, came {}", list.len()));
        }
    }

    /// No entry of `list` occurs twice.
    pub(super) fn distinct<T: std::hash::Hash + Eq>(
        &mut self,
        field: &str,
        list: impl Iterator<Item = T>,
    ) {
        let mut seen = HashSet::new();
        for (index, entry) in list.enumerate() {
            if !seen.insert(entry) {
                self.add(format!("{field}[{index}]"), "expected no entry twice");
            }
        }
    }
}

fn is_hex_16(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let head = url.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &url[scheme.len()..])
}

/// The members that have faults.
#[cfg(test)]
pub(super) fn fields(body: &impl Rules) -> Vec<String> {
    body.faults().into_iter().map(|fault| fault.field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: impl Fn(&mut Faults, &str), fit: &[&str], refused: &[&str]) {
        for (values, expected) in [(fit, 0), (refused, 1)] {
            for value in values {
                let mut faults = Faults::default();
                rule(&mut faults, value);
                assert_eq!(faults.0.len(), expected, "{value:?}: {:?}", faults.0);
            }
        }
    }

    #[test]
    fn urls_are_absolute_without_user_info() {
        check(
            |faults, url| faults.url("callback_url", url),
            &[
                "http://a",
                "https://a.example/x?y=z",
                "HTTPS://[2001:db8::1]:8443/",
                "http://招聘.example/",
            ],
            &[
                "",
                "a",
                "/x",
                "ftp://a",
                "http:/a",
                "http://",
                "http:///x",
                "http://:80/",
                "http://u@a/",
                "http://u:p@a/",
                "http://a/#f",
                "http://a/ b",
                "http://a\\@b/",
                "http://a/\u{0}",
                "é",
            ],
        );
    }

    #[test]
    fn ip_ranges_have_prefixes_within_their_family() {
        check(
            |faults, range| faults.ip_range("ip_allowlist[0]", range),
            &["192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "::1/128"],
            &[
                "",
                "x",
                "192.0.2",
                "192.0.2.0/33",
                "192.0.2.0/+8",
                "192.0.2.0/",
                "::/129",
                "192.0.2.0/8/8",
            ],
        );
    }

    #[test]
    fn mail_addresses_have_two_sides() {
        check(
            |faults, email| faults.email("email", email),
            &["z@example.com", "张三@例子.公司"],
            &["", "z", "@", "z@", "@x", "a@b@c", "a b@c", "a@b\n"],
        );
    }

    #[test]
    fn names_have_their_shape() {
        check(
            |faults, id| faults.app_id("app_id", id),
            &["cli_0123456789abcdef"],
            &["", "cli_", "cli_0123456789ABCDEF", "0123456789abcdef", "cli_0123456789abcdef0"],
        );
        check(
            |faults, text| faults.length("name", text, 1, 3),
            &["a", "背调单"],
            &["", " ", "\u{3000}", "abcd", "a\0"],
        );
        check(
            |faults, text| faults.digits("code", text, 1, 4),
            &["1", "0086"],
            &["", "+86", "12345", "８６"],
        );
    }
}
