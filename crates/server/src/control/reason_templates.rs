//! Reasons to choose from: `/tenants/{tenant_key}/reason_templates`. What the calls do is in `hub::reason_templates`.

use contract::control::{CreateReasonTemplate, ReasonTemplate, UpdateReasonTemplate};
use hub::reason_templates;

use super::answer::{Created, Json, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::Command;

pub(super) async fn create_reason_template(
    call: Call,
    Command { body, key }: Command<CreateReasonTemplate>,
) -> Result<Created<ReasonTemplate>, Failure> {
    let tenant = call.tenant().await?;
    Ok(reason_templates::create(call.hub(), call.actor(), &tenant, body, key).await?.into())
}

pub(super) async fn list_reason_templates(call: Call) -> Result<Paged<ReasonTemplate>, Failure> {
    let tenant = call.tenant().await?;
    Ok(reason_templates::list(call.hub(), call.actor(), &tenant).await?.into())
}

pub(super) async fn update_reason_template(
    call: Call,
    Command { body, .. }: Command<UpdateReasonTemplate>,
) -> Result<Json<ReasonTemplate>, Failure> {
    let (tenant, template_id) = (call.tenant().await?, call.path_param("template_id")?);
    let (hub, actor) = (call.hub(), call.actor());
    Ok(reason_templates::update(hub, actor, &tenant, template_id, body).await?.into())
}

pub(super) async fn delete_reason_template(call: Call) -> Result<NoContent, Failure> {
    let (tenant, template_id) = (call.tenant().await?, call.path_param("template_id")?);
    Ok(reason_templates::delete(call.hub(), call.actor(), &tenant, template_id).await?.into())
}
