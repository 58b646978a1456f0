//! Apps: the programs of vendors and hirers.

mod rotate;
mod signature;
mod url_check;

use std::sync::Arc;

use contract::control::{
    self, AppKind, CreateApp, CreatedApp, EventMode, ExplainSignature, FieldFault, List, Page,
    PauseApp, ProblemCode, ResendSince, Resent, SignatureExplanation, UpdateApp, UrlCheck,
};
use contract::scope::Scope;
use domain::{Act, Actor, AppId, TenantId, UnixMs};
use store::apps::{App, AppSecrets, AppSettings, Changes, OldSecrets};
use store::connections::Connection as LongConnection;
use store::pauses::{Alert, AlertKind, Pause};
use store::resend::ResendFilter;
use store::{IdempotencyKey, Saved};
use system::random;

use crate::error::{authorize, fault, validate};
use crate::idempotency::{self, Answer, Creation};
use crate::instant::{parse, rfc3339};
use crate::pages::{Of, Paging};
use crate::secret_rotation::end_grace;
use crate::{Error, Hub, Input, keys};

pub use rotate::rotate;
use signature::Keys;
pub use store::apps::App as VendorApp;

const TENANTS_AT_ONCE: u32 = 200;

/// The app of this id, or a refusal as not found.
pub async fn find(hub: &Hub, app_id: AppId) -> Result<Arc<App>, Error> {
    hub.store.find_app(app_id).await?.ok_or(Error::NotFound)
}

/// Creates an app; the first answer alone holds its secrets. A callback URL is checked and the answer says how that
/// went, but the app is created all the same: its receiver cannot know its secrets before.
pub async fn create(
    hub: &Hub,
    actor: &Actor,
    input: Input<CreateApp>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<CreatedApp>, Error> {
    authorize(actor, Act::ManageApps)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let (input, mut faults) = input.with_faults();
    let scopes = scopes(&input.scopes, &mut faults);
    if let Some(url) = &input.callback_url {
        validate_callback_url(hub, url, &mut faults);
    }
    let tenant_id = find_tenant(hub, &input, &mut faults).await?;
    validate(faults)?;
    let (by, app_secret) = (hub.by(actor), random::secret());
    let (verification_token, encrypt_key) = (random::secret(), random::secret());
    let app = App {
        app_id: AppId(random::bits()),
        tenant_id,
        kind: input.kind,
        settings: AppSettings {
            name: input.name,
            scopes,
            event_mode: input.event_mode,
            callback_url: input.callback_url,
            encrypted: input.encrypted,
            ip_allowlist: input.ip_allowlist,
            is_enabled: true,
        },
        secret_hash: keys::hash(&app_secret),
        secrets: AppSecrets {
            verification_token: verification_token.clone(),
            encrypt_key: encrypt_key.clone(),
            old: OldSecrets::default(),
        },
        pause: None,
        changes: Changes::none(),
        version: 1,
        created_at: by.at,
    };
    let mut shown = view(&app);
    if let Some(url) = &app.settings.callback_url {
        shown.url_check = Some(url_check::check(hub, &app, url).await.check);
    }
    let body = CreatedApp { app: shown, app_secret, verification_token, encrypt_key };
    let creation = Creation::App(&app);
    idempotency::create(hub, by, creation, key, &body, &body.without_secret()).await
}

async fn find_tenant(
    hub: &Hub,
    input: &CreateApp,
    faults: &mut Vec<FieldFault>,
) -> Result<Option<TenantId>, Error> {
    let tenant_id = input.tenant_key.as_ref().and_then(|key| key.parse::<TenantId>().ok());
    if let Some(tenant_id) = tenant_id
        && hub.store.find_tenant(tenant_id).await?.is_none()
    {
        faults.push(fault("tenant_key", "expected a tenant that exists"));
    }
    Ok(tenant_id)
}

/// One app, without its secrets.
pub fn get(actor: &Actor, app: &App) -> Result<control::App, Error> {
    authorize(actor, Act::ManageApps)?;
    Ok(view(app))
}

/// The apps of all tenants, newest first.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    list: Input<List>,
) -> Result<Page<control::App>, Error> {
    authorize(actor, Act::ManageApps)?;
    let paging = Paging::of_list(Of::Apps, list)?;
    let before = paging.after.map(|[at, app_id]| (UnixMs(at), AppId(app_id)));
    let apps = hub.store.list_apps(before, paging.rows()).await?;
    Ok(paging.page(apps, view, |last| [last.created_at.0, last.app_id.0]))
}

/// Changes an app; absent members keep their value. A new callback URL is checked, the answer says how that went, and
/// what waited for one becomes due.
pub async fn update(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    input: Input<UpdateApp>,
) -> Result<control::App, Error> {
    authorize(actor, Act::ManageApps)?;
    let (input, mut faults) = input.with_faults();
    let granted = input.scopes.as_ref().map(|names| scopes(names, &mut faults));
    if let Some(Some(url)) = &input.callback_url {
        validate_callback_url(hub, url, &mut faults);
    }
    let kind = find(hub, app_id).await?.kind;
    if (kind, input.event_mode) == (AppKind::Store, Some(EventMode::LongConnection)) {
        faults.push(fault("event_mode", "expected webhook for a store app"));
    }
    validate(faults)?;
    let settings = |old: &AppSettings| AppSettings {
        name: input.name.as_ref().unwrap_or(&old.name).clone(),
        scopes: granted.as_ref().unwrap_or(&old.scopes).clone(),
        event_mode: input.event_mode.unwrap_or(old.event_mode),
        callback_url: input.callback_url.as_ref().unwrap_or(&old.callback_url).clone(),
        encrypted: input.encrypted.unwrap_or(old.encrypted),
        ip_allowlist: input.ip_allowlist.as_ref().unwrap_or(&old.ip_allowlist).clone(),
        is_enabled: old.is_enabled,
    };
    let app = change(hub, actor, app_id, settings).await?;
    let mut shown = view(&app);
    if let Some(Some(url)) = &input.callback_url {
        shown.url_check = Some(url_check::check(hub, &app, url).await.check);
    }
    Ok(shown)
}

/// Lets an app call again and delivers what was held for it; or stops it: its calls are refused, its tokens do not
/// count, its deliveries wait. A repeat changes nothing.
pub async fn set_enabled(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    is_enabled: bool,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::App>, Error> {
    authorize(actor, Act::ManageApps)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let settings = |old: &AppSettings| AppSettings { is_enabled, ..old.clone() };
    let app = change(hub, actor, app_id, settings).await?;
    idempotency::keep(hub, key, &view(&app)).await
}

/// Changes the settings of an app; tried again once when somebody else changed it meanwhile.
async fn change(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    settings: impl Fn(&AppSettings) -> AppSettings,
) -> Result<App, Error> {
    for _ in 0..2 {
        let app = find(hub, app_id).await?;
        let new = settings(&app.settings);
        if new == app.settings {
            return Ok((*app).clone());
        }
        let saved = hub.store.update_app(hub.by(actor), app_id, app.version, &new).await?;
        if saved == Saved::Done {
            return Ok((*find(hub, app_id).await?).clone());
        }
    }
    Err(overtaken())
}

/// Deletes an app that no account is bound to, with its installations. Its tokens end at once.
pub async fn delete(hub: &Hub, actor: &Actor, app_id: AppId) -> Result<(), Error> {
    authorize(actor, Act::ManageApps)?;
    find(hub, app_id).await?;
    match hub.store.delete_app(hub.by(actor), app_id).await? {
        Saved::Done => Ok(()),
        Saved::Outdated | Saved::KeyTaken => {
            // Somebody else may have been quicker.
            find(hub, app_id).await?;
            let detail = "expected an app that no account is bound to";
            Err(Error::refused(ProblemCode::Conflict, detail))
        }
    }
}

/// Holds an app's deliveries as paused until it is resumed. A repeat changes nothing.
pub async fn pause(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    input: Input<PauseApp>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::App>, Error> {
    authorize(actor, Act::ManageApps)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let input = input.valid()?;
    let reason = input.reason.unwrap_or_else(|| "paused by the operator".to_owned());
    let pause = Pause { since: hub.installation_clock.now(), reason };
    for _ in 0..2 {
        let app = find(hub, app_id).await?;
        if app.pause.is_some()
            || hub.store.pause_app(app_id, app.version, &pause, None).await? == Saved::Done
        {
            return idempotency::keep(hub, key, &view(&*find(hub, app_id).await?)).await;
        }
    }
    Err(overtaken())
}

/// Sends an app its events again, paused ones too, and ends its alerts. A repeat changes nothing.
pub async fn resume(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    key: Option<IdempotencyKey>,
) -> Result<Answer<control::App>, Error> {
    authorize(actor, Act::ManageApps)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    for _ in 0..2 {
        let (app, now) = (find(hub, app_id).await?, hub.installation_clock.now());
        if app.pause.is_none()
            || hub.store.resume_app(app_id, app.version, now).await? == Saved::Done
        {
            return idempotency::keep(hub, key, &view(&*find(hub, app_id).await?)).await;
        }
    }
    Err(overtaken())
}

fn overtaken() -> Error {
    let detail = "expected nobody else to change the app at the same time";
    Error::refused(ProblemCode::Conflict, detail)
}

/// Checks an app's callback URL by a challenge, and explains what fails. In the grace time of a rotation a receiver
/// that passes under the new values ends it. Refuses an app without a callback URL, or with the long connection.
pub async fn verify_url(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    key: Option<IdempotencyKey>,
) -> Result<Answer<UrlCheck>, Error> {
    authorize(actor, Act::ManageApps)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let app = find(hub, app_id).await?;
    if app.settings.event_mode == EventMode::LongConnection {
        let detail = "the app gets its events over the long connection: a callback URL that it may still \
            have is not called; check it after a change to webhook";
        return Err(Error::refused(ProblemCode::IllegalState, detail));
    }
    let Some(url) = &app.settings.callback_url else {
        let detail = "the app has no callback URL to check: its events wait for one";
        return Err(Error::refused(ProblemCode::IllegalState, detail));
    };
    let checked = url_check::check(hub, &app, url).await;
    if checked.ends_grace {
        end_grace(hub, &app).await?;
    }
    idempotency::keep(hub, key, &checked.check).await
}

/// Explains the signature of a webhook: each step's bytes, and which input is wrong. Changes nothing.
pub async fn explain_signature(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    input: Input<ExplainSignature>,
) -> Result<SignatureExplanation, Error> {
    authorize(actor, Act::ManageApps)?;
    let input = input.valid()?;
    let (app, now) = (find(hub, app_id).await?, hub.installation_clock.now());
    let secrets = &app.secrets;
    let old = secrets.old.encrypt_key.as_ref().and_then(|old| old.at(now));
    let keys = Keys {
        encrypt_key: &secrets.encrypt_key,
        old_encrypt_key: old.map(String::as_str),
        verification_token: &secrets.verification_token,
    };
    Ok(signature::explain(&input, keys))
}

/// Sends again an app's events from `since` up to, not including, `until`, to its present endpoint, each with the whole
/// schedule of tries.
pub async fn resend(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    input: Input<ResendSince>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<Resent>, Error> {
    authorize(actor, Act::ManageApps)?;
    let input = input.valid()?;
    let instant = |field: &str, text: &str| {
        let expected = "expected an instant with its offset (RFC 3339)";
        parse(text).ok_or_else(|| Error::field(field, expected))
    };
    let since = instant("since", &input.since)?;
    let until = input.until.as_deref().map(|until| instant("until", until)).transpose()?;
    let app = find(hub, app_id).await?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let now = hub.installation_clock.now();
    let states = input.states.into_iter().map(Into::into).collect();
    let filter = ResendFilter { since, until, states };
    let mut count = 0;
    if since <= now {
        for tenant_id in tenants(hub, &app).await? {
            count += hub.store.resend_span(tenant_id, app_id, &filter, now).await?;
        }
    }
    let delivery_count = u64::try_from(count).unwrap_or(u64::MAX);
    idempotency::keep(hub, key, &Resent { delivery_count }).await
}

/// The tenants whose events an app may have: its own, or every one for a store app.
async fn tenants(hub: &Hub, app: &App) -> Result<Vec<TenantId>, Error> {
    if let Some(tenant_id) = app.tenant_id {
        return Ok(vec![tenant_id]);
    }
    let (mut tenants, mut before) = (Vec::new(), None);
    loop {
        let page = hub.store.list_tenants(before, TENANTS_AT_ONCE).await?;
        let Some(last) = page.last() else { return Ok(tenants) };
        before = Some((last.created_at, last.tenant_id));
        tenants.extend(page.iter().map(|tenant| tenant.tenant_id));
    }
}

/// What somebody should look at, newest first: apps paused because their endpoint failed for long, tenants and apps
/// near their quota, a disk that is nearly full.
pub async fn list_alerts(
    hub: &Hub,
    actor: &Actor,
    list: Input<List>,
) -> Result<Page<control::Alert>, Error> {
    authorize(actor, Act::ManageApps)?;
    let paging = Paging::of_list(Of::Alerts, list)?;
    let alerts = hub.store.list_alerts(paging.before(), paging.rows()).await?;
    Ok(paging.page(alerts, view_alert, |last| [last.alert_id.0]))
}

/// An app's live long connections on all replicas, newest first: those of this one as they are here.
pub async fn list_connections(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
) -> Result<Page<control::Connection>, Error> {
    authorize(actor, Act::ManageApps)?;
    let (registry, now) = (&hub.connections, hub.installation_clock.now());
    let mut found = hub.store.list_connections(app_id, now).await?;
    found.retain(|there| there.replica_id != registry.replica_id());
    found.extend(registry.of(app_id).into_iter().map(|here| LongConnection {
        connection_id: here.connection_id,
        replica_id: registry.replica_id(),
        client: here.client.clone(),
        opened_at: here.opened_at,
        last_ping_at: here.last_ping_at(),
        in_flight: here.in_flight(),
    }));
    found.sort_by_key(|it| std::cmp::Reverse((it.opened_at, it.connection_id)));
    let view = |it: LongConnection| control::Connection {
        connection_id: it.connection_id.to_string(),
        client: it.client,
        opened_at: rfc3339(it.opened_at),
        last_ping_at: it.last_ping_at.map(rfc3339),
        in_flight: it.in_flight,
    };
    Ok(crate::pages::whole(found.into_iter().map(view).collect()))
}

/// The scopes of these names; a fault for every unknown one.
fn scopes(names: &[String], faults: &mut Vec<FieldFault>) -> Vec<Scope> {
    if faults.iter().any(|fault| fault.field.starts_with("scopes")) {
        return Vec::new();
    }
    let mut scopes = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        match Scope::parse(name) {
            Some(scope) => scopes.push(scope),
            None => {
                faults.push(fault(format!("scopes[{index}]"), "expected the name of a scope"));
            }
        }
    }
    scopes
}

/// A fault when `outbound` would refuse this address; it is checked again at each send.
fn validate_callback_url(hub: &Hub, url: &str, faults: &mut Vec<FieldFault>) {
    let is_named = faults.iter().any(|fault| fault.field == "callback_url");
    if let Err(refusal) = hub.outbound.check(url)
        && !is_named
    {
        let message =
            format!("{refusal}, or one that the server was started with --allow-outbound for");
        faults.push(fault("callback_url", message));
    }
}

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

fn view_alert(alert: &Alert) -> control::Alert {
    control::Alert {
        alert_id: alert.alert_id.to_string(),
        app_id: alert.app_id.map(|app_id| app_id.to_string()),
        tenant_key: alert.tenant_id.map(|tenant_id| tenant_id.to_string()),
        kind: match alert.kind {
            AlertKind::SinkPaused => control::AlertKind::SinkPaused,
            AlertKind::TenantNearQuota => control::AlertKind::TenantNearQuota,
            AlertKind::AppNearQuota => control::AlertKind::AppNearQuota,
            AlertKind::DiskNearlyFull => control::AlertKind::DiskNearlyFull,
            AlertKind::ContentDamaged => control::AlertKind::ContentDamaged,
        },
        detail: alert.detail.clone(),
        created_at: rfc3339(alert.created_at),
        ended_at: alert.ended_at.map(rfc3339),
    }
}
