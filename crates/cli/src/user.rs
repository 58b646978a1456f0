//! `probity user`: people of a tenant; and `operator-invite`, which needs no key but the machine.

use clap::{Args, Subcommand};
use contract::control::{KeyRole, PasswordReset, UpdateUser, User, UserSession};
use system::clock::Clock;

use crate::api_key::{TenantRole, role_names};
use crate::daemon::{self, Storage};
use crate::output::{Row, Show, print_note, short_time, yes_no};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the tenant's people, suspended ones included.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one person.
    Show {
        /// The person's id.
        user_id: String,
    },
    /// Give a person other roles in the tenant.
    Roles {
        /// The person's id.
        user_id: String,
        /// What they may do; may be repeated, replaces all.
        #[arg(long = "role", value_enum, required = true)]
        roles: Vec<TenantRole>,
    },
    /// Keep a person from doing anything in the tenant, until they are resumed.
    Suspend {
        /// The person's id.
        user_id: String,
    },
    /// Let a suspended person act again.
    Resume {
        /// The person's id.
        user_id: String,
    },
    /// Remove a person from the tenant, with their keys.
    Remove {
        /// The person's id.
        user_id: String,
    },
    /// Print the address at which a person sets a new password; it is shown this once.
    ResetPassword {
        /// The person's id.
        user_id: String,
        /// With the operator's key, as a person needs who is in other tenants too.
        #[arg(long)]
        operator: bool,
    },
    /// List a person's sessions that look at the tenant.
    Sessions {
        /// The person's id.
        user_id: String,
    },
    /// Sign a person out of the tenant.
    SignOut {
        /// The person's id.
        user_id: String,
        /// Only of this session.
        #[arg(long, value_name = "ID")]
        session: Option<String>,
    },
    /// On the server's machine, when no operator can sign in any more: print the address at which one joins.
    ///
    /// Needs no key, but the data directory and the root key, as the server has them. With SQLite the
    /// server must be stopped meanwhile; with PostgreSQL it may run.
    OperatorInvite(OperatorInvite),
}

#[derive(Debug, Args)]
pub(crate) struct OperatorInvite {
    /// The mail address of who is invited.
    email: String,
    /// The server's address as others see it; without it the path alone is printed.
    #[arg(long, value_name = "URL", env = "PROBITY_PUBLIC_URL")]
    public_url: Option<String>,
    #[command(flatten)]
    storage: Storage,
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    if let Command::OperatorInvite(invite) = command {
        return operator_invite(global, invite).await;
    }
    let (control, tenant_key) = global.tenant()?;
    match command {
        Command::List { paging } => {
            global.print_page(&control.list_users(&tenant_key, &paging.into()).await?)
        }
        Command::Show { user_id } => global.print(&control.get_user(&tenant_key, &user_id).await?),
        Command::Roles { user_id, roles } => {
            let roles = roles.into_iter().map(KeyRole::from).collect();
            let body = UpdateUser { roles };
            global.print(&control.update_user(&tenant_key, &user_id, &body).await?)
        }
        Command::Suspend { user_id } => {
            global.print(&control.suspend_user(&tenant_key, &user_id).await?)
        }
        Command::Resume { user_id } => {
            global.print(&control.resume_user(&tenant_key, &user_id).await?)
        }
        Command::Remove { user_id } => {
            control.remove_user(&tenant_key, &user_id).await?;
            print_note(&format!("{user_id} is no member any more"));
            Ok(())
        }
        Command::ResetPassword { user_id, operator } => {
            let control = if operator { global.operator()? } else { control };
            global.print(&control.reset_password(&tenant_key, &user_id).await?)
        }
        Command::Sessions { user_id } => {
            global.print_page(&control.list_user_sessions(&tenant_key, &user_id).await?)
        }
        Command::SignOut { user_id, session } => {
            match session {
                Some(id) => control.revoke_user_session(&tenant_key, &user_id, &id).await?,
                None => control.revoke_user_sessions(&tenant_key, &user_id).await?,
            }
            print_note(&format!("{user_id} is signed out"));
            Ok(())
        }
        Command::OperatorInvite(_) => unreachable!("it was answered above"),
    }
}

async fn operator_invite(global: &Global, invite: OperatorInvite) -> anyhow::Result<()> {
    let mut config = daemon::config(global, invite.storage);
    config.public_url = invite.public_url;
    let clock = Clock::system();
    let address = server::people::invite_operator(&config, &clock, &invite.email).await?;
    println!("{address}");
    print_note("it is good once, within 7 days, for the person with this mail address");
    Ok(())
}

impl Row for User {
    const COLUMNS: &'static str = "USER|~NAME|~EMAIL|~ROLES|TOTP|~STANDS";

    fn cells(&self) -> Vec<String> {
        let stands = match &self.suspended_at {
            Some(at) => format!("suspended {}", short_time(at)),
            None => "in force".to_owned(),
        };
        vec![
            self.user_id.clone(),
            self.name.clone(),
            self.email.clone(),
            role_names(&self.roles),
            yes_no(self.has_totp).to_owned(),
            stands,
        ]
    }
}

impl Show for User {
    fn show(&self, table: &mut Table) {
        table.field("user", &self.user_id);
        table.field("name", &self.name);
        table.field("email", &self.email);
        table.field("roles", role_names(&self.roles));
        table.field("second factor", yes_no(self.has_totp));
        table.field("joined", &self.joined_at);
        table.optional("suspended", self.suspended_at.as_ref());
    }
}

impl Row for UserSession {
    const COLUMNS: &'static str = "SESSION|BEGAN|LAST USE|ADDRESS|~PROGRAM";

    fn cells(&self) -> Vec<String> {
        vec![
            self.session_id.clone(),
            short_time(&self.created_at),
            short_time(&self.last_seen_at),
            self.address.clone(),
            self.client.clone(),
        ]
    }
}

impl Show for PasswordReset {
    fn show(&self, table: &mut Table) {
        table.once("address", &self.url);
        table.field("good until", &self.expires_at);
    }
}
