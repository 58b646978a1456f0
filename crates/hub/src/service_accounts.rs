//! Service accounts of a tenant: what its keys belong to that belong to no person.

use contract::control::{
    self, CreateServiceAccount, List, Page, ProblemCode, UpdateServiceAccount,
};
use domain::{Act, Actor, Id, Role};
use store::service_accounts::{Removed, ServiceAccount, ServiceAccountLabel};
use store::tenants::Tenant;
use store::{IdempotencyKey, Saved};

use crate::error::authorize;
use crate::idempotency::{self, Answer, Creation};
use crate::instant::rfc3339;
use crate::pages::{Of, Paging};
use crate::{Error, Hub, Input};

/// Makes a service account.
pub async fn create(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    input: Input<CreateServiceAccount>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::ServiceAccount>, Error> {
    authorize(actor, Act::ManageServiceAccounts)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let CreateServiceAccount { name, description } = input.valid()?;
    let by = hub.by(actor);
    let account = ServiceAccount {
        service_account_id: hub.store.make_id(by.at),
        label: ServiceAccountLabel { name, description },
        created_at: by.at,
    };
    let body = view(&account);
    let creation = Creation::ServiceAccount(tenant, &account);
    idempotency::create(hub, by, creation, key, &body, &body).await
}

/// The service accounts, newest first.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<List>,
) -> Result<Page<control::ServiceAccount>, Error> {
    authorize(actor, Act::ManageServiceAccounts)?;
    let paging = Paging::of_list(Of::ServiceAccounts, list)?;
    let rows = hub.store.list_service_accounts(tenant, paging.before(), paging.rows()).await?;
    Ok(paging.page(rows, view, |last| [last.service_account_id.0]))
}

/// One service account.
pub async fn get(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    id: Id,
) -> Result<control::ServiceAccount, Error> {
    authorize(actor, Act::ManageServiceAccounts)?;
    Ok(view(&find(hub, tenant, id).await?))
}

/// Changes name and purpose; absent members keep their value.
pub async fn update(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    id: Id,
    input: Input<UpdateServiceAccount>,
) -> Result<control::ServiceAccount, Error> {
    authorize(actor, Act::ManageServiceAccounts)?;
    let input = input.valid()?;
    let mut account = find(hub, tenant, id).await?;
    let label = &mut account.label;
    label.name = input.name.unwrap_or_else(|| label.name.clone());
    label.description = input.description.unwrap_or_else(|| label.description.clone());
    match hub.store.update_service_account(hub.by(actor), tenant, id, &account.label).await? {
        Saved::Done => Ok(view(&account)),
        Saved::Outdated | Saved::KeyTaken => Err(Error::NotFound),
    }
}

/// Removes a service account with its keys, which are refused at once. Refuses with [`ProblemCode::IllegalState`] when one of
/// them is the last that makes keys.
pub async fn remove(hub: &Hub, actor: &Actor, tenant: &Tenant, id: Id) -> Result<(), Error> {
    authorize(actor, Act::ManageServiceAccounts)?;
    let admin = Role::Admin.as_str();
    match hub.store.remove_service_account(hub.by(actor), tenant, id, admin).await? {
        Removed::Done => Ok(()),
        Removed::NotFound => Err(Error::NotFound),
        Removed::LastKey => Err(Error::refused(
            ProblemCode::IllegalState,
            "expected an admin, or another key with the role admin that does not end: nobody else could make one",
        )),
    }
}

async fn find(hub: &Hub, tenant: &Tenant, id: Id) -> Result<ServiceAccount, Error> {
    hub.store.find_service_account(tenant, id).await?.ok_or(Error::NotFound)
}

fn view(account: &ServiceAccount) -> control::ServiceAccount {
    control::ServiceAccount {
        service_account_id: account.service_account_id.to_string(),
        name: account.label.name.clone(),
        description: account.label.description.clone(),
        created_at: rfc3339(account.created_at),
    }
}
