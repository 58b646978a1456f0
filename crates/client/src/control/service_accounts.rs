//! Service accounts of a tenant, which keys can belong to.

use contract::control::{CreateServiceAccount, List, Page, ServiceAccount, UpdateServiceAccount};

calls! {
    /// Makes a service account. Needs a key with the role admin, as all of these.
    pub async fn create_service_account(tenant_key: &str, body: &CreateServiceAccount)
        -> ServiceAccount = post(["tenants", tenant_key, "service_accounts"], body);
    /// Lists the service accounts, newest first.
    pub async fn list_service_accounts(tenant_key: &str, list: &List) -> Page<ServiceAccount> =
        get(["tenants", tenant_key, "service_accounts"], list);
    /// Reads one service account.
    pub async fn get_service_account(tenant_key: &str, service_account_id: &str) -> ServiceAccount =
        get(["tenants", tenant_key, "service_accounts", service_account_id]);
    /// Changes what a service account is called; absent members keep their value.
    pub async fn update_service_account(tenant_key: &str, service_account_id: &str,
        body: &UpdateServiceAccount) -> ServiceAccount =
        patch(["tenants", tenant_key, "service_accounts", service_account_id], body);
    /// Removes a service account with its keys.
    pub async fn remove_service_account(tenant_key: &str, service_account_id: &str) -> () =
        delete(["tenants", tenant_key, "service_accounts", service_account_id]);
}
