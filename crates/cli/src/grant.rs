//! `probity app grants`, `grant`, `take-back`: what a tenant agrees to of what the operator prepared.

use clap::Args;
use client::control::Control;
use contract::control::{App, Grant, GrantApp, GrantState, List, Terms};

use crate::output::{Row, Show, print_note, short_time, wire_name, yes_no};
use crate::shared_args::Global;
use crate::table::Table;

const PAGE: u32 = 200;

#[derive(Debug, Args)]
pub(crate) struct Grants {
    /// One app, in full; a table of all when left out.
    app_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The app.
    app_id: String,
    /// What was seen in `app grants`; whatever is prepared now when left out.
    #[arg(long)]
    revision: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TakeBack {
    /// The app.
    app_id: String,
}

pub(crate) async fn list(global: &Global, grants: Grants) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    match grants.app_id {
        Some(app_id) => global.print(&control.get_grant(&tenant_key, &app_id).await?),
        None => global.print_page(&control.list_grants(&tenant_key).await?),
    }
}

pub(crate) async fn grant(global: &Global, grant: Approve) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    let granted = match grant.revision {
        Some(revision) => {
            control.grant_app(&tenant_key, &grant.app_id, &GrantApp { revision }).await?
        }
        None => control.grant_prepared(&tenant_key, &grant.app_id).await?,
    };
    global.print(&granted)
}

pub(crate) async fn take_back(global: &Global, command: TakeBack) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    control.take_grant_back(&tenant_key, &command.app_id).await?;
    print_note(&format!(
        "nothing of {tenant_key} is granted to the app any more; its tokens ended"
    ));
    Ok(())
}

async fn tenants(operator: &Control, app: &App) -> anyhow::Result<Vec<String>> {
    if let Some(tenant_key) = &app.tenant_key {
        return Ok(vec![tenant_key.clone()]);
    }
    let mut list = List { limit: Some(PAGE), ..List::default() };
    let mut tenants = Vec::new();
    loop {
        let page = operator.list_installations(&app.app_id, &list).await?;
        tenants.extend(page.items.into_iter().map(|it| it.tenant_key));
        list.cursor = page.next_cursor;
        if list.cursor.is_none() {
            return Ok(tenants);
        }
    }
}

/// Grants what was just prepared of an app where the tenant's key is at hand, and says where somebody else has to.
pub(crate) async fn grant_at_hand(
    global: &Global,
    operator: &Control,
    app_id: &str,
) -> anyhow::Result<()> {
    let app = operator.get_app(app_id).await?;
    for tenant_key in tenants(operator, &app).await? {
        let grant = operator.get_grant(&tenant_key, app_id).await?;
        if grant.state == GrantState::Granted {
            continue;
        }
        if let Some(control) = global.stored_tenant(&tenant_key)? {
            let body = GrantApp { revision: grant.revision };
            match control.grant_app(&tenant_key, app_id, &body).await {
                Ok(_) => {
                    print_note(&format!("granted by tenant {tenant_key}, whose key is at hand"));
                    continue;
                }
                Err(error) => print_note(&format!("not granted with the kept key: {error}")),
            }
        }
        print_note(&format!(
            "prepared: an admin of tenant {tenant_key} has to grant it, by \
             `probity app grant {app_id} --tenant {tenant_key}`"
        ));
    }
    Ok(())
}

impl Row for Grant {
    const COLUMNS: &'static str = "APP|~NAME|STATE|~WAITING|PREPARED|REVISION";

    fn cells(&self) -> Vec<String> {
        let waiting = match self.state {
            GrantState::Waiting => "everything".to_owned(),
            _ => self.waiting.join(", "),
        };
        vec![
            self.app_id.clone(),
            self.app_name.clone(),
            wire_name(&self.state),
            waiting,
            short_time(&self.prepared_at),
            self.revision.clone(),
        ]
    }
}

impl Show for Grant {
    fn show(&self, table: &mut Table) {
        table.field("app", &self.app_id);
        table.field("name", &self.app_name);
        table.field("kind", wire_name(&self.kind));
        table.field("state", wire_name(&self.state));
        if !self.waiting.is_empty() {
            table.field("waiting", self.waiting.join(", "));
        }
        table.field("prepared at", &self.prepared_at);
        table.optional("prepared by", self.prepared_by.as_ref());
        table.optional("granted at", self.granted_at.as_ref());
        table.optional("granted by", self.granted_by.as_ref());
        table.field("revision", &self.revision);
        let granted = self.granted.as_ref().map(texts);
        let row = |(place, (name, prepared)): (usize, (&str, String))| {
            let granted = granted.as_ref().map(|texts| texts[place].1.clone());
            vec![name.to_owned(), granted.unwrap_or_default(), prepared]
        };
        let rows: Vec<_> = texts(&self.prepared).into_iter().enumerate().map(row).collect();
        let columns = "TERM|~GRANTED|~PREPARED";
        table.section("Terms", columns, &rows);
    }
}

fn texts(terms: &Terms) -> [(&'static str, String); 7] {
    let ranges = terms.ip_allowlist.join(", ");
    [
        ("scopes", terms.scopes.join(", ")),
        ("event mode", wire_name(&terms.event_mode)),
        ("callback URL", terms.callback_url.clone().unwrap_or_else(|| "none".to_owned())),
        ("encrypted", yes_no(terms.encrypted).to_owned()),
        ("allowed IPs", if ranges.is_empty() { "all".to_owned() } else { ranges }),
        ("app secret", format!("number {}", terms.app_secret_no)),
        ("encrypt key", format!("number {}", terms.encrypt_key_no)),
    ]
}
