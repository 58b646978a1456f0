//! Fetching a report: streamed into a writer in constant memory, redirects followed by hand.
//!
//! Each hop has a checked connection of its own. Compressed answers are refused, so that the size
//! limit is that of what is stored.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use system::bytes_writer::BytesWriter;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

use super::check::Refusal;
use super::connect::ConnectFailure;
use super::{Outbound, USER_AGENT, uri};

use crate::counters::Way;

const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What one fetch may take.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Until a connection stands, for each hop.
    pub connect: Duration,
    /// From the request to the answer's head, for each hop.
    pub first_byte: Duration,
    /// From one piece of the body to the next.
    pub stall: Duration,
    /// For everything together.
    pub total: Duration,
    /// Redirects followed.
    pub redirects_max: u32,
    /// Bytes of the body.
    pub bytes_max: u64,
}

impl Default for FetchLimits {
    fn default() -> FetchLimits {
        FetchLimits {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            total: Duration::from_secs(120),
            redirects_max: 5,
            bytes_max: 50 << 20,
        }
    }
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Bytes that went into the writer.
    pub bytes: u64,
    /// The host that gave them, after all redirects.
    pub final_host: String,
    /// What it called them; proves nothing.
    pub content_type: Option<String>,
}

/// Why nothing, or not everything, was fetched. The text is fit for vendor and hirer: what lies
/// before the first byte of an answer is reported in the same words whatever it was.
#[derive(Debug, thiserror::Error)]
pub enum FetchFailure {
    /// No connection, or none was let out, at the first address or after a redirect.
    #[error("the report's address could not be reached")]
    Unreachable(ConnectFailure),
    /// No answer, or not all of it, in time.
    #[error("the report did not come in time")]
    TooSlow,
    /// More redirects than are followed, or one that leads nowhere.
    #[error("the report's address redirects too often or nowhere")]
    Redirects,
    /// An answer other than 200.
    #[error("the report's address answered with status {0}")]
    Status(u16),
    /// A compressed answer, although none was asked for.
    #[error("the report came in an encoding that was not asked for")]
    Encoded,
    /// Larger than allowed.
    #[error("the report is larger than {bytes_max} bytes")]
    TooLarge {
        /// The most bytes allowed.
        bytes_max: u64,
    },
    /// The answer broke off.
    #[error("the report's transfer broke off")]
    Broken,
    /// The answer was not HTTP/1.1, or says two things at once, such as two lengths.
    #[error(
        "the report's address answered with something that is not HTTP, or says two things at once"
    )]
    Malformed,
    /// This process had no file handle for a connection, which says nothing about the address.
    #[error("the server was short of file handles")]
    OutOfHandles,
    /// The writer did not take a piece; nobody's fault but ours.
    #[error("the report could not be kept")]
    Write(#[source] io::Error),
}

impl FetchFailure {
    /// The word for the operator's log and metrics.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            FetchFailure::Unreachable(failure) => failure.class(),
            FetchFailure::TooSlow => "answer_too_slow",
            FetchFailure::Redirects => "redirects",
            FetchFailure::Status(_) => "answer_status",
            FetchFailure::Encoded => "answer_encoded",
            FetchFailure::TooLarge { .. } => "answer_too_large",
            FetchFailure::Broken => "answer_broken",
            FetchFailure::Malformed => "answer_malformed",
            FetchFailure::OutOfHandles => "out_of_handles",
            FetchFailure::Write(_) => "sink",
        }
    }
}

impl FetchFailure {
    /// Whether another try can come to something else. What the server refuses, it refuses again.
    #[must_use]
    pub fn may_pass_later(&self) -> bool {
        match self {
            FetchFailure::Unreachable(failure) => !matches!(failure, ConnectFailure::Refused(_)),
            FetchFailure::Redirects
            | FetchFailure::Encoded
            | FetchFailure::TooLarge { .. }
            | FetchFailure::Malformed => false,
            FetchFailure::TooSlow
            | FetchFailure::OutOfHandles
            | FetchFailure::Status(_)
            | FetchFailure::Broken
            | FetchFailure::Write(_) => true,
        }
    }
}

impl From<ConnectFailure> for FetchFailure {
    fn from(failure: ConnectFailure) -> FetchFailure {
        match failure {
            ConnectFailure::OutOfHandles => FetchFailure::OutOfHandles,
            failure => FetchFailure::Unreachable(failure),
        }
    }
}

impl From<Refusal> for FetchFailure {
    fn from(refusal: Refusal) -> FetchFailure {
        FetchFailure::Unreachable(ConnectFailure::Refused(refusal))
    }
}

struct Opened {
    response: Response<Incoming>,
    _driver: JoinSet<()>,
}

impl Outbound {
    /// Fetches `url` into `writer`: redirects followed and checked anew, never from `https` to `http`.
    /// Only bytes of an answer 200 are written, none when its announced length is above the limit; a
    /// failure may leave a part.
    pub async fn fetch(
        &self,
        url: &str,
        writer: &mut impl BytesWriter,
    ) -> Result<Fetched, FetchFailure> {
        let limit = self.fetch_limits.total;
        let fetched = timeout(limit, self.fetch_unbounded(url, writer)).await;
        let fetched = fetched.unwrap_or(Err(FetchFailure::TooSlow));
        if let Err(FetchFailure::Unreachable(ConnectFailure::Refused(refusal))) = &fetched {
            self.counters.count_refusal(Way::Report, refusal.class());
        }
        fetched
    }

    async fn fetch_unbounded(
        &self,
        url: &str,
        writer: &mut impl BytesWriter,
    ) -> Result<Fetched, FetchFailure> {
        let mut text = url.to_owned();
        let mut checked = self.guard.check(url)?;
        for _ in 0..=self.fetch_limits.redirects_max {
            let opened = self.open(&text, &checked).await?;
            match opened.response.status() {
                StatusCode::OK => return self.take(&checked, opened, writer).await,
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    text = location(&checked, opened.response.headers())?;
                    let next = self.guard.check(&text)?;
                    if checked.scheme() == "https" && next.scheme() == "http" {
                        return Err(Refusal::Downgrade.into());
                    }
                    checked = next;
                }
                status => return Err(FetchFailure::Status(status.as_u16())),
            }
        }
        Err(FetchFailure::Redirects)
    }

    async fn open(&self, text: &str, checked: &Url) -> Result<Opened, FetchFailure> {
        let uri = uri(text, checked)?;
        let host = checked.host().ok_or(Refusal::Malformed)?.to_owned();
        let port = checked.port_or_known_default().ok_or(Refusal::Port)?;
        let connector = self.connector.within(self.fetch_limits.connect);
        let link = connector.connect(&host, port, checked.scheme() == "https").await?;

        let exchange = async {
            let (mut sender, connection) = http1::Builder::new()
                // Sloppy lines that nobody needs: folded, without a colon, with a blank in the name. Two lengths that
                // differ are refused all the same.
                .allow_obsolete_multiline_headers_in_responses(true)
                .allow_spaces_after_header_name_in_responses(true)
                .ignore_invalid_headers_in_responses(true)
                .title_case_headers(true)
                .max_header_size(HEAD_BYTES_MAX)
                .handshake(link)
                .await
                .map_err(|_| FetchFailure::Broken)?;
            let mut driver = JoinSet::new();
            driver.spawn(async {
                let _ = connection.await;
            });
            let sent = sender.send_request(request(&uri)).await;
            let response = sent.map_err(|error| match error.is_parse() {
                true => FetchFailure::Malformed,
                false => FetchFailure::Broken,
            })?;
            Ok(Opened { response, _driver: driver })
        };
        let opened = timeout(self.fetch_limits.first_byte, exchange).await;
        opened.unwrap_or(Err(FetchFailure::TooSlow))
    }

    async fn take(
        &self,
        checked: &Url,
        opened: Opened,
        writer: &mut impl BytesWriter,
    ) -> Result<Fetched, FetchFailure> {
        let Opened { response, _driver } = opened;
        let headers = response.headers();
        if !is_identity(headers) {
            return Err(FetchFailure::Encoded);
        }
        let content_type = headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = response.into_body();
        let bytes_max = self.fetch_limits.bytes_max;
        if body.size_hint().lower() > bytes_max {
            return Err(FetchFailure::TooLarge { bytes_max });
        }
        let mut bytes = 0;
        while let Some(frame) = timeout(self.fetch_limits.stall, body.frame())
            .await
            .map_err(|_| FetchFailure::TooSlow)?
        {
            let Ok(piece) = frame.map_err(|_| FetchFailure::Broken)?.into_data() else { continue };
            bytes += piece.len() as u64;
            if bytes > bytes_max {
                return Err(FetchFailure::TooLarge { bytes_max });
            }
            writer.write(piece).await.map_err(FetchFailure::Write)?;
        }
        let final_host = checked.host_str().unwrap_or_default().to_owned();
        Ok(Fetched { bytes, final_host, content_type })
    }
}

fn request(uri: &Uri) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    if let Some(target) = uri.path_and_query() {
        *request.uri_mut() = Uri::from(target.clone());
    }
    let headers = request.headers_mut();
    if let Some(host) = uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        headers.insert(header::HOST, host);
    }
    for (name, value) in [
        (header::USER_AGENT, USER_AGENT),
        (header::ACCEPT, "application/pdf, */*;q=0.1"),
        (header::ACCEPT_ENCODING, "identity"),
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

/// Where a redirect leads, relative to where it came from.
fn location(from: &Url, headers: &HeaderMap) -> Result<String, FetchFailure> {
    let location = headers.get(header::LOCATION).ok_or(FetchFailure::Redirects)?;
    let location = encoded(location.as_bytes());
    // An absolute address is checked as it is written, before anything repairs it.
    if location.contains("://") && Url::parse(&location).is_ok() {
        return Ok(location);
    }
    let next = from.join(&location).map_err(|_| FetchFailure::Redirects)?;
    Ok(next.into())
}

/// A redirect's address as browsers read it: blanks and bytes beyond ASCII, in whatever charset, are percent-encoded.
fn encoded(location: &[u8]) -> String {
    let mut text = String::with_capacity(location.len());
    for byte in location.trim_ascii() {
        match byte {
            b' ' | 0x80.. => write!(text, "%{byte:02X}").expect("a text takes every text"),
            byte => text.push(char::from(*byte)),
        }
    }
    text
}

/// Codings that change the bytes of a body; what else stands as one is misplaced metadata. Source: IANA's HTTP
/// content codings.
const CODINGS: &[&str] = &[
    "gzip",
    "x-gzip",
    "deflate",
    "compress",
    "x-compress",
    "br",
    "zstd",
    "dcb",
    "dcz",
    "exi",
    "pack200-gzip",
    "aes128gcm",
    "bzip2",
    "x-bzip2",
    "xz",
    "lzma",
    "snappy",
    "lz4",
];

fn is_identity(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().all(|value| {
        let words = value.as_bytes().split(|byte| matches!(byte, b',' | b';' | b' ' | b'\t'));
        words
            .into_iter()
            .all(|word| !CODINGS.iter().any(|coding| word.eq_ignore_ascii_case(coding.as_bytes())))
    })
}
