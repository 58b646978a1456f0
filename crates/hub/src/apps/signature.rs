//! Explains a webhook's signature: each step's bytes, and which input is wrong when it does not match. A wrong
//! signature mostly comes from one of a few mistakes; each is tried until one gives the signature in question. Source:
//! contract, section 5.2.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contract::control::{ExplainSignature, SignatureExplanation, SignatureStep, WrongInput};
use contract::hex::to_hex;
use contract::seal;

/// What a receiver may have taken for its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) encrypt_key: &'a str,
    /// The one before the last rotation, while it is good.
    pub(super) old_encrypt_key: Option<&'a str>,
    pub(super) verification_token: &'a str,
}

/// Explains the signature of a request under an app's keys.
pub(super) fn explain(request: &ExplainSignature, keys: Keys<'_>) -> SignatureExplanation {
    let right = Parts::of(request, keys.encrypt_key);
    let expected = to_hex(&right.sha256());
    let given = request.signature.as_str();
    let (matches, wrong, explanation) = if given == expected {
        (true, None, "the signature is right: it is the one of these inputs".to_owned())
    } else {
        let (wrong, explanation) = find(request, keys, &right, given);
        (false, Some(wrong), explanation)
    };
    SignatureExplanation {
        matches,
        wrong,
        explanation,
        steps: vec![
            step("timestamp", &request.timestamp),
            step("nonce", &request.nonce),
            masked_step(keys.encrypt_key),
            step("body", &request.body),
            signed_step(request, keys.encrypt_key),
            step("sha256", &expected),
            step("given", given),
        ],
    }
}

#[derive(Debug, Clone, Copy)]
struct Parts<'a> {
    timestamp: &'a str,
    nonce: &'a str,
    key: &'a str,
    body: &'a str,
}

impl<'a> Parts<'a> {
    fn of(request: &'a ExplainSignature, key: &'a str) -> Parts<'a> {
        let ExplainSignature { timestamp, nonce, body, .. } = request;
        Parts { timestamp, nonce, key, body }
    }

    fn bytes(self) -> Vec<u8> {
        [self.timestamp, self.nonce, self.key, self.body].concat().into_bytes()
    }

    fn sha256(self) -> Vec<u8> {
        digest::digest(&SHA256, &self.bytes()).as_ref().to_vec()
    }

    fn sha1(self) -> Vec<u8> {
        digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.bytes()).as_ref().to_vec()
    }
}

/// The mistake that gives the signature in question, and what to do about it.
fn find(
    request: &ExplainSignature,
    keys: Keys<'_>,
    right: &Parts<'_>,
    given: &str,
) -> (WrongInput, String) {
    let is_given = |digest: &[u8]| spelled(digest, given);
    if is_given(&right.sha256()) {
        let text = "the digest is right, its spelling is not: expected 64 lower-case hex digits";
        return (WrongInput::Spelling, text.to_owned());
    }
    let swap = |wrong, text: &str| (wrong, text.to_owned());
    for (key, wrong, text) in wrong_keys(keys) {
        if is_given(&Parts { key: &key, ..*right }.sha256()) {
            return swap(wrong, text);
        }
    }
    for (body, wrong, text) in wrong_bodies(&request.body, keys.encrypt_key) {
        if is_given(&Parts { body: &body, ..*right }.sha256()) {
            return swap(wrong, text);
        }
    }
    for key in [keys.verification_token, keys.encrypt_key, ""] {
        if is_given(&Parts { key, ..*right }.sha1()) {
            let text = "SHA-1, as the old card callbacks had it with the verification token: events \
                are signed with SHA-256 and the encrypt key";
            return swap(WrongInput::Sha1, text);
        }
    }
    let Parts { timestamp, nonce, key, body } = *right;
    for parts in [[timestamp, nonce, body].concat(), right_text(right), body.to_owned()] {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), parts.as_bytes());
        if is_given(mac.as_ref()) {
            let text = "HMAC-SHA256: the signature is a plain SHA-256 with the key among the bytes";
            return swap(WrongInput::Hmac, text);
        }
    }
    for order in orders(right) {
        if is_given(digest::digest(&SHA256, order.as_bytes()).as_ref()) {
            let text = "the parts stand in another order: timestamp, nonce, encrypt key, body, with \
                nothing between them";
            return swap(WrongInput::Order, text);
        }
    }
    unknown(request, keys)
}

/// No mistake gives it: what the body itself says.
fn unknown(request: &ExplainSignature, keys: Keys<'_>) -> (WrongInput, String) {
    let opens = |key: &str| seal::decrypt(key, request.body.as_bytes()).is_ok();
    let (wrong, text) = if opens(keys.encrypt_key) {
        (
            WrongInput::TimestampOrNonce,
            "body and key are right, since the body opens: timestamp, nonce or signature are those of \
             another request",
        )
    } else if keys.old_encrypt_key.is_some_and(opens) {
        (
            WrongInput::EncryptKey,
            "the body is encrypted under the key before the last rotation, and the signature is made \
             with neither: compare the receiver's key with the app's",
        )
    } else {
        (
            WrongInput::BodyOrKey,
            "the body does not open under the app's encrypt key: it was changed on its way, or it was \
             encrypted for another app",
        )
    };
    (wrong, text.to_owned())
}

/// Whether `given` spells this digest, in any encoding.
fn spelled(digest: &[u8], given: &str) -> bool {
    let given = given.trim();
    let given = given.strip_prefix("sha256=").unwrap_or(given);
    given.eq_ignore_ascii_case(&to_hex(digest)) || given == STANDARD.encode(digest)
}

fn wrong_keys(keys: Keys<'_>) -> Vec<(String, WrongInput, &'static str)> {
    let key = keys.encrypt_key;
    let hash = digest::digest(&SHA256, key.as_bytes());
    let mut wrong = vec![
        (
            keys.verification_token.to_owned(),
            WrongInput::TokenInsteadOfKey,
            "the verification token stands where the encrypt key belongs: in Go and Java the token \
             comes first, in Python the key",
        ),
        (
            String::new(),
            WrongInput::NoKey,
            "the encrypt key was left out: it stands before the body",
        ),
        (
            to_hex(hash.as_ref()),
            WrongInput::EncryptKey,
            "the SHA-256 of the encrypt key stands in its place: that one decrypts, the key itself signs",
        ),
    ];
    if let Some(old) = keys.old_encrypt_key {
        let text =
            "signed with the encrypt key before the last rotation: give the receiver the new one";
        wrong.push((old.to_owned(), WrongInput::EncryptKey, text));
    }
    for spoilt in [format!("{key}\n"), format!("{key}\r\n"), format!("{key} "), format!(" {key}")] {
        let text = "a blank or newline stands beside the encrypt key: trim it where it is read";
        wrong.push((spoilt, WrongInput::EncryptKey, text));
    }
    for (index, cut) in
        [(1, &key[..key.len().saturating_sub(1)]), (0, key.get(1..).unwrap_or_default())]
    {
        let text = match index {
            0 => "the first character of the encrypt key is missing",
            _ => "the last character of the encrypt key is missing",
        };
        wrong.push((cut.to_owned(), WrongInput::EncryptKey, text));
    }
    wrong
}

fn wrong_bodies(body: &str, encrypt_key: &str) -> Vec<(String, WrongInput, &'static str)> {
    let mut wrong = Vec::new();
    let trimmed =
        "a newline or blank at the body's end was taken away or added: sign the bytes as they came";
    for other in [
        body.trim().to_owned(),
        body.trim_end_matches(['\r', '\n']).to_owned(),
        format!("{body}\n"),
        format!("{body}\r\n"),
    ] {
        wrong.push((other, WrongInput::BodyTrimmed, trimmed));
    }
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(body) {
        let printed = "the body was parsed and printed again, which changes its bytes: sign the bytes as \
            they came";
        for other in printings(&value) {
            wrong.push((other, WrongInput::BodyReserialised, printed));
        }
    }
    if let Ok(plain) = seal::decrypt(encrypt_key, body.as_bytes())
        && let Ok(plain) = String::from_utf8(plain)
    {
        let text =
            "the decrypted text stands in the body's place: the signature covers the outer body";
        wrong.push((plain, WrongInput::BodyDecrypted, text));
    }
    wrong
}

/// The ways in which common libraries print a JSON value.
fn printings(value: &serde_json::Value) -> Vec<String> {
    let compact = value.to_string();
    let mut all = vec![format!("{compact}\n")];
    // Python's json.dumps puts a blank behind colon and comma; `encrypt` has neither in it.
    if let Some(encrypt) = value.get("encrypt").and_then(serde_json::Value::as_str) {
        all.push(format!("{{\"encrypt\": \"{encrypt}\"}}"));
        // PHP escapes each slash.
        all.push(format!("{{\"encrypt\":\"{}\"}}", encrypt.replace('/', "\\/")));
        all.push(format!("{{ \"encrypt\": \"{encrypt}\" }}"));
        all.push(format!("{{\n    \"encrypt\": \"{encrypt}\"\n}}"));
    }
    all.extend(serde_json::to_string_pretty(value).ok());
    all.push(compact);
    all
}

fn right_text(parts: &Parts<'_>) -> String {
    [parts.timestamp, parts.nonce, parts.key, parts.body].concat()
}

fn orders(parts: &Parts<'_>) -> Vec<String> {
    let Parts { timestamp: t, nonce: n, key: k, body: b } = *parts;
    let orders =
        [[n, t, k, b], [t, n, b, k], [k, t, n, b], [b, t, n, k], [t, k, n, b], [n, t, b, k]];
    orders.map(|order| order.concat()).to_vec()
}

fn step(name: &str, text: &str) -> SignatureStep {
    SignatureStep {
        name: name.to_owned(),
        size_bytes: text.len() as u64,
        text: shortened(text),
        end_hex: Some(end_hex(text)),
    }
}

fn masked_step(key: &str) -> SignatureStep {
    let size_bytes = key.len() as u64;
    SignatureStep { name: "encrypt_key".to_owned(), size_bytes, text: masked(key), end_hex: None }
}

fn signed_step(request: &ExplainSignature, key: &str) -> SignatureStep {
    let ExplainSignature { timestamp, nonce, body, .. } = request;
    let size = timestamp.len() + nonce.len() + key.len() + body.len();
    SignatureStep {
        name: "bytes_signed".to_owned(),
        size_bytes: size as u64,
        text: format!("{timestamp}{nonce}{}{}", masked(key), shortened(body)),
        end_hex: (!body.is_empty()).then(|| end_hex(body)),
    }
}

fn masked(key: &str) -> String {
    let chars: Vec<char> = key.chars().collect();
    match chars.as_slice() {
        [first, second, middle @ .., last_but_one, last] if middle.len() >= 8 => {
            let stars = "*".repeat(middle.len());
            format!("{first}{second}{stars}{last_but_one}{last}")
        }
        all => "*".repeat(all.len()),
    }
}

fn shortened(text: &str) -> String {
    const END_BYTES: usize = 120;
    if text.len() <= 3 * END_BYTES {
        return text.to_owned();
    }
    let (head, tail) = (
        &text[..text.floor_char_boundary(END_BYTES)],
        &text[text.ceil_char_boundary(text.len() - END_BYTES)..],
    );
    format!("{head} ... {tail}")
}

fn end_hex(text: &str) -> String {
    let bytes = text.as_bytes();
    to_hex(&bytes[bytes.len().saturating_sub(16)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "test key of 24 characters";
    const TOKEN: &str = "v-1";

    fn keys() -> Keys<'static> {
        Keys { encrypt_key: KEY, old_encrypt_key: Some("old key"), verification_token: TOKEN }
    }

    fn body() -> String {
        String::from_utf8(seal::encrypt(KEY, [7; 16], r#"{"a":"张/三"}"#.as_bytes())).unwrap()
    }

    fn request(body: &str, signature: &str) -> ExplainSignature {
        ExplainSignature {
            timestamp: "1700000000".to_owned(),
            nonce: "n0nce".to_owned(),
            body: body.to_owned(),
            signature: signature.to_owned(),
        }
    }

    fn sign(key: &str, body: &str) -> String {
        seal::signature("1700000000", "n0nce", key, body.as_bytes())
    }

    #[test]
    fn every_mistake_is_found() {
        let (body, right) = (body(), sign(KEY, &body()));
        let encrypt = body.strip_prefix(r#"{"encrypt":""#).unwrap().strip_suffix(r#""}"#).unwrap();
        let python = format!("{{\"encrypt\": \"{encrypt}\"}}");
        let php = body.replace('/', "\\/");
        let text = |parts: &[&str]| parts.concat();
        let sha1 = |key: &str| {
            let bytes = text(&["1700000000", "n0nce", key, &body]);
            to_hex(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes.as_bytes()).as_ref())
        };
        let bytes = text(&["1700000000", "n0nce", &body]);
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes()), bytes.as_bytes());
        let swapped = text(&["n0nce", "1700000000", KEY, &body]);
        let swapped = to_hex(digest::digest(&SHA256, swapped.as_bytes()).as_ref());
        let mut cases = vec![
            (right.to_uppercase(), WrongInput::Spelling),
            (format!(" {right}\n"), WrongInput::Spelling),
            (sign(TOKEN, &body), WrongInput::TokenInsteadOfKey),
            (sign("", &body), WrongInput::NoKey),
            (sign("old key", &body), WrongInput::EncryptKey),
            (sign(&format!("{KEY}\n"), &body), WrongInput::EncryptKey),
            (sign(&KEY[1..], &body), WrongInput::EncryptKey),
            (sign(&KEY[..KEY.len() - 1], &body), WrongInput::EncryptKey),
            (sign(KEY, &python), WrongInput::BodyReserialised),
            (sign(KEY, &format!("{body}\n")), WrongInput::BodyTrimmed),
            (sign(KEY, r#"{"a":"张/三"}"#), WrongInput::BodyDecrypted),
            (sha1(TOKEN), WrongInput::Sha1),
            (sha1(KEY), WrongInput::Sha1),
            (to_hex(mac.as_ref()), WrongInput::Hmac),
            (swapped, WrongInput::Order),
            ("0".repeat(64), WrongInput::TimestampOrNonce),
            (String::new(), WrongInput::TimestampOrNonce),
        ];
        if php != body {
            cases.push((sign(KEY, &php), WrongInput::BodyReserialised));
        }
        for (signature, wrong) in cases {
            let explained = explain(&request(&body, &signature), keys());
            assert_eq!((explained.matches, explained.wrong), (false, Some(wrong)), "{signature:?}");
            assert!(explained.explanation.len() > 20 && !explained.explanation.contains("  "));
        }
        assert!(explain(&request(&body, &right), keys()).matches);
    }

    #[test]
    fn what_the_receiver_did_to_the_body_is_found_from_either_side() {
        let body = body();
        // The receiver shows what it signed, and the signature that came.
        let pretty = format!("{}\n", body.replace("\":\"", "\": \""));
        for (shown, wrong) in
            [(format!("{body}\n"), WrongInput::BodyTrimmed), (pretty, WrongInput::BodyReserialised)]
        {
            let explained = explain(&request(&shown, &sign(KEY, &body)), keys());
            assert_eq!((explained.matches, explained.wrong), (false, Some(wrong)), "{shown:?}");
        }
    }

    #[test]
    fn a_body_of_another_key_is_told() {
        let other = |key| String::from_utf8(seal::encrypt(key, [7; 16], b"{}")).unwrap();
        for (key, wrong) in [("old key", WrongInput::EncryptKey), ("alien", WrongInput::BodyOrKey)]
        {
            let explained = explain(&request(&other(key), &"0".repeat(64)), keys());
            assert_eq!(explained.wrong, Some(wrong), "{key}");
        }
    }

    #[test]
    fn each_step_shows_its_bytes_and_hides_the_key() {
        let explained = explain(&request("{}\n", &sign(KEY, "{}\n")), keys());
        let names: Vec<_> = explained.steps.iter().map(|step| step.name.as_str()).collect();
        let expected =
            ["timestamp", "nonce", "encrypt_key", "body", "bytes_signed", "sha256", "given"];
        assert_eq!(names, expected);
        assert_eq!(explained.steps[3].end_hex.as_deref(), Some("7b7d0a"));
        assert_eq!(explained.steps[4].size_bytes, 10 + 5 + KEY.len() as u64 + 3);
        assert_eq!(explained.steps[5].text, sign(KEY, "{}\n"));
        assert!(!serde_json::to_string(&explained).unwrap().contains(KEY));
        let long = shortened(&"张".repeat(1_000));
        assert!(long.len() < 260 && long.contains(" ... "));
        assert_eq!((masked("short"), masked("")), ("*****".to_owned(), String::new()));
    }
}
