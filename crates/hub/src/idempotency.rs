//! Repeats of a call with the same Idempotency-Key find the first answer for 24 hours. A creation stores its answer,
//! sealed, in its own commit, without what is shown once, so that a repeat gets the same bytes but for that. A command
//! on an order stores the order's id: a repeat answers with the order as it is now. Of two at once the commit decides:
//! the second finds the key taken, and gets the first one's answer.

use std::marker::PhantomData;

use contract::control::ProblemCode;
use serde::Serialize;
use store::accounts::Account;
use store::answers::{StoredAnswer, UsedKey};
use store::api_keys::NewApiKey;
use store::apps::App;
use store::audit::By;
use store::files::File;
use store::one_time_links::OneTimeLink;
use store::reason_templates::ReasonTemplate;
use store::service_accounts::ServiceAccount;
use store::tenants::{NewTenant, Tenant};
use store::{Fault, FaultKind, IdempotencyKey, Saved, Store};

use crate::{Error, Hub};

const CREATED: u16 = 201;
const DONE: u16 = 200;

/// The JSON answer of a call that can be repeated: of this call, or of the first one.
#[derive(Debug)]
pub struct Answer<T> {
    /// The JSON text.
    pub json: Vec<u8>,
    of: PhantomData<T>,
}

impl<T> Answer<T> {
    fn of(json: Vec<u8>) -> Answer<T> {
        Answer { json, of: PhantomData }
    }
}

impl<T: Serialize> Answer<T> {
    /// An answer with this view.
    pub fn new(view: &T) -> Answer<T> {
        Answer::of(to_json(view))
    }
}

fn to_json(view: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(view).expect("views are texts, numbers and lists")
}

/// The use of this key by the same request. Refuses a key that was used for another one.
pub(crate) async fn find_used_key(
    hub: &Hub,
    key: Option<&IdempotencyKey>,
) -> Result<Option<UsedKey>, Error> {
    let Some(key) = key else { return Ok(None) };
    match hub.store.find_used_key(key, hub.installation_clock.now()).await? {
        Some(used) if used.request_digest != key.request_digest => Err(Error::refused(
            ProblemCode::IdempotencyKeyReused,
            "expected an idempotency-key that no other request of the last 24 hours had",
        )),
        used => Ok(used),
    }
}

pub(crate) async fn find_first<T>(
    hub: &Hub,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Answer<T>>, Error> {
    let Some(used) = find_used_key(hub, key).await? else { return Ok(None) };
    let body = used.body.ok_or_else(|| {
        Fault::new(FaultKind::Damaged, "an idempotency key of a creation has no answer")
    })?;
    Ok(Some(Answer::of(body)))
}

pub(crate) enum Creation<'a> {
    Tenant(&'a NewTenant),
    App(&'a App),
    /// Of a tenant, or of the operator.
    ApiKey(Option<&'a Tenant>, &'a NewApiKey),
    Account(&'a Tenant, &'a Account),
    File(&'a Tenant, &'a File),
    /// By the hash of its token.
    OneTimeLink(&'a [u8; 32], &'a OneTimeLink),
    ServiceAccount(&'a Tenant, &'a ServiceAccount),
    ReasonTemplate(&'a Tenant, &'a ReasonTemplate),
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
            Creation::OneTimeLink(hash, link) => {
                store.create_one_time_link(by, hash, link, answer).await
            }
            Creation::ServiceAccount(tenant, account) => {
                store.create_service_account(by, tenant, account, answer).await
            }
            Creation::ReasonTemplate(tenant, template) => {
                store.create_reason_template(by, tenant, template, answer).await
            }
        }
    }
}

/// Creates, with the answer in the same commit; or gives the first answer of a twin that came first. Repeats get
/// `repeat`, the view without what is shown once.
pub(crate) async fn create<T: Serialize>(
    hub: &Hub,
    by: By,
    creation: Creation<'_>,
    key: Option<IdempotencyKey>,
    view: &T,
    repeat: &T,
) -> Result<Answer<T>, Error> {
    let at = hub.installation_clock.now();
    let stored = stored(hub, key, CREATED, repeat);
    for _ in 0..2 {
        match creation.save(by, &hub.store, stored.as_ref()).await? {
            Saved::Done => return Ok(Answer::new(view)),
            Saved::Outdated => return Err(Error::NotFound),
            Saved::KeyTaken => {}
        }
        if let Some(first) = find_first(hub, key.as_ref()).await? {
            return Ok(first);
        }
        // The key is older than 24 hours, and its answer is still stored.
        hub.store.forget_old_answers(at).await?;
    }
    Err(same_key_at_once())
}

/// Stores the answer of a call that has done its work; or gives the first answer of a twin that came first. The work
/// must be harmless to do twice, as happens when the process ends between the two.
pub(crate) async fn keep<T: Serialize>(
    hub: &Hub,
    key: Option<IdempotencyKey>,
    view: &T,
) -> Result<Answer<T>, Error> {
    let Some(answer) = stored(hub, key, DONE, view) else { return Ok(Answer::new(view)) };
    if hub.store.keep_answer_alone(&answer).await? == Saved::Done {
        return Ok(Answer::of(answer.body));
    }
    first_of_twin(hub, key).await
}

/// The answer of a change, to be stored in the same commit.
pub(crate) fn changed(
    hub: &Hub,
    key: Option<IdempotencyKey>,
    repeat: &impl Serialize,
) -> Option<StoredAnswer> {
    stored(hub, key, DONE, repeat)
}

fn stored(
    hub: &Hub,
    key: Option<IdempotencyKey>,
    http_status: u16,
    repeat: &impl Serialize,
) -> Option<StoredAnswer> {
    let at = hub.installation_clock.now();
    key.map(|key| StoredAnswer { key, http_status, body: to_json(repeat), at })
}

pub(crate) async fn first_of_twin<T>(
    hub: &Hub,
    key: Option<IdempotencyKey>,
) -> Result<Answer<T>, Error> {
    find_first(hub, key.as_ref()).await?.ok_or_else(same_key_at_once)
}

pub(crate) fn same_key_at_once() -> Error {
    let detail = "expected no other request with this idempotency-key at the same time";
    Error::refused(ProblemCode::Conflict, detail)
}
