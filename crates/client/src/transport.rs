//! What both halves of the SDK share: the HTTP client, addresses, and reading answers within bounds.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may make no progress.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Most bytes of an answer in JSON; content is streamed without this bound.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
const USER_AGENT: &str = concat!("probity/", env!("CARGO_PKG_VERSION"));

/// A call that came to no answer, or to one that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The address is not usable; nothing was sent.
    #[error("expected {expected}")]
    Address {
        /// What was expected, in words.
        expected: &'static str,
    },
    /// TLS could not be set up; nothing was sent.
    #[error("no TLS: {0}")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No answer came: not connected, cut off, or too slow. The server may have acted.
    #[error("no answer from {server}")]
    Unreachable {
        /// The server's URL.
        server: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Something answered, but not as the API says; perhaps it is another server.
    #[error("{server} answered {status}, but not as the API does: {detail}")]
    Unreadable {
        /// The server's URL.
        server: String,
        /// HTTP status of the answer.
        status: u16,
        /// What was expected.
        detail: String,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Transport {
    base: Url,
    pub(crate) http: Client,
}

impl Transport {
    /// `base` is an absolute http or https URL, with a path when the server lies below one. Opens no connection.
    pub(crate) fn new(base: &str) -> Result<Transport, TransportError> {
        Transport::over(parse(base)?, None)
    }

    pub(crate) fn trusting(self, authorities: &[u8]) -> Result<Transport, TransportError> {
        Transport::over(self.base, Some(authorities))
    }

    fn over(base: Url, authorities: Option<&[u8]>) -> Result<Transport, TransportError> {
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls(base.scheme() == "https", authorities)?)
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT);
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| TransportError::Tls(error.into()))?;
        Ok(Transport { base, http })
    }

    /// The URL of a resource: `segments` are escaped; an empty one, `.` and `..` would name another and are refused.
    pub(crate) fn url(&self, segments: &[&str]) -> Result<Url, TransportError> {
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(TransportError::Address { expected: "an id that is not empty" });
        }
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("http and https URLs have a path")
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }

    pub(crate) fn server(&self) -> String {
        name(&self.base)
    }

    pub(crate) fn unreachable(&self, source: reqwest::Error) -> TransportError {
        TransportError::Unreachable { server: self.server(), source: source.without_url() }
    }

    pub(crate) fn unreadable(
        &self,
        status: StatusCode,
        detail: impl Into<String>,
    ) -> TransportError {
        let (server, status) = (self.server(), status.as_u16());
        TransportError::Unreadable { server, status, detail: detail.into() }
    }

    pub(crate) async fn body(&self, mut response: Response) -> Result<Vec<u8>, TransportError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreachable(e))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                let detail = format!("expected at most {ANSWER_BYTES_MAX} bytes");
                return Err(self.unreadable(response.status(), detail));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        status: StatusCode,
        body: &[u8],
    ) -> Result<T, TransportError> {
        // The parser's message may quote the body; position and kind say enough.
        serde_json::from_slice(body).map_err(|error| {
            let kind = format!("{:?}", error.classify()).to_lowercase();
            let detail =
                format!("{kind} error at line {}, column {}", error.line(), error.column());
            self.unreadable(status, detail)
        })
    }
}

/// One spelling for a server's URL, under which keys are filed: lower-case host, no default port, no slash at the end.
/// Errors: [`TransportError::Address`] unless it is absolute, http or https, without user name, query and fragment.
pub fn server_name(server: &str) -> Result<String, TransportError> {
    Ok(name(&parse(server)?))
}

fn name(base: &Url) -> String {
    base.as_str().trim_end_matches('/').to_owned()
}

fn parse(base: &str) -> Result<Url, TransportError> {
    let expected = "an absolute http or https URL without user name, query and fragment";
    let fault = TransportError::Address { expected };
    let Ok(base) = Url::parse(base) else { return Err(fault) };
    let plain = base.username().is_empty()
        && base.password().is_none()
        && base.query().is_none()
        && base.fragment().is_none();
    if !matches!(base.scheme(), "http" | "https") || !base.has_host() || !plain {
        return Err(fault);
    }
    Ok(base)
}

/// TLS with the system's roots beside the browsers', read only when needed.
fn tls(needed: bool, authorities: Option<&[u8]>) -> Result<ClientConfig, TransportError> {
    let mut roots = RootCertStore::empty();
    if needed {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(pem) = authorities {
        let found: Vec<_> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(no_tls)?;
        if found.is_empty() {
            return Err(no_tls("expected certificates in PEM"));
        }
        for authority in found {
            roots.add(authority).map_err(no_tls)?;
        }
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Tls(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn no_tls(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TransportError {
    TransportError::Tls(error.into())
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_http_addresses_are_taken() {
        for wrong in
            ["", "probity", "/x", "ftp://a", "http://u:p@a", "http://a?x", "http://a#x", "http:"]
        {
            assert!(
                matches!(Transport::new(wrong), Err(TransportError::Address { .. })),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_server_has_one_name() {
        for (spelling, name) in [
            ("HTTP://A.example:80/", "http://a.example"),
            ("https://a.example:443", "https://a.example"),
            ("http://127.0.0.1:8090/", "http://127.0.0.1:8090"),
            ("http://a.example/below/", "http://a.example/below"),
        ] {
            assert_eq!(server_name(spelling).unwrap(), name);
        }
        assert!(server_name("a.example").is_err());
    }

    #[test]
    fn ids_are_escaped_and_can_name_no_other_resource() {
        for base in ["http://a", "http://a/", "http://a/below", "http://a/below/"] {
            let transport = Transport::new(base).unwrap();
            let url = transport.url(&["api", "v1", "x/../y?z"]).unwrap();
            let expected = format!("{}/api/v1/x%2F..%2Fy%3Fz", base.trim_end_matches('/'));
            assert_eq!(url.as_str(), expected);
            for wrong in ["", ".", ".."] {
                assert!(transport.url(&["api", wrong]).is_err(), "{wrong:?}");
            }
        }
    }

    #[test]
    fn loopback_is_recognised_in_all_its_spellings() {
        for yes in [
            "http://127.0.0.1:1",
            "http://127.9.9.9",
            "http://[::1]",
            "http://localhost",
            "http://a.localhost",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(&Url::parse(yes).unwrap()), "{yes}");
        }
        for no in ["http://10.0.0.1", "http://localhost.example", "http://[::2]"] {
            assert!(!is_loopback(&Url::parse(no).unwrap()), "{no}");
        }
    }
}
