//! TLS: one certificate with its key, from two files that are compared every second, so that any way of replacing them
//! works. A pair that cannot be used leaves the old one in force.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// How often the files are looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// How long somebody who speaks no TLS may go on sending after the answer.
const LINGER: Duration = Duration::from_secs(2);
/// The first byte of every TLS connection: a record of the handshake.
const HANDSHAKE: u8 = 22;
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 48\r\nConnection: close\r\n\r\nexpected TLS: call this port by https, not http\n";

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadCertificate {
    /// One of the files cannot be read.
    #[error("{path}", path = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A file without what it should hold.
    #[error("expected {1} in {path}", path = .0.display())]
    Empty(PathBuf, &'static str),
    /// The two files do not belong together, or are of a kind that is not known.
    #[error("expected {path} to hold the key of the certificate", path = .0.display())]
    Pair(PathBuf, #[source] rustls::Error),
}

/// The files of TLS, both in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The server's certificate, and those that lead to a certificate authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The certificate in force, and how connections are secured by it.
pub struct Tls {
    files: TlsFiles,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
    /// The digest of what was read last, used or not; none while it cannot be read.
    seen: Mutex<Option<[u8; 32]>>,
}

#[derive(Debug)]
struct Current(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    /// The one certificate, whatever name the client asks for.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads the files for the first time.
    pub fn open(files: &TlsFiles) -> Result<Tls, BadCertificate> {
        let pair = read(files)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certified = certified(files, &pair, &provider)?;
        let current = Arc::new(Current(Mutex::new(Arc::new(certified))));
        let resolver = Arc::clone(&current);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider serves the default versions")
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let seen = Mutex::new(Some(pair.digest()));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Tls { files: files.clone(), current, acceptor, seen })
    }

    /// Looks at the files again; puts what they hold in force when it changed and can be used.
    pub fn look(&self) {
        let pair = match read(&self.files) {
            Ok(pair) => pair,
            Err(error) => {
                if self.note(None) {
                    warn_of(&error);
                }
                return;
            }
        };
        if !self.note(Some(pair.digest())) {
            return;
        }
        let provider = self.acceptor.config().crypto_provider();
        match certified(&self.files, &pair, provider) {
            Ok(certified) => {
                *self.current.0.lock().unwrap_or_else(PoisonError::into_inner) =
                    Arc::new(certified);
                tracing::info!("the certificate was read anew");
            }
            Err(error) => warn_of(&error),
        }
    }

    fn note(&self, digest: Option<[u8; 32]>) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *seen != digest;
        *seen = digest;
        is_new
    }

    pub(crate) async fn watch(self: Arc<Tls>) {
        loop {
            let _ = tokio::time::timeout(PERIOD, std::future::pending::<()>()).await;
            let tls = Arc::clone(&self);
            // A panic would show at the next look too; the certificate in force stays.
            let _ = tokio::task::spawn_blocking(move || tls.look()).await;
        }
    }

    /// Secures a connection; none when the peer speaks no TLS, or breaks off. Plain HTTP is answered so first.
    pub(super) async fn secure(&self, mut stream: TcpStream) -> Option<Stream> {
        let mut first = [0];
        if stream.peek(&mut first).await.ok()? == 0 {
            return None;
        }
        if first[0] == HANDSHAKE {
            let secured = self.acceptor.accept(stream).await;
            return secured.ok().map(|secured| Either::Right(Box::new(secured)));
        }
        if first[0].is_ascii_alphabetic() {
            // What the peer does with the answer is its affair.
            let _ = stream.write_all(PLAIN.as_bytes()).await;
            let _ = stream.shutdown().await;
            // A socket that is closed with unread bytes resets the connection, and the answer is lost.
            let mut scratch = [0; 4_096];
            let drained = async { while matches!(stream.read(&mut scratch).await, Ok(1..)) {} };
            let _ = tokio::time::timeout(LINGER, drained).await;
        }
        None
    }
}

impl Pair {
    fn digest(&self) -> [u8; 32] {
        let mut both = digest(&SHA256, &self.certificate).as_ref().to_vec();
        both.extend_from_slice(digest(&SHA256, &self.key).as_ref());
        digest(&SHA256, &both).as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

fn read(files: &TlsFiles) -> Result<Pair, BadCertificate> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| BadCertificate::File(path.to_owned(), error))
    };
    Ok(Pair { certificate: read(&files.certificate)?, key: read(&files.key)? })
}

fn certified(
    files: &TlsFiles,
    pair: &Pair,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, BadCertificate> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pair.certificate).collect();
    let chain = chain
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| BadCertificate::Empty(files.certificate.clone(), "a certificate in PEM"))?;
    let key = PrivateKeyDer::from_pem_slice(&pair.key)
        .map_err(|_| BadCertificate::Empty(files.key.clone(), "a private key in PEM"))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| BadCertificate::Pair(files.key.clone(), error))
}

fn warn_of(error: &BadCertificate) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(%error, cause, "the new certificate cannot be used, the old one stays in force");
}

pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

#[cfg(test)]
mod tests;
