//! What is stored for whom, and how much may be.

use contract::control::{PutQuota, Storage, StorageUse};

use super::{Control, Error, NO_QUERY};

impl Control {
    /// Reads how much is stored for each tenant and app, and how much room the disk has. Needs the operator's key.
    pub async fn get_storage(&self) -> Result<Storage, Error> {
        self.get(&["storage"], NO_QUERY).await
    }

    /// Reads how much is stored for a tenant.
    pub async fn get_tenant_quota(&self, tenant_key: &str) -> Result<StorageUse, Error> {
        self.get(&["tenants", tenant_key, "quota"], NO_QUERY).await
    }

    /// Sets how much may be stored for a tenant. Needs the operator's key.
    pub async fn put_tenant_quota(
        &self,
        tenant_key: &str,
        body: &PutQuota,
    ) -> Result<StorageUse, Error> {
        self.put(&["tenants", tenant_key, "quota"], body).await
    }

    /// Reads how much is stored for an app. Needs the operator's key.
    pub async fn get_app_quota(&self, app_id: &str) -> Result<StorageUse, Error> {
        self.get(&["apps", app_id, "quota"], NO_QUERY).await
    }

    /// Sets how much may be stored for an app. Needs the operator's key.
    pub async fn put_app_quota(&self, app_id: &str, body: &PutQuota) -> Result<StorageUse, Error> {
        self.put(&["apps", app_id, "quota"], body).await
    }
}
