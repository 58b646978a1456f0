//! `probity app install`, `uninstall`, `installations`: store apps in tenants.

use clap::Args;
use contract::control::{Installation, PutInstallation};

use crate::grant::grant_at_hand;
use crate::output::{Row, Show, print_note, short_time};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Args)]
pub(crate) struct Install {
    /// The store app.
    app_id: String,
    /// Scope that the app is to have there; may be repeated, replaces all. Every scope of the app when left out.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    /// The store app.
    app_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Installations {
    /// The store app.
    app_id: String,
    #[command(flatten)]
    paging: Paging,
}

pub(crate) async fn install(global: &Global, install: Install) -> anyhow::Result<()> {
    let (_, tenant_key) = global.tenant()?;
    let scopes = Some(install.scopes).filter(|scopes| !scopes.is_empty());
    let body = PutInstallation { scopes };
    let control = global.operator()?;
    global.print(&control.put_installation(&install.app_id, &tenant_key, &body).await?)?;
    grant_at_hand(global, &control, &install.app_id).await
}

pub(crate) async fn uninstall(global: &Global, uninstall: Uninstall) -> anyhow::Result<()> {
    let (_, tenant_key) = global.tenant()?;
    global.operator()?.delete_installation(&uninstall.app_id, &tenant_key).await?;
    print_note(&format!("no longer installed in {tenant_key}; accounts and orders there stay"));
    Ok(())
}

pub(crate) async fn list(global: &Global, list: Installations) -> anyhow::Result<()> {
    let control = global.operator()?;
    global.print_page(&control.list_installations(&list.app_id, &list.paging.into()).await?)
}

impl Row for Installation {
    const COLUMNS: &'static str = "TENANT|~SCOPES|INSTALLED";

    fn cells(&self) -> Vec<String> {
        vec![self.tenant_key.clone(), self.scopes.join(", "), short_time(&self.installed_at)]
    }
}

impl Show for Installation {
    fn show(&self, table: &mut Table) {
        table.field("app", &self.app_id);
        table.field("tenant", &self.tenant_key);
        table.field("scopes", self.scopes.join(", "));
        table.field("installed", &self.installed_at);
    }
}
