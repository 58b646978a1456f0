//! Apps: `/apps`, and what the operator is to look at: `/alerts`. What the calls do is in `hub::apps`.

use contract::control::{
    Alert, App, Connection, CreateApp, CreatedApp, ExplainSignature, List, PauseApp, PutQuota,
    ResendSince, Resent, RotateSecret, RotatedSecret, SignatureExplanation, StorageUse, UpdateApp,
    UrlCheck,
};
use hub::apps::{self};
use hub::quotas::{self, Holder};

use super::answer::{Created, Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Nothing, Query};

pub(super) async fn create_app(
    call: Call,
    Command { body, key }: Command<CreateApp>,
) -> Result<Created<CreatedApp>, Failure> {
    Ok(apps::create(call.hub(), call.actor(), body, key).await?.into())
}

pub(super) async fn list_apps(call: Call, Query(list): Query<List>) -> Result<Paged<App>, Failure> {
    Ok(apps::list(call.hub(), call.actor(), list).await?.into())
}

pub(super) async fn get_app(call: Call) -> Result<Json<App>, Failure> {
    Ok(apps::get(call.actor(), &*call.vendor_app().await?)?.into())
}

pub(super) async fn update_app(
    call: Call,
    command: Command<UpdateApp>,
) -> Result<Json<App>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::update(call.hub(), call.actor(), app_id, command.body).await?.into())
}

pub(super) async fn delete_app(call: Call) -> Result<NoContent, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::delete(call.hub(), call.actor(), app_id).await?.into())
}

pub(super) async fn enable_app(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<App>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::set_enabled(call.hub(), call.actor(), app_id, true, command.key).await?.into())
}

pub(super) async fn disable_app(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<App>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::set_enabled(call.hub(), call.actor(), app_id, false, command.key).await?.into())
}

pub(super) async fn pause_app(
    call: Call,
    Command { body, key }: Command<PauseApp>,
) -> Result<Json<App>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::pause(call.hub(), call.actor(), app_id, body, key).await?.into())
}

pub(super) async fn resume_app(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<App>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::resume(call.hub(), call.actor(), app_id, command.key).await?.into())
}

pub(super) async fn verify_url(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<UrlCheck>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::verify_url(call.hub(), call.actor(), app_id, command.key).await?.into())
}

pub(super) async fn rotate_secret(
    call: Call,
    Command { body, key }: Command<RotateSecret>,
) -> Result<Json<RotatedSecret>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::rotate(call.hub(), call.actor(), app_id, body, key).await?.into())
}

pub(super) async fn explain_signature(
    call: Call,
    command: Command<ExplainSignature>,
) -> Result<Json<SignatureExplanation>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::explain_signature(call.hub(), call.actor(), app_id, command.body).await?.into())
}

pub(super) async fn resend_app_events(
    call: Call,
    Command { body, key }: Command<ResendSince>,
) -> Result<Json<Resent>, Failure> {
    let app_id = call.path_param("app_id")?;
    Ok(apps::resend(call.hub(), call.actor(), app_id, body, key).await?.into())
}

pub(super) async fn list_alerts(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<Alert>, Failure> {
    Ok(apps::list_alerts(call.hub(), call.actor(), list).await?.into())
}

pub(super) async fn list_app_connections(call: Call) -> Result<Paged<Connection>, Failure> {
    let app_id = call.vendor_app().await?.app_id;
    Ok(apps::list_connections(call.hub(), call.actor(), app_id).await?.into())
}

pub(super) async fn get_app_quota(call: Call) -> Result<Json<StorageUse>, Failure> {
    let holder = Holder::App(call.vendor_app().await?.app_id);
    Ok(quotas::get(call.hub(), call.actor(), holder).await?.into())
}

pub(super) async fn put_app_quota(
    call: Call,
    command: Command<PutQuota>,
) -> Result<Json<StorageUse>, Failure> {
    let holder = Holder::App(call.vendor_app().await?.app_id);
    Ok(quotas::put(call.hub(), call.actor(), holder, command.body).await?.into())
}
