//! `probity tenant`: the hirers of an installation.

use clap::Subcommand;
use contract::control::{CreateTenant, CreatedTenant, Tenant, UpdateTenant};

use crate::credentials;
use crate::output::{Row, Show, print_note, short_time, yes_no};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a tenant, and keep its first key in the credentials file.
    Create {
        /// Shown name, 1 to 100 characters.
        #[arg(long)]
        name: String,
        /// Let returned results wait for an approver.
        #[arg(long)]
        report_approval: bool,
        /// Keep the one who placed an order from reviewing its result.
        #[arg(long)]
        four_eyes: bool,
        /// Days after an order's end until it is erased, 1 to 3,650.
        #[arg(long, value_name = "DAYS", default_value_t = 365)]
        retention_days: u32,
        /// Language of pages and messages: zh-CN or en.
        #[arg(long, default_value = "zh-CN")]
        locale: String,
        /// Demand a second factor of its people.
        #[arg(long)]
        totp_required: bool,
        /// Hours within which somebody has to decide on a result, 1 to 8,760; no limit when absent.
        #[arg(long, value_name = "HOURS")]
        review_hours: Option<u32>,
    },
    /// List tenants, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a tenant's settings.
    Show {
        /// The tenant.
        tenant_key: String,
    },
    /// Change a tenant's settings; what is left out stays as it is.
    Update {
        /// The tenant.
        tenant_key: String,
        /// Shown name, 1 to 100 characters.
        #[arg(long)]
        name: Option<String>,
        /// Whether returned results wait for an approver.
        #[arg(long, value_name = "true|false")]
        report_approval: Option<bool>,
        /// Whether the one who placed an order may not review its result.
        #[arg(long, value_name = "true|false")]
        four_eyes: Option<bool>,
        /// Days after an order's end until it is erased, 1 to 3,650.
        #[arg(long, value_name = "DAYS")]
        retention_days: Option<u32>,
        /// Language of pages and messages: zh-CN or en.
        #[arg(long)]
        locale: Option<String>,
        /// Whether its people need a second factor.
        #[arg(long, value_name = "true|false")]
        totp_required: Option<bool>,
        /// Hours within which somebody has to decide on a result, 1 to 8,760; 0 for no limit.
        #[arg(long, value_name = "HOURS")]
        review_hours: Option<u32>,
    },
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create {
            name,
            report_approval,
            four_eyes,
            retention_days,
            locale,
            totp_required,
            review_hours,
        } => {
            let body = CreateTenant {
                name,
                report_approval,
                four_eyes,
                retention_days,
                locale,
                totp_required,
                review_hours,
            };
            let control = global.operator()?;
            let created = control.create_tenant(&body).await?;
            // Printed first: the key is shown once, and storing it may fail.
            global.print(&created)?;
            keep(&control.server(), &created);
            Ok(())
        }
        Command::List { paging } => {
            global.print_page(&global.operator()?.list_tenants(&paging.into()).await?)
        }
        Command::Show { tenant_key } => {
            global.print(&global.named_tenant(&tenant_key)?.get_tenant(&tenant_key).await?)
        }
        Command::Update {
            tenant_key,
            name,
            report_approval,
            four_eyes,
            retention_days,
            locale,
            totp_required,
            review_hours,
        } => {
            let body = UpdateTenant {
                name,
                report_approval,
                four_eyes,
                retention_days,
                locale,
                totp_required,
                review_hours: review_hours.map(|hours| Some(hours).filter(|hours| *hours > 0)),
            };
            let control = global.named_tenant(&tenant_key)?;
            global.print(&control.update_tenant(&tenant_key, &body).await?)
        }
    }
}

fn keep(server: &str, CreatedTenant { tenant, api_key }: &CreatedTenant) {
    if api_key.is_empty() {
        print_note("the tenant was created before; its key was shown then, and is not shown again");
        return;
    }
    let stored = credentials::path().and_then(|path| {
        credentials::remember(&path, server, &tenant.tenant_key, api_key)?;
        Ok(path)
    });
    match stored {
        Ok(path) => print_note(&format!("its key is kept in {}", path.display())),
        // The tenant exists: a failure here would make a script create a second one.
        Err(error) => {
            print_note(&format!("warning: keep the key yourself, it is not kept: {error:#}"));
        }
    }
}

impl Row for Tenant {
    const COLUMNS: &'static str = "TENANT|~NAME|REVIEW|FOUR EYES|DAYS|CREATED";

    fn cells(&self) -> Vec<String> {
        vec![
            self.tenant_key.clone(),
            self.name.clone(),
            yes_no(self.report_approval).into(),
            yes_no(self.four_eyes).into(),
            self.retention_days.to_string(),
            short_time(&self.created_at),
        ]
    }
}

impl Show for Tenant {
    fn show(&self, table: &mut Table) {
        table.field("tenant", &self.tenant_key);
        table.field("name", &self.name);
        table.field("report approval", yes_no(self.report_approval));
        table.field("four eyes", yes_no(self.four_eyes));
        table.field("retention", format!("{} days", self.retention_days));
        table.field("locale", &self.locale);
        table.field("second factor", if self.totp_required { "demanded" } else { "by choice" });
        table.optional(
            "review within",
            self.review_hours.map(|hours| format!("{hours} h")).as_ref(),
        );
        table.field("created", &self.created_at);
    }
}

impl Show for CreatedTenant {
    fn show(&self, table: &mut Table) {
        self.tenant.show(table);
        table.once("API key", &self.api_key);
    }
}
