//! Keys for the control API, of tenants and of the operator.

use contract::control::{ApiKey, CreateApiKey, CreatedApiKey, List, Page, ReplaceApiKey};

calls! {
    /// Makes a key of the tenant; the answer alone holds its value. Needs a key with the role admin.
    pub async fn create_api_key(tenant_key: &str, body: &CreateApiKey) -> CreatedApiKey =
        post(["tenants", tenant_key, "api_keys"], body);
    /// Lists the tenant's keys, newest first, revoked ones included.
    pub async fn list_api_keys(tenant_key: &str, list: &List) -> Page<ApiKey> =
        get(["tenants", tenant_key, "api_keys"], list);
    /// Reads one key of the tenant.
    pub async fn get_api_key(tenant_key: &str, key_id: &str) -> ApiKey =
        get(["tenants", tenant_key, "api_keys", key_id]);
    /// Gives a key of the tenant another value; the answer alone holds it.
    pub async fn replace_api_key(tenant_key: &str, key_id: &str, body: &ReplaceApiKey)
        -> CreatedApiKey = post(["tenants", tenant_key, "api_keys", key_id, "replace"], body);
    /// Revokes a key of the tenant, for good and everywhere at once.
    pub async fn revoke_api_key(tenant_key: &str, key_id: &str) -> () =
        delete(["tenants", tenant_key, "api_keys", key_id]);
    /// Makes a key of the operator; the answer alone holds its value.
    pub async fn create_operator_key(body: &CreateApiKey) -> CreatedApiKey =
        post(["api_keys"], body);
    /// Lists the operator's keys, newest first, revoked ones included.
    pub async fn list_operator_keys(list: &List) -> Page<ApiKey> = get(["api_keys"], list);
    /// Reads one key of the operator.
    pub async fn get_operator_key(key_id: &str) -> ApiKey = get(["api_keys", key_id]);
    /// Gives a key of the operator another value; the answer alone holds it.
    pub async fn replace_operator_key(key_id: &str, body: &ReplaceApiKey) -> CreatedApiKey =
        post(["api_keys", key_id, "replace"], body);
    /// Revokes a key of the operator, for good and everywhere at once.
    pub async fn revoke_operator_key(key_id: &str) -> () = delete(["api_keys", key_id]);
}
