//! Apps: `/apps`.

pub(super) mod alerts;
pub(super) mod connections;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod explain_signature;
pub(super) mod get;
pub(super) mod list;
pub(super) mod pause;
pub(super) mod resend;
pub(super) mod rotate;
pub(super) mod switch;
pub(super) mod update;
pub(super) mod verify_url;

use contract::control::{self, FieldFault};
use contract::scope::Scope;
use outbound::Outbound;
use store::Saved;
use store::apps::{App, AppSettings};

use super::auth::Call;
use super::failure::Failure;
use hub::instant::rfc3339;

/// An app as the API shows it, without its secrets.
fn view(app: &App) -> control::App {
    let settings = &app.settings;
    control::App {
        app_id: app.app_id.to_string(),
        name: settings.name.clone(),
        kind: app.kind,
        tenant_key: app.tenant_id.map(|tenant_id| tenant_id.to_string()),
        scopes: settings.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        event_mode: settings.event_mode,
        callback_url: settings.callback_url.clone(),
        encrypted: settings.encrypted,
        ip_allowlist: settings.ip_allowlist.clone(),
        enabled: settings.is_enabled,
        paused_at: app.pause.as_ref().map(|pause| rfc3339(pause.since)),
        pause_reason: app.pause.as_ref().map(|pause| pause.reason.clone()),
        url_check: None,
        created_at: rfc3339(app.created_at),
    }
}

/// The scopes of these names; a fault for every name that no scope has.
fn scopes(names: &[String], faults: &mut Vec<FieldFault>) -> Vec<Scope> {
    let mut scopes = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        match Scope::parse(name) {
            Some(scope) => scopes.push(scope),
            None => faults.push(FieldFault {
                field: format!("scopes[{index}]"),
                message: "expected the name of a scope".to_owned(),
            }),
        }
    }
    scopes
}

/// A fault when the guard would not let events out to this address; checked again whenever one is sent.
fn validate_callback_url(outbound: &Outbound, url: &str, faults: &mut Vec<FieldFault>) {
    let is_named = faults.iter().any(|fault| fault.field == "callback_url");
    if let Err(refusal) = outbound.check(url)
        && !is_named
    {
        let message =
            format!("{refusal}, or one that the server was started with --allow-outbound for");
        faults.push(FieldFault { field: "callback_url".to_owned(), message });
    }
}

/// Changes the settings of the app in the path; who was overtaken looks again, once.
async fn change(
    call: &Call,
    settings: impl Fn(&AppSettings) -> AppSettings,
) -> Result<App, Failure> {
    for _ in 0..2 {
        let app = call.vendor_app().await?;
        let new = settings(&app.settings);
        if new == app.settings {
            return Ok((*app).clone());
        }
        let saved = call.app.hub.store.update_app(call.by(), app.app_id, app.version, &new).await?;
        if saved == Saved::Done {
            return Ok((*call.vendor_app().await?).clone());
        }
    }
    Err(pause::overtaken())
}
