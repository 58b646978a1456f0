//! Installations of store apps.

use contract::control::{Installation, List, Page, PutInstallation};

calls! {
    /// Installs a store app in a tenant, or changes the scopes there. Needs the operator's key.
    pub async fn put_installation(app_id: &str, tenant_key: &str, body: &PutInstallation)
        -> Installation = put(["apps", app_id, "installations", tenant_key], body);
    /// Lists where a store app is installed, newest first.
    pub async fn list_installations(app_id: &str, list: &List) -> Page<Installation> =
        get(["apps", app_id, "installations"], list);
    /// Reads one installation.
    pub async fn get_installation(app_id: &str, tenant_key: &str) -> Installation =
        get(["apps", app_id, "installations", tenant_key]);
    /// Takes a store app out of a tenant.
    pub async fn delete_installation(app_id: &str, tenant_key: &str) -> () =
        delete(["apps", app_id, "installations", tenant_key]);
}
