//! The webhook: one way of an event to its app. HTTP 200 within 3 s is a delivery, anything else a failed try.
//!
//! The signature stands on encrypted events alone: it is made with the encrypt key, and a receiver whose app
//! is not encrypted has none to check it with. Source: contract, section 5.2.

use bytes::Bytes;
use contract::hex::to_hex;
use contract::seal;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use outbound::{Answer, PostFailure};
use store::apps::App as Receiver;
use store::content::HttpExchange;
use store::deliveries::NewAttempt;
use system::random;

use super::endpoint_limiter::Health;
use super::sent::{Sent, stored};
use crate::app::App;

const TIMESTAMP: HeaderName = HeaderName::from_static("x-lark-request-timestamp");
const NONCE: HeaderName = HeaderName::from_static("x-lark-request-nonce");
const SIGNATURE: HeaderName = HeaderName::from_static("x-lark-signature");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Posts an event to its app's callback URL; none when this process had no file handle for it.
pub(super) async fn post(app: &App, receiver: &Receiver, url: &str, plain: &[u8]) -> Option<Sent> {
    let (at, begun_ms) = (app.hub.clock.now(), app.hub.clock.mono_ms());
    let (headers, body) = request(receiver, at.seconds(), plain);
    let answered = app.outbound.post(url, headers, body.clone()).await;
    if let Err(PostFailure::OutOfHandles) = answered {
        return None;
    }
    let ended_ms = app.hub.clock.mono_ms();
    let took_ms = ended_ms.saturating_sub(begun_ms);
    let attempt = NewAttempt {
        at,
        took_ms: i64::try_from(took_ms).unwrap_or(i64::MAX),
        outcome: outcome(&answered),
        http_status: answered.as_ref().ok().map(|answer| answer.status.as_u16()),
        exchange: HttpExchange {
            request: stored(&body),
            response: answered.as_ref().map(|answer| stored(&answer.body)).unwrap_or_default(),
            connection_id: None,
        },
    };
    Some(Sent {
        attempt,
        is_delivered: matches!(&answered, Ok(answer) if answer.status == StatusCode::OK),
        class: answered.as_ref().map_or_else(|failure| failure.class(), |_| "answer_status"),
        health: if answered.is_ok() { Health::Up(took_ms) } else { Health::Down },
        ended_ms,
    })
}

/// The request of a try: nonce, request id and initialisation vector are fresh, the event is the same.
pub(crate) fn request(receiver: &Receiver, seconds: i64, plain: &[u8]) -> (HeaderMap, Bytes) {
    let mut drawn = [[0; 16]; 3];
    random::fill(drawn.as_flattened_mut());
    let [iv, nonce, request_id] = drawn;
    let (timestamp, nonce) = (seconds.to_string(), to_hex(&nonce));
    let encrypt_key = &receiver.secrets.encrypt_key;
    let mut headers = HeaderMap::new();
    let body = if receiver.settings.encrypted {
        let body = seal::encrypt(encrypt_key, iv, plain);
        let signature = seal::signature(&timestamp, &nonce, encrypt_key, &body);
        headers.insert(SIGNATURE, ascii(&signature));
        body
    } else {
        plain.to_vec()
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(TIMESTAMP, ascii(&timestamp));
    headers.insert(NONCE, ascii(&nonce));
    headers.insert(REQUEST_ID, ascii(&to_hex(&request_id)));
    (headers, Bytes::from(body))
}

fn ascii(digits: &str) -> HeaderValue {
    HeaderValue::from_str(digits).expect("digits are fit for a header")
}

fn outcome(answered: &Result<Answer, PostFailure>) -> String {
    match answered {
        Ok(answer) if answer.status == StatusCode::OK => "delivered".to_owned(),
        Ok(answer) => format!("status {}", answer.status.as_u16()),
        Err(failure) => failure.to_string(),
    }
}
