//! What is stored for whom, and how much may be.

use contract::control::{PutQuota, Storage, StorageUse};

calls! {
    /// Reads how much is stored for each tenant and app, and how much room the disk has. Needs the operator's key.
    pub async fn get_storage() -> Storage = get(["storage"]);
    /// Reads how much is stored for a tenant.
    pub async fn get_tenant_quota(tenant_key: &str) -> StorageUse =
        get(["tenants", tenant_key, "quota"]);
    /// Sets how much may be stored for a tenant. Needs the operator's key.
    pub async fn put_tenant_quota(tenant_key: &str, body: &PutQuota) -> StorageUse =
        put(["tenants", tenant_key, "quota"], body);
    /// Reads how much is stored for an app. Needs the operator's key.
    pub async fn get_app_quota(app_id: &str) -> StorageUse = get(["apps", app_id, "quota"]);
    /// Sets how much may be stored for an app. Needs the operator's key.
    pub async fn put_app_quota(app_id: &str, body: &PutQuota) -> StorageUse =
        put(["apps", app_id, "quota"], body);
}
