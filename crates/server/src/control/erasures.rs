//! How long orders are stored, what holds them, and how they are erased. What the calls do is in `hub::retention` and
//! `hub::erasures`.

use contract::control::{
    EraseOrder, Erasure, ErasurePreview, Hold, List, PutHold, PutRetention, Retention,
};
use hub::{erasures, retention};

use super::answer::{Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Query};

pub(super) async fn get_retention(call: Call) -> Result<Json<Retention>, Failure> {
    let tenant_id = call.path_param("tenant_key")?;
    Ok(retention::get(call.hub(), call.actor(), tenant_id).await?.into())
}

pub(super) async fn put_retention(
    call: Call,
    command: Command<PutRetention>,
) -> Result<Json<Retention>, Failure> {
    let tenant_id = call.path_param("tenant_key")?;
    Ok(retention::put(call.hub(), call.actor(), tenant_id, command.body).await?.into())
}

pub(super) async fn get_tenant_hold(call: Call) -> Result<Json<Hold>, Failure> {
    let tenant = call.tenant().await?;
    Ok(retention::get_hold(call.hub(), call.actor(), &tenant, None).await?.into())
}

pub(super) async fn put_tenant_hold(
    call: Call,
    command: Command<PutHold>,
) -> Result<Json<Hold>, Failure> {
    let tenant = call.tenant().await?;
    Ok(retention::put_hold(call.hub(), call.actor(), &tenant, None, command.body).await?.into())
}

pub(super) async fn lift_tenant_hold(call: Call) -> Result<NoContent, Failure> {
    let tenant = call.tenant().await?;
    Ok(retention::lift_hold(call.hub(), call.actor(), &tenant, None).await?.into())
}

pub(super) async fn get_order_hold(call: Call) -> Result<Json<Hold>, Failure> {
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    Ok(retention::get_hold(call.hub(), call.actor(), &tenant, Some(order_id)).await?.into())
}

pub(super) async fn put_order_hold(
    call: Call,
    Command { body, .. }: Command<PutHold>,
) -> Result<Json<Hold>, Failure> {
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    Ok(retention::put_hold(call.hub(), call.actor(), &tenant, Some(order_id), body).await?.into())
}

pub(super) async fn lift_order_hold(call: Call) -> Result<NoContent, Failure> {
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    Ok(retention::lift_hold(call.hub(), call.actor(), &tenant, Some(order_id)).await?.into())
}

pub(super) async fn preview_erasures(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<ErasurePreview>, Failure> {
    let tenant = call.tenant().await?;
    Ok(erasures::preview(call.hub(), call.actor(), &tenant, list).await?.into())
}

pub(super) async fn list_erasures(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<Erasure>, Failure> {
    let tenant = call.tenant().await?;
    Ok(erasures::list(call.hub(), call.actor(), &tenant, list).await?.into())
}

pub(super) async fn erase_order(
    call: Call,
    command: Command<EraseOrder>,
) -> Result<Json<Erasure>, Failure> {
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    Ok(erasures::erase(call.hub(), call.actor(), &tenant, order_id, command.body).await?.into())
}
