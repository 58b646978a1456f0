//! Tenants: `/tenants`.

pub(super) mod create;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;

use contract::control;
use store::tenants::{Tenant, TenantSettings};

use hub::instant::rfc3339;

/// A tenant as the API shows it.
fn view(tenant: &Tenant) -> control::Tenant {
    let TenantSettings { report_approval, four_eyes, retention_days, locale } = &tenant.settings;
    control::Tenant {
        tenant_key: tenant.tenant_id.to_string(),
        name: tenant.name.clone(),
        report_approval: *report_approval,
        four_eyes: *four_eyes,
        retention_days: u32::try_from(*retention_days).unwrap_or(u32::MAX),
        locale: locale.clone(),
        created_at: rfc3339(tenant.created_at),
    }
}
