//! Keys for the control API: a tenant's, which its admin alone makes, and the operator's. A value is in the first
//! answer alone. The last key that makes keys and does not end cannot be revoked.

use contract::control::{
    ApiKey, CreateApiKey, CreatedApiKey, FieldFault, KeyRole, List, Page, ProblemCode,
    ReplaceApiKey,
};
use domain::{Act, Actor, Id, Role, Roles, TenantId, UnixMs};
use store::api_keys::{ApiKeyFacts, ApiKeyLabel, KeyChange, KeyOwner, NewApiKey};
use store::tenants::Tenant;
use store::{Fault, FaultKind, IdempotencyKey};

use crate::error::{authorize, fault, validate};
use crate::idempotency::{self, Answer, Creation};
use crate::instant::{parse, rfc3339};
use crate::pages::{Of, Paging, read_all};
use crate::{Error, Hub, Input, keys};

const FIRST: &str = "first key";

/// Whose keys a call is about: a tenant's, or the operator's.
type Owner<'a> = Option<&'a Tenant>;

fn prefix(owner: Owner<'_>) -> &'static str {
    owner.map_or(keys::OPERATOR_PREFIX, |_| keys::TENANT_PREFIX)
}

fn authorize_owner(actor: &Actor, owner: Owner<'_>) -> Result<(), Error> {
    authorize(actor, owner.map_or(Act::ManageOperatorKeys, |_| Act::ManageKeys))
}

/// The actor of a key's value, and the tenant: none for the operator. None for what is no key in force.
pub async fn authenticate(
    hub: &Hub,
    api_key: &str,
) -> Result<Option<(Actor, Option<TenantId>)>, Error> {
    let now = hub.installation_clock.now();
    let Some(found) = hub.store.find_api_key(&keys::hash(api_key), now).await? else {
        return Ok(None);
    };
    let roles = parse_roles(&found.roles)?;
    // A key of a tenant is never the operator's, whatever its row says, and the other way round.
    let is_operator = roles.iter().any(|role| role == Role::Operator);
    if is_operator != found.tenant_id.is_none() {
        return Err(Fault::new(FaultKind::Damaged, "a key's role is not of its tenant").into());
    }
    // A person's key never does more than the person may now.
    let roles = match &found.member_roles {
        Some(member_roles) => roles.and(parse_roles(member_roles)?),
        None => roles,
    };
    hub.key_uses.note(found.key_id, now);
    Ok(Some((Actor::api_key(found.key_id, found.owner_id, roles), found.tenant_id)))
}

/// Makes a key; the first answer alone holds its value.
pub async fn create(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    input: Input<CreateApiKey>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<CreatedApiKey>, Error> {
    authorize_owner(actor, owner)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let (input, mut faults) = input.with_faults();
    validate_roles(owner, &input.roles, &mut faults);
    let CreateApiKey { name, owner: belongs_to, owner_id, mut roles, expires_at } = input;
    let by = hub.by(actor);
    let ends = expires_at.as_deref().and_then(parse).filter(|at| *at > by.at);
    if expires_at.is_some() && ends.is_none() && !faults.iter().any(|it| it.field == "expires_at") {
        faults
            .push(fault("expires_at", "expected an instant after now, as in 2027-03-01T08:00:00Z"));
    }
    let known = find_owner(hub, owner, owner_id.as_deref()).await?;
    if owner_id.is_some() && known.is_none() && !faults.iter().any(|it| it.field == "owner_id") {
        faults.push(fault(
            "owner_id",
            "expected a member who is not suspended, or a service account",
        ));
    }
    validate(faults)?;
    let (key_owner, belongs_to) = known.unwrap_or((KeyOwner::Itself, belongs_to));
    if owner.is_none() {
        roles = vec![KeyRole::Operator];
    }
    let api_key = keys::new_key(prefix(owner));
    let new = NewApiKey {
        key_id: hub.store.make_id(by.at),
        hash: keys::hash(&api_key),
        roles: Roles::of(&roles).to_string(),
        owner: key_owner,
        label: ApiKeyLabel { name, owner: belongs_to },
        expires_at: ends,
    };
    let facts = ApiKeyFacts {
        key_id: new.key_id,
        roles: new.roles.clone(),
        owner: new.owner,
        label: Some(new.label.clone()),
        created_at: by.at,
        expires_at: ends,
        old_until: None,
        last_used_at: None,
        revoked_at: None,
    };
    let body = CreatedApiKey { key: view(hub, &facts)?, api_key };
    let creation = Creation::ApiKey(owner, &new);
    idempotency::create(hub, by, creation, key, &body, &body.without_secret()).await
}

/// The member or service account of this id, and what it is called in free words: a person in none, since the person may go.
async fn find_owner(
    hub: &Hub,
    owner: Owner<'_>,
    owner_id: Option<&str>,
) -> Result<Option<(KeyOwner, String)>, Error> {
    let Some(id) = owner_id.and_then(|id| id.parse().ok()).map(Id) else { return Ok(None) };
    let tenant_id = owner.map(|tenant| tenant.tenant_id);
    if let Some(member) = hub.store.find_member(tenant_id, id).await? {
        let is_in_force = member.membership.suspended_at.is_none();
        return Ok(is_in_force.then(|| (KeyOwner::Person(id), String::new())));
    }
    let Some(tenant) = owner else { return Ok(None) };
    let account = hub.store.find_service_account(tenant, id).await?;
    Ok(account.map(|account| (KeyOwner::ServiceAccount(id), account.label.name)))
}

fn validate_roles(owner: Owner<'_>, roles: &[KeyRole], faults: &mut Vec<FieldFault>) {
    if owner.is_some() && roles.is_empty() {
        faults.push(fault("roles", "expected at least one role"));
    }
    let (is_operators, expected) = match owner {
        None => (true, "expected operator alone"),
        Some(_) => (false, "expected a role of a tenant"),
    };
    for (index, role) in roles.iter().enumerate() {
        if (*role == KeyRole::Operator) != is_operators {
            faults.push(fault(format!("roles[{index}]"), expected));
        }
    }
}

/// The keys without their values, newest first, revoked ones included.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    list: Input<List>,
) -> Result<Page<ApiKey>, Error> {
    authorize_owner(actor, owner)?;
    let paging = Paging::of_list(Of::ApiKeys, list)?;
    let keys = hub.store.list_api_keys(owner, paging.before(), paging.rows()).await?;
    read_all(paging.page(keys, |facts| view(hub, facts), |last| [last.key_id.0]))
}

/// One key, without its value.
pub async fn get(hub: &Hub, actor: &Actor, owner: Owner<'_>, key_id: Id) -> Result<ApiKey, Error> {
    authorize_owner(actor, owner)?;
    view(hub, &find(hub, owner, key_id).await?)
}

/// Gives a key another value, which the first answer alone holds; id, roles and end stay. The old value is refused now,
/// or after `grace_seconds`. Refuses a key that is revoked or over.
pub async fn replace(
    hub: &Hub,
    actor: &Actor,
    owner: Owner<'_>,
    key_id: Id,
    input: Input<ReplaceApiKey>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<CreatedApiKey>, Error> {
    authorize_owner(actor, owner)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let input = input.valid()?;
    let mut facts = find(hub, owner, key_id).await?;
    let (by, api_key) = (hub.by(actor), keys::new_key(prefix(owner)));
    let grace_seconds = input.grace_seconds.filter(|seconds| *seconds > 0);
    facts.old_until = grace_seconds.map(|seconds| by.at.plus_ms(i64::from(seconds) * 1_000));
    let body = CreatedApiKey { key: view(hub, &facts)?, api_key };
    let answer = idempotency::changed(hub, key, &body.without_secret());
    let (hash, until) = (keys::hash(&body.api_key), facts.old_until);
    match hub.store.replace_api_key(by, owner, facts.key_id, &hash, until, answer.as_ref()).await? {
        KeyChange::Done => Ok(Answer::new(&body)),
        KeyChange::KeyTaken => idempotency::first_of_twin(hub, key).await,
        KeyChange::NotInForce | KeyChange::Last => Err(Error::refused(
            ProblemCode::IllegalState,
            "expected a key that is neither revoked nor over: make a new one",
        )),
    }
}

/// Revokes a key for good, everywhere at once; a repeat is no error. Refuses the last endless one that makes keys.
pub async fn revoke(hub: &Hub, actor: &Actor, owner: Owner<'_>, key_id: Id) -> Result<(), Error> {
    authorize_owner(actor, owner)?;
    let facts = find(hub, owner, key_id).await?;
    let makes_keys = owner.map_or(Role::Operator, |_| Role::Admin).as_str();
    match hub.store.revoke_api_key(hub.by(actor), owner, facts.key_id, makes_keys).await? {
        KeyChange::Done | KeyChange::NotInForce | KeyChange::KeyTaken => Ok(()),
        KeyChange::Last => Err(Error::refused(
            ProblemCode::IllegalState,
            format!(
                "expected another key with the role {makes_keys} that does not end, or a person with it: \
                 nobody else could make one; make it first, or replace this key"
            ),
        )),
    }
}

async fn find(hub: &Hub, owner: Owner<'_>, key_id: Id) -> Result<ApiKeyFacts, Error> {
    hub.store.get_api_key(owner, key_id).await?.ok_or(Error::NotFound)
}

fn view(hub: &Hub, facts: &ApiKeyFacts) -> Result<ApiKey, Error> {
    let roles = parse_roles(&facts.roles)?;
    let label = facts.label.as_ref();
    // What was not recorded yet counts too.
    let used: Option<UnixMs> = facts.last_used_at.max(hub.key_uses.last(facts.key_id));
    Ok(ApiKey {
        key_id: facts.key_id.to_string(),
        name: label.map_or(FIRST, |label| &label.name).to_owned(),
        owner: label.map(|label| label.owner.clone()).filter(|owner| !owner.is_empty()),
        owner_id: match facts.owner {
            KeyOwner::Itself => None,
            KeyOwner::Person(id) | KeyOwner::ServiceAccount(id) => Some(id.to_string()),
        },
        roles: roles.iter().collect(),
        created_at: rfc3339(facts.created_at),
        expires_at: facts.expires_at.map(rfc3339),
        old_until: facts.old_until.map(rfc3339),
        last_used_at: used.map(rfc3339),
        revoked_at: facts.revoked_at.map(rfc3339),
    })
}

fn parse_roles(stored: &str) -> Result<Roles, Fault> {
    Roles::parse(stored).ok_or_else(|| Fault::new(FaultKind::Damaged, "a key's role is unknown"))
}
