//! Files that hirers bring for orders: objects as reports are, named after the file's id.

use std::io;

use bytes::Bytes;
use domain::{Id, TenantId};
use store::files::File;

use crate::objects::{Object, Objects, Unreadable};

/// Stores `content` under a new key as the object of the file's id.
///
/// # Errors
/// When the object cannot be written.
pub(crate) async fn store(
    objects: &Objects,
    tenant_id: TenantId,
    file_id: Id,
    name: String,
    content: Bytes,
) -> io::Result<File> {
    let mut writer = objects.create(tenant_id, file_id);
    writer.write(content).await?;
    let stored = writer.finish().await?;
    let size_bytes = i64::try_from(stored.size_bytes).unwrap_or(i64::MAX);
    Ok(File { file_id, name, size_bytes, sha256: stored.sha256.to_vec(), key: stored.key })
}

/// Opens a file's content.
///
/// # Errors
/// When the object cannot be opened.
pub(crate) async fn open(
    objects: &Objects,
    tenant_id: TenantId,
    file: &File,
) -> Result<Object, Unreadable> {
    let size_bytes = u64::try_from(file.size_bytes).unwrap_or_default();
    objects.open(tenant_id, file.file_id, &file.key, size_bytes).await
}
