//! What came of sending one event, whichever way it went.

use store::content::HttpExchange;
use store::deliveries::NewAttempt;

use super::limiter::Health;
use crate::Hub;

/// Bytes stored of a request and of an answer.
const STORED_BYTES_MAX: usize = 64 * 1024;

/// One event that was sent, or could not be.
pub(super) struct Sent {
    /// How it went, as it is stored.
    pub(super) attempt: NewAttempt,
    /// Whether the app took it.
    pub(super) is_delivered: bool,
    /// Why not, in a word for the operator's log.
    pub(super) class: &'static str,
    /// What it says about the receiver.
    pub(super) health: Health,
    /// When it had ended, on the clock's monotonic count.
    pub(super) ended_ms: u64,
}

/// A try that ended before anything was sent.
pub(super) fn unsent(hub: &Hub, why: &str) -> NewAttempt {
    NewAttempt {
        at: hub.installation_clock.now(),
        took_ms: 0,
        outcome: why.to_owned(),
        http_status: None,
        exchange: HttpExchange::default(),
    }
}

/// The beginning of a body as text, cut between characters; bytes that are no text become `\u{fffd}`.
pub(super) fn stored(body: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    text.truncate(text.floor_char_boundary(STORED_BYTES_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_cut_between_characters() {
        let long = "张".repeat(30_000);
        let text = stored(long.as_bytes());
        assert_eq!(text.len(), STORED_BYTES_MAX - STORED_BYTES_MAX % 3);
        assert!(long.starts_with(&text));
        assert_eq!(stored(b"ok"), "ok");
        assert_eq!(stored(b"\xff"), "\u{fffd}");
        assert!(stored(&[0xff; STORED_BYTES_MAX]).len() <= STORED_BYTES_MAX);
    }
}
