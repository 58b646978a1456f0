//! Tenants: hirers and their settings.

use std::sync::Arc;

use contract::control::{self, CreateTenant, CreatedTenant, List, Page, ProblemCode, UpdateTenant};
use domain::{Act, Actor, TenantId, UnixMs};
use store::tenants::{NewTenant, TenantSettings};
use store::{IdempotencyKey, Saved};
use system::random;

use crate::error::{authorize, fault, validate};
use crate::idempotency::{self, Answer, Creation};
use crate::instant::rfc3339;
use crate::pages::{Of, Paging};
use crate::{Error, Hub, Input, keys};

pub use store::tenants::{NO_TENANT, Tenant};

/// The tenant of this id, or a refusal as not found.
pub async fn find(hub: &Hub, tenant_id: TenantId) -> Result<Arc<Tenant>, Error> {
    hub.store.find_tenant(tenant_id).await?.ok_or(Error::NotFound)
}

/// Creates a tenant with its first key, whose value is in the first answer alone.
pub async fn create(
    hub: &Hub,
    actor: &Actor,
    input: Input<CreateTenant>,
    key: Option<IdempotencyKey>,
) -> Result<Answer<CreatedTenant>, Error> {
    authorize(actor, Act::ManageTenants)?;
    if let Some(first) = idempotency::find_first(hub, key.as_ref()).await? {
        return Ok(first);
    }
    let (input, mut faults) = input.with_faults();
    if faults.is_empty() {
        faults.extend(outside(hub, "retention_days", input.retention_days));
    }
    validate(faults)?;
    let CreateTenant {
        name,
        report_approval,
        four_eyes,
        retention_days,
        locale,
        totp_required,
        review_hours,
    } = input;
    let (by, api_key) = (hub.by(actor), keys::new_key(keys::TENANT_PREFIX));
    let tenant = NewTenant {
        tenant_id: TenantId(random::bits()),
        name,
        settings: TenantSettings {
            report_approval,
            four_eyes,
            retention_days: i64::from(retention_days),
            locale,
            totp_required,
            review_hours: review_hours.map(i64::from),
        },
        api_key_id: hub.store.make_id(by.at),
        api_key_hash: keys::hash(&api_key),
        at: by.at,
    };
    let body = CreatedTenant {
        tenant: view(tenant.tenant_id, &tenant.name, &tenant.settings, by.at),
        api_key,
    };
    let creation = Creation::Tenant(&tenant);
    idempotency::create(hub, by, creation, key, &body, &body.without_secret()).await
}

/// One tenant's settings.
pub fn get(actor: &Actor, tenant: &Tenant) -> Result<control::Tenant, Error> {
    authorize(actor, Act::SeeTenant)?;
    Ok(view_of(tenant))
}

/// The tenants, newest first.
pub async fn list(
    hub: &Hub,
    actor: &Actor,
    list: Input<List>,
) -> Result<Page<control::Tenant>, Error> {
    authorize(actor, Act::ManageTenants)?;
    let paging = Paging::of_list(Of::Tenants, list)?;
    let before = paging.after.map(|[at, tenant_id]| (UnixMs(at), TenantId(tenant_id)));
    let tenants = hub.store.list_tenants(before, paging.rows()).await?;
    Ok(paging.page(tenants, view_of, |last| [last.created_at.0, last.tenant_id.0]))
}

/// Changes a tenant's settings; absent members keep their value.
pub async fn update(
    hub: &Hub,
    actor: &Actor,
    tenant_id: TenantId,
    input: Input<UpdateTenant>,
) -> Result<control::Tenant, Error> {
    authorize(actor, Act::ChangeTenant)?;
    let (input, mut faults) = input.with_faults();
    if faults.is_empty()
        && let Some(days) = input.retention_days
    {
        faults.extend(outside(hub, "retention_days", days));
    }
    validate(faults)?;
    // Tried again once after a change in between: the members are whole values, so the last one wins.
    for _ in 0..2 {
        let tenant = find(hub, tenant_id).await?;
        let old = &tenant.settings;
        let name = input.name.as_deref().unwrap_or(&tenant.name);
        let settings = TenantSettings {
            report_approval: input.report_approval.unwrap_or(old.report_approval),
            four_eyes: input.four_eyes.unwrap_or(old.four_eyes),
            retention_days: input.retention_days.map_or(old.retention_days, i64::from),
            locale: input.locale.as_ref().unwrap_or(&old.locale).clone(),
            totp_required: input.totp_required.unwrap_or(old.totp_required),
            review_hours: input.review_hours.map_or(old.review_hours, |hours| hours.map(i64::from)),
        };
        let (by, version) = (hub.by(actor), tenant.version);
        let saved = hub.store.update_tenant(by, tenant_id, version, name, &settings).await?;
        if saved == Saved::Done {
            return Ok(view_of(&*find(hub, tenant_id).await?));
        }
    }
    let detail = "expected nobody else to change the tenant at the same time";
    Err(Error::refused(ProblemCode::Conflict, detail))
}

/// A fault when so many days are no retention here.
pub(crate) fn outside(hub: &Hub, field: &str, days: u32) -> Option<control::FieldFault> {
    let bounds = hub.retention;
    let expected = || format!("expected {} to {}", bounds.min_days, bounds.max_days);
    (!bounds.allow(days)).then(|| fault(field, expected()))
}

fn view_of(tenant: &Tenant) -> control::Tenant {
    view(tenant.tenant_id, &tenant.name, &tenant.settings, tenant.created_at)
}

fn view(
    tenant_id: TenantId,
    name: &str,
    settings: &TenantSettings,
    created_at: UnixMs,
) -> control::Tenant {
    control::Tenant {
        tenant_key: tenant_id.to_string(),
        name: name.to_owned(),
        report_approval: settings.report_approval,
        four_eyes: settings.four_eyes,
        retention_days: u32::try_from(settings.retention_days).unwrap_or(u32::MAX),
        locale: settings.locale.clone(),
        totp_required: settings.totp_required,
        review_hours: settings.review_hours.and_then(|hours| u32::try_from(hours).ok()),
        created_at: rfc3339(created_at),
    }
}
