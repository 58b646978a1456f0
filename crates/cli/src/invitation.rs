//! `probity invitation create|list|revoke`: who is invited to a tenant, or as an operator.

use clap::{Args, Subcommand};
use contract::control::{CreateInvitation, CreatedInvitation, Invitation, KeyRole, List, Page};

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
        #[arg(long = "role", value_enum, required_unless_present = "operator")]
        #[arg(conflicts_with = "operator")]
        roles: Vec<TenantRole>,
        #[command(flatten)]
        whose: Whose,
    },
    /// List the invitations of the last 7 days, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
        #[command(flatten)]
        whose: Whose,
    },
    /// Take an invitation back.
    Revoke {
        /// The invitation's id.
        invitation_id: String,
        #[command(flatten)]
        whose: Whose,
    },
}

/// Whose invitations.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Whose {
    /// To the operators instead of the tenant.
    #[arg(long)]
    operator: bool,
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create { email, roles, whose } => {
            global.print(&create(global, email, roles, whose).await?)
        }
        Command::List { paging, whose } => {
            global.print_page(&list(global, &paging.into(), whose).await?)
        }
        Command::Revoke { invitation_id, whose } => {
            match whose.operator {
                true => global.operator()?.revoke_operator_invitation(&invitation_id).await?,
                false => {
                    let (control, tenant_key) = global.tenant()?;
                    control.revoke_invitation(&tenant_key, &invitation_id).await?;
                }
            }
            print_note(&format!("{invitation_id} is good no more"));
            Ok(())
        }
    }
}

async fn create(
    global: &Global,
    email: String,
    roles: Vec<TenantRole>,
    whose: Whose,
) -> anyhow::Result<CreatedInvitation> {
    if whose.operator {
        let body = CreateInvitation { email, roles: vec![KeyRole::Operator] };
        return Ok(global.operator()?.invite_operator(&body).await?);
    }
    let body = CreateInvitation { email, roles: roles.into_iter().map(KeyRole::from).collect() };
    let (control, tenant_key) = global.tenant()?;
    Ok(control.create_invitation(&tenant_key, &body).await?)
}

async fn list(global: &Global, list: &List, whose: Whose) -> anyhow::Result<Page<Invitation>> {
    if whose.operator {
        return Ok(global.operator()?.list_operator_invitations(list).await?);
    }
    let (control, tenant_key) = global.tenant()?;
    Ok(control.list_invitations(&tenant_key, list).await?)
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
