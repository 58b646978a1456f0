//! Keys for the control API, of tenants and of the operator.

use contract::control::{ApiKey, CreateApiKey, CreatedApiKey, List, Page, ReplaceApiKey};

use super::{Control, Error, NO_QUERY};

impl Control {
    /// Makes a key of the tenant; the answer alone holds its value. Needs a key with the role admin.
    pub async fn create_api_key(
        &self,
        tenant_key: &str,
        body: &CreateApiKey,
    ) -> Result<CreatedApiKey, Error> {
        self.post(&["tenants", tenant_key, "api_keys"], body).await
    }

    /// Lists the tenant's keys, newest first, revoked ones included.
    pub async fn list_api_keys(
        &self,
        tenant_key: &str,
        list: &List,
    ) -> Result<Page<ApiKey>, Error> {
        self.get(&["tenants", tenant_key, "api_keys"], Some(list)).await
    }

    /// Reads one key of the tenant.
    pub async fn get_api_key(&self, tenant_key: &str, key_id: &str) -> Result<ApiKey, Error> {
        self.get(&["tenants", tenant_key, "api_keys", key_id], NO_QUERY).await
    }

    /// Gives a key of the tenant another value; the answer alone holds it.
    pub async fn replace_api_key(
        &self,
        tenant_key: &str,
        key_id: &str,
        body: &ReplaceApiKey,
    ) -> Result<CreatedApiKey, Error> {
        self.post(&["tenants", tenant_key, "api_keys", key_id, "replace"], body).await
    }

    /// Revokes a key of the tenant, for good and everywhere at once.
    pub async fn revoke_api_key(&self, tenant_key: &str, key_id: &str) -> Result<(), Error> {
        self.delete(&["tenants", tenant_key, "api_keys", key_id]).await
    }

    /// Makes a key of the operator; the answer alone holds its value.
    pub async fn create_operator_key(&self, body: &CreateApiKey) -> Result<CreatedApiKey, Error> {
        self.post(&["api_keys"], body).await
    }

    /// Lists the operator's keys, newest first, revoked ones included.
    pub async fn list_operator_keys(&self, list: &List) -> Result<Page<ApiKey>, Error> {
        self.get(&["api_keys"], Some(list)).await
    }

    /// Reads one key of the operator.
    pub async fn get_operator_key(&self, key_id: &str) -> Result<ApiKey, Error> {
        self.get(&["api_keys", key_id], NO_QUERY).await
    }

    /// Gives a key of the operator another value; the answer alone holds it.
    pub async fn replace_operator_key(
        &self,
        key_id: &str,
        body: &ReplaceApiKey,
    ) -> Result<CreatedApiKey, Error> {
        self.post(&["api_keys", key_id, "replace"], body).await
    }

    /// Revokes a key of the operator, for good and everywhere at once.
    pub async fn revoke_operator_key(&self, key_id: &str) -> Result<(), Error> {
        self.delete(&["api_keys", key_id]).await
    }
}
