//! `probity invitation create|list|revoke`: who is invited to a tenant.

use clap::Subcommand;
use contract::control::{CreateInvitation, CreatedInvitation, Invitation, KeyRole};

use crate::api_key::{TenantRole, role_names};
use crate::output::{Row, Show, print_note, short_time};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Invite somebody; the address at which they accept is shown this once.
    Create {
        /// Their mail address.
        email: String,
        /// What they may do; may be repeated.
        #[arg(long = "role", value_enum, required = true)]
        roles: Vec<TenantRole>,
    },
    /// List the invitations of the last 7 days, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Take an invitation back.
    Revoke {
        /// The invitation's id.
        invitation_id: String,
    },
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    match command {
        Command::Create { email, roles } => {
            let roles = roles.into_iter().map(KeyRole::from).collect();
            let body = CreateInvitation { email, roles };
            global.print(&control.create_invitation(&tenant_key, &body).await?)
        }
        Command::List { paging } => {
            global.print_page(&control.list_invitations(&tenant_key, &paging.into()).await?)
        }
        Command::Revoke { invitation_id } => {
            control.revoke_invitation(&tenant_key, &invitation_id).await?;
            print_note(&format!("{invitation_id} is good no more"));
            Ok(())
        }
    }
}

fn stands(invitation: &Invitation) -> String {
    match (&invitation.accepted_at, &invitation.revoked_at) {
        (Some(at), _) => format!("accepted {}", short_time(at)),
        (None, Some(at)) => format!("revoked {}", short_time(at)),
        (None, None) => format!("good until {}", short_time(&invitation.expires_at)),
    }
}

impl Row for Invitation {
    const COLUMNS: &'static str = "INVITATION|~EMAIL|~ROLES|~STANDS";

    fn cells(&self) -> Vec<String> {
        let roles = role_names(&self.roles);
        vec![self.invitation_id.clone(), self.email.clone(), roles, stands(self)]
    }
}

impl Show for CreatedInvitation {
    fn show(&self, table: &mut Table) {
        table.field("invitation", &self.invitation.invitation_id);
        table.field("email", &self.invitation.email);
        table.field("roles", role_names(&self.invitation.roles));
        table.field("stands", stands(&self.invitation));
        table.once("address", &self.url);
    }
}
