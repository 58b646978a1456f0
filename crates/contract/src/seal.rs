//! Encryption and signature of webhook bodies: AES-256-CBC, PKCS#7, under the encrypt key's SHA-256, IV first, in
//! base64. Only the signature proves the sender. Source: contract, 5.2 and 9.1.

use aes::Aes256;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use subtle::ConstantTimeEq;

use crate::hex::to_hex;

/// Length of the initialisation vector in bytes.
pub const IV_BYTES: usize = 16;

const BEFORE: &str = r#"{"encrypt":""#;
const AFTER: &str = r#""}"#;

/// The body cannot be opened with this key; a reason would help to guess the plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a body encrypted under this key")]
pub struct Unreadable;

/// Encrypts `plain` and wraps it as the outer body `{"encrypt":"…"}`. `iv` has to be random for every call.
pub fn encrypt(encrypt_key: &str, iv: [u8; IV_BYTES], plain: &[u8]) -> Vec<u8> {
    let cipher = cbc::Encryptor::<Aes256>::new(&key(encrypt_key).into(), &iv.into());
    let mut sealed = iv.to_vec();
    sealed.extend_from_slice(&cipher.encrypt_padded_vec::<Pkcs7>(plain));
    let mut body = String::with_capacity(BEFORE.len() + sealed.len().div_ceil(3) * 4 + AFTER.len());
    body.push_str(BEFORE);
    STANDARD.encode_string(&sealed, &mut body);
    body.push_str(AFTER);
    body.into_bytes()
}

/// Opens an outer body. Errors: [`Unreadable`] whatever is wrong: JSON, base64, length, key or padding.
pub fn decrypt(encrypt_key: &str, body: &[u8]) -> Result<Vec<u8>, Unreadable> {
    #[derive(Deserialize)]
    struct Outer<'b> {
        #[serde(borrow)]
        encrypt: Cow<'b, str>,
    }

    let outer: Outer<'_> = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let sealed = STANDARD.decode(outer.encrypt.as_bytes()).map_err(|_| Unreadable)?;
    let (iv, sealed) = sealed.split_first_chunk::<IV_BYTES>().ok_or(Unreadable)?;
    let cipher = cbc::Decryptor::<Aes256>::new(&key(encrypt_key).into(), &(*iv).into());
    cipher.decrypt_padded_vec::<Pkcs7>(sealed).map_err(|_| Unreadable)
}

/// The signature of an outer body in lower-case hex, over the headers `timestamp` and `nonce`.
pub fn signature(timestamp: &str, nonce: &str, encrypt_key: &str, body: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(timestamp)
        .chain_update(nonce)
        .chain_update(encrypt_key)
        .chain_update(body)
        .finalize();
    to_hex(&digest)
}

/// Whether `claimed` is the signature of an outer body; takes equally long wherever they differ.
pub fn verify(claimed: &str, timestamp: &str, nonce: &str, encrypt_key: &str, body: &[u8]) -> bool {
    signature(timestamp, nonce, encrypt_key, body).as_bytes().ct_eq(claimed.as_bytes()).into()
}

fn key(encrypt_key: &str) -> [u8; 32] {
    Sha256::digest(encrypt_key).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "test key";
    const IV: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    const PLAIN_A: &str = r#"{"challenge":"c-1","token":"v-1","type":"url_verification"}"#;
    const BODY_A: &str = r#"{"encrypt":"AAECAwQFBgcICQoLDA0ODxT/dH7HGaZSqzJLo9upOhvxuntmDbvYAhSGQwyd9yk9dr7WQCyQZwwLMrI0IbFQyTcfGNygSBBlGyPGST1D//Y="}"#;
    const PLAIN_B: &str = r#"{"schema":"2.0","header":{"event_id":"00000000000000000000000000000001","token":"v-1","create_time":"1700000000000","event_type":"hire.eco_background_check.canceled_v1","tenant_key":"0000000000000001","app_id":"cli_0000000000000001"},"event":{"background_check_id":"7000000000000000001","termination_reason":"候选人放弃"}}"#;
    const BODY_B: &str = r#"{"encrypt":"AAECAwQFBgcICQoLDA0ODzksK1XHDGhxTlKJKwLymcMyd1nZHD+oH9xjSv/KOaKKyx9JJT8VXKgNDjZKo/fu9OSY7OfvD50NwdcwpZy9rag8Epm8PRxKX761P2YT1VvLzomPQEH/LZbbD5gv0sj+CPSn0r4lh3uR6W7y8RHI8YkQ7mdvrVM4Yg57xL/8aYavjimnij6HbAuQgjNK3e5RvjUeRzxtekPt3WGHFTxX/b0fqYgF5BD+/CDbWUiX0+nrWIRbca1QD5ONvuz5xe4VEXJT8xZPgL5dA3+j1qKGgt1IhvsWOy12L3A4EXURtixHjbCNPuwWAt+XUXCF6vExstMzdXTm0nKeCnujpm2H5z52pST19ERzASkGKrHwXa71IOpThigQGfAsZ5xM6h10oAIF4P9ePsvSkPUs0kKRd9j8iQFMEjT8UPg7NWiLjznTybTVG6SoklFL5vce6CdU7Q=="}"#;
    const SIGNATURE_A: &str = "3d0a6591c3afc7989d84a2845ec638ace1ce3bf9212e3da8ba2bfea7491cdcdf";
    const SIGNATURE_B: &str = "72424a3351a30e87e742b8e3f07e32ba73b73e367f57ddf1dee4c796b117e2e6";

    #[test]
    fn key_is_the_hash_of_the_encrypt_key() {
        let hex: String = key(KEY).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "fa2bdca424f01f01ffb48df93acc35d439c7fd331a1a7fba6ac2fd83aa9ab31a");
    }

    #[test]
    fn public_vector_opens() {
        let body = br#"{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}"#;
        assert_eq!(decrypt(KEY, body).unwrap(), b"hello world");
    }

    #[test]
    fn vectors_hold_in_both_directions() {
        for (plain, body, signed) in
            [(PLAIN_A, BODY_A, SIGNATURE_A), (PLAIN_B, BODY_B, SIGNATURE_B)]
        {
            assert_eq!(String::from_utf8(encrypt(KEY, IV, plain.as_bytes())).unwrap(), body);
            assert_eq!(decrypt(KEY, body.as_bytes()).unwrap(), plain.as_bytes());
            assert_eq!(signature("1700000000", "n0nce", KEY, body.as_bytes()), signed);
            assert!(verify(signed, "1700000000", "n0nce", KEY, body.as_bytes()));
        }
    }

    #[test]
    fn every_length_comes_back() {
        for length in 0..=64_u8 {
            let plain: Vec<u8> = (0..length).collect();
            let body = encrypt("k", [length; 16], &plain);
            assert_eq!(decrypt("k", &body).unwrap(), plain);
            let sealed_bytes = 16 + (usize::from(length) / 16 + 1) * 16;
            assert_eq!(body.len(), BEFORE.len() + sealed_bytes.div_ceil(3) * 4 + AFTER.len());
        }
    }

    #[test]
    fn whatever_is_wrong_looks_the_same() {
        let body_of = |bytes: &[u8]| format!(r#"{{"encrypt":"{}"}}"#, STANDARD.encode(bytes));
        for body in [
            String::new(),
            "{}".to_owned(),
            "[]".to_owned(),
            r#"{"encrypt":1}"#.to_owned(),
            r#"{"encrypt":""}"#.to_owned(),
            r#"{"encrypt":"***"}"#.to_owned(),
            BODY_A.replace("=\"", "\""),
            BODY_A.replace("AAEC", "AA\\nEC"),
            body_of(&[0; 15]),
            body_of(&[0; 16]),
            body_of(&[0; 31]),
            body_of(&[0; 33]),
        ] {
            assert_eq!(decrypt(KEY, body.as_bytes()), Err(Unreadable), "{body}");
        }
        assert_eq!(decrypt("another key", BODY_A.as_bytes()), Err(Unreadable));
    }

    #[test]
    fn any_change_breaks_the_signature() {
        let body = BODY_A.as_bytes();
        assert!(!verify(SIGNATURE_B, "1700000000", "n0nce", KEY, body));
        assert!(!verify(SIGNATURE_A, "1700000001", "n0nce", KEY, body));
        assert!(!verify(SIGNATURE_A, "1700000000", "nonce", KEY, body));
        assert!(!verify(SIGNATURE_A, "1700000000", "n0nce", "another key", body));
        assert!(!verify(SIGNATURE_A, "1700000000", "n0nce", KEY, BODY_B.as_bytes()));
        assert!(!verify(&SIGNATURE_A.to_uppercase(), "1700000000", "n0nce", KEY, body));
        assert!(!verify(&SIGNATURE_A[..63], "1700000000", "n0nce", KEY, body));
        assert!(!verify("", "1700000000", "n0nce", KEY, body));
    }
}
