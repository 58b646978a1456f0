//! `POST /apps`.

use axum::response::Response;
use contract::control::{CreateApp, CreatedApp, FieldFault};
use domain::{AppId, TenantId};
use store::apps::{App, AppSecrets, AppSettings, Changes, OldSecrets};
use system::random;

use super::{scopes, validate_callback_url, view};
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::idempotency::{self, Answer, Creation};
use crate::control::request::Command;
use crate::{keys, url_check};

/// Creates an app. The answer alone holds `app_secret`, `verification_token` and `encrypt_key`.
///
/// A callback URL is checked, and the answer says how that went; the app is created all the same, since its receiver
/// cannot know its secrets before.
#[utoipa::path(
    post,
    path = "/apps",
    tag = "apps",
    request_body = CreateApp,
    responses((status = 201, description = "The app and its secrets", body = CreatedApp))
)]
pub(crate) async fn create_app(
    call: Call,
    command: Command<CreateApp>,
) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let body = command.body;
    let mut faults = body.faults();
    // Only names of scopes of the right shape are looked up, so that each has one fault.
    let granted = if faults.iter().any(|fault| fault.field.starts_with("scopes")) {
        Vec::new()
    } else {
        scopes(&body.scopes, &mut faults)
    };
    if let Some(url) = &body.callback_url {
        validate_callback_url(&call.app.outbound, url, &mut faults);
    }
    let tenant_id = find_tenant(&call, &body, &mut faults).await?;
    validate(faults)?;
    let app_secret = random::secret();
    let secrets = AppSecrets {
        verification_token: random::secret(),
        encrypt_key: random::secret(),
        old: OldSecrets::default(),
    };
    let app = App {
        app_id: AppId(random::bits()),
        tenant_id,
        kind: body.kind,
        settings: AppSettings {
            name: body.name,
            scopes: granted,
            event_mode: body.event_mode,
            callback_url: body.callback_url,
            encrypted: body.encrypted,
            ip_allowlist: body.ip_allowlist,
            is_enabled: true,
        },
        secret_hash: keys::hash(&app_secret),
        secrets: secrets.clone(),
        pause: None,
        changes: Changes::none(),
        version: 1,
        created_at: call.app.hub.clock.now(),
    };
    let AppSecrets { verification_token, encrypt_key, .. } = secrets;
    let mut shown = view(&app);
    if let Some(url) = &app.settings.callback_url {
        shown.url_check = Some(url_check::check(&call.app, &app, url).await.check);
    }
    let body = CreatedApp { app: shown, app_secret, verification_token, encrypt_key };
    let answer = Answer::shown_once(&body, &body.without_secret());
    idempotency::create(&call, command.key, Creation::App(&app), answer).await
}

/// The tenant of a self-built app; a fault when there is none.
async fn find_tenant(
    call: &Call,
    body: &CreateApp,
    faults: &mut Vec<FieldFault>,
) -> Result<Option<TenantId>, Failure> {
    let Some(tenant_id) = body.tenant_key.as_ref().and_then(|key| key.parse::<TenantId>().ok())
    else {
        return Ok(None);
    };
    if call.app.hub.store.find_tenant(tenant_id).await?.is_none() {
        faults.push(FieldFault {
            field: "tenant_key".to_owned(),
            message: "expected a tenant that exists".to_owned(),
        });
    }
    Ok(Some(tenant_id))
}
