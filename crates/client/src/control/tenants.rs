//! Tenants.

use contract::control::{CreateTenant, CreatedTenant, List, Page, Tenant, UpdateTenant};

calls! {
    /// Creates a tenant; the first answer alone holds its first key. Needs the operator's key.
    pub async fn create_tenant(body: &CreateTenant) -> CreatedTenant = post(["tenants"], body);
    /// Lists tenants, newest first. Needs the operator's key.
    pub async fn list_tenants(list: &List) -> Page<Tenant> = get(["tenants"], list);
    /// Reads one tenant.
    pub async fn get_tenant(tenant_key: &str) -> Tenant = get(["tenants", tenant_key]);
    /// Changes a tenant's settings; absent members keep their value.
    pub async fn update_tenant(tenant_key: &str, body: &UpdateTenant) -> Tenant =
        patch(["tenants", tenant_key], body);
}
