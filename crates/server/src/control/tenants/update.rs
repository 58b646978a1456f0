//! `PATCH /tenants/{tenant_key}`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, FieldFault, ProblemCode, UpdateTenant};
use store::Saved;
use store::tenants::TenantSettings;

use super::view;
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::{Command, json};

/// Changes a tenant's settings; absent members keep their value.
///
/// `report_approval` counts when a result arrives: orders that are in review stay there.
#[utoipa::path(
    patch,
    path = "/tenants/{tenant_key}",
    tag = "tenants",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    request_body = UpdateTenant,
    responses((status = 200, description = "The tenant as it is now", body = control::Tenant))
)]
pub(crate) async fn update_tenant(
    call: Call,
    command: Command<UpdateTenant>,
) -> Result<Response, Failure> {
    let body = command.body;
    let (mut faults, bounds) = (body.faults(), call.app.config.retention);
    let is_outside = |days: &u32| faults.is_empty() && !bounds.allow(*days);
    if body.retention_days.as_ref().is_some_and(is_outside) {
        let message = format!("expected {} to {}", bounds.min_days, bounds.max_days);
        faults.push(FieldFault { field: "retention_days".to_owned(), message });
    }
    validate(faults)?;
    // Who was overtaken looks again, once: the members are whole values, so the last one wins.
    for _ in 0..2 {
        let tenant = call.tenant().await?;
        let old = &tenant.settings;
        let name = body.name.as_deref().unwrap_or(&tenant.name);
        let settings = TenantSettings {
            report_approval: body.report_approval.unwrap_or(old.report_approval),
            four_eyes: body.four_eyes.unwrap_or(old.four_eyes),
            retention_days: body.retention_days.map_or(old.retention_days, i64::from),
            locale: body.locale.as_ref().unwrap_or(&old.locale).clone(),
        };
        let (tenant_id, version) = (tenant.tenant_id, tenant.version);
        let saved = call
            .app
            .hub
            .store
            .update_tenant(call.by(), tenant_id, version, name, &settings)
            .await?;
        if saved == Saved::Done {
            return Ok(json(StatusCode::OK, &view(&*call.tenant().await?)));
        }
    }
    let detail = "expected nobody else to change the tenant at the same time";
    Err(Failure::refused(ProblemCode::Conflict, detail))
}
