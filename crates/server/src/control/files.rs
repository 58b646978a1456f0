//! Files for orders: `POST /tenants/{tenant_key}/files`. What the call does is in `hub::files`.

use contract::control::{CreateFile, File};
use hub::files;

use super::answer::Created;
use super::auth::Call;
use super::failure::Failure;
use super::request::{Come, Content, Query};

pub(super) async fn create_file(
    call: Call,
    (Query(query), content): (Query<CreateFile>, Content),
) -> Result<Created<File>, Failure> {
    let (tenant, hub, actor) = (call.tenant().await?, call.hub(), call.actor());
    let mut new = files::begin(hub, actor, &tenant)?;
    let Come { size_bytes, key } = content.pour(&mut new.writer).await?;
    Ok(files::create(hub, actor, &tenant, query, new, size_bytes, key).await?.into())
}
