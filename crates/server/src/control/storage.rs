//! What is stored for whom, and how much may be: `GET /storage`, and the quotas of tenants and apps.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, DiskRoom, PutQuota, Storage};
use store::storage_use::{Holder, StorageUse};

use super::auth::Call;
use super::failure::{Failure, validate};
use super::request::{Command, json};

/// Holders read at once.
const PAGE: u32 = 500;

/// Reads how much is stored for each tenant and each app, and how much room the disk has.
#[utoipa::path(
    get,
    path = "/storage",
    tag = "installation",
    responses((status = 200, description = "What is stored", body = Storage))
)]
pub(crate) async fn get_storage(call: Call) -> Result<Response, Failure> {
    let mut items: Vec<control::StorageUse> = Vec::new();
    let mut after = None;
    loop {
        let page = call.app.hub.store.list_storage_use(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.holder);
        items.extend(page.iter().map(view));
    }
    let disk = call.app.disk.room().map(|room| DiskRoom {
        free_bytes: room.free_bytes,
        reserve_bytes: room.reserve_bytes,
        is_short: room.is_short(),
    });
    Ok(json(StatusCode::OK, &Storage { disk, items }))
}

/// Reads how much is stored for a tenant: its reports and files.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/quota",
    tag = "tenants",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    responses((status = 200, description = "What is stored", body = control::StorageUse))
)]
pub(crate) async fn get_tenant_quota(call: Call) -> Result<Response, Failure> {
    let holder = Holder::Tenant(call.tenant().await?.tenant_id);
    answer(&call, holder).await
}

/// Sets how much may be stored for a tenant. What waits goes on when it fits; nothing that is there is removed.
#[utoipa::path(
    put,
    path = "/tenants/{tenant_key}/quota",
    tag = "tenants",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    request_body = PutQuota,
    responses((status = 200, description = "What is stored", body = control::StorageUse))
)]
pub(crate) async fn put_tenant_quota(
    call: Call,
    command: Command<PutQuota>,
) -> Result<Response, Failure> {
    let holder = Holder::Tenant(call.tenant().await?.tenant_id);
    put(&call, holder, command.body).await
}

/// Reads how much is stored for an app: its reports, in all tenants.
#[utoipa::path(
    get,
    path = "/apps/{app_id}/quota",
    tag = "apps",
    params(("app_id" = String, Path, description = "The app's id")),
    responses((status = 200, description = "What is stored", body = control::StorageUse))
)]
pub(crate) async fn get_app_quota(call: Call) -> Result<Response, Failure> {
    let holder = Holder::App(call.vendor_app().await?.app_id);
    answer(&call, holder).await
}

/// Sets how much may be stored for an app. What waits goes on when it fits; nothing that is there is removed.
#[utoipa::path(
    put,
    path = "/apps/{app_id}/quota",
    tag = "apps",
    params(("app_id" = String, Path, description = "The app's id")),
    request_body = PutQuota,
    responses((status = 200, description = "What is stored", body = control::StorageUse))
)]
pub(crate) async fn put_app_quota(
    call: Call,
    command: Command<PutQuota>,
) -> Result<Response, Failure> {
    let holder = Holder::App(call.vendor_app().await?.app_id);
    put(&call, holder, command.body).await
}

async fn put(call: &Call, holder: Holder, body: PutQuota) -> Result<Response, Failure> {
    validate(body.faults())?;
    let quota_bytes = body.quota_bytes.flatten();
    let quota_bytes = quota_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    call.app.hub.store.set_quota(holder, quota_bytes).await?;
    answer(call, holder).await
}

async fn answer(call: &Call, holder: Holder) -> Result<Response, Failure> {
    let found = call.app.hub.store.find_storage_use(holder).await?;
    Ok(json(StatusCode::OK, &view(&found)))
}

fn view(found: &StorageUse) -> control::StorageUse {
    let (tenant_key, app_id) = match found.holder {
        Holder::Tenant(tenant_id) => (Some(tenant_id.to_string()), None),
        Holder::App(app_id) => (None, Some(app_id.to_string())),
    };
    control::StorageUse {
        tenant_key,
        app_id,
        used_bytes: found.used_bytes.unsigned_abs(),
        quota_bytes: found.quota_bytes.unsigned_abs(),
        is_default: found.own_quota_bytes.is_none(),
        is_near_quota: found.is_near_quota(),
    }
}
