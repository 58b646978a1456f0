//! The certificate authorities that the server trusts: the web's, the system's, the operator's own file.

use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// A file of certificate authorities that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadAuthorities {
    /// It cannot be read.
    #[error("{path}", path = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// It does not hold certificates of authorities.
    #[error("expected certificates in PEM in {path}", path = .0.display())]
    Empty(PathBuf),
}

#[derive(Debug, Clone)]
pub(crate) struct Authorities {
    /// Those of the operator's file.
    pub(crate) own: Vec<CertificateDer<'static>>,
    /// Those of the system and of the operator's file.
    pub(crate) further: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// Reads the operator's file, if there is one, and the system's store.
    pub(crate) fn load(file: Option<&Path>) -> Result<Authorities, BadAuthorities> {
        let own = file.map(read).transpose()?.unwrap_or_default();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "the system's certificate authorities cannot all be read");
        }
        let mut further = system.certs;
        further.extend(own.iter().cloned());
        Ok(Authorities { own, further })
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        // A system's store may hold certificates that no one can read any more.
        roots.add_parsable_certificates(self.further.iter().cloned());
        roots
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadAuthorities> {
    let pem = std::fs::read(path).map_err(|error| BadAuthorities::File(path.to_owned(), error))?;
    let empty = || BadAuthorities::Empty(path.to_owned());
    let own: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| empty())?;
    let mut roots = RootCertStore::empty();
    for certificate in &own {
        roots.add(certificate.clone()).map_err(|_| empty())?;
    }
    if own.is_empty() { Err(empty()) } else { Ok(own) }
}
