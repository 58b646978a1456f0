//! People of a tenant: below `/tenants/{tenant_key}/users`. What the calls do is in `hub::users` and `hub::sessions`.

use contract::control::{List, PasswordReset, UpdateUser, User, UserSession};
use domain::Id;
use hub::{sessions, users};

use super::answer::{Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Nothing, Query};

pub(super) async fn list_users(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<User>, Failure> {
    let tenant = call.tenant().await?;
    Ok(users::list(call.hub(), call.actor(), Some(&tenant), list).await?.into())
}

pub(super) async fn get_user(call: Call) -> Result<Json<User>, Failure> {
    let (tenant, user_id) = (call.tenant().await?, call.path_param("user_id")?);
    Ok(users::get(call.hub(), call.actor(), Some(&tenant), user_id).await?.into())
}

pub(super) async fn update_user(
    call: Call,
    Command { body, .. }: Command<UpdateUser>,
) -> Result<Json<User>, Failure> {
    let (tenant, user_id) = (call.tenant().await?, call.path_param("user_id")?);
    Ok(users::update(call.hub(), call.actor(), Some(&tenant), user_id, body).await?.into())
}

/// A repeat changes nothing more, and answers with the person as they are now.
pub(super) async fn suspend_user(call: Call, _: Command<Nothing>) -> Result<Json<User>, Failure> {
    let (tenant, user_id) = (call.tenant().await?, call.path_param("user_id")?);
    Ok(users::suspend(call.hub(), call.actor(), Some(&tenant), user_id).await?.into())
}

/// As [`suspend_user`].
pub(super) async fn resume_user(call: Call, _: Command<Nothing>) -> Result<Json<User>, Failure> {
    let (tenant, user_id) = (call.tenant().await?, call.path_param("user_id")?);
    Ok(users::resume(call.hub(), call.actor(), Some(&tenant), user_id).await?.into())
}

pub(super) async fn reset_password(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<PasswordReset>, Failure> {
    let (tenant, user_id) = (call.tenant().await?, call.path_param("user_id")?);
    let (hub, actor) = (call.hub(), call.actor());
    Ok(users::offer_reset(hub, actor, &tenant, user_id, command.key).await?.into())
}

pub(super) async fn remove_user(call: Call) -> Result<NoContent, Failure> {
    let (tenant, user_id) = (call.tenant().await?, call.path_param("user_id")?);
    Ok(users::remove(call.hub(), call.actor(), Some(&tenant), user_id).await?.into())
}

pub(super) async fn list_user_sessions(call: Call) -> Result<Paged<UserSession>, Failure> {
    let (tenant, user_id) = (call.tenant().await?, call.path_param("user_id")?);
    Ok(sessions::list_of_member(call.hub(), call.actor(), &tenant, user_id).await?.into())
}

pub(super) async fn revoke_user_sessions(call: Call) -> Result<NoContent, Failure> {
    revoke(&call, None).await
}

pub(super) async fn revoke_user_session(call: Call) -> Result<NoContent, Failure> {
    revoke(&call, Some(call.path_param("session_id")?)).await
}

async fn revoke(call: &Call, session_id: Option<Id>) -> Result<NoContent, Failure> {
    let (tenant, user_id) = (call.tenant().await?, call.path_param("user_id")?);
    let (hub, actor) = (call.hub(), call.actor());
    Ok(sessions::revoke_of_member(hub, actor, &tenant, user_id, session_id).await?.into())
}
