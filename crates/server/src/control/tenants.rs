//! Tenants: `/tenants`. What the calls do is in `hub::tenants` and `hub::quotas`.

use contract::control::{
    CreateTenant, CreatedTenant, List, PutQuota, StorageUse, Tenant, UpdateTenant,
};
use hub::quotas::{self, Holder};
use hub::tenants;

use super::answer::{Created, Json, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Query};

pub(super) async fn create_tenant(
    call: Call,
    Command { body, key }: Command<CreateTenant>,
) -> Result<Created<CreatedTenant>, Failure> {
    Ok(tenants::create(call.hub(), call.actor(), body, key).await?.into())
}

pub(super) async fn list_tenants(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<Tenant>, Failure> {
    Ok(tenants::list(call.hub(), call.actor(), list).await?.into())
}

pub(super) async fn get_tenant(call: Call) -> Result<Json<Tenant>, Failure> {
    Ok(tenants::get(call.actor(), &*call.tenant().await?)?.into())
}

pub(super) async fn update_tenant(
    call: Call,
    command: Command<UpdateTenant>,
) -> Result<Json<Tenant>, Failure> {
    let tenant_id = call.path_param("tenant_key")?;
    Ok(tenants::update(call.hub(), call.actor(), tenant_id, command.body).await?.into())
}

pub(super) async fn get_tenant_quota(call: Call) -> Result<Json<StorageUse>, Failure> {
    let holder = Holder::Tenant(call.tenant().await?.tenant_id);
    Ok(quotas::get(call.hub(), call.actor(), holder).await?.into())
}

pub(super) async fn put_tenant_quota(
    call: Call,
    command: Command<PutQuota>,
) -> Result<Json<StorageUse>, Failure> {
    let holder = Holder::Tenant(call.tenant().await?.tenant_id);
    Ok(quotas::put(call.hub(), call.actor(), holder, command.body).await?.into())
}
