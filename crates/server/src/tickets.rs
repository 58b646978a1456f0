//! App tickets of store apps: derived under the installation's ticket key, never stored.
//!
//! A ticket is 54 characters of base64url: the number of the event that brings it (8 bytes), app (8), the second at
//! which it was issued (4), and a MAC over these (20 bytes of HMAC-SHA256). So every ticket of the last 12 hours is
//! good, however many there are, and a delivery that is tried again brings the same one.
//! Source: contract, sections 1.3 and 1.4; decision 015.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::store_auth::TICKET_LIFE_MS;
use domain::{AppId, Id, UnixMs};
use store::Key;

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

    /// The ticket that the event `event_no` brings to the app; always the same.
    #[must_use]
    pub fn make(&self, app_id: AppId, event_no: Id, issued_at: UnixMs) -> String {
        let issued_at_s = u32::try_from(issued_at.seconds()).unwrap_or(u32::MAX);
        let mut bytes = [0; TICKET_BYTES];
        bytes[..8].copy_from_slice(&event_no.0.to_be_bytes());
        bytes[8..16].copy_from_slice(&app_id.0.to_be_bytes());
        bytes[16..FACTS_BYTES].copy_from_slice(&issued_at_s.to_be_bytes());
        let mac = hmac::sign(&self.0, &bytes[..FACTS_BYTES]);
        bytes[FACTS_BYTES..].copy_from_slice(&mac.as_ref()[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether this installation issued `ticket` to the app within the last 12 hours.
    #[must_use]
    pub fn is_valid(&self, ticket: &str, app_id: AppId, now: UnixMs) -> bool {
        let mut bytes = [0; TICKET_BYTES];
        if ticket.len() != TICKET_LETTERS
            || URL_SAFE_NO_PAD.decode_slice(ticket, &mut bytes).is_err()
        {
            return false;
        }
        let (facts, mac) = bytes.split_at(FACTS_BYTES);
        let expected = hmac::sign(&self.0, facts);
        if verify_slices_are_equal(&expected.as_ref()[..MAC_BYTES], mac).is_err() {
            return false;
        }
        let issued_at_s = u32::from_be_bytes(facts[16..].try_into().expect("four bytes"));
        // Issued within its second, so that it lives a part of a second longer, never shorter.
        let ends_at = UnixMs(i64::from(issued_at_s) * 1_000).plus_ms(TICKET_LIFE_MS + 1_000);
        facts[8..16] == app_id.0.to_be_bytes() && now < ends_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: AppId = AppId(-2);
    const NOW: UnixMs = UnixMs(1_795_000_000_123);

    #[test]
    fn tickets_are_good_side_by_side_for_twelve_hours() {
        let maker = TicketMaker::new(&Key::new([7; 32]));
        let first = maker.make(APP, Id(1), NOW);
        let later = NOW.plus_ms(3_600_000);
        let second = maker.make(APP, Id(2), later);
        assert_eq!(first.len(), TICKET_LETTERS);
        assert_eq!(first, maker.make(APP, Id(1), NOW));
        assert_ne!(first, second);
        assert!(maker.is_valid(&first, APP, later) && maker.is_valid(&second, APP, later));
        let end = NOW.plus_ms(TICKET_LIFE_MS);
        assert!(maker.is_valid(&first, APP, end));
        assert!(!maker.is_valid(&first, APP, end.plus_ms(1_000)));
        assert!(maker.is_valid(&second, APP, end.plus_ms(1_000)));
    }

    #[test]
    fn altered_cut_and_foreign_tickets_are_none() {
        let maker = TicketMaker::new(&Key::new([7; 32]));
        let ticket = maker.make(APP, Id(1), NOW);
        assert!(!maker.is_valid(&ticket, AppId(2), NOW), "another app's");
        assert!(!TicketMaker::new(&Key::new([8; 32])).is_valid(&ticket, APP, NOW));
        for place in 0..ticket.len() {
            let mut altered = ticket.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(!maker.is_valid(&altered, APP, NOW), "{place}");
            assert!(!maker.is_valid(&ticket[..place], APP, NOW), "{place}");
        }
        for wrong in ["", &format!("{ticket}A"), &"é".repeat(27)] {
            assert!(!maker.is_valid(wrong, APP, NOW));
        }
    }
}
