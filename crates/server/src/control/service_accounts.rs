//! Service accounts of a tenant: below `/tenants/{tenant_key}/service_accounts`. What the calls do is in
//! `hub::service_accounts`.

use contract::control::{CreateServiceAccount, List, ServiceAccount, UpdateServiceAccount};
use hub::service_accounts;

use super::answer::{Created, Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Query};

pub(super) async fn create_service_account(
    call: Call,
    Command { body, key }: Command<CreateServiceAccount>,
) -> Result<Created<ServiceAccount>, Failure> {
    let tenant = call.tenant().await?;
    Ok(service_accounts::create(call.hub(), call.actor(), &tenant, body, key).await?.into())
}

pub(super) async fn list_service_accounts(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<ServiceAccount>, Failure> {
    let tenant = call.tenant().await?;
    Ok(service_accounts::list(call.hub(), call.actor(), &tenant, list).await?.into())
}

pub(super) async fn get_service_account(call: Call) -> Result<Json<ServiceAccount>, Failure> {
    let (tenant, id) = (call.tenant().await?, call.path_param("service_account_id")?);
    Ok(service_accounts::get(call.hub(), call.actor(), &tenant, id).await?.into())
}

pub(super) async fn update_service_account(
    call: Call,
    Command { body, .. }: Command<UpdateServiceAccount>,
) -> Result<Json<ServiceAccount>, Failure> {
    let (tenant, id) = (call.tenant().await?, call.path_param("service_account_id")?);
    Ok(service_accounts::update(call.hub(), call.actor(), &tenant, id, body).await?.into())
}

pub(super) async fn remove_service_account(call: Call) -> Result<NoContent, Failure> {
    let (tenant, id) = (call.tenant().await?, call.path_param("service_account_id")?);
    Ok(service_accounts::remove(call.hub(), call.actor(), &tenant, id).await?.into())
}
