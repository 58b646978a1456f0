//! The webhook: one way of an event to its app. HTTP 200 within 3 s is a delivery, anything else a failed try.
//! Source: contract, section 5.2.

use outbound::{Answer, PostFailure};
use store::apps::App as Receiver;
use store::content::HttpExchange;
use store::deliveries::NewAttempt;

use super::limiter::Health;
use super::sent::{Sent, stored};
use crate::Hub;
use crate::webhook_request::request;

/// Posts an event to its app's callback URL; none when this process had no file handle for it.
pub(super) async fn post(hub: &Hub, receiver: &Receiver, url: &str, plain: &[u8]) -> Option<Sent> {
    let (at, begun_ms) = (hub.installation_clock.now(), hub.installation_clock.mono_ms());
    let (headers, body) = request(receiver, at.seconds(), plain);
    let answered = hub.outbound.post(url, &headers, body.clone()).await;
    if let Err(PostFailure::OutOfHandles) = answered {
        return None;
    }
    let ended_ms = hub.installation_clock.mono_ms();
    let took_ms = ended_ms.saturating_sub(begun_ms);
    let attempt = NewAttempt {
        at,
        took_ms: i64::try_from(took_ms).unwrap_or(i64::MAX),
        outcome: outcome(&answered),
        http_status: answered.as_ref().ok().map(|answer| answer.status),
        exchange: HttpExchange {
            request: stored(&body),
            response: answered.as_ref().map(|answer| stored(&answer.body)).unwrap_or_default(),
            connection_id: None,
        },
    };
    Some(Sent {
        attempt,
        is_delivered: matches!(&answered, Ok(answer) if answer.status == 200),
        class: answered.as_ref().map_or_else(|failure| failure.class(), |_| "answer_status"),
        health: if answered.is_ok() { Health::Up(took_ms) } else { Health::Down },
        ended_ms,
    })
}

fn outcome(answered: &Result<Answer, PostFailure>) -> String {
    match answered {
        Ok(answer) if answer.status == 200 => "delivered".to_owned(),
        Ok(answer) => format!("status {}", answer.status),
        Err(failure) => failure.to_string(),
    }
}
