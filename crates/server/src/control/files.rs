//! Files for orders: `POST /tenants/{tenant_key}/files`.

use axum::response::Response;
use contract::control::{CreateFile, FieldFault, File, ProblemCode};
use contract::hex::to_hex;
use objects::Unreadable;

use super::auth::Call;
use super::failure::{Failure, validate};
use super::idempotency::{self, Answer, Creation};
use super::request::{Content, Query};
use crate::disk::Room;
use crate::files;
use hub::instant::rfc3339;

/// Keeps a file, which an order's form can then name as the value of a file or resume.
///
/// The body is the content as it stands, 1 byte to 10 MiB. It is sealed under a key of its own; the vendor gets it by
/// signed links, good for one hour each. A file that no order uses within a day is removed.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/files",
    tag = "files",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits"), CreateFile),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "The file", body = File))
)]
pub(crate) async fn create_file(
    call: Call,
    Query(query): Query<CreateFile>,
    content: Content,
) -> Result<Response, Failure> {
    let tenant = call.tenant().await?;
    let (app, at) = (&call.app, call.app.hub.clock.now());
    if app.disk.room().is_some_and(Room::is_short) {
        let detail = "the disk is nearly full: files are taken again when there is room";
        return Err(Failure::refused(ProblemCode::Unavailable, detail));
    }
    let file_id = app.hub.store.make_id(at);
    // Dropped unfinished, it leaves nothing.
    let mut writer = app.objects.create(tenant.tenant_id, file_id);
    let come = content.pour(&mut writer).await?;
    if let Some(first) = idempotency::find_first_answer(&call, come.key.as_ref()).await? {
        return Ok(first);
    }
    let mut faults = query.faults();
    if come.size_bytes == 0 {
        let message = "expected a content of at least 1 byte".to_owned();
        faults.push(FieldFault { field: "body".to_owned(), message });
    }
    validate(faults)?;
    let file = files::finish(writer, query.name).await.map_err(Unreadable::Unreachable)?;
    let body = File {
        file_id: file_id.to_string(),
        name: file.name.clone(),
        size_bytes: file.size_bytes.unsigned_abs(),
        sha256: to_hex(&file.sha256),
        created_at: rfc3339(at),
    };
    let answer = Answer::same(&body);
    let created =
        idempotency::create(&call, come.key, Creation::File(&tenant, &file), answer).await;
    if created.is_err()
        && !app.hub.store.knows_object(file_id).await.unwrap_or(true)
        && let Err(error) = app.objects.remove(file_id).await
    {
        tracing::warn!(%error, "an object without a row is left to the check of the objects");
    }
    created
}
