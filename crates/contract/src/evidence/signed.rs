//! Signed texts: a JSON object whose first member is the text that was signed, byte for byte.
//!
//! `{"manifest":TEXT,"signature":"<128 hex digits>","key_id":"<16 hex digits>"}`: what stands before and behind TEXT
//! has a fixed form, so that any JSON reader can read the whole, and nobody has to guess which bytes were signed.

use sha2::{Digest, Sha256};

use crate::hex::{from_hex, to_hex};

/// What stands behind the text: two members of fixed length and the closing brace.
const TAIL_BYTES: usize = r#","signature":"","key_id":""}"#.len() + 128 + 16;

/// A text that is not a signed text of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a signed {kind}: {{\"{kind}\":…,\"signature\":\"…\",\"key_id\":\"…\"}} and nothing else"
)]
pub struct NotSigned {
    /// What was expected: `manifest`, `certificate`, `anchor`.
    pub kind: &'static str,
}

/// A signed text, taken apart. Whether the signature is right is still to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The bytes that were signed.
    pub text: &'a str,
    /// Ed25519, 64 bytes.
    pub signature: [u8; 64],
    /// Which key signed, see [`key_id`].
    pub key_id: &'a str,
}

impl<'a> Signed<'a> {
    /// Takes a signed text of this kind apart; one line feed may stand behind it.
    ///
    /// # Errors
    /// [`NotSigned`] when it has another form in any byte.
    pub fn read(kind: &'static str, file: &'a str) -> Result<Signed<'a>, NotSigned> {
        let wrong = NotSigned { kind };
        let file = file.strip_suffix('\n').unwrap_or(file);
        let body = file.strip_prefix("{\"").and_then(|rest| rest.strip_prefix(kind));
        let body = body.and_then(|rest| rest.strip_prefix("\":")).ok_or(wrong)?;
        let end = body.len().checked_sub(TAIL_BYTES).ok_or(wrong)?;
        let (text, tail) = body.split_at_checked(end).ok_or(wrong)?;
        let signature = tail.strip_prefix(r#","signature":""#).and_then(|rest| rest.get(..128));
        let signature = signature.and_then(from_hex).ok_or(wrong)?;
        let key_id = tail.get(TAIL_BYTES - 18..TAIL_BYTES - 2).ok_or(wrong)?;
        // Everything else about the tail, in one comparison.
        if signed_text(kind, text, &signature, key_id).as_bytes() != file.as_bytes() {
            return Err(wrong);
        }
        Ok(Signed { text, signature, key_id })
    }
}

/// The signed text of this kind, without a line feed.
#[must_use]
pub fn signed_text(kind: &str, text: &str, signature: &[u8; 64], key_id: &str) -> String {
    let signature = to_hex(signature);
    format!(r#"{{"{kind}":{text},"signature":"{signature}","key_id":"{key_id}"}}"#)
}

/// By which a public key is named: the first 8 bytes of its SHA-256, as 16 hex digits.
#[must_use]
pub fn key_id(public_key: &[u8; 32]) -> String {
    to_hex(&sha256(public_key)[..8])
}

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_text_reads_back_and_no_other_spelling_does() {
        let text = r#"{"kind":"x","name":"张三"}"#;
        let file = signed_text("manifest", text, &[0xab; 64], "0123456789abcdef");
        let read = Signed::read("manifest", &file).unwrap();
        assert_eq!(read, Signed { text, signature: [0xab; 64], key_id: "0123456789abcdef" });
        assert_eq!(Signed::read("manifest", &format!("{file}\n")).unwrap(), read);
        assert!(serde_json::from_str::<serde_json::Value>(&file).is_ok());
        for wrong in [
            String::new(),
            file.replace("\"signature\":", "\"signature\": "),
            file.replace("abab\"", "abAB\""),
            format!(" {file}"),
            format!("{file}\n\n"),
            file[..file.len() - 1].to_owned(),
        ] {
            assert!(Signed::read("manifest", &wrong).is_err(), "{wrong}");
        }
        assert!(Signed::read("certificate", &file).is_err());
    }
}
