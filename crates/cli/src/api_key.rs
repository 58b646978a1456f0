//! `probity key create|list|show|replace|revoke`: keys for the control API, a tenant's or with `--operator` the
//! operator's; and `replace-operator`, which needs no key but the machine.

use clap::{Args, Subcommand, ValueEnum};
use client::control::Control;
use contract::control::{ApiKey, CreateApiKey, CreatedApiKey, KeyRole, List, Page, ReplaceApiKey};
use system::clock::Clock;

use crate::credentials;
use crate::daemon::{self, Storage};
use crate::output::{Row, Show, print_note, short_time};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key of the tenant, by its admin alone; its value is shown this once.
    Create(Create),
    /// List keys without their values, newest first, revoked ones included.
    List {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a key without its value.
    Show {
        /// The key's id.
        key_id: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Give a key another value, shown this once; id, roles and end stay.
    Replace(Replace),
    /// Revoke a key, for good and everywhere at once.
    Revoke {
        /// The key's id.
        key_id: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// On the server's machine, when no operator key is at hand: revoke all of them, and make a new one
    /// in `--data`.
    ///
    /// Needs no key, but the data directory and the root key, as the server has them. With SQLite the
    /// server must be stopped meanwhile; with PostgreSQL it may run.
    ReplaceOperator(ReplaceOperator),
}

/// Whose keys.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Whose {
    /// The operator's keys instead of the tenant's.
    #[arg(long)]
    operator: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is for, 1 to 100 characters.
    #[arg(long)]
    name: String,
    /// Whom it belongs to, in free words, 1 to 100 characters.
    #[arg(long, required_unless_present = "owner_id")]
    owner: Option<String>,
    /// The person or service account of the tenant that it belongs to; a person's key never does more than
    /// the person may.
    #[arg(long, value_name = "ID", conflicts_with = "owner")]
    owner_id: Option<String>,
    /// What it may do; may be repeated. An operator's key has no other role.
    #[arg(long = "role", value_enum, required_unless_present = "operator")]
    #[arg(conflicts_with = "operator")]
    roles: Vec<TenantRole>,
    /// When it ends, as 2027-03-01T08:00:00Z; never when left out.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Keep it in the credentials file, in place of the tenant's key there.
    #[arg(long, conflicts_with = "operator")]
    remember: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Args)]
pub(crate) struct Replace {
    /// The key's id.
    key_id: String,
    /// How long the old value is good besides the new one.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    grace_seconds: u32,
    /// Keep it in the credentials file, in place of the tenant's key there.
    #[arg(long, conflicts_with = "operator")]
    remember: bool,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Args)]
pub(crate) struct ReplaceOperator {
    /// Replace `operator.key` in the data directory when it is there.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    storage: Storage,
}

/// The roles of a tenant's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum TenantRole {
    /// Everything in its own tenant.
    Admin,
    /// Places orders, and sees where its own ones stand.
    Recruiter,
    /// Decides on returned results, and sees reports.
    Approver,
    /// Looks after retention and erasure, and finds whom to erase.
    PrivacyOfficer,
    /// Reads what holds no personal data.
    Auditor,
}

impl From<TenantRole> for KeyRole {
    fn from(role: TenantRole) -> KeyRole {
        match role {
            TenantRole::Admin => KeyRole::Admin,
            TenantRole::Recruiter => KeyRole::Recruiter,
            TenantRole::Approver => KeyRole::Approver,
            TenantRole::PrivacyOfficer => KeyRole::PrivacyOfficer,
            TenantRole::Auditor => KeyRole::Auditor,
        }
    }
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Create(create) => self::create(global, create).await,
        Command::List { whose, paging } => {
            global.print_page(&list(global, whose, &paging.into()).await?)
        }
        Command::Show { key_id, whose: Whose { operator: true } } => {
            global.print(&global.operator()?.get_operator_key(&key_id).await?)
        }
        Command::Show { key_id, .. } => {
            let (control, tenant_key) = global.tenant()?;
            global.print(&control.get_api_key(&tenant_key, &key_id).await?)
        }
        Command::Replace(replace) => self::replace(global, replace).await,
        Command::Revoke { key_id, whose } => {
            match whose.operator {
                true => global.operator()?.revoke_operator_key(&key_id).await?,
                false => {
                    let (control, tenant_key) = global.tenant()?;
                    control.revoke_api_key(&tenant_key, &key_id).await?;
                }
            }
            print_note(&format!("{key_id} is revoked"));
            Ok(())
        }
        Command::ReplaceOperator(replace) => replace_operator(global, replace).await,
    }
}

async fn create(global: &Global, create: Create) -> anyhow::Result<()> {
    let Create { name, owner, owner_id, roles, expires_at, remember, whose } = create;
    let roles = roles.into_iter().map(KeyRole::from).collect();
    let owner = owner.unwrap_or_default();
    let body = CreateApiKey { name, owner, owner_id, roles, expires_at };
    if whose.operator {
        return print_key(global, &global.operator()?.create_operator_key(&body).await?);
    }
    let (control, tenant_key) = global.tenant()?;
    let created = control.create_api_key(&tenant_key, &body).await?;
    print_key(global, &created)?;
    keep(remember, &control, &tenant_key, &created)
}

async fn list(global: &Global, whose: Whose, list: &List) -> anyhow::Result<Page<ApiKey>> {
    if whose.operator {
        return Ok(global.operator()?.list_operator_keys(list).await?);
    }
    let (control, tenant_key) = global.tenant()?;
    Ok(control.list_api_keys(&tenant_key, list).await?)
}

async fn replace(global: &Global, replace: Replace) -> anyhow::Result<()> {
    let Replace { key_id, grace_seconds, remember, whose } = replace;
    let body = ReplaceApiKey { grace_seconds: Some(grace_seconds) };
    if whose.operator {
        return print_key(global, &global.operator()?.replace_operator_key(&key_id, &body).await?);
    }
    let (control, tenant_key) = global.tenant()?;
    let replaced = control.replace_api_key(&tenant_key, &key_id, &body).await?;
    print_key(global, &replaced)?;
    keep(remember, &control, &tenant_key, &replaced)
}

async fn replace_operator(global: &Global, replace: ReplaceOperator) -> anyhow::Result<()> {
    let config = daemon::config(global, replace.storage);
    let clock = Clock::system();
    let path = server::keys::replace_operator_keys(&config, &clock, replace.overwrite).await?;
    println!("{}", path.display());
    print_note(
        "every operator key of before is revoked; the new one is in that file, for its owner alone",
    );
    Ok(())
}

/// Printed first: the value is shown this once, and keeping it may fail.
fn print_key(global: &Global, created: &CreatedApiKey) -> anyhow::Result<()> {
    global.print(created)?;
    if !created.api_key.is_empty() {
        print_note("note the key: it is shown this once");
    }
    Ok(())
}

fn keep(
    remember: bool,
    control: &Control,
    tenant_key: &str,
    created: &CreatedApiKey,
) -> anyhow::Result<()> {
    if !remember || created.api_key.is_empty() {
        return Ok(());
    }
    let path = credentials::path()?;
    credentials::remember(&path, &control.server(), tenant_key, &created.api_key)?;
    print_note(&format!("it is kept in {}", path.display()));
    Ok(())
}

/// Roles with commas between them.
pub(crate) fn role_names(roles: &[KeyRole]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

impl Row for ApiKey {
    const COLUMNS: &'static str = "KEY|~NAME|~OWNER|~ROLES|LAST USE|~STANDS";

    fn cells(&self) -> Vec<String> {
        let stands = match (&self.revoked_at, &self.expires_at) {
            (Some(at), _) => format!("revoked {}", short_time(at)),
            (None, Some(at)) => format!("ends {}", short_time(at)),
            (None, None) => "in force".to_owned(),
        };
        vec![
            self.key_id.clone(),
            self.name.clone(),
            self.owner.clone().or(self.owner_id.clone()).unwrap_or_default(),
            role_names(&self.roles),
            self.last_used_at.as_deref().map(short_time).unwrap_or_default(),
            stands,
        ]
    }
}

impl Show for ApiKey {
    fn show(&self, table: &mut Table) {
        table.field("key", &self.key_id);
        table.field("name", &self.name);
        table.optional("owner", self.owner.as_ref());
        table.optional("owner id", self.owner_id.as_ref());
        table.field("roles", role_names(&self.roles));
        table.field("created", &self.created_at);
        table.optional("ends", self.expires_at.as_ref());
        table.optional("old value until", self.old_until.as_ref());
        table.field("last use", self.last_used_at.as_deref().unwrap_or("never"));
        table.optional("revoked", self.revoked_at.as_ref());
    }
}

impl Show for CreatedApiKey {
    fn show(&self, table: &mut Table) {
        self.key.show(table);
        table.once("API key", &self.api_key);
    }
}
