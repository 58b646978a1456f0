//! Grants: an app reaches personal data only as far as the tenant's admin granted. Source: product, 8.

use contract::control::EventMode;
use contract::scope::Scope;

/// The terms of an app in a tenant that decide who gets at its data; not the verification token, which opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What the app may do there.
    pub scopes: Vec<Scope>,
    /// How its events travel.
    pub event_mode: EventMode,
    /// Where its events go by webhook.
    pub callback_url: Option<String>,
    /// Whether its events are encrypted.
    pub encrypted: bool,
    /// From where it may call; empty for everywhere.
    pub ip_allowlist: Vec<String>,
    /// The number of its newest app secret; each rotation counts one up.
    pub app_secret_no: i64,
    /// The number of its newest encrypt key.
    pub encrypt_key_no: i64,
}

/// One of the terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term {
    /// [`Terms::scopes`].
    Scopes,
    /// [`Terms::event_mode`].
    EventMode,
    /// [`Terms::callback_url`].
    CallbackUrl,
    /// [`Terms::encrypted`].
    Encrypted,
    /// [`Terms::ip_allowlist`].
    IpAllowlist,
    /// [`Terms::app_secret_no`].
    AppSecret,
    /// [`Terms::encrypt_key_no`].
    EncryptKey,
}

impl Term {
    /// The member of the control API that shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Term::Scopes => "scopes",
            Term::EventMode => "event_mode",
            Term::CallbackUrl => "callback_url",
            Term::Encrypted => "encrypted",
            Term::IpAllowlist => "ip_allowlist",
            Term::AppSecret => "app_secret",
            Term::EncryptKey => "encrypt_key",
        }
    }

    /// Whether it decides who can read the events.
    #[must_use]
    pub const fn is_of_endpoint(self) -> bool {
        use Term::{CallbackUrl, EncryptKey, Encrypted, EventMode};
        matches!(self, EventMode | CallbackUrl | Encrypted | EncryptKey)
    }
}

impl Terms {
    /// The terms that open something which `granted` does not: none when everything takes effect.
    #[must_use]
    pub fn beyond(&self, granted: &Terms) -> Vec<Term> {
        let is_webhook = self.event_mode == EventMode::Webhook;
        let has_other_url =
            self.callback_url.is_some() && self.callback_url != granted.callback_url;
        let has_other_address = |range| !granted.ip_allowlist.contains(range);
        let ranges = &self.ip_allowlist;
        let is_wider = ranges.is_empty() || ranges.iter().any(has_other_address);
        [
            (Term::Scopes, self.scopes.iter().any(|scope| !granted.scopes.contains(scope))),
            (Term::EventMode, self.event_mode != granted.event_mode),
            (Term::CallbackUrl, is_webhook && has_other_url),
            (Term::Encrypted, is_webhook && granted.encrypted && !self.encrypted),
            (Term::IpAllowlist, !granted.ip_allowlist.is_empty() && is_wider),
            (Term::AppSecret, self.app_secret_no > granted.app_secret_no),
            (
                Term::EncryptKey,
                // Who may read plain events learns nothing by a key.
                is_webhook
                    && self.encrypted
                    && granted.encrypted
                    && self.encrypt_key_no > granted.encrypt_key_no,
            ),
        ]
        .into_iter()
        .filter_map(|(term, is_beyond)| is_beyond.then_some(term))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            scopes: vec![Scope::BackgroundCheckOrder],
            event_mode: EventMode::Webhook,
            callback_url: Some("https://vendor.example/a".to_owned()),
            encrypted: true,
            ip_allowlist: vec!["192.0.2.0/24".to_owned()],
            app_secret_no: 3,
            encrypt_key_no: 2,
        }
    }

    fn beyond(change: impl Fn(&mut Terms)) -> Vec<Term> {
        let mut now = terms();
        change(&mut now);
        now.beyond(&terms())
    }

    #[test]
    fn whatever_opens_more_than_was_granted_is_named() {
        assert_eq!(beyond(|_| {}), []);
        assert_eq!(beyond(|now| now.scopes.push(Scope::TalentMobileReadonly)), [Term::Scopes]);
        assert_eq!(beyond(|now| now.callback_url = Some("https://b".into())), [Term::CallbackUrl]);
        assert_eq!(beyond(|now| now.encrypted = false), [Term::Encrypted]);
        assert_eq!(beyond(|now| now.ip_allowlist.clear()), [Term::IpAllowlist]);
        assert_eq!(beyond(|now| now.ip_allowlist.push("::/0".into())), [Term::IpAllowlist]);
        assert_eq!(beyond(|now| now.app_secret_no += 1), [Term::AppSecret]);
        assert_eq!(beyond(|now| now.encrypt_key_no += 1), [Term::EncryptKey]);
        assert_eq!(beyond(|now| now.event_mode = EventMode::LongConnection), [Term::EventMode]);
    }

    #[test]
    fn whatever_opens_less_needs_nobody() {
        assert_eq!(beyond(|now| now.scopes.clear()), []);
        assert_eq!(beyond(|now| now.callback_url = None), []);
        assert_eq!(beyond(|now| now.app_secret_no -= 1), []);
        let mut granted = terms();
        granted.ip_allowlist.clear();
        granted.encrypted = false;
        let now = Terms { encrypt_key_no: 9, ..terms() };
        assert_eq!(now.beyond(&granted), [], "fewer addresses, and encrypted besides");
    }
}
