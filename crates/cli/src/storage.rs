//! `probity storage`: what is stored for whom, and how much may be.

use clap::{Args, Subcommand};
use contract::control::{PutQuota, Storage, StorageUse};

use crate::output::Show;
use crate::shared_args::Global;
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what is stored for each tenant and app, and the room on the disk.
    Show,
    /// Set how much may be stored for a tenant or an app.
    Quota(Quota),
}

#[derive(Debug, Args)]
pub(crate) struct Quota {
    /// App whose reports count, in all tenants; without it the tenant's reports and files (`--tenant`).
    #[arg(long, value_name = "APP_ID")]
    app: Option<String>,
    /// Bytes that may be stored, or `default` for the installation's quota.
    #[arg(value_name = "BYTES", value_parser = quota)]
    bytes: PutQuota,
}

fn quota(text: &str) -> Result<PutQuota, String> {
    let quota_bytes = match text {
        "default" => None,
        _ => Some(text.parse().map_err(|_| "expected a whole number or `default`".to_owned())?),
    };
    Ok(PutQuota { quota_bytes: Some(quota_bytes) })
}

impl Show for StorageUse {
    fn show(&self, table: &mut Table) {
        let (name, holder) = match (&self.tenant_key, &self.app_id) {
            (Some(tenant_key), _) => ("tenant", tenant_key.as_str()),
            (None, app_id) => ("app", app_id.as_deref().unwrap_or_default()),
        };
        table.field(name, holder);
        table.field("used bytes", self.used_bytes.to_string());
        let note = if self.is_default { " (default)" } else { "" };
        table.field("quota bytes", format!("{}{note}", self.quota_bytes));
        if self.is_near_quota {
            table.field("note", "80 % are used");
        }
    }
}

impl Show for Storage {
    fn show(&self, table: &mut Table) {
        if let Some(disk) = &self.disk {
            table.field("disk free bytes", disk.free_bytes.to_string());
            let note = if disk.is_short { " (reports wait)" } else { "" };
            table.field("disk reserve bytes", format!("{}{note}", disk.reserve_bytes));
        }
        for item in &self.items {
            item.show(table);
        }
    }
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let operator = global.operator()?;
    match command {
        Command::Show => global.print(&operator.get_storage().await?),
        Command::Quota(Quota { app: Some(app_id), bytes }) => {
            global.print(&operator.put_app_quota(&app_id, &bytes).await?)
        }
        Command::Quota(Quota { app: None, bytes }) => {
            let (_, tenant_key) = global.tenant()?;
            global.print(&operator.put_tenant_quota(&tenant_key, &bytes).await?)
        }
    }
}
