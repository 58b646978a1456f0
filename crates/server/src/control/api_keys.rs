//! Keys for this API: a tenant's below `/tenants/{tenant_key}/api_keys`, the operator's below `/api_keys`. (`/keys/rotate`
//! is about the installation's root key.) What the calls do is in `hub::api_keys`.

use contract::control::{ApiKey, CreateApiKey, CreatedApiKey, List, ReplaceApiKey};
use hub::api_keys;

use super::answer::{Created, Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Query};

pub(super) async fn create_api_key(
    call: Call,
    Command { body, key }: Command<CreateApiKey>,
) -> Result<Created<CreatedApiKey>, Failure> {
    let tenant = call.tenant().await?;
    Ok(api_keys::create(call.hub(), call.actor(), Some(&tenant), body, key).await?.into())
}

pub(super) async fn list_api_keys(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<ApiKey>, Failure> {
    let tenant = call.tenant().await?;
    Ok(api_keys::list(call.hub(), call.actor(), Some(&tenant), list).await?.into())
}

pub(super) async fn get_api_key(call: Call) -> Result<Json<ApiKey>, Failure> {
    let (tenant, key_id) = (call.tenant().await?, call.path_param("key_id")?);
    Ok(api_keys::get(call.hub(), call.actor(), Some(&tenant), key_id).await?.into())
}

pub(super) async fn replace_api_key(
    call: Call,
    Command { body, key }: Command<ReplaceApiKey>,
) -> Result<Json<CreatedApiKey>, Failure> {
    let (tenant, key_id) = (call.tenant().await?, call.path_param("key_id")?);
    let (hub, actor) = (call.hub(), call.actor());
    Ok(api_keys::replace(hub, actor, Some(&tenant), key_id, body, key).await?.into())
}

pub(super) async fn revoke_api_key(call: Call) -> Result<NoContent, Failure> {
    let (tenant, key_id) = (call.tenant().await?, call.path_param("key_id")?);
    Ok(api_keys::revoke(call.hub(), call.actor(), Some(&tenant), key_id).await?.into())
}

pub(super) async fn create_operator_key(
    call: Call,
    Command { body, key }: Command<CreateApiKey>,
) -> Result<Created<CreatedApiKey>, Failure> {
    Ok(api_keys::create(call.hub(), call.actor(), None, body, key).await?.into())
}

pub(super) async fn list_operator_keys(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<ApiKey>, Failure> {
    Ok(api_keys::list(call.hub(), call.actor(), None, list).await?.into())
}

pub(super) async fn get_operator_key(call: Call) -> Result<Json<ApiKey>, Failure> {
    let key_id = call.path_param("key_id")?;
    Ok(api_keys::get(call.hub(), call.actor(), None, key_id).await?.into())
}

pub(super) async fn replace_operator_key(
    call: Call,
    Command { body, key }: Command<ReplaceApiKey>,
) -> Result<Json<CreatedApiKey>, Failure> {
    let key_id = call.path_param("key_id")?;
    Ok(api_keys::replace(call.hub(), call.actor(), None, key_id, body, key).await?.into())
}

pub(super) async fn revoke_operator_key(call: Call) -> Result<NoContent, Failure> {
    let key_id = call.path_param("key_id")?;
    Ok(api_keys::revoke(call.hub(), call.actor(), None, key_id).await?.into())
}
