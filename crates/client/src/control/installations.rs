//! Installations of store apps.

use contract::control::{Installation, List, Page, PutInstallation};

use super::{Control, Error, NO_QUERY};

impl Control {
    /// Installs a store app in a tenant, or changes the scopes there. Needs the operator's key.
    pub async fn put_installation(
        &self,
        app_id: &str,
        tenant_key: &str,
        body: &PutInstallation,
    ) -> Result<Installation, Error> {
        self.put(&["apps", app_id, "installations", tenant_key], body).await
    }

    /// Lists where a store app is installed, newest first.
    pub async fn list_installations(
        &self,
        app_id: &str,
        list: &List,
    ) -> Result<Page<Installation>, Error> {
        self.get(&["apps", app_id, "installations"], Some(list)).await
    }

    /// Reads one installation.
    pub async fn get_installation(
        &self,
        app_id: &str,
        tenant_key: &str,
    ) -> Result<Installation, Error> {
        self.get(&["apps", app_id, "installations", tenant_key], NO_QUERY).await
    }

    /// Takes a store app out of a tenant.
    pub async fn delete_installation(&self, app_id: &str, tenant_key: &str) -> Result<(), Error> {
        self.delete(&["apps", app_id, "installations", tenant_key]).await
    }
}
