//! App tickets of store apps: derived under the installation's ticket key, never stored.
//!
//! 54 characters of base64url: event number (8 bytes), app (8), second of issue (4), and a MAC (20 bytes of
//! HMAC-SHA256) over these and [`Numbers`]. Every ticket of the last 12 hours is good. Source: contract, sections 1.3
//! and 1.4; decision 015.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::store_auth::TICKET_LIFE_MS;
use domain::{Id, UnixMs};
use store::Key;
use store::apps::App;

use crate::app_access::Numbers;

const FACTS_BYTES: usize = 20;
const MAC_BYTES: usize = 20;
const TICKET_BYTES: usize = FACTS_BYTES + MAC_BYTES;
/// Base64url without padding: four letters for three bytes, and two for the last one.
const TICKET_LETTERS: usize = 54;

/// Makes and verifies the installation's app tickets.
pub struct TicketMaker(hmac::Key);

impl TicketMaker {
    /// The maker under the installation's ticket key.
    #[must_use]
    pub fn new(key: &Key) -> TicketMaker {
        TicketMaker(key.authenticator())
    }

    /// The ticket that the event `event_no` brings to the app; the same until the app's secret or its tokens end.
    #[must_use]
    pub fn make(&self, app: &App, event_no: Id, issued_at: UnixMs) -> String {
        let issued_at_s = u32::try_from(issued_at.seconds()).unwrap_or(u32::MAX);
        let mut bytes = [0; TICKET_BYTES];
        bytes[..8].copy_from_slice(&event_no.0.to_be_bytes());
        bytes[8..16].copy_from_slice(&app.app_id.0.to_be_bytes());
        bytes[16..FACTS_BYTES].copy_from_slice(&issued_at_s.to_be_bytes());
        let mac = self.mac(&bytes[..FACTS_BYTES], app, app.changes.app_secret_no);
        bytes[FACTS_BYTES..].copy_from_slice(&mac.as_ref()[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn mac(&self, facts: &[u8], app: &App, app_secret_no: i64) -> hmac::Tag {
        let numbers = Numbers::now(app, app_secret_no, None);
        // Tickets of before there were numbers go on.
        if numbers == Numbers::FIRST {
            return hmac::sign(&self.0, facts);
        }
        hmac::sign(&self.0, &[facts, &numbers.to_bytes()].concat())
    }

    /// Whether this installation issued `ticket` to the app within the last 12 hours, and it has not ended.
    #[must_use]
    pub fn is_valid(&self, ticket: &str, app: &App, now: UnixMs) -> bool {
        let mut bytes = [0; TICKET_BYTES];
        if ticket.len() != TICKET_LETTERS
            || URL_SAFE_NO_PAD.decode_slice(ticket, &mut bytes).is_err()
        {
            return false;
        }
        let (facts, mac) = bytes.split_at(FACTS_BYTES);
        let is_of = |number| {
            let expected = self.mac(facts, app, number);
            verify_slices_are_equal(&expected.as_ref()[..MAC_BYTES], mac).is_ok()
        };
        if !app.good_secrets(now).any(|(number, _)| is_of(number)) {
            return false;
        }
        let issued_at_s = u32::from_be_bytes(facts[16..].try_into().expect("four bytes"));
        // Issued within its second, so that it lives a part of a second longer, never shorter.
        let ends_at = UnixMs(i64::from(issued_at_s) * 1_000).plus_ms(TICKET_LIFE_MS + 1_000);
        facts[8..16] == app.app_id.0.to_be_bytes() && now < ends_at
    }
}

#[cfg(test)]
mod tests {
    use contract::control::{AppKind, EventMode};
    use domain::AppId;
    use store::apps::{AppSecrets, AppSettings, Changes, OldSecret, OldSecrets};

    use super::*;

    const NOW: UnixMs = UnixMs(1_795_000_000_123);

    fn app(number: i64) -> App {
        App {
            app_id: AppId(number),
            tenant_id: None,
            kind: AppKind::Store,
            settings: AppSettings {
                name: String::new(),
                scopes: Vec::new(),
                event_mode: EventMode::Webhook,
                callback_url: None,
                encrypted: false,
                ip_allowlist: Vec::new(),
                is_enabled: true,
            },
            secret_hash: [1; 32],
            secrets: AppSecrets {
                verification_token: String::new(),
                encrypt_key: String::new(),
                old: OldSecrets::default(),
            },
            pause: None,
            changes: Changes::none(),
            version: 1,
            created_at: NOW,
        }
    }

    #[test]
    fn a_ticket_ends_with_the_secret_and_with_all_tokens_of_its_app() {
        let maker = TicketMaker::new(&Key::new([7; 32]));
        let ticket = maker.make(&app(-2), Id(1), NOW);
        let mut stopped = app(-2);
        stopped.changes.ends_no += 1;
        assert!(!maker.is_valid(&ticket, &stopped, NOW));
        assert!(maker.is_valid(&maker.make(&stopped, Id(1), NOW), &stopped, NOW));
        let mut rotated = app(-2);
        rotated.changes.app_secret_no += 1;
        assert!(!maker.is_valid(&ticket, &rotated, NOW), "without a grace time");
        let old = OldSecret { value: [1; 32], until_ms: NOW.0 + 1 };
        rotated.secrets.old.app_secret_hash = Some(old);
        assert!(maker.is_valid(&ticket, &rotated, NOW));
        assert!(!maker.is_valid(&ticket, &rotated, NOW.plus_ms(1)), "the grace time is over");
    }

    #[test]
    fn tickets_are_good_side_by_side_for_twelve_hours() {
        let maker = TicketMaker::new(&Key::new([7; 32]));
        let first = maker.make(&app(-2), Id(1), NOW);
        let later = NOW.plus_ms(3_600_000);
        let second = maker.make(&app(-2), Id(2), later);
        assert_eq!(first.len(), TICKET_LETTERS);
        assert_eq!(first, maker.make(&app(-2), Id(1), NOW));
        assert_ne!(first, second);
        assert!(
            maker.is_valid(&first, &app(-2), later) && maker.is_valid(&second, &app(-2), later)
        );
        let end = NOW.plus_ms(TICKET_LIFE_MS);
        assert!(maker.is_valid(&first, &app(-2), end));
        assert!(!maker.is_valid(&first, &app(-2), end.plus_ms(1_000)));
        assert!(maker.is_valid(&second, &app(-2), end.plus_ms(1_000)));
    }

    #[test]
    fn altered_cut_and_foreign_tickets_are_none() {
        let maker = TicketMaker::new(&Key::new([7; 32]));
        let ticket = maker.make(&app(-2), Id(1), NOW);
        assert!(!maker.is_valid(&ticket, &app(2), NOW), "another app's");
        assert!(!TicketMaker::new(&Key::new([8; 32])).is_valid(&ticket, &app(-2), NOW));
        for index in 0..ticket.len() {
            let mut altered = ticket.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(!maker.is_valid(&altered, &app(-2), NOW), "{index}");
            assert!(!maker.is_valid(&ticket[..index], &app(-2), NOW), "{index}");
        }
        for wrong in ["", &format!("{ticket}A"), &"é".repeat(27)] {
            assert!(!maker.is_valid(wrong, &app(-2), NOW));
        }
    }
}
