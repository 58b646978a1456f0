//! Files that hirers upload for orders, stored as objects like reports, named after the file's id.

use contract::control::{self, CreateFile, ProblemCode};
use contract::hex::to_hex;
use domain::{Act, Actor, Id, UnixMs};
use objects::{ObjectWriter, Unreadable};
use store::files::File;
use store::tenants::Tenant;
use store::{IdempotencyKey, Key};

use crate::disk::Room;
use crate::error::{authorize, fault, validate};
use crate::idempotency::{self, Answer, Creation};
use crate::instant::rfc3339;
use crate::{Error, Hub, Input};

/// A file whose content is still to come; nothing stays when it is dropped.
pub struct NewFile {
    file_id: Id,
    created_at: UnixMs,
    /// Takes the content.
    pub writer: ObjectWriter,
}

/// Begins to store a file. Refuses when the disk is nearly full.
pub fn begin(hub: &Hub, actor: &Actor, tenant: &Tenant) -> Result<NewFile, Error> {
    authorize(actor, Act::PlaceOrders)?;
    if hub.disk.room().is_some_and(Room::is_short) {
        let detail = "the disk is nearly full: files are taken again when there is room";
        return Err(Error::refused(ProblemCode::Unavailable, detail));
    }
    let (file_id, created_at) =
        (hub.store.make_id(hub.installation_clock.now()), hub.clock(tenant).now());
    let writer = hub.objects.create(tenant.tenant_id, file_id);
    Ok(NewFile { file_id, created_at, writer })
}

/// Stores a file of `size_bytes` that was written.
pub async fn create(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    input: Input<CreateFile>,
    new: NewFile,
    size_bytes: usize,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::File>, Error> {
    authorize(actor, Act::PlaceOrders)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let (input, mut faults) = input.with_faults();
    if size_bytes == 0 {
        faults.push(fault("body", "expected a content of at least 1 byte"));
    }
    validate(faults)?;
    let NewFile { file_id, created_at, writer } = new;
    let stored = writer.finish().await.map_err(Unreadable::Unreachable)?;
    let file = File {
        file_id: stored.object_id,
        name: input.name,
        size_bytes: i64::try_from(stored.size_bytes).unwrap_or(i64::MAX),
        sha256: stored.sha256.to_vec(),
        key: Key::new(*stored.key),
    };
    let view = control::File {
        file_id: file_id.to_string(),
        name: file.name.clone(),
        size_bytes: stored.size_bytes,
        sha256: to_hex(&file.sha256),
        created_at: rfc3339(created_at),
    };
    let creation = Creation::File(tenant, &file);
    let created = idempotency::create(hub, hub.by(actor), creation, key, &view, &view).await;
    if created.is_err()
        && !hub.store.knows_object(file_id).await.unwrap_or(true)
        && let Err(error) = hub.objects.remove(file_id).await
    {
        tracing::warn!(%error, "an object without a row is left to the check of the objects");
    }
    created
}
