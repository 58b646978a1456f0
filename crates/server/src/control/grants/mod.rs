//! Grants: `/tenants/{tenant_key}/grants`, `/tenants/{tenant_key}/apps/{app_id}/grant`.

pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod post;

use std::sync::Arc;

use contract::control::{self, GrantState};
use contract::evidence::sha256;
use contract::hex::to_hex;
use domain::grant::{Term, Terms};
use domain::{AppId, TenantId};
use store::apps::App;
use store::grants::{Grant, offered};
use store::installations::Installation;

use super::auth::Call;
use super::failure::Failure;
use crate::app_access::find_installation;
use hub::instant::rfc3339;

/// Bytes of a revision.
const REVISION_BYTES: usize = 16;

/// An app at home in a tenant, with what was prepared for it there and what is granted.
struct Offer {
    tenant_id: TenantId,
    app: Arc<App>,
    installation: Option<Arc<Installation>>,
    prepared: Terms,
    grant: Option<Arc<Grant>>,
}

impl Offer {
    /// That of the app and tenant in the path; an app that is not at home in the tenant is not found.
    async fn find(call: &Call) -> Result<Offer, Failure> {
        let tenant_id = call.tenant().await?.tenant_id;
        let offer = Offer::of(call, tenant_id, call.path_param("app_id")?).await?;
        offer.ok_or_else(Failure::not_found)
    }

    async fn of(call: &Call, tenant_id: TenantId, app_id: AppId) -> Result<Option<Offer>, Failure> {
        let store = &call.app.hub.store;
        let Some(app) = store.find_app(app_id).await? else { return Ok(None) };
        let Ok(installation) = find_installation(store, &app, tenant_id).await? else {
            return Ok(None);
        };
        let grant = store.find_grant(app_id, tenant_id).await?;
        let prepared = offered(&app, installation.as_deref());
        Ok(Some(Offer { tenant_id, app, installation, prepared, grant }))
    }

    fn granted(&self) -> Option<&Terms> {
        self.grant.as_ref()?.terms.as_ref()
    }

    /// Stands for what is prepared.
    fn revision(&self) -> String {
        let terms = view_terms(&self.prepared);
        let text = serde_json::to_string(&terms).expect("terms are texts and numbers");
        let text = format!("{} {} {text}", self.tenant_id, self.app.app_id);
        to_hex(&sha256(text.as_bytes())[..REVISION_BYTES])
    }

    /// As the API shows it.
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
