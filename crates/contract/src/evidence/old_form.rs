//! Signed texts as earlier versions wrote them, still verified: `{"manifest":TEXT,"signature":"<128 hex
//! digits>","key_id":"<16 hex digits>"}`, signed over TEXT, in this one spelling.

use super::Signed;
use crate::hex::{from_hex, to_hex};

const TAIL_BYTES: usize = r#","signature":"","key_id":""}"#.len() + 128 + 16;

/// Takes such a file apart; one line feed may stand behind it.
pub(super) fn read(name: &str, file: &str) -> Option<Signed> {
    let file = file.strip_suffix('\n').unwrap_or(file);
    let body = file.strip_prefix("{\"")?.strip_prefix(name)?.strip_prefix("\":")?;
    let (text, tail) = body.split_at_checked(body.len().checked_sub(TAIL_BYTES)?)?;
    let signature = from_hex(tail.strip_prefix(r#","signature":""#)?.get(..128)?)?;
    let key_id = tail.get(TAIL_BYTES - 18..TAIL_BYTES - 2)?;
    let is_whole = write(name, text, &signature, key_id) == file;
    let (text, message, key_id) = (text.to_owned(), text.to_owned(), key_id.to_owned());
    is_whole.then_some(Signed { text, message, signature, key_id })
}

/// The file of a text that was signed so, without a line feed.
pub(super) fn write(name: &str, text: &str, signature: &[u8; 64], key_id: &str) -> String {
    let signature = to_hex(signature);
    format!(r#"{{"{name}":{text},"signature":"{signature}","key_id":"{key_id}"}}"#)
}
