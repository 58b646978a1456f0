//! One-time tickets: what the address of a websocket holds instead of a name and a password.
//!
//! A ticket is derived, not stored: a MAC over connection id, app, expiry and what it goes back to. That it opens one
//! connection only is checked by the connection's row. Source: contract, section 5.4.

use std::fmt::Write as _;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use contract::endpoint::SOCKET_PATH;
use contract::hex::{from_hex, to_hex};
use domain::{AppId, Id, UnixMs};
use hub::connections::SERVICE_ID;
use store::Key;

/// How long a ticket may be used, in milliseconds.
pub(super) const TICKET_LIFE_MS: i64 = 60_000;
const MAC_BYTES: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// The connection's id, `device_id` in the address.
    pub(super) connection_id: Id,
    pub(super) app_id: AppId,
    /// Until when it may be used, in whole seconds since the epoch.
    pub(super) until_s: u32,
    /// What it goes back to, in short: see `Numbers::short`.
    pub(super) numbers: [u8; 4],
}

/// Makes and reads tickets.
pub(crate) struct TicketMaker(hmac::Key);

impl TicketMaker {
    /// The maker under a key of the installation.
    pub(crate) fn new(key: &Key) -> TicketMaker {
        TicketMaker(key.derive("long connection tickets").authenticator())
    }

    /// Path and query of the address that holds the ticket. Neither `device_id` nor `service_id` comes first: the
    /// Node SDK reads the whole address as a query. Source: contract, section 5.4.
    pub(super) fn address(&self, ticket: &Ticket) -> String {
        let (device_id, service_id) = (ticket.connection_id.0, SERVICE_ID);
        let access_key = to_hex(&self.mac(ticket)[..MAC_BYTES]);
        let mut uuid = String::with_capacity(36);
        // The app, the end of its life, and what it goes back to, in the shape of a UUID.
        let bytes =
            [&ticket.app_id.0.to_be_bytes()[..], &ticket.until_s.to_be_bytes(), &ticket.numbers];
        for (index, byte) in bytes.concat().iter().enumerate() {
            let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(uuid, "{dash}{byte:02x}").expect("a text takes every text");
        }
        format!(
            "{SOCKET_PATH}?fpid=493&aid=552564&device_id={device_id}&access_key={access_key}\
             &service_id={service_id}&ticket={uuid}"
        )
    }

    /// The ticket in the query of an address, if this installation made it and it has not ended at `now`.
    pub(super) fn read(&self, query: &str, now: UnixMs) -> Option<Ticket> {
        let (mut device_id, mut access_key, mut uuid) = (None, None, None);
        for pair in query.split('&') {
            match pair.split_once('=')? {
                ("device_id", value) => device_id = Some(value),
                ("access_key", value) => access_key = Some(value),
                ("ticket", value) => uuid = Some(value),
                _ => {}
            }
        }
        let uuid = uuid.filter(|uuid| uuid.len() == 36)?.replace('-', "");
        let uuid = from_hex::<16>(&uuid)?;
        let ticket = Ticket {
            connection_id: Id(device_id?.parse().ok()?),
            app_id: AppId(i64::from_be_bytes(uuid[..8].try_into().ok()?)),
            until_s: u32::from_be_bytes(uuid[8..12].try_into().ok()?),
            numbers: uuid[12..].try_into().ok()?,
        };
        let access_key = from_hex::<MAC_BYTES>(access_key?)?;
        verify_slices_are_equal(&self.mac(&ticket)[..MAC_BYTES], &access_key).ok()?;
        (now.seconds() < i64::from(ticket.until_s)).then_some(ticket)
    }

    fn mac(&self, ticket: &Ticket) -> [u8; 32] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&ticket.connection_id.0.to_be_bytes());
        bytes[8..16].copy_from_slice(&ticket.app_id.0.to_be_bytes());
        bytes[16..20].copy_from_slice(&ticket.until_s.to_be_bytes());
        bytes[20..].copy_from_slice(&ticket.numbers);
        let mac = hmac::sign(&self.0, &bytes);
        mac.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_000_000_000);
    const TICKET: Ticket = Ticket {
        connection_id: Id(3_591_128_640_047_035_418),
        app_id: AppId(-7),
        until_s: 1_795_000_060,
        numbers: [0, 1, 2, 3],
    };

    fn maker() -> TicketMaker {
        TicketMaker::new(&Key::new([7; 32]))
    }

    fn query(address: &str) -> &str {
        address.split_once('?').unwrap().1
    }

    #[test]
    fn an_address_has_the_platforms_shape() {
        let address = maker().address(&TICKET);
        let names: Vec<_> =
            query(&address).split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
        assert_eq!(names, ["fpid", "aid", "device_id", "access_key", "service_id", "ticket"]);
        assert!(address.starts_with("/ws/v2?fpid=493&aid=552564&device_id=3591128640047035418&"));
        let uuid = address.rsplit_once('=').unwrap().1;
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }

    #[test]
    fn a_ticket_is_read_until_its_end_by_who_made_it() {
        let address = maker().address(&TICKET);
        let query = query(&address);
        assert_eq!(maker().read(query, NOW), Some(TICKET));
        assert_eq!(maker().read(query, NOW.plus_ms(59_999)), Some(TICKET));
        assert_eq!(maker().read(query, NOW.plus_ms(60_000)), None, "it has ended");
        assert_eq!(TicketMaker::new(&Key::new([8; 32])).read(query, NOW), None);
    }

    #[test]
    fn altered_and_cut_tickets_are_none() {
        let address = maker().address(&TICKET);
        let whole = query(&address);
        for name in ["device_id", "access_key", "ticket"] {
            let start = whole.find(&format!("{name}=")).unwrap() + name.len() + 1;
            let mut altered = whole.to_owned().into_bytes();
            altered[start] = if altered[start] == b'1' { b'2' } else { b'1' };
            assert_eq!(maker().read(std::str::from_utf8(&altered).unwrap(), NOW), None, "{name}");
            let without = whole.replace(&format!("{name}="), "other=");
            assert_eq!(maker().read(&without, NOW), None, "{name}");
            assert_eq!(maker().read(&whole[..start], NOW), None, "{name}");
        }
        for nothing in ["", "&", "ticket", "device_id=1&access_key=é&ticket=", "a=b"] {
            assert_eq!(maker().read(nothing, NOW), None, "{nothing}");
        }
    }
}
