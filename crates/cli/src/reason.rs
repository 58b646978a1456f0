//! `probity reason`: reasons that people choose from when they send a result back or end an order.

use clap::Subcommand;
use contract::control::{CreateReasonTemplate, ReasonTemplate, UpdateReasonTemplate};

use crate::output::{Row, Show, print_note};
use crate::shared_args::Global;
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a reason that can be chosen.
    Add {
        /// By what people choose it, 1 to 60 characters.
        #[arg(long)]
        name: String,
        /// What is put into the reason, 1 to 2,000 characters.
        #[arg(long)]
        text: String,
    },
    /// List the reasons that can be chosen.
    List,
    /// Change a reason; what is left out stays as it is.
    Update {
        /// The template.
        template_id: String,
        /// By what people choose it, 1 to 60 characters.
        #[arg(long)]
        name: Option<String>,
        /// What is put into the reason, 1 to 2,000 characters.
        #[arg(long)]
        text: Option<String>,
    },
    /// Delete a reason; reasons that were given stay.
    Delete {
        /// The template.
        template_id: String,
    },
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    match command {
        Command::Add { name, text } => {
            let body = CreateReasonTemplate { name, text };
            global.print(&control.create_reason_template(&tenant_key, &body).await?)
        }
        Command::List => global.print_page(&control.list_reason_templates(&tenant_key).await?),
        Command::Update { template_id, name, text } => {
            let body = UpdateReasonTemplate { name, text };
            global.print(&control.update_reason_template(&tenant_key, &template_id, &body).await?)
        }
        Command::Delete { template_id } => {
            control.delete_reason_template(&tenant_key, &template_id).await?;
            print_note("deleted");
            Ok(())
        }
    }
}

impl Row for ReasonTemplate {
    const COLUMNS: &'static str = "TEMPLATE|~NAME|~TEXT";

    fn cells(&self) -> Vec<String> {
        vec![self.template_id.clone(), self.name.clone(), self.text.clone()]
    }
}

impl Show for ReasonTemplate {
    fn show(&self, table: &mut Table) {
        table.field("template", &self.template_id);
        table.field("name", &self.name);
        table.field("text", &self.text);
    }
}
