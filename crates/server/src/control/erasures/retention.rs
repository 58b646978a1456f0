//! `GET, PUT /tenants/{tenant_key}/retention`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{PackageRetention, PutRetention, Retention};

use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::{Command, json};

/// Reads how long a tenant's orders are stored after their end.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/retention",
    tag = "erasures",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    responses((status = 200, description = "The rules", body = Retention))
)]
pub(crate) async fn get_retention(call: Call) -> Result<Response, Failure> {
    answer(&call).await
}

/// Replaces the rules for packages. A shorter rule counts for orders that have ended already.
#[utoipa::path(
    put,
    path = "/tenants/{tenant_key}/retention",
    tag = "erasures",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    request_body = PutRetention,
    responses((status = 200, description = "The rules as they are now", body = Retention))
)]
pub(crate) async fn put_retention(
    call: Call,
    command: Command<PutRetention>,
) -> Result<Response, Failure> {
    let bounds = call.app.config.retention;
    let mut faults = command.body.faults();
    for (index, rule) in command.body.packages.iter().enumerate() {
        if !bounds.allow(rule.days) {
            faults.push(contract::control::FieldFault {
                field: format!("packages[{index}].days"),
                message: format!("expected {} to {}", bounds.min_days, bounds.max_days),
            });
        }
    }
    validate(faults)?;
    let tenant_id = call.tenant().await?.tenant_id;
    let rules = command.body.packages.into_iter().map(|rule| (rule.package_id, rule.days));
    let rules: Vec<_> = rules.collect();
    call.app.hub.store.set_retention_rules(call.by(), tenant_id, &rules).await?;
    answer(&call).await
}

async fn answer(call: &Call) -> Result<Response, Failure> {
    let (tenant, bounds) = (call.tenant().await?, call.app.config.retention);
    let rules = call.app.hub.store.list_retention_rules(tenant.tenant_id).await?;
    let rule = |(package_id, days)| PackageRetention { package_id, days };
    let body = Retention {
        retention_days: u32::try_from(tenant.settings.retention_days).unwrap_or(u32::MAX),
        packages: rules.into_iter().map(rule).collect(),
        days_min: bounds.min_days,
        days_max: bounds.max_days,
    };
    Ok(json(StatusCode::OK, &body))
}
