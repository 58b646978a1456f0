//! `page_token`: after which key a page begins, as an opaque text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Id;
use store::order_pages::After;

const ORDER: u8 = 1;
const ENTRY: u8 = 2;

/// The token of a page that begins after this key.
pub(super) fn write(after: After) -> String {
    let (walk, Id(key)) = match after {
        After::Order(order_id) => (ORDER, order_id),
        After::Entry(entry_id) => (ENTRY, entry_id),
    };
    let mut bytes = [walk; 9];
    bytes[1..].copy_from_slice(&key.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The key after which the page begins; none for a text that is no token of this server.
pub(super) fn read(text: &str) -> Option<After> {
    let bytes: [u8; 9] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let [walk, key @ ..] = bytes;
    let key = Some(i64::from_be_bytes(key)).filter(|key| *key > 0).map(Id)?;
    match walk {
        ORDER => Some(After::Order(key)),
        ENTRY => Some(After::Entry(key)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_after_which_key_its_page_begins() {
        for after in [After::Order(Id(1)), After::Order(Id(i64::MAX)), After::Entry(Id(7))] {
            assert_eq!(read(&write(after)), Some(after));
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = write(After::Order(Id(1)));
        let others = [write(After::Order(Id(0))), write(After::Order(Id(-1)))];
        let odd = ["", "a", "!", &token[1..], &format!("{token}A"), "AAAAAAAAAAAA", "/wAAAAAAAAAB"];
        for text in odd.into_iter().chain(others.iter().map(String::as_str)) {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
