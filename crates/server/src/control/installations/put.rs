//! `PUT /apps/{app_id}/installations/{tenant_key}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, AppKind, FieldFault, ProblemCode, PutInstallation};
use contract::scope::Scope;
use store::Saved;
use store::apps::App;
use store::installations::Installation;

use super::view;
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::{Command, json};

/// Installs a store app in a tenant (安装), or changes what the tenant grants it there.
///
/// What was held for the app because it was not installed becomes due. A repeat changes nothing.
#[utoipa::path(
    put,
    path = "/apps/{app_id}/installations/{tenant_key}",
    tag = "installations",
    params(
        ("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits"),
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
    ),
    request_body = PutInstallation,
    responses(
        (status = 200, description = "The installation as it is now", body = control::Installation),
        (status = 409, description = "The app is no store app"),
    )
)]
pub(crate) async fn put_installation(
    call: Call,
    command: Command<PutInstallation>,
) -> Result<Response, Failure> {
    let app = call.vendor_app().await?;
    let tenant_id = call.tenant().await?.tenant_id;
    if app.kind != AppKind::Store {
        let detail = "expected a store app: a self_built one is at home in its tenant alone";
        return Err(Failure::refused(ProblemCode::Conflict, detail));
    }
    let mut faults = command.body.faults();
    let scopes = granted(&app, command.body.scopes.as_deref(), &mut faults);
    validate(faults)?;
    let installed_at = call.app.hub.clock.now();
    let new = Installation {
        app_id: app.app_id,
        tenant_id,
        scopes,
        installed_at,
        changed_by: 0,
        changed_at: installed_at,
    };
    match call.app.hub.store.put_installation(call.by(), &new).await? {
        Saved::Done => {}
        // Somebody deleted the app meanwhile.
        Saved::Outdated | Saved::KeyTaken => return Err(Failure::not_found()),
    }
    let found = call.app.hub.store.find_installation(app.app_id, tenant_id).await?;
    Ok(json(StatusCode::OK, &view(&*found.ok_or_else(Failure::not_found)?)))
}

/// What is granted: all that the app asks for when nothing is named. A fault for every other name.
fn granted(app: &App, names: Option<&[String]>, faults: &mut Vec<FieldFault>) -> Vec<Scope> {
    let asked = &app.settings.scopes;
    let Some(names) = names else { return asked.clone() };
    let mut scopes = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let field = format!("scopes[{index}]");
        match Scope::parse(name).filter(|scope| asked.contains(scope)) {
            Some(scope) => scopes.push(scope),
            // Of the wrong shape, or named twice.
            None if faults.iter().any(|fault| fault.field == field) => {}
            None => {
                let message = "expected a scope that the app asks for".to_owned();
                faults.push(FieldFault { field, message });
            }
        }
    }
    scopes
}
