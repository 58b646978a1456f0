//! Why the server does not start, or a command on its data folder does not run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use hub::root_key::RootKeyError;
use inspect::BadScanner;
use objects::TrialFailure;
use outbound::{BadRange, BadRule};
use store::{Fault, FaultKind};

use crate::authorities::BadAuthorities;
use crate::http::tls::BadCertificate;
#[cfg(feature = "s3")]
use crate::public_url::BadPublicUrl;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Storage, the schema or the root key.
    #[error(transparent)]
    Store(Fault),
    /// What was acknowledged is missing, or may be; nothing was changed.
    #[error(transparent)]
    Lost(Fault),
    /// Pages of the embedded database are damaged; nothing was changed.
    #[error(transparent)]
    Damaged(Fault),
    /// The source of the root key gives none.
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    /// A root key of another installation, or of before a rotation; where it came from.
    #[error("the root key from {from} does not open this installation")]
    WrongRootKey {
        /// Where the key came from.
        from: &'static str,
        /// What was expected and what came, by the keys' ids.
        #[source]
        fault: Fault,
    },
    /// There is an installation, and no root key for it.
    #[error("there is no root key in {from}, but an installation that needs it")]
    NoRootKey {
        /// Where it was looked for.
        from: &'static str,
        /// Which key was expected.
        #[source]
        fault: Fault,
    },
    /// Settings of the object store that cannot be used.
    #[error("expected {0}")]
    Objects(&'static str),
    /// The object store.
    #[error("objects")]
    ObjectStore(#[source] io::Error),
    /// A bucket that answers and cannot be used.
    #[cfg(feature = "s3")]
    #[error(transparent)]
    Bucket(TrialFailure),
    /// A file or folder that cannot be read or written.
    #[error("{path}", path = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A file with an operator key that would be overwritten.
    #[error("{path} is there and stays: --overwrite replaces it", path = .0.display())]
    OperatorKeyStands(PathBuf),
    /// A file in the place of the operator key's that holds none.
    #[error("expected an operator key in {path}, or no such file", path = .0.display())]
    NoOperatorKey(PathBuf),
    /// A mail address that nobody can be invited by.
    #[error("expected a mail address")]
    MailAddress,
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// A rule of `allow_outbound` that cannot be read.
    #[error("--allow-outbound")]
    AllowOutbound(#[from] BadRule),
    /// A file of certificate authorities that cannot be used.
    #[error("--ca-file")]
    Authorities(#[from] BadAuthorities),
    /// A certificate that cannot be used.
    #[error("--tls-certificate")]
    Certificate(#[from] BadCertificate),
    /// A public URL that addresses cannot be made of.
    #[error("--public-url")]
    PublicUrl(#[from] BadPublicUrl),
    /// A range of `trusted_proxies` that cannot be read.
    #[error("--trusted-proxy")]
    TrustedProxies(#[from] BadRange),
    /// Threads of its own.
    #[error("threads")]
    Threads(#[source] io::Error),
    /// A scanner that cannot be read.
    #[error("scanner")]
    Scanner(#[from] BadScanner),
}

impl From<Fault> for StartError {
    fn from(fault: Fault) -> StartError {
        match fault.kind() {
            FaultKind::Lost => StartError::Lost(fault),
            FaultKind::Damaged => StartError::Damaged(fault),
            _ => StartError::Store(fault),
        }
    }
}
