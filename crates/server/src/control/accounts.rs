//! Accounts: `/tenants/{tenant_key}/accounts`. What the calls do is in `hub::accounts`.

use contract::control::{Account, AccountForm, CreateAccount, List, UpdateAccount};
use hub::accounts;

use super::answer::{Created, Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Query};

pub(super) async fn create_account(
    call: Call,
    Command { body, key }: Command<CreateAccount>,
) -> Result<Created<Account>, Failure> {
    let tenant = call.tenant().await?;
    Ok(accounts::create(call.hub(), call.actor(), &tenant, body, key).await?.into())
}

pub(super) async fn list_accounts(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<Account>, Failure> {
    let tenant = call.tenant().await?;
    Ok(accounts::list(call.hub(), call.actor(), &tenant, list).await?.into())
}

pub(super) async fn get_account(call: Call) -> Result<Json<Account>, Failure> {
    let (tenant, account_id) = (call.tenant().await?, call.path_param("account_id")?);
    Ok(accounts::get(call.hub(), call.actor(), &tenant, account_id).await?.into())
}

pub(super) async fn update_account(
    call: Call,
    Command { body, .. }: Command<UpdateAccount>,
) -> Result<Json<Account>, Failure> {
    let (tenant, account_id) = (call.tenant().await?, call.path_param("account_id")?);
    Ok(accounts::update(call.hub(), call.actor(), &tenant, account_id, body).await?.into())
}

pub(super) async fn delete_account(call: Call) -> Result<NoContent, Failure> {
    let (tenant, account_id) = (call.tenant().await?, call.path_param("account_id")?);
    Ok(accounts::delete(call.hub(), call.actor(), &tenant, account_id).await?.into())
}

pub(super) async fn get_account_form(call: Call) -> Result<Json<AccountForm>, Failure> {
    let (tenant, app_id) = (call.tenant().await?, call.path_param("app_id")?);
    Ok(accounts::get_form(call.hub(), call.actor(), &tenant, app_id).await?.into())
}
