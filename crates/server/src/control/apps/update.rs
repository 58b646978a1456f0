//! `PATCH /apps/{app_id}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, AppKind, EventMode, FieldFault, UpdateApp};
use store::apps::AppSettings;

use super::{change, scopes, validate_callback_url, view};
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::{Command, json};
use crate::url_check;

/// Changes an app; absent members keep their value, and `callback_url: null` takes the address away.
///
/// Deliveries that wait for a callback URL become due when the app gets one. A callback URL that is saved is checked,
/// and the answer says how that went.
#[utoipa::path(
    patch,
    path = "/apps/{app_id}",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    request_body = UpdateApp,
    responses((status = 200, description = "The app as it is now", body = control::App))
)]
pub(crate) async fn update_app(
    call: Call,
    command: Command<UpdateApp>,
) -> Result<Response, Failure> {
    let body = command.body;
    let mut faults = body.faults();
    let is_misshapen = faults.iter().any(|fault| fault.field.starts_with("scopes"));
    let granted = body.scopes.as_ref().filter(|_| !is_misshapen);
    let granted = granted.map(|names| scopes(names, &mut faults));
    if let Some(Some(url)) = &body.callback_url {
        validate_callback_url(&call.app.outbound, url, &mut faults);
    }
    let kind = call.vendor_app().await?.kind;
    if (kind, body.event_mode) == (AppKind::Store, Some(EventMode::LongConnection)) {
        faults.push(FieldFault {
            field: "event_mode".to_owned(),
            message: "expected webhook for a store app".to_owned(),
        });
    }
    validate(faults)?;
    let settings = |old: &AppSettings| AppSettings {
        name: body.name.as_ref().unwrap_or(&old.name).clone(),
        scopes: granted.as_ref().unwrap_or(&old.scopes).clone(),
        event_mode: body.event_mode.unwrap_or(old.event_mode),
        callback_url: body.callback_url.as_ref().unwrap_or(&old.callback_url).clone(),
        encrypted: body.encrypted.unwrap_or(old.encrypted),
        ip_allowlist: body.ip_allowlist.as_ref().unwrap_or(&old.ip_allowlist).clone(),
        is_enabled: old.is_enabled,
    };
    let app = change(&call, settings).await?;
    let mut shown = view(&app);
    if let Some(Some(url)) = &body.callback_url {
        shown.url_check = Some(url_check::check(&call.app, &app, url).await.check);
    }
    Ok(json(StatusCode::OK, &shown))
}
