//! People of a tenant.

use contract::control::{List, Page, PasswordReset, UpdateUser, User, UserSession};

calls! {
    /// Lists the tenant's people, suspended ones included. Needs a key with the role admin, as all of these.
    pub async fn list_users(tenant_key: &str, list: &List) -> Page<User> =
        get(["tenants", tenant_key, "users"], list);
    /// Reads one person of the tenant.
    pub async fn get_user(tenant_key: &str, user_id: &str) -> User =
        get(["tenants", tenant_key, "users", user_id]);
    /// Gives a person other roles.
    pub async fn update_user(tenant_key: &str, user_id: &str, body: &UpdateUser) -> User =
        patch(["tenants", tenant_key, "users", user_id], body);
    /// Removes a person from the tenant, with their keys.
    pub async fn remove_user(tenant_key: &str, user_id: &str) -> () =
        delete(["tenants", tenant_key, "users", user_id]);
    /// Keeps a person from doing anything in the tenant.
    pub async fn suspend_user(tenant_key: &str, user_id: &str) -> User =
        post(["tenants", tenant_key, "users", user_id, "suspend"]);
    /// Lets a suspended person act again.
    pub async fn resume_user(tenant_key: &str, user_id: &str) -> User =
        post(["tenants", tenant_key, "users", user_id, "resume"]);
    /// Makes the address at which a person sets a new password; the first answer alone holds it.
    pub async fn reset_password(tenant_key: &str, user_id: &str) -> PasswordReset =
        post(["tenants", tenant_key, "users", user_id, "reset_password"]);
    /// Lists a person's sessions that look at this tenant, newest first.
    pub async fn list_user_sessions(tenant_key: &str, user_id: &str) -> Page<UserSession> =
        get(["tenants", tenant_key, "users", user_id, "sessions"]);
    /// Ends all of a person's sessions that look at this tenant.
    pub async fn revoke_user_sessions(tenant_key: &str, user_id: &str) -> () =
        delete(["tenants", tenant_key, "users", user_id, "sessions"]);
    /// Ends one of a person's sessions that look at this tenant.
    pub async fn revoke_user_session(tenant_key: &str, user_id: &str, session_id: &str) -> () =
        delete(["tenants", tenant_key, "users", user_id, "sessions", session_id]);
}
