//! Grants: `/tenants/{tenant_key}/grants`, `/tenants/{tenant_key}/apps/{app_id}/grant`. What the calls do is in
//! `hub::grants`.

use contract::control::{Grant, GrantApp};
use hub::grants;

use super::answer::{Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::Command;

pub(super) async fn list_grants(call: Call) -> Result<Paged<Grant>, Failure> {
    let tenant_id = call.tenant().await?.tenant_id;
    Ok(grants::list(call.hub(), call.actor(), tenant_id).await?.into())
}

pub(super) async fn get_grant(call: Call) -> Result<Json<Grant>, Failure> {
    let (tenant_id, app_id) = (call.tenant().await?.tenant_id, call.path_param("app_id")?);
    Ok(grants::get(call.hub(), call.actor(), tenant_id, app_id).await?.into())
}

pub(super) async fn grant_app(
    call: Call,
    Command { body, key }: Command<GrantApp>,
) -> Result<Json<Grant>, Failure> {
    let (tenant_id, app_id) = (call.path_param("tenant_key")?, call.path_param("app_id")?);
    Ok(grants::grant(call.hub(), call.actor(), tenant_id, app_id, body, key).await?.into())
}

pub(super) async fn take_grant_back(call: Call) -> Result<NoContent, Failure> {
    let (tenant_id, app_id) = (call.tenant().await?.tenant_id, call.path_param("app_id")?);
    Ok(grants::take_back(call.hub(), call.actor(), tenant_id, app_id).await?.into())
}
