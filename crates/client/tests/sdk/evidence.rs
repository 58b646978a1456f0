//! What verifies, and what nothing but the key that signed it can make verify.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::evidence::{ProofError, Proved, PublicKey, read_anchors, verify_chain, verify_content};
use contract::control::ReportKind;
use contract::evidence::{
    Anchor, Certificate, Evidence as _, Manifest, ManifestVersion, detached, signed_text,
    signing_input,
};
use contract::hex::to_hex;
use serde_json::{Value, json};

const CONTENT: &[u8] = b"%PDF-1.7 a report";

fn pair(seed: u8) -> (Ed25519KeyPair, PublicKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let public = digits(&pair).parse().unwrap();
    (pair, public)
}

fn digits(pair: &Ed25519KeyPair) -> String {
    to_hex(pair.public_key().as_ref())
}

fn manifest() -> Manifest {
    let version = ManifestVersion {
        report_id: "7000000000000000002".into(),
        version: 1,
        kind: ReportKind::Final,
        sha256: to_hex(digest(&SHA256, CONTENT).as_ref()),
        size_bytes: CONTENT.len() as u64,
        source_host: Some("reports.vendor.example".into()),
        log_id: Some("20261125210000AB".into()),
        accepted_at_ms: 1_795_000_000_000,
        fetched_at_ms: 1_795_000_001_000,
    };
    Manifest {
        kind: Manifest::KIND.into(),
        tenant_key: "00000000000000aa".into(),
        order_id: "7000000000000000001".into(),
        number: 2,
        before: Some(to_hex(&[9; 32])),
        made_at_ms: 1_795_000_002_000,
        versions: vec![version],
    }
}

/// A file as the server makes it, and the key that verifies it.
fn signed() -> (String, PublicKey) {
    let ((pair, key), text) = (pair(7), manifest().text());
    let input = signing_input::<Manifest>(&text, &key.key_id());
    let signature = detached(&input, pair.sign(input.as_bytes()).as_ref().try_into().unwrap());
    let file = signed_text::<Manifest>(&text, signature.as_bytes(), &key.key_id()).unwrap();
    (file + "\n", key)
}

/// The three members of a JWS with these bytes as header and payload, really signed by the key of [`signed`].
fn jws(header: &str, payload: &[u8]) -> Value {
    let [protected, payload] =
        [header.as_bytes(), payload].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signature = pair(7).0.sign(format!("{protected}.{payload}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature);
    json!({ "payload": payload, "protected": protected, "signature": signature })
}

fn header() -> String {
    let kid = pair(7).1.key_id();
    format!(r#"{{"alg":"EdDSA","typ":"probity-manifest+jws","kid":"{kid}"}}"#)
}

fn reason(file: &str) -> String {
    pair(7).1.open::<Manifest>(file).unwrap_err().to_string()
}

#[test]
fn a_content_verifies_and_fails_after_any_change_of_one_byte() {
    let (manifest, key) = signed();
    let proved = verify_content(CONTENT, &manifest, &key).unwrap();
    assert_eq!((proved.manifest.number, proved.version.version), (2, 1));
    for index in 0..CONTENT.len() {
        for bit in 0..8 {
            let mut content = CONTENT.to_vec();
            content[index] ^= 1 << bit;
            let found = verify_content(content.as_slice(), &manifest, &key);
            assert!(matches!(found, Err(ProofError::NotListed { .. })), "{index}");
        }
        assert!(verify_content(&CONTENT[..index], &manifest, &key).is_err());
    }
    // Every byte of the manifest but the line feed, each in every other value that keeps it a text.
    let length = manifest.len() - 1;
    for index in 0..length {
        assert!(verify_content(CONTENT, &manifest[..index], &key).is_err(), "{index}");
        for other in (0..128u8).filter(|other| *other != manifest.as_bytes()[index]) {
            let mut altered = manifest.clone().into_bytes();
            altered[index] = other;
            let Ok(altered) = String::from_utf8(altered) else { continue };
            assert!(verify_content(CONTENT, &altered, &key).is_err(), "{index} {other}");
        }
    }
    let digits = digits(&pair(7).0);
    for index in 0..digits.len() {
        for other in (0..128u8).filter(|other| *other != digits.as_bytes()[index]) {
            let mut altered = digits.clone().into_bytes();
            altered[index] = other;
            let key = String::from_utf8(altered).unwrap().parse::<PublicKey>();
            let found = key.and_then(|key| verify_content(CONTENT, &manifest, &key));
            assert!(found.is_err(), "{index} {other}");
        }
    }
}

#[test]
fn a_jws_verifies_in_every_spelling_of_its_json_and_without_its_copies() {
    let (file, key) = signed();
    let text = manifest().text();
    let bare = jws(&header(), text.as_bytes());
    assert_eq!(key.open::<Manifest>(&bare.to_string()).unwrap(), manifest());
    let whole: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(whole["manifest"], serde_json::from_str::<Value>(&text).unwrap());
    let pretty = serde_json::to_string_pretty(&whole).unwrap();
    assert_eq!(key.open::<Manifest>(&pretty).unwrap(), manifest());
    // The header too is the signer's to spell.
    let spelled = header().replace("\":\"", "\" : \"");
    let spelled = jws(&spelled, text.as_bytes()).to_string();
    assert_eq!(key.open::<Manifest>(&spelled).unwrap(), manifest());
}

#[test]
fn a_header_that_is_not_exactly_ours_is_refused_although_it_is_signed() {
    let (text, header) = (manifest().text(), header());
    let with = |more: &str| header.replace("{\"alg\"", &format!("{{{more},\"alg\""));
    for (header, expected) in [
        (header.replace("EdDSA", "none"), "expected alg EdDSA, came none"),
        (header.replace("EdDSA", "HS256"), "expected alg EdDSA, came HS256"),
        (header.replace("EdDSA", "Ed25519"), "expected alg EdDSA, came Ed25519"),
        (header.replace("EdDSA", "eddsa"), "expected alg EdDSA, came eddsa"),
        (header.replace("-manifest", "-certificate"), "came probity-certificate+jws"),
        (header.replace("probity-manifest+jws", "JWT"), "came JWT"),
        (header.replace("probity-", "application/probity-"), "came application/probity"),
        (header.replace(r#""typ":"probity-manifest+jws","#, ""), "missing field `typ`"),
        (with(r#""crit":["exp"],"exp":1"#), "unknown field `crit`"),
        (with(r#""crit":[]"#), "unknown field `crit`"),
        (with(r#""b64":false"#), "unknown field `b64`"),
        (with(r#""jwk":{"kty":"OKP"}"#), "unknown field `jwk`"),
        (with(r#""alg":"EdDSA""#), "duplicate field `alg`"),
        (with(r#""typ":"probity-manifest+jws""#), "duplicate field `typ`"),
        (format!("{header} x"), "protected: trailing characters"),
        ("null".to_owned(), "protected: invalid type"),
    ] {
        let found = reason(&jws(&header, text.as_bytes()).to_string());
        let is_expected =
            found.starts_with("expected a signed manifest") && found.contains(expected);
        assert!(is_expected, "{header}: {found}");
    }
}

#[test]
fn members_that_are_repeated_unknown_or_spelled_otherwise_are_refused() {
    let jws = jws(&header(), manifest().text().as_bytes());
    let file = jws.to_string();
    let member = |name: &str| jws[name].as_str().unwrap().to_owned();
    let with = |more: &str| file.replacen('{', &format!("{{{more},"), 1);
    let changed = |name: &str, text: String| file.replace(&member(name), &text);
    // The last digit of 64 bytes has four bits that no byte needs.
    let mut loose = member("signature");
    let last = loose.pop().unwrap();
    loose.push(char::from(last as u8 + 1));
    for (file, expected) in [
        (with(&format!(r#""payload":"{}""#, member("payload"))), "duplicate field `payload`"),
        (with(r#""header":{"kid":"x"}"#), "unknown field `header`"),
        (with(r#""signatures":[]"#), "unknown field `signatures`"),
        (with(r#""manifest":{},"manifest":{}"#), "expected a signed manifest"),
        (changed("signature", loose), "signature: expected base64url"),
        (changed("signature", member("signature") + "=="), "signature: expected base64url"),
        (changed("signature", "AAAA".to_owned()), "signature: expected 64 bytes"),
        (changed("payload", member("payload") + "\\n"), "payload: expected base64url"),
        (
            changed("payload", member("payload").replacen('e', "+", 1)),
            "payload: expected base64url",
        ),
        (changed("protected", member("protected") + "="), "protected: expected base64url"),
        (file.clone() + &file, "trailing characters"),
        (
            format!("{}.{}.{}", member("protected"), member("payload"), member("signature")),
            "expected",
        ),
    ] {
        let found = reason(&file);
        assert!(found.contains(expected), "{file}: {found}");
    }
}

#[test]
fn a_copy_for_reading_says_what_was_signed_or_nothing_is_proved() {
    let (file, _) = signed();
    let key_id = pair(7).1.key_id();
    let versions = serde_json::to_string(&manifest().versions).unwrap();
    for (from, to) in [
        (r#""number":2"#.to_owned(), r#""number":3"#.to_owned()),
        (versions, "[]".to_owned()),
        (r#"{"manifest":"#.to_owned(), r#"{"anchor":"#.to_owned()),
        (format!(r#""key_id":"{key_id}"}}"#), r#""key_id":"0000000000000000"}"#.to_owned()),
    ] {
        let found = reason(&file.replacen(&from, &to, 1));
        assert_eq!(found, "the manifest was altered: what it shows is not what was signed");
    }
    let twice = file.replacen(r#""number":2"#, r#""number":3,"number":2"#, 1);
    assert!(reason(&twice).contains("duplicate field `number`"));
}

#[test]
fn nothing_passes_for_what_it_is_not() {
    let (file, key) = signed();
    let altered = "the manifest was altered: its signature is not that of its text";
    let text = manifest().text();
    // Another payload, another header, another signature of the same key, an empty one.
    let whole = jws(&header(), text.as_bytes());
    let other = jws(&header(), text.replace("\"number\":2", "\"number\":3").as_bytes());
    for name in ["payload", "signature"] {
        let mut mixed = whole.clone();
        mixed[name] = other[name].clone();
        assert_eq!(reason(&mixed.to_string()), altered, "{name}");
    }
    let mut respelled = whole.clone();
    respelled["protected"] = json!(URL_SAFE_NO_PAD.encode(header() + " "));
    assert_eq!(reason(&respelled.to_string()), altered);
    let mut empty = whole.clone();
    empty["signature"] = json!(URL_SAFE_NO_PAD.encode([0; 64]));
    assert_eq!(reason(&empty.to_string()), altered);
    // Another key: by its own name, and under the name of ours.
    let forged = jws(&header().replace(&key.key_id(), &pair(8).1.key_id()), text.as_bytes());
    assert!(reason(&forged.to_string()).contains("was signed by key"));
    assert!(pair(8).1.open::<Manifest>(&forged.to_string()).is_err());
    // Another kind, and the right kind with the text of another.
    let found = key.open::<Certificate>(&file).unwrap_err().to_string();
    assert!(found.contains("expected typ probity-certificate+jws, came probity-manifest+jws"));
    assert!(key.open::<Anchor>(&file).is_err());
    let anchor = r#"{"kind":"probity.audit_anchor.v1","tenant_key":"00000000000000aa","seq":1,"hash":"","at_ms":1}"#;
    assert_eq!(
        reason(&jws(&header(), anchor.as_bytes()).to_string()),
        "expected a manifest of this version"
    );
    for spelled in [format!(" {text}"), text.replace("\":", "\": "), text.clone() + "\n"] {
        let found = reason(&jws(&header(), spelled.as_bytes()).to_string());
        assert_eq!(found, "expected a manifest of this version");
    }
    assert!(reason(&jws(&header(), b"\xff").to_string()).contains("payload: expected UTF-8"));
}

#[test]
fn neither_form_passes_for_the_other() {
    let key = pair(7).1;
    let text = manifest().text();
    let in_old_form = |text: &str, signature: &[u8]| {
        signed_text::<Manifest>(text, signature, &key.key_id()).unwrap()
    };
    let over_text = pair(7).0.sign(text.as_bytes());
    let old = in_old_form(&text, over_text.as_ref());
    assert_eq!(key.open::<Manifest>(&old).unwrap(), manifest());
    // A signature over the text is none of a JWS, and one of a JWS is none over the text.
    let mut jws = jws(&header(), text.as_bytes());
    let signature = URL_SAFE_NO_PAD.decode(jws["signature"].as_str().unwrap()).unwrap();
    assert!(reason(&in_old_form(&text, &signature)).contains("was altered"));
    // What a JWS signs, shown as if it were the text.
    let input = [&jws["protected"], &jws["payload"]].map(|part| part.as_str().unwrap()).join(".");
    let found = reason(&in_old_form(&input, &signature));
    assert_eq!(found, "expected a manifest of this version");
    jws["signature"] = json!(URL_SAFE_NO_PAD.encode(over_text));
    assert!(reason(&jws.to_string()).contains("was altered"));
    // The old form under the name of another kind, in another spelling, cut off.
    let renamed = old.replacen("manifest", "certificate", 1);
    let found = key.open::<Certificate>(&renamed).unwrap_err().to_string();
    assert_eq!(found, "expected a certificate of this version");
    assert!(key.open::<Certificate>(&old).is_err());
    for wrong in [
        old.replace("\"signature\":", "\"signature\": "),
        format!(" {old}"),
        format!("{old}\n\n"),
        old[..old.len() - 1].to_owned(),
        old.replacen("\"number\":2", "\"number\":3", 1),
    ] {
        assert!(key.open::<Manifest>(&wrong).is_err(), "{wrong}");
    }
}

/// Files as commit 31cee61 wrote them, all of one installation.
#[test]
fn what_versions_before_signed_verifies() {
    let file = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signed_before");
        std::fs::read_to_string(Path::new(folder).join(name)).unwrap()
    };
    let key: PublicKey = file("hub.pub").trim_end().parse().unwrap();
    let (manifest, content) = (file("manifest.json"), file("report.pdf"));
    let proved = verify_content(content.as_bytes(), &manifest, &key).unwrap();
    let certificate: Certificate = key.open(&file("certificate.json")).unwrap();
    assert_eq!(certificate.order_id, proved.manifest.order_id);
    let anchors = read_anchors(&file("audit-anchors.jsonl"), Some(&key)).unwrap();
    let chain = verify_chain(file("chain.jsonl").as_bytes(), &anchors).unwrap();
    assert_eq!((anchors.len(), chain.entries, chain.anchored), (4, 7, Some(7)));
    for index in 0..manifest.len() - 1 {
        for bit in 0..7 {
            let mut altered = manifest.clone().into_bytes();
            altered[index] ^= 1 << bit;
            let altered = String::from_utf8(altered).unwrap();
            assert!(key.open::<Manifest>(&altered).is_err(), "{index} {bit}");
        }
    }
}

#[test]
fn the_reason_is_told_in_words() {
    let (manifest, key) = signed();
    let other = pair(8).1;
    let message = |found: Result<Proved, ProofError>| found.unwrap_err().to_string();
    assert!(message(verify_content(CONTENT, &manifest, &other)).contains("signed by key"));
    assert!(message(verify_content(CONTENT, "{}", &key)).contains("expected a signed manifest"));
    assert!(message(verify_content(&b"x"[..], &manifest, &key)).contains("not listed: 1 bytes"));
}
