//! Grants: what a tenant granted to an app, beside what was prepared for the app there. Decision 050.

use std::sync::Arc;

use contract::control::{self, GrantApp, GrantState, Page, ProblemCode};
use contract::evidence::sha256;
use contract::hex::to_hex;
use domain::grant::{Term, Terms};
use domain::{Act, Actor, AppId, TenantId};
use store::apps::App;
use store::grants::{Grant, offered};
use store::installations::Installation;
use store::{IdempotencyKey, Saved};

use crate::app_access::find_installation;
use crate::error::authorize;
use crate::idempotency::{self, Answer};
use crate::instant::rfc3339;
use crate::pages::whole;
use crate::{Error, Hub, Input};

const REVISION_BYTES: usize = 16;

/// Grants an app what was prepared for it, as `revision` names it; what was held for the app becomes due. A repeat
/// changes nothing. Refuses, as a conflict, when something else is prepared by now.
pub async fn grant(
    hub: &Hub,
    actor: &Actor,
    tenant_id: TenantId,
    app_id: AppId,
    input: Input<GrantApp>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::Grant>, Error> {
    authorize(actor, Act::GrantApps)?;
    let input = input.valid()?;
    // Twice, since another change may have come in between that leaves the revision as it was.
    for _ in 0..2 {
        let offer = Offer::find(hub, tenant_id, app_id).await?;
        if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
            return Ok(first);
        }
        if offer.revision() != input.revision {
            break;
        }
        let is_granted = offer.granted() == Some(&offer.prepared);
        let (by, terms) = (hub.by(actor), &offer.prepared);
        if is_granted || hub.store.grant(by, &offer.app, tenant_id, terms).await? == Saved::Done {
            let granted = Offer::find(hub, tenant_id, app_id).await?.view();
            return idempotency::keep(hub, key, &granted).await;
        }
    }
    let detail = "expected the revision of what is prepared now: look at it again";
    Err(Error::refused(ProblemCode::Conflict, detail))
}

/// Takes back what a tenant granted to an app. Its tokens there end for good; events are held until a new grant.
pub async fn take_back(
    hub: &Hub,
    actor: &Actor,
    tenant_id: TenantId,
    app_id: AppId,
) -> Result<(), Error> {
    authorize(actor, Act::GrantApps)?;
    Offer::find(hub, tenant_id, app_id).await?;
    let is_done = hub.store.take_grant_back(hub.by(actor), app_id, tenant_id).await?;
    is_done.then_some(()).ok_or(Error::NotFound)
}

/// What a tenant granted to an app, and what was prepared for it and waits.
pub async fn get(
    hub: &Hub,
    actor: &Actor,
    tenant_id: TenantId,
    app_id: AppId,
) -> Result<control::Grant, Error> {
    authorize(actor, Act::SeeGrants)?;
    Ok(Offer::find(hub, tenant_id, app_id).await?.view())
}

/// The apps of a tenant, each with what was granted to it and what waits.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    tenant_id: TenantId,
) -> Result<Page<control::Grant>, Error> {
    authorize(actor, Act::SeeGrants)?;
    let mut items = Vec::new();
    for grant in hub.store.list_grants(tenant_id).await? {
        // An app that was taken out of the tenant keeps its row.
        match Offer::find(hub, tenant_id, grant.app_id).await {
            Ok(offer) => items.push(offer.view()),
            Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(whole(items))
}

struct Offer {
    tenant_id: TenantId,
    app: Arc<App>,
    installation: Option<Arc<Installation>>,
    prepared: Terms,
    grant: Option<Arc<Grant>>,
}

impl Offer {
    async fn find(hub: &Hub, tenant_id: TenantId, app_id: AppId) -> Result<Offer, Error> {
        let app = hub.store.find_app(app_id).await?.ok_or(Error::NotFound)?;
        let installation = find_installation(&hub.store, &app, tenant_id).await?;
        let installation = installation.map_err(|_| Error::NotFound)?;
        let grant = hub.store.find_grant(app_id, tenant_id).await?;
        let prepared = offered(&app, installation.as_deref());
        Ok(Offer { tenant_id, app, installation, prepared, grant })
    }

    fn granted(&self) -> Option<&Terms> {
        self.grant.as_ref()?.terms.as_ref()
    }

    fn revision(&self) -> String {
        let terms = view_terms(&self.prepared);
        let text = serde_json::to_string(&terms).expect("terms are texts and numbers");
        let text = format!("{} {} {text}", self.tenant_id, self.app.app_id);
        to_hex(&sha256(text.as_bytes())[..REVISION_BYTES])
    }

    fn view(&self) -> control::Grant {
        let (app, granted) = (&self.app, self.granted());
        let waiting = granted.map(|granted| self.prepared.beyond(granted));
        let state = match &waiting {
            None => GrantState::Waiting,
            Some(waiting) if waiting.is_empty() => GrantState::Granted,
            Some(_) => GrantState::Changed,
        };
        let (mut prepared_at, mut prepared_by) = (app.changes.changed_at, app.changes.changed_by);
        if let Some(installation) = &self.installation
            && installation.changed_at > prepared_at
        {
            (prepared_at, prepared_by) = (installation.changed_at, installation.changed_by);
        }
        let key = |key_id: i64| (key_id != 0).then(|| key_id.to_string());
        let grant = self.grant.as_ref().filter(|grant| grant.terms.is_some());
        let names = |waiting: Vec<Term>| waiting.iter().map(|it| it.as_str().to_owned()).collect();
        control::Grant {
            app_id: app.app_id.to_string(),
            app_name: app.settings.name.clone(),
            kind: app.kind,
            state,
            prepared: view_terms(&self.prepared),
            prepared_at: rfc3339(prepared_at),
            prepared_by: key(prepared_by),
            granted: granted.map(view_terms),
            granted_at: grant.map(|grant| rfc3339(grant.granted_at)),
            granted_by: grant.and_then(|grant| key(grant.granted_by)),
            waiting: waiting.map(names).unwrap_or_default(),
            revision: self.revision(),
        }
    }
}

fn view_terms(terms: &Terms) -> control::Terms {
    control::Terms {
        scopes: terms.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        event_mode: terms.event_mode,
        callback_url: terms.callback_url.clone(),
        encrypted: terms.encrypted,
        ip_allowlist: terms.ip_allowlist.clone(),
        app_secret_no: terms.app_secret_no.unsigned_abs(),
        encrypt_key_no: terms.encrypt_key_no.unsigned_abs(),
    }
}
