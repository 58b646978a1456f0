//! Installations of store apps in tenants (安装).

use contract::control::{self, AppKind, FieldFault, List, Page, ProblemCode, PutInstallation};
use contract::scope::Scope;
use domain::{Act, Actor, AppId, TenantId, UnixMs};
use store::Saved;
use store::apps::App;
use store::installations::Installation;

use crate::error::{authorize, fault, validate};
use crate::instant::rfc3339;
use crate::pages::{Of, Paging};
use crate::{Error, Hub, Input};

/// Installs a store app in a tenant, or changes its scopes there; held events become due. A repeat changes nothing.
pub async fn put(
    hub: &Hub,
    actor: &Actor,
    app: &App,
    tenant_id: TenantId,
    input: Input<PutInstallation>,
) -> Result<control::Installation, Error> {
    authorize(actor, Act::ManageApps)?;
    if app.kind != AppKind::Store {
        let detail = "expected a store app: a self_built one is at home in its tenant alone";
        return Err(Error::refused(ProblemCode::Conflict, detail));
    }
    let (input, mut faults) = input.with_faults();
    let scopes = scopes(app, input.scopes.as_deref(), &mut faults);
    validate(faults)?;
    let by = hub.by(actor);
    let new = Installation {
        app_id: app.app_id,
        tenant_id,
        scopes,
        installed_at: by.at,
        changed_by: 0,
        changed_at: by.at,
    };
    match hub.store.put_installation(by, &new).await? {
        Saved::Done => get(hub, actor, app.app_id, tenant_id).await,
        // Somebody deleted the app meanwhile.
        Saved::Outdated | Saved::KeyTaken => Err(Error::NotFound),
    }
}

/// The scopes of these names, all of the app's when none are named; a fault for every other name.
fn scopes(app: &App, names: Option<&[String]>, faults: &mut Vec<FieldFault>) -> Vec<Scope> {
    let asked = &app.settings.scopes;
    let Some(names) = names else { return asked.clone() };
    let mut scopes = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let field = format!("scopes[{index}]");
        match Scope::parse(name).filter(|scope| asked.contains(scope)) {
            Some(scope) => scopes.push(scope),
            None if faults.iter().any(|fault| fault.field == field) => {}
            None => faults.push(fault(field, "expected a scope that the app asks for")),
        }
    }
    scopes
}

/// One installation.
pub async fn get(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    tenant_id: TenantId,
) -> Result<control::Installation, Error> {
    authorize(actor, Act::ManageApps)?;
    let found = hub.store.find_installation(app_id, tenant_id).await?;
    Ok(view(&*found.ok_or(Error::NotFound)?))
}

/// Where a store app is installed, newest first. A self-built app has no installations.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    list: Input<List>,
) -> Result<Page<control::Installation>, Error> {
    authorize(actor, Act::ManageApps)?;
    let paging = Paging::of_list(Of::Installations, list)?;
    let before = paging.after.map(|[at, tenant_id]| (UnixMs(at), TenantId(tenant_id)));
    let installations = hub.store.list_installations(app_id, before, paging.rows()).await?;
    Ok(paging.page(installations, view, |last| [last.installed_at.0, last.tenant_id.0]))
}

/// Takes a store app out of a tenant. Its tokens there end at once; accounts and orders stay, and their events are held
/// until it is installed again.
pub async fn delete(
    hub: &Hub,
    actor: &Actor,
    app_id: AppId,
    tenant_id: TenantId,
) -> Result<(), Error> {
    authorize(actor, Act::ManageApps)?;
    let is_done = hub.store.delete_installation(hub.by(actor), app_id, tenant_id).await?;
    is_done.then_some(()).ok_or(Error::NotFound)
}

fn view(installation: &Installation) -> control::Installation {
    control::Installation {
        app_id: installation.app_id.to_string(),
        tenant_key: installation.tenant_id.to_string(),
        scopes: installation.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        installed_at: rfc3339(installation.installed_at),
    }
}
