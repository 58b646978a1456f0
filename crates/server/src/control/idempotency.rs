//! Repeats of a POST with the same Idempotency-Key: they find their first answer for 24 hours.
//!
//! A creation keeps its answer, sealed, in the commit that creates, so that a repeat gives the same bytes, but for what
//! is shown once: that is not stored, and a repeat says what was done without it. A command on an order keeps the order's id: a repeat answers with the order as it is now. Two at
//! once are decided by the commit: the second finds the key taken, and then the first one's answer.

use axum::http::StatusCode;
use axum::response::Response;
use hub::idempotency::find_used_key;
use serde::Serialize;
use store::accounts::Account;
use store::answers::StoredAnswer;
use store::api_keys::NewApiKey;
use store::apps::App;
use store::audit::By;
use store::files::File;
use store::tenants::{NewTenant, Tenant};
use store::{Fault, FaultKind, IdempotencyKey, Saved, Store};

use super::auth::Call;
use super::failure::Failure;
use super::request::{raw_json, to_json};

/// What a POST creates.
pub(super) enum Creation<'a> {
    Tenant(&'a NewTenant),
    App(&'a App),
    /// Of a tenant, or of the operator.
    ApiKey(Option<&'a Tenant>, &'a NewApiKey),
    Account(&'a Tenant, &'a Account),
    File(&'a Tenant, &'a File),
}

impl Creation<'_> {
    async fn save(
        &self,
        by: By,
        store: &Store,
        answer: Option<&StoredAnswer>,
    ) -> Result<Saved, Fault> {
        match self {
            Creation::Tenant(tenant) => store.create_tenant(by, tenant, answer).await,
            Creation::App(app) => store.create_app(by, app, answer).await,
            Creation::ApiKey(tenant, key) => store.create_api_key(by, *tenant, key, answer).await,
            Creation::Account(tenant, account) => {
                store.bind_account(by, tenant, account, answer).await
            }
            Creation::File(tenant, file) => store.create_file(tenant, file, answer).await,
        }
    }
}

/// An answer in two texts: as it is given first, and as repeats get it.
pub(super) struct Answer {
    pub(super) first: Vec<u8>,
    pub(super) repeat: Vec<u8>,
}

impl Answer {
    /// The same for everybody.
    pub(super) fn same(body: &impl Serialize) -> Answer {
        Answer { first: to_json(body), repeat: to_json(body) }
    }

    /// With what is shown once, and without it.
    pub(super) fn shown_once<T: Serialize>(body: &T, without_secret: &T) -> Answer {
        Answer { first: to_json(body), repeat: to_json(without_secret) }
    }
}

/// The answer that a creation with this key gave before.
pub(super) async fn find_first_answer(
    call: &Call,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Response>, Failure> {
    let Some(used) = find_used_key(&call.app.hub, key).await? else { return Ok(None) };
    let body = used.body.ok_or_else(|| {
        Fault::new(FaultKind::Damaged, "an idempotency key of a creation has no answer")
    })?;
    let status = StatusCode::from_u16(used.http_status).unwrap_or(StatusCode::CREATED);
    Ok(Some(raw_json(status, body)))
}

/// Creates, and answers 201 with `answer`; or gives the first answer of a twin that was quicker.
pub(super) async fn create(
    call: &Call,
    key: Option<IdempotencyKey>,
    creation: Creation<'_>,
    answer: Answer,
) -> Result<Response, Failure> {
    let (status, Answer { first: body, repeat }) = (StatusCode::CREATED, answer);
    let at = call.app.hub.clock.now();
    let answer =
        key.map(|key| StoredAnswer { key, http_status: status.as_u16(), body: repeat, at });
    for _ in 0..2 {
        if creation.save(call.by(), &call.app.hub.store, answer.as_ref()).await? == Saved::Done {
            return Ok(raw_json(status, body));
        }
        if let Some(first) = find_first_answer(call, key.as_ref()).await? {
            return Ok(first);
        }
        // The key is older than 24 hours, and was not forgotten yet.
        call.app.hub.store.forget_old_answers(at).await?;
    }
    Err(twin())
}

/// Answers with `body` to a call that has done its work, and keeps the answer for repeats; or gives the first answer
/// of a twin that was quicker. What such a call does may be done twice without harm, as it is when the process ends
/// between the two.
pub(super) async fn keep(
    call: &Call,
    key: Option<IdempotencyKey>,
    status: StatusCode,
    body: &impl Serialize,
) -> Result<Response, Failure> {
    let body = to_json(body);
    let Some(key) = key else { return Ok(raw_json(status, body)) };
    let (http_status, at) = (status.as_u16(), call.app.hub.clock.now());
    let answer = StoredAnswer { key, http_status, body: body.clone(), at };
    if call.app.hub.store.keep_answer_alone(&answer).await? == Saved::Done {
        return Ok(raw_json(status, body));
    }
    find_first_answer(call, Some(&answer.key)).await?.ok_or_else(twin)
}

/// Twins with the same key that meet again and again.
pub(super) fn twin() -> Failure {
    hub::Error::SameKeyAtOnce.into()
}
