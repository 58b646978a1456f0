//! People of a tenant, as its admin looks after them; the operators alike, for an operator. What a person does to their own
//! access is in `own.rs`, the second factor in `factor.rs`, a new password by a link in `reset.rs`.
//!
//! A person of another tenant is not found. Nobody sets another's password.

mod factor;
pub(crate) mod fields;
mod own;
mod reset;

use std::collections::HashMap;

use contract::control::{List, Page, ProblemCode, UpdateUser, User};
use domain::{Act, Actor, Id, Role, Roles, TenantId};
use store::members::{Change, Member, MemberChange};
use store::tenants::Tenant;

use crate::error::{authorize, validate};
use crate::instant::rfc3339;
use crate::pages::{Of, Paging, read_all};
use crate::sessions::roles;
use crate::{Error, Hub, Input};

pub use factor::{
    TotpSetup, begin_totp, confirm_totp, count_recovery_codes, disable_totp, renew_recovery_codes,
};
pub use own::{Preferences, change_password, set_locale, set_preferences, set_theme};
pub use reset::{RESET_PATH, Reset, find_reset, offer_reset, reset_password};

/// Whose people a call is about: a tenant's, or the operators.
pub type Owner<'a> = Option<&'a Tenant>;

pub(crate) fn owner_id(owner: Owner<'_>) -> Option<TenantId> {
    owner.map(|tenant| tenant.tenant_id)
}

fn authorize_see(actor: &Actor, owner: Owner<'_>) -> Result<(), Error> {
    authorize(actor, owner.map_or(Act::ManageOperators, |_| Act::SeeUsers))
}

fn authorize_change(actor: &Actor, owner: Owner<'_>) -> Result<(), Error> {
    authorize(actor, owner.map_or(Act::ManageOperators, |_| Act::ManageUsers))
}

/// The members, the one who joined the installation last first, suspended ones included.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    list: Input<List>,
) -> Result<Page<User>, Error> {
    authorize_see(actor, owner)?;
    let paging = Paging::of_list(Of::Users, list)?;
    let (tenant_id, before) = (owner_id(owner), paging.before());
    let members = hub.store.list_members(tenant_id, before, paging.rows()).await?;
    read_all(paging.page(members, view, |last| [last.user.user_id.0]))
}

/// One member.
pub async fn get(hub: &Hub, actor: &Actor, owner: Owner<'_>, user_id: Id) -> Result<User, Error> {
    authorize_see(actor, owner)?;
    view(&find(hub, owner, user_id).await?)
}

/// What members are called, by their ids, for actors that may list orders; ids of nobody here are left out.
pub async fn names(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    user_ids: &[Id],
) -> Result<HashMap<Id, String>, Error> {
    authorize(actor, Act::ListOrders)?;
    let mut names = HashMap::new();
    for user_id in user_ids {
        if let Some(member) = hub.store.find_member(Some(tenant.tenant_id), *user_id).await? {
            names.insert(*user_id, member.user.profile.name);
        }
    }
    Ok(names)
}

/// Gives a member other roles. Refuses with [`ProblemCode::IllegalState`] to take the role from the last admin.
pub async fn update(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    user_id: Id,
    input: Input<UpdateUser>,
) -> Result<User, Error> {
    authorize_change(actor, owner)?;
    let (input, mut faults) = input.with_faults();
    faults.extend(fields::roles(owner, &input.roles));
    validate(faults)?;
    let roles = Roles::of(&input.roles).to_string();
    change(hub, actor, owner, user_id, Change::Roles(&roles)).await?;
    view(&find(hub, owner, user_id).await?)
}

/// Keeps a member from doing anything; all their sessions end, and their keys are refused. A repeat is no error.
/// Refuses with [`ProblemCode::IllegalState`] the last admin.
pub async fn suspend(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    user_id: Id,
) -> Result<User, Error> {
    change_and_show(hub, actor, owner, user_id, Change::Suspend).await
}

/// Lets a member act again; a repeat is no error.
pub async fn resume(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    user_id: Id,
) -> Result<User, Error> {
    change_and_show(hub, actor, owner, user_id, Change::Resume).await
}

async fn change_and_show(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    user_id: Id,
    what: Change<'_>,
) -> Result<User, Error> {
    authorize_change(actor, owner)?;
    change(hub, actor, owner, user_id, what).await?;
    view(&find(hub, owner, user_id).await?)
}

/// Removes a member with their keys; a person who is nowhere else is forgotten.
/// Refuses with [`ProblemCode::IllegalState`] the last admin.
pub async fn remove(hub: &Hub, actor: &Actor, owner: Owner<'_>, user_id: Id) -> Result<(), Error> {
    authorize_change(actor, owner)?;
    change(hub, actor, owner, user_id, Change::Remove).await
}

async fn change(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    user_id: Id,
    change: Change<'_>,
) -> Result<(), Error> {
    let guards = owner.map_or(Role::Operator, |_| Role::Admin).as_str();
    let (by, tenant_id) = (hub.by(actor), owner_id(owner));
    match hub.store.change_member(by, tenant_id, user_id, guards, change).await? {
        MemberChange::Done => Ok(()),
        MemberChange::NotFound => Err(Error::NotFound),
        MemberChange::Last => Err(Error::refused(
            ProblemCode::IllegalState,
            format!(
                "expected another person with the role {guards}: nobody else could give it back"
            ),
        )),
    }
}

async fn find(hub: &Hub, owner: Owner<'_>, user_id: Id) -> Result<Member, Error> {
    hub.store.find_member(owner_id(owner), user_id).await?.ok_or(Error::NotFound)
}

fn view(member: &Member) -> Result<User, Error> {
    let (membership, user) = (&member.membership, &member.user);
    Ok(User {
        user_id: user.user_id.to_string(),
        name: user.profile.name.clone(),
        email: user.profile.email.clone(),
        roles: roles(membership)?.iter().collect(),
        has_totp: user.totp.as_ref().is_some_and(|totp| totp.on_at.is_some()),
        joined_at: rfc3339(membership.created_at),
        suspended_at: membership.suspended_at.map(rfc3339),
    })
}
