//! Files that hirers bring for orders: objects as reports are, named after the file's id.

use std::io;

use domain::TenantId;
use objects::{Object, ObjectWriter, Objects, Unreadable};
use store::files::File;

/// Makes the object of a file appear, all of whose content was written.
///
/// # Errors
/// When the object cannot be written.
pub(crate) async fn finish(writer: ObjectWriter, name: String) -> io::Result<File> {
    let stored = writer.finish().await?;
    let size_bytes = i64::try_from(stored.size_bytes).unwrap_or(i64::MAX);
    Ok(File {
        file_id: stored.object_id,
        name,
        size_bytes,
        sha256: stored.sha256.to_vec(),
        key: store::Key::new(*stored.key),
    })
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
    objects.open(tenant_id, file.file_id, file.key.bytes(), size_bytes).await
}
