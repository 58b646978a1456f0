//! Objects in an S3-compatible bucket: small ones by one put, large ones by a multipart upload, whole or not at all.
//! An upload whose process died stays until the bucket's rule for uncompleted uploads.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use domain::{Id, UnixMs};
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, Certificate, ClientOptions, Error, GetOptions, GetRange, MultipartUpload,
    ObjectStore, ObjectStoreExt, RetryConfig,
};
use rustls::pki_types::CertificateDer;
use url::{Host, Url};

use super::reader::Pieces;
use super::{Listed, object_at, path};

/// Bytes of a part of a large upload; stores take no smaller ones but for the last.
const PART_BYTES: usize = 5 << 20;
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a store may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How long a request is tried again.
const RETRY_TIME: Duration = Duration::from_secs(10);
const RETRIES_MAX: usize = 2;
/// How long the trial at the start may take.
const TRIAL_TIME: Duration = Duration::from_secs(5);
/// Most characters of a store's answer that are reported.
const ANSWER_CHARS_MAX: usize = 300;

/// Where the bucket's name stands in a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BucketStyle {
    /// In the path: `https://store/bucket/name`. What stores of one's own take.
    #[default]
    Path,
    /// In the host: `https://bucket.store/name`. What Alibaba's OSS and Tencent's COS want.
    Virtual,
}

/// What the trial of a bucket showed that did not work.
#[derive(Debug, thiserror::Error)]
pub enum TrialFailure {
    /// The store answers that it does not do what is needed.
    #[error(
        "the bucket {bucket} cannot be used: {what} was refused by the store, which was asked with --s3-style {style}{hint}"
    )]
    Refused {
        /// The bucket.
        bucket: String,
        /// What was tried.
        what: &'static str,
        /// How it was asked.
        style: BucketStyle,
        /// What may help.
        hint: &'static str,
        /// What the store said.
        #[source]
        answer: io::Error,
    },
    /// No answer, or one that says "later".
    #[error("the store of the bucket {bucket} does not answer as it should")]
    Unreachable {
        /// The bucket.
        bucket: String,
        /// What came instead of an answer.
        #[source]
        cause: io::Error,
    },
}

impl fmt::Display for BucketStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BucketStyle::Path => "path",
            BucketStyle::Virtual => "virtual",
        })
    }
}

/// Where a bucket is, and how to speak to it.
#[derive(Clone, Default)]
pub struct BucketSettings {
    /// The bucket.
    pub bucket: String,
    /// What stands before the names of the objects; may be empty.
    pub prefix: String,
    /// The store's address, `https://…`; the provider's own for its region when left out.
    pub endpoint: Option<String>,
    /// The region; `us-east-1` when left out.
    pub region: Option<String>,
    /// Where the bucket's name stands.
    pub style: BucketStyle,
    /// Who asks.
    pub access_key_id: String,
    /// Their secret.
    pub secret_access_key: String,
    /// Certificate authorities to trust beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
}

contract::debug_only! { BucketSettings { bucket, prefix, endpoint, region, style } }

impl BucketSettings {
    /// The address that requests go to, with the bucket's name in the host where the style wants it there.
    fn address(&self) -> io::Result<Option<String>> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let error = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        let expected = "expected PROBITY_S3_ENDPOINT as http://HOST or https://HOST";
        let mut url = Url::parse(endpoint).map_err(|_| error(expected))?;
        let Some(host) = url.host().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return Err(error(expected));
        };
        if self.style == BucketStyle::Path {
            return Ok(Some(endpoint.clone()));
        }
        let Host::Domain(name) = host else {
            return Err(error(
                "expected --s3-style path, since PROBITY_S3_ENDPOINT has a number as its host",
            ));
        };
        // Providers show the address of a bucket with its name too.
        if !name.starts_with(&format!("{}.", self.bucket)) {
            let name = format!("{}.{name}", self.bucket);
            url.set_host(Some(&name))
                .map_err(|_| error("expected a bucket whose name fits into a host"))?;
        }
        Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
    }
}

#[derive(Debug)]
pub(super) struct Bucket {
    store: Arc<AmazonS3>,
    prefix: Path,
    name: String,
    style: BucketStyle,
}

impl Bucket {
    pub(super) fn open(settings: &BucketSettings) -> io::Result<Bucket> {
        let mut options = ClientOptions::new()
            // A content may be read for as long as its reader takes; what counts is that something comes.
            .with_timeout_disabled()
            .with_read_timeout(SILENCE_MAX)
            .with_connect_timeout(CONNECT_TIME);
        for authority in &settings.authorities {
            let authority = Certificate::from_der(authority).map_err(io::Error::from)?;
            options = options.with_root_certificate(authority);
        }
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES_MAX,
            retry_timeout: RETRY_TIME,
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
            .with_access_key_id(&settings.access_key_id)
            .with_secret_access_key(&settings.secret_access_key)
            .with_virtual_hosted_style_request(settings.style == BucketStyle::Virtual)
            .with_client_options(options)
            .with_retry(retry);
        if let Some(address) = settings.address()? {
            let is_plain = address.starts_with("http://");
            builder = builder.with_endpoint(address).with_allow_http(is_plain);
        }
        let store = Arc::new(builder.build().map_err(io::Error::from)?);
        let prefix = Path::from(settings.prefix.as_str());
        Ok(Bucket { store, prefix, name: settings.bucket.clone(), style: settings.style })
    }

    /// Writes, reads and deletes an object of a few bytes.
    pub(super) async fn try_out(&self, object_id: Id) -> Result<(), TrialFailure> {
        let unreachable = |cause| TrialFailure::Unreachable { bucket: self.name.clone(), cause };
        match tokio::time::timeout(TRIAL_TIME, self.try_each(object_id)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err((what, error))) if is_refusal(&error) => Err(TrialFailure::Refused {
                bucket: self.name.clone(),
                what,
                style: self.style,
                hint: hint(self.style, &error),
                answer: io::Error::other(answer(&error)),
            }),
            Ok(Err((_, error))) => Err(unreachable(io::Error::other(answer(&error)))),
            Err(late) => Err(unreachable(late.into())),
        }
    }

    async fn try_each(&self, object_id: Id) -> Result<(), (&'static str, Error)> {
        let (path, written) = (self.path(object_id), &b"probity tries this bucket"[..]);
        self.store.put(&path, written.into()).await.map_err(|error| ("writing", error))?;
        let read = async { self.store.get(&path).await?.bytes().await };
        let read = read.await.map_err(|error| ("reading what was written", error));
        // Deleted whatever was read.
        let deleted = self.store.delete(&path).await.map_err(|error| ("deleting", error));
        if read? != written {
            let source = "it gave back something else".into();
            return Err(("reading what was written", Error::NotSupported { source }));
        }
        deleted
    }

    fn path(&self, object_id: Id) -> Path {
        path(object_id).split('/').fold(self.prefix.clone(), Path::join)
    }

    pub(super) fn begin(&self, object_id: Id) -> Upload {
        let (store, path) = (Arc::clone(&self.store), self.path(object_id));
        Upload { store, path, waiting: Vec::new(), parts: None }
    }

    pub(super) async fn head(
        &self,
        object_id: Id,
        count: usize,
    ) -> io::Result<Option<(Vec<u8>, u64)>> {
        let range = Some(GetRange::Bounded(0..count as u64));
        let options = GetOptions { range, ..GetOptions::default() };
        let got = self.store.get_opts(&self.path(object_id), options).await;
        let Some(got) = none_if_missing(got)? else { return Ok(None) };
        let size_bytes = got.meta.size;
        Ok(Some((got.bytes().await?.to_vec(), size_bytes)))
    }

    pub(super) async fn read(
        &self,
        object_id: Id,
        range: Range<u64>,
    ) -> io::Result<Option<Pieces>> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let got = none_if_missing(self.store.get_opts(&self.path(object_id), options).await)?;
        Ok(got.map(|got| -> Pieces { Box::pin(got.into_stream().map_err(io::Error::from)) }))
    }

    pub(super) async fn remove(&self, object_id: Id) -> io::Result<bool> {
        let path = self.path(object_id);
        // The store answers the same whether there was one.
        if none_if_missing(self.store.head(&path).await)?.is_none() {
            return Ok(false);
        }
        Ok(none_if_missing(self.store.delete(&path).await)?.is_some())
    }

    pub(super) async fn list(&self, after: &str, limit: usize) -> io::Result<Vec<Listed>> {
        let prefix = (!self.prefix.as_ref().is_empty()).then_some(&self.prefix);
        let all = match after {
            "" => self.store.list(prefix),
            _ => {
                let begin = after.split('/').fold(self.prefix.clone(), Path::join);
                self.store.list_with_offset(prefix, &begin)
            }
        };
        let some = all.take(limit).map_ok(|meta| {
            let path = meta.location.as_ref();
            let path = path.strip_prefix(self.prefix.as_ref()).unwrap_or(path);
            let path = path.trim_start_matches('/').to_owned();
            let modified_at = UnixMs(meta.last_modified.timestamp_millis());
            Listed { object_id: object_at(&path), path, modified_at }
        });
        Ok(some.try_collect().await?)
    }
}

pub(super) struct Upload {
    store: Arc<AmazonS3>,
    path: Path,
    /// What does not fill a part yet.
    waiting: Vec<u8>,
    /// Once there is more than one part.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    pub(super) async fn take(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.waiting.append(out);
        if self.waiting.len() >= PART_BYTES {
            let part = std::mem::replace(&mut self.waiting, Vec::with_capacity(PART_BYTES));
            self.send(part).await?;
        }
        Ok(())
    }

    async fn send(&mut self, part: Vec<u8>) -> io::Result<()> {
        if self.parts.is_none() {
            self.parts = Some(self.store.put_multipart(&self.path).await?);
        }
        let parts = self.parts.as_mut().expect("it was just begun");
        Ok(parts.put_part(part.into()).await?)
    }

    pub(super) async fn finish(mut self, mut out: Vec<u8>) -> io::Result<()> {
        self.waiting.append(&mut out);
        let last = std::mem::take(&mut self.waiting);
        if self.parts.is_none() {
            self.store.put(&self.path, last.into()).await?;
            return Ok(());
        }
        self.send(last).await?;
        if let Some(parts) = &mut self.parts {
            parts.complete().await?;
        }
        self.parts = None;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut parts) = self.parts.take() else { return };
        // Best effort: the store's rule for uncompleted uploads takes what stays.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { parts.abort().await });
        }
    }
}

fn none_if_missing<T>(found: Result<T, Error>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(io::Error::from(error)),
    }
}

/// Whether the store understood what was asked, and does not do it: not "later", and not silence.
fn is_refusal(error: &Error) -> bool {
    match error {
        Error::Generic { .. } => {
            let text = error.to_string();
            let is_later = |status: u16| matches!(status, 408 | 423 | 425 | 429 | 500..);
            // A redirect without a place to go comes from stores that want another region or host.
            text.contains(REDIRECTED) || status(&text).is_some_and(|status| !is_later(status))
        }
        Error::JoinError { .. } => false,
        _ => true,
    }
}

/// The beginning of what `object_store` says of an answer; its type is private.
const ANSWERED: &str = "status code: ";
const REDIRECTED: &str = "Received redirect without LOCATION";

fn status(text: &str) -> Option<u16> {
    text.split_once(ANSWERED)?.1.get(..3)?.parse().ok()
}

fn answer(error: &Error) -> String {
    let text = error.to_string();
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
    };
    let said = match (status(&text), element("Code"), element("Message")) {
        (Some(status), Some(code), message) => {
            format!("{status} {code}: {}", message.unwrap_or_default())
        }
        _ => {
            let begin = [REDIRECTED, ANSWERED].iter().find_map(|mark| text.find(mark)).unwrap_or(0);
            text[begin..].trim_start_matches(ANSWERED).to_owned()
        }
    };
    let line = said.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(ANSWER_CHARS_MAX).collect()
}

/// What may help, unless the answer is about keys or a bucket that is not there.
fn hint(style: BucketStyle, error: &Error) -> &'static str {
    let said = answer(error);
    let is_other = ["AccessKey", "Signature", "AccessDenied", "NoSuchBucket", "Token"];
    match style {
        _ if is_other.iter().any(|code| said.contains(code)) => "",
        BucketStyle::Path => "; OSS, COS and others want --s3-style virtual",
        BucketStyle::Virtual => "; stores of one's own often want --s3-style path",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(endpoint: &str, style: BucketStyle) -> Result<String, String> {
        let settings = BucketSettings {
            bucket: "kept".to_owned(),
            endpoint: Some(endpoint.to_owned()),
            style,
            ..BucketSettings::default()
        };
        settings.address().map(Option::unwrap).map_err(|error| error.to_string())
    }

    #[test]
    fn the_style_says_where_the_buckets_name_stands() {
        use BucketStyle::{Path, Virtual};
        for (endpoint, style, expected) in [
            ("https://store.example", Path, "https://store.example"),
            ("http://127.0.0.1:9000/", Path, "http://127.0.0.1:9000/"),
            ("https://store.example", Virtual, "https://kept.store.example"),
            ("https://store.example:8443/", Virtual, "https://kept.store.example:8443"),
            ("https://kept.store.example", Virtual, "https://kept.store.example"),
            ("https://keptstore.example", Virtual, "https://kept.keptstore.example"),
            ("http://localhost:9000", Virtual, "http://kept.localhost:9000"),
        ] {
            assert_eq!(address(endpoint, style).as_deref(), Ok(expected), "{endpoint} {style}");
        }
        for (endpoint, style) in [
            ("https://192.0.2.1", Virtual),
            ("https://[2001:db8::1]", Virtual),
            ("store.example", Virtual),
            ("store.example", Path),
            ("ftp://store.example", Path),
            ("", Path),
        ] {
            let why = address(endpoint, style).unwrap_err();
            assert!(why.starts_with("expected "), "{endpoint} {style}: {why}");
        }
    }
}
