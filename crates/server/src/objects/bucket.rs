//! Objects in an S3-compatible bucket. A small object comes by one conditional put, a large one by a multipart upload
//! that is completed at its end; both appear whole or not at all. An upload whose process died is kept by the store
//! until its rule for uncompleted uploads takes it away.

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
    BackoffConfig, ClientOptions, Error, GetOptions, GetRange, MultipartUpload, ObjectStore,
    ObjectStoreExt, PutMode, PutOptions, RetryConfig,
};

use super::reader::Pieces;
use super::{Listed, object_at, path};

/// Bytes of a part of a large upload; stores take no smaller ones but for the last.
const PART_BYTES: usize = 5 << 20;
/// Until a connection stands.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a store may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How long a request is tried again.
const RETRY_TIME: Duration = Duration::from_secs(10);
const RETRIES_MAX: usize = 2;

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
    /// Who asks.
    pub access_key_id: String,
    /// Their secret.
    pub secret_access_key: String,
}

impl fmt::Debug for BucketSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketSettings")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Bucket {
    store: Arc<AmazonS3>,
    prefix: Path,
}

impl Bucket {
    pub(super) fn open(settings: &BucketSettings) -> io::Result<Bucket> {
        let time = ClientOptions::new()
            // A content may be read for as long as its reader takes; what counts is that something comes.
            .with_timeout_disabled()
            .with_read_timeout(SILENCE_MAX)
            .with_connect_timeout(CONNECT_TIME);
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
            .with_virtual_hosted_style_request(false)
            .with_client_options(time)
            .with_retry(retry);
        if let Some(endpoint) = &settings.endpoint {
            builder =
                builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let store = builder.build().map_err(io::Error::from)?;
        Ok(Bucket { store: Arc::new(store), prefix: Path::from(settings.prefix.as_str()) })
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

/// An object on its way to the bucket. Dropped unfinished, it is given up.
pub(super) struct Upload {
    store: Arc<AmazonS3>,
    path: Path,
    /// What does not fill a part yet.
    waiting: Vec<u8>,
    /// Once there is more than one part.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    /// Takes what was sealed; sends it when it fills a part.
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
            let only_new = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            self.store.put_opts(&self.path, last.into(), only_new).await?;
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
