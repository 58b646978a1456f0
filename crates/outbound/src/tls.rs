//! TLS as outbound connections speak it, and why it does not come about.

use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::{CertificateError, ClientConfig, Error, NamedGroup, RootCertStore};
use tokio_rustls::TlsConnector;

/// Why a connection was not secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFailure {
    /// The certificate has expired, or is not good yet.
    Expired,
    /// The certificate is for another host.
    OtherName,
    /// Nobody that is trusted stands behind the certificate.
    UnknownIssuer,
    /// Something else about the certificate.
    Certificate,
    /// What answered does not speak TLS.
    NotTls,
    /// The peer refused: no version or cipher in common, or it knows no such host.
    Refused,
    /// The connection ended within the handshake, with the usual hello and with a small one.
    Broken,
}

impl TlsFailure {
    pub(super) fn of(error: &io::Error) -> TlsFailure {
        let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<Error>()) else {
            return TlsFailure::Broken;
        };
        match error {
            Error::InvalidCertificate(error) => match error {
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => TlsFailure::Expired,
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => TlsFailure::OtherName,
                CertificateError::UnknownIssuer => TlsFailure::UnknownIssuer,
                _ => TlsFailure::Certificate,
            },
            Error::NoCertificatesPresented => TlsFailure::Certificate,
            Error::InvalidMessage(_) => TlsFailure::NotTls,
            Error::AlertReceived(_) | Error::PeerIncompatible(_) => TlsFailure::Refused,
            _ => TlsFailure::Broken,
        }
    }
}

#[derive(Clone)]
pub(super) struct Hellos {
    /// With a post-quantum key share, which makes it longer than a packet.
    pub(super) usual: TlsConnector,
    /// Without one: some boxes on the way drop what does not come in one packet.
    pub(super) small: TlsConnector,
}

impl Hellos {
    /// Both with these certificate authorities, and HTTP/1.1 alone, so that no connection is shared between hosts.
    pub(super) fn new(roots: RootCertStore) -> Hellos {
        let roots = Arc::new(roots);
        let usual = aws_lc_rs::default_provider();
        let mut small = usual.clone();
        small.kx_groups.retain(|group| group.name() != NamedGroup::X25519MLKEM768);
        let connector = |provider| TlsConnector::from(config(provider, Arc::clone(&roots)));
        Hellos { usual: connector(usual), small: connector(small) }
    }
}

fn config(provider: CryptoProvider, roots: Arc<RootCertStore>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("the provider serves the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// The certificate authorities that the web trusts.
pub(super) fn web_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}
