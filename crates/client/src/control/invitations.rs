//! Invitations to a tenant.

use contract::control::{CreateInvitation, CreatedInvitation, Invitation, List, Page};

calls! {
    /// Invites somebody; the first answer alone holds the address. Needs a key with the role admin, as all of these.
    pub async fn create_invitation(tenant_key: &str, body: &CreateInvitation) -> CreatedInvitation =
        post(["tenants", tenant_key, "invitations"], body);
    /// Lists the invitations of the last 7 days, newest first, accepted and revoked ones included.
    pub async fn list_invitations(tenant_key: &str, list: &List) -> Page<Invitation> =
        get(["tenants", tenant_key, "invitations"], list);
    /// Takes an invitation back.
    pub async fn revoke_invitation(tenant_key: &str, invitation_id: &str) -> () =
        delete(["tenants", tenant_key, "invitations", invitation_id]);
}
