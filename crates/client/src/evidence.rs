//! Verifying without a hub: manifests, certificates, anchors and exported audit chains, on any machine.
//!
//! Nothing here talks to a server. What is needed is the installation's public key, fetched once over a way that is
//! trusted: 64 hex digits.
//!
//! ```no_run
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use client::evidence::{PublicKey, verify_content};
//!
//! let key: PublicKey = std::fs::read_to_string("hub.pub")?.trim().parse()?;
//! let manifest = std::fs::read_to_string("manifest.json")?;
//! let found = verify_content(std::fs::File::open("report.pdf")?, &manifest, &key)?;
//! println!("fetched at {}", found.version.fetched_at_ms);
//! # Ok(()) }
//! ```

use std::io::{BufRead, Read};
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use contract::evidence::{
    ANCHOR, Anchor, AuditEntry, CERTIFICATE, Certificate, Chain, ChainFault, MANIFEST, Manifest,
    ManifestVersion, NotSigned, Signed, key_id,
};
use contract::hex::{from_hex, to_hex};

/// The key that verifies an installation's signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl FromStr for PublicKey {
    type Err = ProofError;

    /// Reads 64 lower-case hex digits.
    fn from_str(text: &str) -> Result<PublicKey, ProofError> {
        from_hex(text).map(PublicKey).ok_or(ProofError::Key)
    }
}

impl PublicKey {
    /// By which signed texts name the key.
    #[must_use]
    pub fn key_id(&self) -> String {
        key_id(&self.0)
    }

    /// Takes a signed text of this kind apart and checks its signature.
    ///
    /// # Errors
    /// [`ProofError`], why it proves nothing.
    pub fn open<'a>(&self, kind: &'static str, file: &'a str) -> Result<&'a str, ProofError> {
        let signed = Signed::read(kind, file)?;
        let own = self.key_id();
        if signed.key_id != own {
            let found = signed.key_id.to_owned();
            return Err(ProofError::OtherKey { kind, expected: own, found });
        }
        let verified = UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(signed.text.as_bytes(), &signed.signature);
        verified.map_err(|_| ProofError::Signature { kind })?;
        Ok(signed.text)
    }
}

/// Why something is not proved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The key is none.
    #[error("expected a public key of 64 lower-case hex digits")]
    Key,
    /// It is no signed text.
    #[error(transparent)]
    Form(#[from] NotSigned),
    /// It was signed by another key.
    #[error("the {kind} was signed by key {found}, not by {expected}")]
    OtherKey {
        /// What was read.
        kind: &'static str,
        /// The key at hand.
        expected: String,
        /// The key that it names.
        found: String,
    },
    /// It was altered after it was signed, or never was.
    #[error("the {kind} was altered: its signature is not that of its text")]
    Signature {
        /// What was read.
        kind: &'static str,
    },
    /// It is signed, but not what it says it is.
    #[error("expected a {kind} of this version")]
    Body {
        /// What was read.
        kind: &'static str,
    },
    /// The content is none of those that the manifest lists.
    #[error(
        "the file is not listed: {size_bytes} bytes with SHA-256 {sha256} are not among the contents of the manifest"
    )]
    NotListed {
        /// Its length.
        size_bytes: u64,
        /// Its hash.
        sha256: String,
    },
    /// The audit chain is not whole.
    #[error(transparent)]
    Chain(#[from] ChainFault),
    /// A line of the file of anchors proves nothing.
    #[error("line {line} of the anchors: {why}")]
    AnchorLine {
        /// Counted from 1.
        line: usize,
        /// Why.
        why: Box<ProofError>,
    },
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

/// A content that a manifest proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// The manifest.
    pub manifest: Manifest,
    /// The content among those of the manifest.
    pub version: ManifestVersion,
}

/// Checks that a content is one that the manifest lists, and the manifest one that the key signed.
///
/// # Errors
/// [`ProofError`], why not.
pub fn verify_content(
    mut content: impl Read,
    manifest: &str,
    key: &PublicKey,
) -> Result<Proved, ProofError> {
    let manifest = open_manifest(manifest, key)?;
    let (mut digest, mut size_bytes) = (Context::new(&SHA256), 0);
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = content.read(&mut piece)?;
        if length == 0 {
            break;
        }
        digest.update(&piece[..length]);
        size_bytes += length as u64;
    }
    let sha256 = to_hex(digest.finish().as_ref());
    match manifest.find(size_bytes, &sha256).cloned() {
        Some(version) => Ok(Proved { manifest, version }),
        None => Err(ProofError::NotListed { size_bytes, sha256 }),
    }
}

/// The manifest of a file, if the key signed it.
///
/// # Errors
/// [`ProofError`], why not.
pub fn open_manifest(file: &str, key: &PublicKey) -> Result<Manifest, ProofError> {
    let text = key.open(MANIFEST, file)?;
    Manifest::read(text).ok_or(ProofError::Body { kind: MANIFEST })
}

/// The certificate of a file, if the key signed it.
///
/// # Errors
/// [`ProofError`], why not.
pub fn open_certificate(file: &str, key: &PublicKey) -> Result<Certificate, ProofError> {
    let text = key.open(CERTIFICATE, file)?;
    Certificate::read(text).ok_or(ProofError::Body { kind: CERTIFICATE })
}

/// Reads a file of anchors, one signed note in each line; without a key the signatures are not checked.
///
/// # Errors
/// [`ProofError`] when a line is none; a last line that was cut off is one too.
pub fn read_anchors(file: &str, key: Option<&PublicKey>) -> Result<Vec<Anchor>, ProofError> {
    let anchor = |(line, text): (usize, &str)| {
        let read = || {
            let text = match key {
                Some(key) => key.open(ANCHOR, text)?,
                None => Signed::read(ANCHOR, text)?.text,
            };
            let anchor: Option<Anchor> = serde_json::from_str(text).ok();
            let anchor = anchor.filter(|anchor| anchor.kind == Anchor::KIND);
            anchor.ok_or(ProofError::Body { kind: ANCHOR })
        };
        read().map_err(|why| ProofError::AnchorLine { line: line + 1, why: Box::new(why) })
    };
    file.lines().enumerate().map(anchor).collect()
}

/// What an audit chain was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeChain {
    /// Whose chain.
    pub tenant_key: String,
    /// How many entries.
    pub entries: u64,
    /// The hash of the last one, 64 hex digits.
    pub hash: String,
    /// The last entry.
    pub last: Option<AuditEntry>,
    /// The newest of its anchors.
    pub anchored: Option<u64>,
}

/// Verifies an exported audit chain, line by line, in constant memory.
///
/// # Errors
/// [`ProofError`], where it is not whole.
pub fn verify_chain(
    mut export: impl BufRead,
    anchors: &[Anchor],
) -> Result<WholeChain, ProofError> {
    let mut line = String::new();
    let mut next = |line: &mut String| -> Result<bool, ProofError> {
        line.clear();
        let is_there = export.read_line(line)? > 0;
        if line.ends_with('\n') {
            line.pop();
        }
        Ok(is_there)
    };
    next(&mut line)?;
    let mut chain = Chain::begin(&line, anchors)?;
    let mut last = None;
    while next(&mut line)? {
        last = Some(chain.take(&line)?);
    }
    chain.end()?;
    Ok(whole(&chain, last, anchors))
}

/// What a chain was found to be after its last entry.
#[must_use]
pub fn whole(chain: &Chain, last: Option<AuditEntry>, anchors: &[Anchor]) -> WholeChain {
    let own = anchors.iter().filter(|anchor| anchor.tenant_key == chain.tenant_key());
    WholeChain {
        tenant_key: chain.tenant_key().to_owned(),
        entries: chain.seq(),
        hash: to_hex(&chain.hash()),
        last,
        anchored: own.map(|anchor| anchor.seq).max(),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use contract::control::ReportKind;
    use contract::evidence::signed_text;

    use super::*;

    const CONTENT: &[u8] = b"%PDF-1.7 a report";

    fn signed() -> (String, PublicKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let version = ManifestVersion {
            report_id: "7000000000000000002".into(),
            version: 1,
            kind: ReportKind::Final,
            sha256: to_hex(aws_lc_rs::digest::digest(&SHA256, CONTENT).as_ref()),
            size_bytes: CONTENT.len() as u64,
            source_host: Some("reports.vendor.example".into()),
            log_id: Some("20261125210000AB".into()),
            accepted_at_ms: 1_795_000_000_000,
            fetched_at_ms: 1_795_000_001_000,
        };
        let text = Manifest {
            kind: Manifest::KIND.into(),
            tenant_key: "00000000000000aa".into(),
            order_id: "7000000000000000001".into(),
            number: 2,
            before: Some(to_hex(&[9; 32])),
            made_at_ms: 1_795_000_002_000,
            versions: vec![version],
        }
        .text();
        let signature = pair.sign(text.as_bytes()).as_ref().try_into().unwrap();
        let key = PublicKey(public);
        (signed_text(MANIFEST, &text, &signature, &key.key_id()) + "\n", key)
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
        // Every byte of the manifest, each in every other value that keeps it a text.
        for index in 0..manifest.len() {
            for other in (0..128u8).filter(|other| *other != manifest.as_bytes()[index]) {
                let mut altered = manifest.clone().into_bytes();
                altered[index] = other;
                let Ok(altered) = String::from_utf8(altered) else { continue };
                assert!(verify_content(CONTENT, &altered, &key).is_err(), "{index} {other}");
            }
        }
        let digits = to_hex(&key.0);
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

    /// Files as commit 31cee61 wrote them, all of one installation.
    #[test]
    fn what_versions_before_signed_verifies() {
        let file = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signed_before");
            std::fs::read_to_string(std::path::Path::new(folder).join(name)).unwrap()
        };
        let key: PublicKey = file("hub.pub").trim_end().parse().unwrap();
        let (manifest, content) = (file("manifest.json"), file("report.pdf"));
        let proved = verify_content(content.as_bytes(), &manifest, &key).unwrap();
        let certificate = open_certificate(&file("certificate.json"), &key).unwrap();
        assert_eq!(certificate.order_id, proved.manifest.order_id);
        let anchors = read_anchors(&file("audit-anchors.jsonl"), Some(&key)).unwrap();
        let chain = verify_chain(file("chain.jsonl").as_bytes(), &anchors).unwrap();
        assert_eq!((anchors.len(), chain.entries, chain.anchored), (4, 7, Some(7)));
    }

    #[test]
    fn the_reason_is_told_in_words() {
        let (manifest, key) = signed();
        let other = PublicKey([1; 32]);
        let message = |found: Result<Proved, ProofError>| found.unwrap_err().to_string();
        assert!(message(verify_content(CONTENT, &manifest, &other)).contains("signed by key"));
        let altered = manifest.replace("\"number\":2", "\"number\":3");
        assert!(message(verify_content(CONTENT, &altered, &key)).contains("was altered"));
        assert!(
            message(verify_content(CONTENT, "{}", &key)).contains("expected a signed manifest")
        );
        assert!(
            message(verify_content(&b"x"[..], &manifest, &key)).contains("not listed: 1 bytes")
        );
    }
}
