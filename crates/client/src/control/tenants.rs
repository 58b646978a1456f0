//! Tenants.

use contract::control::{CreateTenant, CreatedTenant, List, Page, Tenant, UpdateTenant};

use super::{Control, Error, NO_QUERY};

impl Control {
    /// Creates a tenant; the first answer alone holds its first key. Needs the operator's key.
    pub async fn create_tenant(&self, body: &CreateTenant) -> Result<CreatedTenant, Error> {
        self.post(&["tenants"], body).await
    }

    /// Lists tenants, newest first. Needs the operator's key.
    pub async fn list_tenants(&self, list: &List) -> Result<Page<Tenant>, Error> {
        self.get(&["tenants"], Some(list)).await
    }

    /// Reads one tenant.
    pub async fn get_tenant(&self, tenant_key: &str) -> Result<Tenant, Error> {
        self.get(&["tenants", tenant_key], NO_QUERY).await
    }

    /// Changes a tenant's settings; absent members keep their value.
    pub async fn update_tenant(
        &self,
        tenant_key: &str,
        body: &UpdateTenant,
    ) -> Result<Tenant, Error> {
        self.patch(&["tenants", tenant_key], body).await
    }
}
