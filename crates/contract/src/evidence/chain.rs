//! The audit chain: entries of which each carries the hash of everything before it.
//!
//! Each tenant has a chain, and the operator. An entry's hash is SHA-256 over the hash before and the entry's JSON
//! text; the first follows a start that names the tenant. Numbers go up by one, from 1. Truncation is found by
//! anchors, signed notes of how far the chain was. No entry holds personal data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Evidence, sha256};
use crate::hex::{from_hex, to_hex};

/// The name of the operator's own chain, where others have their tenant_key.
pub const OPERATOR_CHAIN: &str = "0000000000000000";

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAct {
    /// A report's content, or a part of it, was given away.
    ReportViewed,
    /// A report was asked for again.
    ReportRefetched,
    /// A report whose content was refused was taken as it is.
    ReportAccepted,
    /// A returned result was accepted.
    OrderApproved,
    /// A returned result was sent back.
    OrderRejected,
    /// A review request was taken back.
    OrderWithdrawn,
    /// The hirer ended an order.
    OrderTerminated,
    /// An order's personal data was erased.
    OrderErased,
    /// A legal hold was set, on an order or on the whole tenant.
    HoldSet,
    /// A legal hold was lifted.
    HoldLifted,
    /// The rules of retention were changed.
    RetentionChanged,
    /// The tenant was created.
    TenantCreated,
    /// The tenant's settings were changed.
    SettingsChanged,
    /// A key for the control API was made.
    ApiKeyMade,
    /// A key for the control API got a new value.
    ApiKeyReplaced,
    /// A key for the control API was revoked.
    ApiKeyRevoked,
    /// Orders were searched by personal data.
    CandidatesSearched,
    /// Orders were exported as a table.
    OrdersExported,
    /// A template for reasons was made, changed or deleted.
    ReasonTemplateChanged,
    /// An account's vendor is notified from now on of results that are sent back, or no longer.
    ReturnedEventSwitched,
    /// An account was bound.
    AccountBound,
    /// An account was unbound.
    AccountUnbound,
    /// An app was created.
    AppCreated,
    /// An app's settings were changed.
    AppChanged,
    /// A secret of an app was replaced.
    AppRotated,
    /// An app was deleted.
    AppDeleted,
    /// A store app was installed in a tenant, or its scopes there were changed.
    InstallationChanged,
    /// A store app was taken out of a tenant.
    InstallationDeleted,
    /// The tenant granted an app what was prepared for it.
    AppGranted,
    /// The tenant took back what it had granted to an app.
    AppGrantTakenBack,
    /// The installation's keys were wrapped under another root key.
    KeyRotated,
    /// The embedded database was opened although something that was acknowledged is missing.
    DataLossAccepted,
    /// Somebody was invited.
    UserInvited,
    /// An invitation was taken back.
    InvitationRevoked,
    /// A person joined the tenant.
    UserJoined,
    /// A member's roles were changed.
    RolesChanged,
    /// A member was suspended.
    UserSuspended,
    /// A member may act again.
    UserResumed,
    /// A person is no member any more.
    UserRemoved,
    /// A person signed in.
    SignedIn,
    /// Tries to sign in failed; not one entry for each.
    SignInFailed,
    /// A person's password was changed.
    PasswordChanged,
    /// An address was made at which a person may set a new password.
    PasswordResetOffered,
    /// A person set up a second factor.
    TotpOn,
    /// A person took their second factor away.
    TotpOff,
    /// A person got new recovery codes.
    RecoveryCodesMade,
    /// Sessions of a person were ended.
    SessionRevoked,
    /// A service account was made.
    ServiceAccountMade,
    /// A service account's name was changed.
    ServiceAccountChanged,
    /// A service account was removed, with its keys.
    ServiceAccountRemoved,
}

/// What kind of caller did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditActor {
    /// A key of the control API; `actor_id` is the key's id.
    ApiKey,
    /// A person who signed in; `actor_id` is the user's id.
    User,
    /// A vendor's app; `actor_id` is the app's id.
    Vendor,
    /// The person whom an order is about.
    Candidate,
    /// The holder of a signed link.
    Link,
    /// A job of the installation.
    Job,
    /// The installation itself, or a command on its own machine.
    System,
}

/// One entry of a chain, as its text says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What.
    pub act: AuditAct,
    /// What kind of caller.
    pub actor: AuditActor,
    /// Which caller, where there is more than one of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<String>,
    /// The order that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// The report that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_id: Option<String>,
    /// The tenant that it was about, in the operator's chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<String>,
    /// The app that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Codes, numbers and ids besides, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

impl AuditEntry {
    /// An entry about nothing in particular.
    #[must_use]
    pub fn new(at_ms: i64, act: AuditAct, actor: AuditActor) -> AuditEntry {
        AuditEntry {
            at_ms,
            act,
            actor,
            actor_id: None,
            order_id: None,
            report_id: None,
            tenant_key: None,
            app_id: None,
            details: BTreeMap::new(),
        }
    }

    /// The entry's text, of which the hash is made.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("an entry is texts and numbers")
    }
}

/// Where a chain was at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Always `probity.audit_anchor.v1`.
    pub kind: String,
    /// Whose chain.
    pub tenant_key: String,
    /// The number of the newest entry.
    pub seq: u64,
    /// Its hash, 64 hex digits.
    pub hash: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

impl Evidence for Anchor {
    const NAME: &'static str = "anchor";
    const KIND: &'static str = "probity.audit_anchor.v1";

    fn kind(&self) -> &str {
        &self.kind
    }
}

/// The hash before the first entry of a tenant's chain.
#[must_use]
pub fn chain_start(tenant_key: &str) -> [u8; 32] {
    sha256(format!("probity audit chain 1 of {tenant_key}\n").as_bytes())
}

/// The hash of the entry with this text behind `before`.
#[must_use]
pub fn chain_step(before: &[u8; 32], text: &str) -> [u8; 32] {
    sha256(&[before.as_slice(), text.as_bytes()].concat())
}

/// The first line of an exported chain, without a line feed.
#[must_use]
pub fn chain_header(tenant_key: &str) -> String {
    format!(r#"{{"audit_chain":"{tenant_key}"}}"#)
}

/// The line of one entry in an exported chain, without a line feed.
#[must_use]
pub fn chain_line(seq: u64, hash: &[u8; 32], text: &str) -> String {
    format!(r#"{{"seq":{seq},"hash":"{}","entry":{text}}}"#, to_hex(hash))
}

/// A line of an exported chain, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainLine<'a> {
    /// The entry's number; 1 is the first.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
    /// Its text.
    pub text: &'a str,
}

impl<'a> ChainLine<'a> {
    /// Takes a line apart; none when it has another form in any byte.
    #[must_use]
    pub fn read(line: &'a str) -> Option<ChainLine<'a>> {
        let (seq, rest) = line.strip_prefix(r#"{"seq":"#)?.split_once(r#","hash":""#)?;
        let (hash, rest) = rest.split_at_checked(64)?;
        let text = rest.strip_prefix(r#"","entry":"#)?.strip_suffix('}')?;
        let read = ChainLine { seq: seq.parse().ok()?, hash: from_hex(hash)?, text };
        (chain_line(read.seq, &read.hash, text) == line).then_some(read)
    }
}

/// Why a chain is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// The export does not begin with its header.
    #[error("line 1: expected {{\"audit_chain\":\"<tenant_key>\"}}")]
    Header,
    /// A line is none of an export.
    #[error("line {line}: expected the entry {seq} as it was exported")]
    Line {
        /// Counted from 1, the header's.
        line: u64,
        /// The entry that was due.
        seq: u64,
    },
    /// Entries are missing, or stand twice or in another order.
    #[error("expected entry {expected}, came {found}: entries were removed, added or moved")]
    Number {
        /// The entry that was due.
        expected: u64,
        /// The one that stands there.
        found: u64,
    },
    /// An entry, or one before it, was altered.
    #[error("entry {seq}: its hash is not that of its text and of the entries before it")]
    Hash {
        /// The entry.
        seq: u64,
    },
    /// The chain is not the one that was anchored.
    #[error("entry {seq}: its hash is not the one that was anchored")]
    Anchored {
        /// The entry.
        seq: u64,
    },
    /// The chain ends before an entry that was anchored.
    #[error(
        "the chain ends with entry {found}, but entry {anchored} was anchored: its end was cut off"
    )]
    Cut {
        /// The newest entry that was anchored.
        anchored: u64,
        /// The newest entry that is there.
        found: u64,
    },
}

/// Verifies a chain line by line, in constant memory but for the anchors.
#[derive(Debug, Clone)]
pub struct Chain {
    tenant_key: String,
    seq: u64,
    hash: [u8; 32],
    anchors: BTreeMap<u64, Vec<String>>,
}

impl Chain {
    /// The chain of a tenant, of which nothing has been read yet. Of `anchors` those of other chains are passed over.
    #[must_use]
    pub fn new(tenant_key: &str, anchors: &[Anchor]) -> Chain {
        let mut own: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for anchor in anchors.iter().filter(|anchor| anchor.tenant_key == tenant_key) {
            own.entry(anchor.seq).or_default().push(anchor.hash.clone());
        }
        let (seq, hash) = (0, chain_start(tenant_key));
        Chain { tenant_key: tenant_key.to_owned(), seq, hash, anchors: own }
    }

    /// The chain whose export begins with this line; else [`ChainFault::Header`].
    pub fn begin(header: &str, anchors: &[Anchor]) -> Result<Chain, ChainFault> {
        let key = header.strip_prefix(r#"{"audit_chain":""#).and_then(|rest| rest.get(..16));
        let key = key.filter(|key| from_hex::<8>(key).is_some() && chain_header(key) == header);
        key.map(|key| Chain::new(key, anchors)).ok_or(ChainFault::Header)
    }

    /// Whose chain it is.
    #[must_use]
    pub fn tenant_key(&self) -> &str {
        &self.tenant_key
    }

    /// The number of the newest entry that was read; 0 before the first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of the newest entry that was read.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Reads the next line; after an error the chain is broken.
    pub fn take(&mut self, line: &str) -> Result<AuditEntry, ChainFault> {
        let expected = self.seq + 1;
        let wrong = ChainFault::Line { line: expected + 1, seq: expected };
        let read = ChainLine::read(line).ok_or_else(|| wrong.clone())?;
        if read.seq != expected {
            return Err(ChainFault::Number { expected, found: read.seq });
        }
        let hash = chain_step(&self.hash, read.text);
        if hash != read.hash {
            return Err(ChainFault::Hash { seq: expected });
        }
        let entry = serde_json::from_str(read.text).map_err(|_| wrong)?;
        let is_other = |anchored: &String| *anchored != to_hex(&hash);
        if self.anchors.get(&expected).is_some_and(|hashes| hashes.iter().any(is_other)) {
            return Err(ChainFault::Anchored { seq: expected });
        }
        (self.seq, self.hash) = (expected, hash);
        Ok(entry)
    }

    /// Ends the chain after the last line; [`ChainFault::Cut`] when more was anchored than is
    /// there.
    pub fn end(&self) -> Result<(), ChainFault> {
        match self.anchors.last_key_value() {
            Some((anchored, _)) if *anchored > self.seq => {
                Err(ChainFault::Cut { anchored: *anchored, found: self.seq })
            }
            _ => Ok(()),
        }
    }
}
