//! `probity erasure`, `probity retention`, `probity hold`: how long orders are stored, and how they go.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use contract::control::{
    EraseOrder, Erasure, ErasurePreview, Hold, PackageRetention, PutHold, PutRetention, Retention,
};
use contract::evidence::Certificate;

use crate::audit::create;
use crate::key::read_key;
use crate::output::{Row, Show, print_json, print_note, short_time, wire_name};
use crate::shared_args::{Global, Paging};
use crate::table::Table;
use crate::usage_error::UsageError;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what will be erased and when, and what stays and why; changes nothing.
    Preview {
        #[command(flatten)]
        paging: Paging,
    },
    /// List what was erased, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Erase an order for good, before its retention is over. Nobody can bring it back.
    Run {
        /// The order.
        order_id: String,
        /// Why, 1 to 2,000 characters.
        #[arg(long)]
        reason: String,
    },
    /// Save the signed certificate of an order's erasure.
    Certificate {
        /// The order.
        order_id: String,
        /// Where it goes: a file that does not exist yet; stdout when left out.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify a certificate; no server is asked.
    Verify {
        /// The certificate.
        file: PathBuf,
        /// The installation's public key, 64 hex digits or a file that holds them.
        #[arg(long, value_name = "KEY|FILE")]
        public_key: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Show how long a tenant's orders are stored after their end.
    Show,
    /// Replace the rules for packages; without one, the tenant's own days count for all.
    Set {
        /// A rule, as PACKAGE=DAYS; may be repeated.
        #[arg(value_name = "PACKAGE=DAYS", value_parser = rule)]
        rules: Vec<PackageRetention>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Show a legal hold.
    Show {
        /// The order; the whole tenant when left out.
        #[arg(long, value_name = "ORDER_ID")]
        order: Option<String>,
    },
    /// Set a legal hold, or give it another reason: what is held is not erased.
    Set {
        /// The order; the whole tenant when left out.
        #[arg(long, value_name = "ORDER_ID")]
        order: Option<String>,
        /// Why, 1 to 2,000 characters.
        #[arg(long)]
        reason: String,
    },
    /// Lift a legal hold.
    Lift {
        /// The order; the whole tenant when left out.
        #[arg(long, value_name = "ORDER_ID")]
        order: Option<String>,
    },
}

fn rule(text: &str) -> Result<PackageRetention, String> {
    let (package_id, days) = text.rsplit_once('=').ok_or("expected PACKAGE=DAYS")?;
    let days = days.parse().map_err(|_| "expected days as a whole number")?;
    Ok(PackageRetention { package_id: package_id.to_owned(), days })
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Preview { paging } => {
            let (control, tenant_key) = global.tenant()?;
            global.print_page(&control.preview_erasures(&tenant_key, &paging.into()).await?)
        }
        Command::List { paging } => {
            let (control, tenant_key) = global.tenant()?;
            global.print_page(&control.list_erasures(&tenant_key, &paging.into()).await?)
        }
        Command::Run { order_id, reason } => {
            let (control, tenant_key) = global.tenant()?;
            let body = EraseOrder { reason };
            global.print(&control.erase_order(&tenant_key, &order_id, &body).await?)
        }
        Command::Certificate { order_id, out } => {
            let (control, tenant_key) = global.tenant()?;
            let file = control.get_certificate(&tenant_key, &order_id).await?;
            save(out, &file)
        }
        Command::Verify { file, public_key } => {
            let key = read_key(&public_key)?;
            let text = std::fs::read_to_string(&file);
            let text = text.with_context(|| file.display().to_string())?;
            let certificate: Certificate = key.open(&text)?;
            print_note(&format!("the certificate is signed by key {} and unaltered", key.key_id()));
            print_json(&certificate)
        }
    }
}

pub(crate) fn save(out: Option<PathBuf>, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    match out {
        Some(path) => create(&path)?.write_all(text.as_bytes())?,
        None => std::io::stdout().lock().write_all(text.as_bytes())?,
    }
    Ok(())
}

pub(crate) async fn retention(global: &Global, command: RetentionCommand) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    match command {
        RetentionCommand::Show => global.print(&control.get_retention(&tenant_key).await?),
        RetentionCommand::Set { rules: packages } => {
            let body = PutRetention { packages };
            global.print(&control.put_retention(&tenant_key, &body).await?)
        }
    }
}

pub(crate) async fn hold(global: &Global, command: HoldCommand) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    match command {
        HoldCommand::Show { order } => {
            global.print(&control.get_hold(&tenant_key, order.as_deref()).await?)
        }
        HoldCommand::Set { order, reason } => {
            if reason.trim().is_empty() {
                let message = "expected a reason".to_owned();
                return Err(UsageError { message, hint: "say why with --reason" }.into());
            }
            let body = PutHold { reason };
            global.print(&control.put_hold(&tenant_key, order.as_deref(), &body).await?)
        }
        HoldCommand::Lift { order } => {
            control.lift_hold(&tenant_key, order.as_deref()).await?;
            print_note("the hold is lifted");
            Ok(())
        }
    }
}

impl Row for ErasurePreview {
    const COLUMNS: &'static str = "ORDER|VERDICT|ENDED|DUE|DAYS|~PACKAGE";

    fn cells(&self) -> Vec<String> {
        let time = |at: &Option<String>| at.as_deref().map_or_else(String::new, short_time);
        vec![
            self.order_id.clone(),
            wire_name(&self.verdict),
            time(&self.ended_at),
            time(&self.due_at),
            self.days.to_string(),
            self.package_id.clone(),
        ]
    }
}

impl Row for Erasure {
    const COLUMNS: &'static str = "ORDER|ERASED|RULE|~REASON";

    fn cells(&self) -> Vec<String> {
        vec![
            self.order_id.clone(),
            short_time(&self.erased_at),
            self.rule.clone(),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}

impl Show for Erasure {
    fn show(&self, table: &mut Table) {
        table.field("order", &self.order_id);
        table.field("erased", &self.erased_at);
        table.field("rule", &self.rule);
        table.optional("reason", self.reason.as_deref());
        table.field("beyond recovery from", &self.unrecoverable_from);
        table.optional("nothing left since", self.finished_at.as_deref());
    }
}

impl Show for Retention {
    fn show(&self, table: &mut Table) {
        table.field("kept for", format!("{} days after the end", self.retention_days));
        table.field("bounds", format!("{} to {} days", self.days_min, self.days_max));
        let rows: Vec<_> = self
            .packages
            .iter()
            .map(|rule| vec![rule.package_id.clone(), rule.days.to_string()])
            .collect();
        table.section("Packages", "~PACKAGE|DAYS", &rows);
    }
}

impl Show for Hold {
    fn show(&self, table: &mut Table) {
        table.field("reason", &self.reason);
        table.field("set by", &self.set_by);
        table.field("since", &self.set_at);
    }
}
