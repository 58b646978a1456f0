//! Verifying without a hub: manifests, certificates, anchors and exported audit chains, on any machine.
//!
//! No server is asked: the installation's public key (64 hex digits) is fetched once over a trusted way.
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
    Anchor, AuditEntry, Chain, ChainFault, Evidence, Manifest, ManifestVersion, NotSigned, Signed,
    key_id,
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

    /// What a signed file says, if this key signed it: a [`Manifest`], [`Certificate`](contract::evidence::Certificate)
    /// or [`Anchor`], as a JWS or in the form of earlier versions.
    pub fn open<T: Evidence>(&self, file: &str) -> Result<T, ProofError> {
        let (signed, kind) = (Signed::read::<T>(file)?, T::NAME);
        let expected = self.key_id();
        if signed.key_id != expected {
            return Err(ProofError::OtherKey { kind, expected, found: signed.key_id });
        }
        let verified = UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(signed.message.as_bytes(), &signed.signature);
        verified.map_err(|_| ProofError::Signature { kind })?;
        T::read(&signed.text).ok_or(ProofError::Body { kind })
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
pub fn verify_content(
    mut content: impl Read,
    manifest: &str,
    key: &PublicKey,
) -> Result<Proved, ProofError> {
    let manifest: Manifest = key.open(manifest)?;
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

/// Reads a file of anchors, one signed note a line; without a key signatures are not checked. A
/// truncated last line is an error.
pub fn read_anchors(file: &str, key: Option<&PublicKey>) -> Result<Vec<Anchor>, ProofError> {
    let anchor = |(line, text): (usize, &str)| {
        let read = || match key {
            Some(key) => key.open(text),
            None => Anchor::read(&Signed::read::<Anchor>(text)?.text)
                .ok_or(ProofError::Body { kind: Anchor::NAME }),
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
