//! Accounts.

use contract::control::{Account, AccountForm, CreateAccount, List, Page, UpdateAccount};

calls! {
    /// Binds the tenant to a vendor's app; the vendor is notified.
    pub async fn create_account(tenant_key: &str, body: &CreateAccount) -> Account =
        post(["tenants", tenant_key, "accounts"], body);
    /// Reads what a vendor's app asks when an account is bound to it.
    pub async fn get_account_form(tenant_key: &str, app_id: &str) -> AccountForm =
        get(["tenants", tenant_key, "apps", app_id, "account_form"]);
    /// Lists a tenant's accounts, newest first.
    pub async fn list_accounts(tenant_key: &str, list: &List) -> Page<Account> =
        get(["tenants", tenant_key, "accounts"], list);
    /// Reads one account with what can be ordered there.
    pub async fn get_account(tenant_key: &str, account_id: &str) -> Account =
        get(["tenants", tenant_key, "accounts", account_id]);
    /// Switches whether the account's vendor is notified of results that are sent back.
    pub async fn update_account(tenant_key: &str, account_id: &str, body: &UpdateAccount) -> Account =
        patch(["tenants", tenant_key, "accounts", account_id], body);
    /// Unbinds an account.
    pub async fn delete_account(tenant_key: &str, account_id: &str) -> () =
        delete(["tenants", tenant_key, "accounts", account_id]);
}
