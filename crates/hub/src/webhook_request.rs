//! The request of a webhook: the body, encrypted where the app is, and the header that signs it. Only encrypted events
//! are signed, since the signature is made with the encrypt key. Source: contract, section 5.2.

use bytes::Bytes;
use contract::hex::to_hex;
use contract::seal;
use store::apps::App;
use system::random;

const TIMESTAMP: &str = "x-lark-request-timestamp";
const NONCE: &str = "x-lark-request-nonce";
const SIGNATURE: &str = "x-lark-signature";
const REQUEST_ID: &str = "x-request-id";

/// The request of one attempt: nonce, request id and initialisation vector are fresh, the event is the same.
#[must_use]
pub fn request(app: &App, seconds: i64, plain: &[u8]) -> (Vec<(&'static str, String)>, Bytes) {
    let mut drawn = [[0; 16]; 3];
    random::fill(drawn.as_flattened_mut());
    let [iv, nonce, request_id] = drawn;
    let (timestamp, nonce) = (seconds.to_string(), to_hex(&nonce));
    let encrypt_key = &app.secrets.encrypt_key;
    let mut headers = Vec::with_capacity(5);
    let body = if app.settings.encrypted {
        let body = seal::encrypt(encrypt_key, iv, plain);
        headers.push((SIGNATURE, seal::signature(&timestamp, &nonce, encrypt_key, &body)));
        body
    } else {
        plain.to_vec()
    };
    headers.push(("content-type", "application/json; charset=utf-8".to_owned()));
    headers.push((TIMESTAMP, timestamp));
    headers.push((NONCE, nonce));
    headers.push((REQUEST_ID, to_hex(&request_id)));
    (headers, Bytes::from(body))
}
