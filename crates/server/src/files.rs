//! Files that hirers bring for orders: sealed under a key of their own before they reach the object store.
//!
//! A content is sealed in parts of 64 KiB, each bound to its place and to whether it is the last one. So a content is
//! read as a stream, and a part that was altered, moved, left out or cut off does not open. Source: design, section 7.

use std::io;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Bytes, BytesMut};
use domain::{Id, TenantId};
use futures_util::{Stream, TryStreamExt, stream};
use store::files::File;
use store::{Key, Place};

use crate::objects::{ObjectReader, Objects};

/// Bytes of a part before it is sealed.
const PART_BYTES: usize = 64 * 1024;
/// What sealing adds: nonce and tag.
const SEAL_BYTES: usize = 28;
const SEALED_BYTES: usize = PART_BYTES + SEAL_BYTES;

/// Seals `content`, which is not empty, under a new key, and stores it as the object of the file's id.
///
/// # Errors
/// When the object cannot be written.
pub(crate) async fn store(
    objects: &Objects,
    tenant_id: TenantId,
    file_id: Id,
    name: String,
    content: &[u8],
) -> io::Result<File> {
    let key = Key::random();
    let mut writer = objects.create();
    let count = content.len().div_ceil(PART_BYTES);
    for (index, part) in content.chunks(PART_BYTES).enumerate() {
        let place = place(tenant_id, index, index + 1 == count);
        writer.write(Bytes::from(key.seal(place, part))).await?;
    }
    writer.finish(file_id).await?;
    let size_bytes = i64::try_from(content.len()).unwrap_or(i64::MAX);
    let sha256 = digest(&SHA256, content).as_ref().to_vec();
    Ok(File { file_id, name, size_bytes, sha256, key })
}

/// Opens a file's content; none when its object is gone, or is not as long as it must be.
///
/// # Errors
/// When the object cannot be opened; in the stream, when a part does not open.
pub(crate) async fn open(
    objects: &Objects,
    tenant_id: TenantId,
    file: &File,
) -> io::Result<Option<impl Stream<Item = io::Result<Bytes>> + Send + use<>>> {
    let size_bytes = u64::try_from(file.size_bytes).unwrap_or_default();
    let sealed_bytes = size_bytes + size_bytes.div_ceil(PART_BYTES as u64) * SEAL_BYTES as u64;
    let object = objects.read(file.file_id, None).await?;
    let object = object.filter(|object| object.size_bytes() == sealed_bytes);
    Ok(object.map(|object| parts(tenant_id, file.key.clone(), object)))
}

/// The parts of an object, opened one after the other.
fn parts(
    tenant_id: TenantId,
    key: Key,
    object: ObjectReader,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let begin = (object, BytesMut::new(), 0);
    stream::try_unfold(begin, move |(mut object, mut come, index)| {
        let key = key.clone();
        async move {
            // Only what comes after a part tells that it is not the last one.
            while come.len() <= SEALED_BYTES {
                match object.try_next().await? {
                    Some(piece) => come.extend_from_slice(&piece),
                    None => break,
                }
            }
            if come.is_empty() {
                return Ok(None);
            }
            let is_last = come.len() <= SEALED_BYTES;
            let sealed = come.split_to(come.len().min(SEALED_BYTES));
            let part = key.open(place(tenant_id, index, is_last), &sealed);
            let part = part.map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault))?;
            Ok(Some((Bytes::from(part), (object, come, index + 1))))
        }
    })
}

fn place(tenant_id: TenantId, index: usize, is_last: bool) -> Place {
    let kind = if is_last { "file's last part" } else { "file's part" };
    Place::new(kind, tenant_id, i64::try_from(index).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use tempfile::TempDir;

    use super::*;

    const TENANT: TenantId = TenantId(7);
    const NAME: Id = Id(6_931_286_400_470_354_183);

    async fn read(objects: &Objects, file: &File) -> io::Result<Option<Vec<u8>>> {
        let Some(parts) = open(objects, TENANT, file).await? else { return Ok(None) };
        let parts: Vec<Bytes> = parts.try_collect().await?;
        Ok(Some(parts.concat()))
    }

    fn object(folder: &Path) -> PathBuf {
        let mut path = folder.to_owned();
        while path.is_dir() {
            let mut entries = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            path = entries.find(|entry| !entry.ends_with("drafts")).unwrap();
        }
        path
    }

    #[tokio::test]
    async fn a_content_of_any_length_is_sealed_and_read_back() {
        for length in [1, 100, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES] {
            let folder = TempDir::new().unwrap();
            let objects = Objects::open(folder.path()).await.unwrap();
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let file = store(&objects, TENANT, NAME, "cv".to_owned(), &content).await.unwrap();
            assert_eq!(file.size_bytes, length as i64);
            assert_eq!(file.sha256, digest(&SHA256, &content).as_ref());
            assert_eq!(read(&objects, &file).await.unwrap(), Some(content.clone()), "{length}");
            let kept = std::fs::read(object(folder.path())).unwrap();
            let shown = content.len().min(64);
            assert!(length < 64 || !kept.windows(shown).any(|window| window == &content[..shown]));
            let other = File { key: Key::random(), ..file };
            assert!(read(&objects, &other).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_content_that_was_altered_moved_or_cut_does_not_open() {
        let folder = TempDir::new().unwrap();
        let objects = Objects::open(folder.path()).await.unwrap();
        let content = vec![7; 2 * PART_BYTES];
        let file = store(&objects, TENANT, NAME, "cv".to_owned(), &content).await.unwrap();
        let path = object(folder.path());
        let kept = std::fs::read(&path).unwrap();
        let (first, second) = kept.split_at(SEALED_BYTES);
        let mut altered = kept.clone();
        altered[SEALED_BYTES + 100] ^= 1;
        for wrong in [altered, [second, first].concat(), [first, first].concat()] {
            std::fs::write(&path, wrong).unwrap();
            assert!(read(&objects, &file).await.is_err());
        }
        std::fs::write(&path, first).unwrap();
        assert!(read(&objects, &file).await.unwrap().is_none(), "shorter than it must be");
        // Not even when the row were made to fit.
        let cut = File { size_bytes: PART_BYTES as i64, ..file.clone() };
        assert!(read(&objects, &cut).await.is_err());
        std::fs::write(&path, &kept).unwrap();
        assert_eq!(read(&objects, &file).await.unwrap(), Some(content));
    }
}
