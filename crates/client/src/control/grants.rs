//! Grants.

use contract::control::{Grant, GrantApp, Page};

use super::{Control, Error, NO_QUERY};

impl Control {
    /// Lists the apps of a tenant with what it granted to each, and what waits.
    pub async fn list_grants(&self, tenant_key: &str) -> Result<Page<Grant>, Error> {
        self.get(&["tenants", tenant_key, "grants"], NO_QUERY).await
    }

    /// What a tenant granted to an app, and what was prepared for it.
    pub async fn get_grant(&self, tenant_key: &str, app_id: &str) -> Result<Grant, Error> {
        self.get(&["tenants", tenant_key, "apps", app_id, "grant"], NO_QUERY).await
    }

    /// Grants an app what was prepared for it, as it was seen. Needs a key of the tenant, role admin.
    pub async fn grant_app(
        &self,
        tenant_key: &str,
        app_id: &str,
        body: &GrantApp,
    ) -> Result<Grant, Error> {
        self.post(&["tenants", tenant_key, "apps", app_id, "grant"], body).await
    }

    /// Grants an app whatever is prepared for it now, unseen: for a caller that prepared it itself.
    pub async fn grant_prepared(&self, tenant_key: &str, app_id: &str) -> Result<Grant, Error> {
        let Grant { revision, .. } = self.get_grant(tenant_key, app_id).await?;
        self.grant_app(tenant_key, app_id, &GrantApp { revision }).await
    }

    /// Takes back what a tenant granted to an app: its tokens there end.
    pub async fn take_grant_back(&self, tenant_key: &str, app_id: &str) -> Result<(), Error> {
        self.delete(&["tenants", tenant_key, "apps", app_id, "grant"]).await
    }
}
