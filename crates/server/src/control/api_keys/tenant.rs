//! `/tenants/{tenant_key}/api_keys`: keys of a tenant, by its admin alone.

use axum::response::Response;
use contract::control::{ApiKey, CreateApiKey, CreatedApiKey, List, Page, ReplaceApiKey};

use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::{Command, Query};

/// Makes a key of the tenant; the answer alone holds its value.
///
/// Only the tenant's admin makes keys: each one opens a way to personal data. Names and owners are stored sealed. A key
/// with several roles may do what one of them may.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/api_keys",
    tag = "api_keys",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    request_body = CreateApiKey,
    responses((status = 201, description = "The key", body = CreatedApiKey))
)]
pub(crate) async fn create_api_key(
    call: Call,
    command: Command<CreateApiKey>,
) -> Result<Response, Failure> {
    let faults = command.body.faults();
    super::create(&call, Some(&*call.tenant().await?), command, faults).await
}

/// Lists the tenant's keys without their values, newest first, revoked ones included.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/api_keys",
    tag = "api_keys",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits"), List),
    responses((status = 200, description = "A page of keys", body = Page<ApiKey>))
)]
pub(crate) async fn list_api_keys(call: Call, list: Query<List>) -> Result<Response, Failure> {
    super::list(&call, Some(&*call.tenant().await?), list).await
}

/// Reads one key of the tenant, without its value.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/api_keys/{key_id}",
    tag = "api_keys",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("key_id" = String, Path, description = "19 decimal digits"),
    ),
    responses((status = 200, description = "The key", body = ApiKey))
)]
pub(crate) async fn get_api_key(call: Call) -> Result<Response, Failure> {
    super::get(&call, Some(&*call.tenant().await?)).await
}

/// Gives a key another value; the answer alone holds it. Id, roles and end stay, and with the id whatever the key did.
///
/// The old value is refused from now on, or after `grace_seconds`.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/api_keys/{key_id}/replace",
    tag = "api_keys",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("key_id" = String, Path, description = "19 decimal digits"),
    ),
    request_body = ReplaceApiKey,
    responses(
        (status = 200, description = "The key with its new value", body = CreatedApiKey),
        (status = 409, description = "The key is revoked, or its time is over"),
    )
)]
pub(crate) async fn replace_api_key(
    call: Call,
    command: Command<ReplaceApiKey>,
) -> Result<Response, Failure> {
    super::replace(&call, Some(&*call.tenant().await?), command).await
}

/// Revokes a key of the tenant, for good and everywhere at once.
#[utoipa::path(
    delete,
    path = "/tenants/{tenant_key}/api_keys/{key_id}",
    tag = "api_keys",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("key_id" = String, Path, description = "19 decimal digits"),
    ),
    responses(
        (status = 204, description = "The key is revoked"),
        (status = 409, description = "It is the tenant's last admin key that does not end"),
    )
)]
pub(crate) async fn revoke_api_key(call: Call) -> Result<Response, Failure> {
    super::revoke(&call, Some(&*call.tenant().await?)).await
}
