//! `probity service-account`: what keys of a tenant belong to that belong to no person.

use clap::Subcommand;
use contract::control::{CreateServiceAccount, ServiceAccount, UpdateServiceAccount};

use crate::output::{Row, Show, print_note, short_time};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a service account; `key create --owner-id` makes keys of it.
    Create {
        /// What it is called, 1 to 100 characters.
        #[arg(long)]
        name: String,
        /// What it is for, at most 500 characters.
        #[arg(long, default_value_t, hide_default_value = true)]
        description: String,
    },
    /// List the service accounts, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one.
    Show {
        /// The service account's id.
        service_account_id: String,
    },
    /// Change what it is called.
    Update {
        /// The service account's id.
        service_account_id: String,
        /// What it is called, 1 to 100 characters.
        #[arg(long)]
        name: Option<String>,
        /// What it is for, at most 500 characters.
        #[arg(long)]
        description: Option<String>,
    },
    /// Remove it with its keys, which are refused at once.
    Remove {
        /// The service account's id.
        service_account_id: String,
    },
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    match command {
        Command::Create { name, description } => {
            let body = CreateServiceAccount { name, description };
            global.print(&control.create_service_account(&tenant_key, &body).await?)
        }
        Command::List { paging } => {
            global.print_page(&control.list_service_accounts(&tenant_key, &paging.into()).await?)
        }
        Command::Show { service_account_id } => {
            global.print(&control.get_service_account(&tenant_key, &service_account_id).await?)
        }
        Command::Update { service_account_id, name, description } => {
            let body = UpdateServiceAccount { name, description };
            let id = &service_account_id;
            global.print(&control.update_service_account(&tenant_key, id, &body).await?)
        }
        Command::Remove { service_account_id } => {
            control.remove_service_account(&tenant_key, &service_account_id).await?;
            print_note(&format!("{service_account_id} is removed, and its keys are revoked"));
            Ok(())
        }
    }
}

impl Row for ServiceAccount {
    const COLUMNS: &'static str = "SERVICE ACCOUNT|~NAME|~DESCRIPTION|CREATED";

    fn cells(&self) -> Vec<String> {
        let id = self.service_account_id.clone();
        vec![id, self.name.clone(), self.description.clone(), short_time(&self.created_at)]
    }
}

impl Show for ServiceAccount {
    fn show(&self, table: &mut Table) {
        table.field("service account", &self.service_account_id);
        table.field("name", &self.name);
        table.field("description", &self.description);
        table.field("created", &self.created_at);
    }
}
