//! Installations of store apps: `/apps/{app_id}/installations`. What the calls do is in `hub::installations`.

use contract::control::{Installation, List, PutInstallation};
use hub::installations;

use super::answer::{Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Query};

pub(super) async fn list_installations(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<Installation>, Failure> {
    let app_id = call.vendor_app().await?.app_id;
    Ok(installations::list(call.hub(), call.actor(), app_id, list).await?.into())
}

pub(super) async fn put_installation(
    call: Call,
    command: Command<PutInstallation>,
) -> Result<Json<Installation>, Failure> {
    let (app, tenant_id) = (call.vendor_app().await?, call.tenant().await?.tenant_id);
    let (hub, actor) = (call.hub(), call.actor());
    Ok(installations::put(hub, actor, &app, tenant_id, command.body).await?.into())
}

pub(super) async fn get_installation(call: Call) -> Result<Json<Installation>, Failure> {
    let (app_id, tenant_id) = (call.vendor_app().await?.app_id, call.tenant().await?.tenant_id);
    Ok(installations::get(call.hub(), call.actor(), app_id, tenant_id).await?.into())
}

pub(super) async fn delete_installation(call: Call) -> Result<NoContent, Failure> {
    let (app_id, tenant_id) = (call.vendor_app().await?.app_id, call.tenant().await?.tenant_id);
    Ok(installations::delete(call.hub(), call.actor(), app_id, tenant_id).await?.into())
}
