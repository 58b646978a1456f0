//! Keys for the control API: a tenant's, which its admin alone makes, below `/tenants/{tenant_key}/api_keys`; and the
//! operator's below `/api_keys`. (`/keys/rotate` is about the installation's root key.)
//!
//! A value is shown once, in the answer that makes it. The last key that makes keys and does not end cannot be revoked.

pub(super) mod operator;
pub(super) mod tenant;

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{
    ApiKey, CreateApiKey, CreatedApiKey, FieldFault, KeyRole, List, Page, ProblemCode,
    ReplaceApiKey,
};
use domain::{Id, Role, Roles, UnixMs};
use store::answers::StoredAnswer;
use store::api_keys::{ApiKeyFacts, ApiKeyLabel, KeyChange, NewApiKey};
use store::tenants::Tenant;
use store::{Fault, FaultKind};

use super::auth::Call;
use super::cursor::{self, Of};
use super::failure::{Failure, validate};
use super::idempotency::{self, Answer, Creation};
use super::request::{Command, Query, json, raw_json};
use crate::app::App;
use crate::keys;
use hub::instant::{parse, rfc3339};

/// What the first key of a tenant or an installation is called.
const FIRST: &str = "first key";

/// Whose keys a call is about: a tenant's, or the operator's.
type Owner<'a> = Option<&'a Tenant>;

fn prefix(owner: Owner<'_>) -> &'static str {
    owner.map_or(keys::OPERATOR_PREFIX, |_| keys::TENANT_PREFIX)
}

async fn create(
    call: &Call,
    owner: Owner<'_>,
    command: Command<CreateApiKey>,
    mut faults: Vec<FieldFault>,
) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let CreateApiKey { name, owner: belongs_to, mut roles, expires_at } = command.body;
    let now = call.app.hub.clock.now();
    let ends = expires_at.as_deref().and_then(parse).filter(|at| *at > now);
    if expires_at.is_some() && ends.is_none() && !faults.iter().any(|it| it.field == "expires_at") {
        let message = "expected an instant after now, as in 2027-03-01T08:00:00Z".to_owned();
        faults.push(FieldFault { field: "expires_at".to_owned(), message });
    }
    validate(faults)?;
    if owner.is_none() {
        roles = vec![KeyRole::Operator];
    }
    let api_key = keys::new_key(prefix(owner));
    let key = NewApiKey {
        key_id: call.app.hub.store.make_id(now),
        hash: keys::hash(&api_key),
        roles: stored_roles(&roles).to_string(),
        label: ApiKeyLabel { name, owner: belongs_to },
        expires_at: ends,
    };
    let facts = ApiKeyFacts {
        key_id: key.key_id,
        roles: key.roles.clone(),
        label: Some(key.label.clone()),
        created_at: now,
        expires_at: ends,
        old_until: None,
        last_used_at: None,
        revoked_at: None,
    };
    let body = CreatedApiKey { key: view(&call.app, &facts)?, api_key };
    let answer = Answer::shown_once(&body, &body.without_secret());
    idempotency::create(call, command.key, Creation::ApiKey(owner, &key), answer).await
}

async fn list(call: &Call, owner: Owner<'_>, list: Query<List>) -> Result<Response, Failure> {
    let Query(list) = list;
    validate(list.faults())?;
    let before = cursor::read(Of::ApiKeys, list.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[key_id]| Id(key_id));
    let limit = cursor::limit(list.limit);
    let keys = call.app.hub.store.list_api_keys(owner, before, limit + 1).await?;
    let page =
        cursor::page(keys, limit, Clone::clone, |last| cursor::write(Of::ApiKeys, [last.key_id.0]));
    let items = page.items.iter().map(|facts| view(&call.app, facts)).collect::<Result<_, _>>()?;
    Ok(json(StatusCode::OK, &Page { items, next_cursor: page.next_cursor }))
}

async fn get(call: &Call, owner: Owner<'_>) -> Result<Response, Failure> {
    Ok(json(StatusCode::OK, &view(&call.app, &find(call, owner).await?)?))
}

async fn replace(
    call: &Call,
    owner: Owner<'_>,
    command: Command<ReplaceApiKey>,
) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(call, command.key.as_ref()).await? {
        return Ok(first);
    }
    validate(command.body.faults())?;
    let mut facts = find(call, owner).await?;
    let (by, api_key) = (call.by(), keys::new_key(prefix(owner)));
    let grace_seconds = command.body.grace_seconds.filter(|seconds| *seconds > 0);
    facts.old_until = grace_seconds.map(|seconds| by.at.plus_ms(i64::from(seconds) * 1_000));
    let body = CreatedApiKey { key: view(&call.app, &facts)?, api_key };
    let answer = Answer::shown_once(&body, &body.without_secret());
    let stored = command.key.map(|key| StoredAnswer {
        key,
        http_status: StatusCode::OK.as_u16(),
        body: answer.repeat,
        at: by.at,
    });
    let (hash, until) = (keys::hash(&body.api_key), facts.old_until);
    let store = &call.app.hub.store;
    match store.replace_api_key(by, owner, facts.key_id, &hash, until, stored.as_ref()).await? {
        KeyChange::Done => Ok(raw_json(StatusCode::OK, answer.first)),
        KeyChange::KeyTaken => {
            let key = stored.as_ref().map(|stored| &stored.key);
            idempotency::find_first_answer(call, key).await?.ok_or_else(idempotency::twin)
        }
        KeyChange::NotInForce | KeyChange::Last => Err(Failure::refused(
            ProblemCode::IllegalState,
            "expected a key that is neither revoked nor over: make a new one",
        )),
    }
}

async fn revoke(call: &Call, owner: Owner<'_>) -> Result<Response, Failure> {
    let facts = find(call, owner).await?;
    let makes_keys = owner.map_or(Role::Operator, |_| Role::Admin).as_str();
    let store = &call.app.hub.store;
    match store.revoke_api_key(call.by(), owner, facts.key_id, makes_keys).await? {
        // Revoked before: it is as it was asked for.
        KeyChange::Done | KeyChange::NotInForce | KeyChange::KeyTaken => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        KeyChange::Last => Err(Failure::refused(
            ProblemCode::IllegalState,
            format!(
                "expected another key with the role {makes_keys} that does not end: nobody else \
                 could make one; make it first, or replace this key"
            ),
        )),
    }
}

/// The key in the path.
async fn find(call: &Call, owner: Owner<'_>) -> Result<ApiKeyFacts, Failure> {
    let facts = call.app.hub.store.get_api_key(owner, call.path_param("key_id")?).await?;
    facts.ok_or_else(Failure::not_found)
}

fn view(app: &App, facts: &ApiKeyFacts) -> Result<ApiKey, Failure> {
    let roles = Roles::parse(&facts.roles)
        .ok_or_else(|| Fault::new(FaultKind::Damaged, "a key's role is unknown"))?;
    let label = facts.label.as_ref();
    // What was not recorded yet counts too.
    let used: Option<UnixMs> = facts.last_used_at.max(app.key_uses.last(facts.key_id));
    Ok(ApiKey {
        key_id: facts.key_id.to_string(),
        name: label.map_or(FIRST, |label| &label.name).to_owned(),
        owner: label.map(|label| label.owner.clone()),
        roles: roles.iter().map(shown_role).collect(),
        created_at: rfc3339(facts.created_at),
        expires_at: facts.expires_at.map(rfc3339),
        old_until: facts.old_until.map(rfc3339),
        last_used_at: used.map(rfc3339),
        revoked_at: facts.revoked_at.map(rfc3339),
    })
}

fn stored_roles(roles: &[KeyRole]) -> Roles {
    let role = |role: &KeyRole| match role {
        KeyRole::Operator => Role::Operator,
        KeyRole::Admin => Role::Admin,
        KeyRole::Recruiter => Role::Recruiter,
        KeyRole::Approver => Role::Approver,
        KeyRole::PrivacyOfficer => Role::PrivacyOfficer,
        KeyRole::Auditor => Role::Auditor,
    };
    Roles::of(&roles.iter().map(role).collect::<Vec<_>>())
}

fn shown_role(role: Role) -> KeyRole {
    match role {
        Role::Operator => KeyRole::Operator,
        Role::Admin => KeyRole::Admin,
        Role::Recruiter => KeyRole::Recruiter,
        Role::Approver => KeyRole::Approver,
        Role::PrivacyOfficer => KeyRole::PrivacyOfficer,
        Role::Auditor => KeyRole::Auditor,
    }
}
