//! `POST /tenants`.

use axum::response::Response;
use contract::control::{self, CreateTenant, CreatedTenant, FieldFault};
use domain::TenantId;
use store::tenants::{NewTenant, TenantSettings};
use system::random;

use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::idempotency::{self, Answer, Creation};
use crate::control::request::Command;
use crate::keys;
use hub::instant::rfc3339;

/// Creates a tenant. The answer alone holds `api_key`, the tenant's first key, role `admin`.
///
/// Nobody but that key can make another one: when the answer is lost, create another tenant.
#[utoipa::path(
    post,
    path = "/tenants",
    tag = "tenants",
    request_body = CreateTenant,
    responses((status = 201, description = "The tenant and its first key", body = CreatedTenant))
)]
pub(crate) async fn create_tenant(
    call: Call,
    command: Command<CreateTenant>,
) -> Result<Response, Failure> {
    if let Some(first) = idempotency::find_first_answer(&call, command.key.as_ref()).await? {
        return Ok(first);
    }
    let (mut faults, bounds) = (command.body.faults(), call.app.config.retention);
    if faults.is_empty() && !bounds.allow(command.body.retention_days) {
        let message = format!("expected {} to {}", bounds.min_days, bounds.max_days);
        faults.push(FieldFault { field: "retention_days".to_owned(), message });
    }
    validate(faults)?;
    let CreateTenant { name, report_approval, four_eyes, retention_days, locale } = command.body;
    let api_key = keys::new_key(keys::TENANT_PREFIX);
    let at = call.app.hub.clock.now();
    let tenant = NewTenant {
        tenant_id: TenantId(random::bits()),
        name,
        settings: TenantSettings {
            report_approval,
            four_eyes,
            retention_days: i64::from(retention_days),
            locale,
        },
        api_key_id: call.app.hub.store.make_id(at),
        api_key_hash: keys::hash(&api_key),
        at,
    };
    let body = CreatedTenant {
        tenant: control::Tenant {
            tenant_key: tenant.tenant_id.to_string(),
            name: tenant.name.clone(),
            report_approval,
            four_eyes,
            retention_days,
            locale: tenant.settings.locale.clone(),
            created_at: rfc3339(at),
        },
        api_key,
    };
    let answer = Answer::shown_once(&body, &body.without_secret());
    idempotency::create(&call, command.key, Creation::Tenant(&tenant), answer).await
}
