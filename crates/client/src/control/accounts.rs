//! Accounts.

use contract::control::{Account, AccountForm, CreateAccount, List, Page};

use super::{Control, Error, NO_QUERY};

impl Control {
    /// Binds the tenant to a vendor's app; the vendor is notified.
    pub async fn create_account(
        &self,
        tenant_key: &str,
        body: &CreateAccount,
    ) -> Result<Account, Error> {
        self.post(&["tenants", tenant_key, "accounts"], body).await
    }

    /// Reads what a vendor's app asks when an account is bound to it.
    pub async fn get_account_form(
        &self,
        tenant_key: &str,
        app_id: &str,
    ) -> Result<AccountForm, Error> {
        self.get(&["tenants", tenant_key, "apps", app_id, "account_form"], NO_QUERY).await
    }

    /// Lists a tenant's accounts, newest first.
    pub async fn list_accounts(
        &self,
        tenant_key: &str,
        list: &List,
    ) -> Result<Page<Account>, Error> {
        self.get(&["tenants", tenant_key, "accounts"], Some(list)).await
    }

    /// Reads one account with what can be ordered there.
    pub async fn get_account(&self, tenant_key: &str, account_id: &str) -> Result<Account, Error> {
        self.get(&["tenants", tenant_key, "accounts", account_id], NO_QUERY).await
    }

    /// Unbinds an account.
    pub async fn delete_account(&self, tenant_key: &str, account_id: &str) -> Result<(), Error> {
        self.delete(&["tenants", tenant_key, "accounts", account_id]).await
    }
}
