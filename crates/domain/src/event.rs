//! Events: what happened, for one app, and the id by which receivers know it again.

use std::fmt;
use std::str::FromStr;

use contract::event::{APP_TICKET, EventType};

use crate::id::{Id, NotAnId};

crate::stored::stored_as_number! {
    /// What kind of thing happened.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    EventKind, "the kind of an event";
    AccountCreated = 1: "`hire.eco_account.created_v1`; its number is the account's id.";
    OrderCreated = 2: "`hire.eco_background_check.created_v1`; its number is the order's id.";
    OrderCanceled = 3:
        "`hire.eco_background_check.canceled_v1`; its number is the id of the timeline entry.";
    AppTicket = 4: "`app_ticket`: a store app's next ticket. It concerns no tenant.";
    OrderReturned = 5:
        "`probity.background_check.returned_v1`; its number is the id of the timeline entry.";
}

impl EventKind {
    /// `event_type` on the wire.
    #[must_use]
    pub fn event_type(self) -> &'static str {
        match self {
            EventKind::AccountCreated => EventType::AccountCreated.as_str(),
            EventKind::OrderCreated => EventType::CheckCreated.as_str(),
            EventKind::OrderCanceled => EventType::CheckCanceled.as_str(),
            EventKind::AppTicket => APP_TICKET,
            EventKind::OrderReturned => EventType::CheckReturned.as_str(),
        }
    }
}

impl From<EventType> for EventKind {
    fn from(event_type: EventType) -> EventKind {
        match event_type {
            EventType::AccountCreated => EventKind::AccountCreated,
            EventType::CheckCreated => EventKind::OrderCreated,
            EventType::CheckCanceled => EventKind::OrderCanceled,
            EventType::CheckReturned => EventKind::OrderReturned,
        }
    }
}

/// An event's id on the wire: 32 hex digits, of which the first 16 are the event's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    /// The id of what caused the event.
    pub event_no: Id,
    /// Random, so that ids cannot be guessed.
    pub tag: [u8; 8],
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.event_no.0, u64::from_be_bytes(self.tag))
    }
}

impl FromStr for EventId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<EventId, NotAnId> {
        let wrong = NotAnId { expected: "32 lower-case hex digits" };
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return Err(wrong);
        }
        let half = |text: &str| u64::from_str_radix(text, 16).map_err(|_| wrong);
        let event_no = i64::try_from(half(&text[..16])?).map_err(|_| wrong)?;
        Ok(EventId { event_no: Id(event_no), tag: half(&text[16..])?.to_be_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_has_32_digits_and_tells_its_number() {
        let event_id = EventId { event_no: Id(3_591_128_640_047_035_418), tag: [0xff; 8] };
        let text = event_id.to_string();
        assert_eq!(text.len(), 32);
        assert_eq!(text.parse(), Ok(event_id));
        for wrong in ["", &text[1..], &text.to_uppercase(), &"f".repeat(32)] {
            assert!(wrong.parse::<EventId>().is_err(), "{wrong}");
        }
    }
}
