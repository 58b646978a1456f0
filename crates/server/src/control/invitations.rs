//! Invitations to a tenant: below `/tenants/{tenant_key}/invitations`. What the calls do is in `hub::invitations`.

use contract::control::{CreateInvitation, CreatedInvitation, Invitation, List};
use hub::invitations;

use super::answer::{Created, NoContent, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Query};

pub(super) async fn create_invitation(
    call: Call,
    Command { body, key }: Command<CreateInvitation>,
) -> Result<Created<CreatedInvitation>, Failure> {
    let tenant = call.tenant().await?;
    Ok(invitations::create(call.hub(), call.actor(), Some(&tenant), body, key).await?.into())
}

pub(super) async fn list_invitations(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<Invitation>, Failure> {
    let tenant = call.tenant().await?;
    Ok(invitations::list(call.hub(), call.actor(), Some(&tenant), list).await?.into())
}

pub(super) async fn revoke_invitation(call: Call) -> Result<NoContent, Failure> {
    let (tenant, invitation_id) = (call.tenant().await?, call.path_param("invitation_id")?);
    Ok(invitations::revoke(call.hub(), call.actor(), Some(&tenant), invitation_id).await?.into())
}
