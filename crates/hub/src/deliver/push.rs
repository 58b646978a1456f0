//! The endpoint of apps by long connection: one event to one of the app's live connections. Source: contract, section 5.6.

use contract::frame::{ACK_HANDLED, Frame};
use store::content::HttpExchange;
use store::deliveries::NewAttempt;
use system::random;

use super::limiter::Health;
use super::sent::{Sent, stored};
use crate::Hub;
use crate::connections::{AckError, Connection, SERVICE_ID};

/// Sends the event's JSON, plain, under a fresh `message_id`, and waits for the ack.
pub(super) async fn push(hub: &Hub, connection: &Connection, plain: &[u8]) -> Sent {
    let (at, begun_ms) = (hub.installation_clock.now(), hub.installation_clock.mono_ms());
    let message_id = random::hex::<16>();
    let frames = Frame::event(SERVICE_ID, &message_id, &random::hex::<16>(), at.0, plain);
    let frames = frames.into_iter().map(Frame::encode).collect();
    let answered = connection.push(&message_id, frames, hub.connections.ack_time).await;
    let ended_ms = hub.installation_clock.mono_ms();
    let took_ms = ended_ms.saturating_sub(begun_ms);
    let code = answered.as_ref().ok().and_then(|ack| ack.code);
    let is_delivered = code == Some(ACK_HANDLED);
    let outcome = match (&answered, code) {
        (Ok(_), Some(ACK_HANDLED)) => "delivered".to_owned(),
        (Ok(_), Some(code)) => format!("acknowledged with {code}"),
        (Ok(_), None) => "acknowledged without a code".to_owned(),
        (Err(why), _) => why.to_string(),
    };
    Sent {
        attempt: NewAttempt {
            at,
            took_ms: i64::try_from(took_ms).unwrap_or(i64::MAX),
            outcome,
            http_status: code,
            exchange: HttpExchange {
                request: stored(plain),
                response: answered.as_ref().map(|ack| stored(&ack.payload)).unwrap_or_default(),
                connection_id: Some(connection.connection_id.to_string()),
            },
        },
        is_delivered,
        class: answered.as_ref().map_or_else(|why| why.class(), |_| "ack_code"),
        // Where others are connected, one that is silent says nothing about them; one that has gone comes back.
        health: match answered {
            Ok(_) => Health::Up(took_ms),
            Err(AckError::Late | AckError::Busy)
                if hub.connections.count_of(connection.app_id) == 1 =>
            {
                Health::Down
            }
            Err(_) => Health::Unknown,
        },
        ended_ms,
    }
}
