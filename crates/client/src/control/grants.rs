//! Grants.

use contract::control::{Grant, GrantApp, Page};

use super::{Control, Error};

calls! {
    /// Lists the apps of a tenant with what it granted to each, and what waits.
    pub async fn list_grants(tenant_key: &str) -> Page<Grant> =
        get(["tenants", tenant_key, "grants"]);
    /// What a tenant granted to an app, and what was prepared for it.
    pub async fn get_grant(tenant_key: &str, app_id: &str) -> Grant =
        get(["tenants", tenant_key, "apps", app_id, "grant"]);
    /// Grants an app what was prepared for it, as it was seen. Needs a key of the tenant, role admin.
    pub async fn grant_app(tenant_key: &str, app_id: &str, body: &GrantApp) -> Grant =
        post(["tenants", tenant_key, "apps", app_id, "grant"], body);
    /// Takes back what a tenant granted to an app: its tokens there end.
    pub async fn take_grant_back(tenant_key: &str, app_id: &str) -> () =
        delete(["tenants", tenant_key, "apps", app_id, "grant"]);
}

impl Control {
    /// Grants an app whatever is prepared for it now, unseen: for a caller that prepared it itself.
    pub async fn grant_prepared(&self, tenant_key: &str, app_id: &str) -> Result<Grant, Error> {
        let Grant { revision, .. } = self.get_grant(tenant_key, app_id).await?;
        self.grant_app(tenant_key, app_id, &GrantApp { revision }).await
    }
}
