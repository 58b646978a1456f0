//! `probity app`: the programs of vendors and hirers.

use clap::{Args, Subcommand, ValueEnum};
use client::control::Control;
use contract::control::{App, AppKind, Connection, CreateApp, CreatedApp, EventMode, UpdateApp};
use contract::scope::Scope;

use crate::endpoint::{self, Explain, Pause, Rotate};
use crate::grant::{self, Approve, Grants, TakeBack, grant_at_hand};
use crate::installation::{self, Install, Installations, Uninstall};
use crate::output::{Row, Show, print_note, short_time, wire_name, yes_no};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create an app; its secrets are shown this once.
    Create(Create),
    /// List apps, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show an app.
    Show {
        /// The app.
        app_id: String,
    },
    /// Change an app; what is left out stays as it is.
    Update(Update),
    /// Let an app call and be notified again.
    Enable {
        /// The app.
        app_id: String,
    },
    /// Stop an app's calls; its deliveries wait.
    Disable {
        /// The app.
        app_id: String,
    },
    /// Send an app nothing until it is resumed; its deliveries wait.
    Pause(Pause),
    /// Send an app its events again, what was paused first.
    Resume {
        /// The app.
        app_id: String,
    },
    /// Check an app's callback URL, and explain what fails; exit status 1 when it does not pass.
    VerifyUrl {
        /// The app.
        app_id: String,
    },
    /// Give an app a new secret; the old one is good besides for a time.
    Rotate(Rotate),
    /// Explain the signature of a webhook: each step's bytes, and which input is wrong.
    ExplainSignature(Explain),
    /// List what somebody should look at, newest first.
    Alerts {
        #[command(flatten)]
        paging: Paging,
    },
    /// Install a store app in `--tenant`, or change the scopes there.
    Install(Install),
    /// Take a store app out of `--tenant`.
    Uninstall(Uninstall),
    /// List the tenants where a store app is installed, newest first.
    Installations(Installations),
    /// List what a tenant granted to apps, and what waits for its grant; one app in full.
    Grants(Grants),
    /// Grant an app what was prepared for it in `--tenant`; needs a key of that tenant.
    Grant(Approve),
    /// Take back what `--tenant` granted to an app; its tokens there end.
    TakeBack(TakeBack),
    /// List an app's live long connections: who, since when, last ping, events in flight.
    Connections {
        /// The app.
        app_id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Shown name, 1 to 100 characters.
    #[arg(long)]
    name: String,
    /// What the app is; a self-built app belongs to `--tenant`.
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    /// Scope granted to the app; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE", default_values_t = default_scopes())]
    scopes: Vec<String>,
    /// How events reach the app.
    #[arg(long, value_enum, default_value_t)]
    event_mode: Mode,
    /// Where events are posted; until one is set they wait.
    #[arg(long, value_name = "URL")]
    callback_url: Option<String>,
    /// Encrypt events with the app's encrypt key.
    #[arg(long)]
    encrypted: bool,
    /// Address or range that may call with the app's tokens; may be repeated, all when left out.
    #[arg(long = "allow-ip", value_name = "IP|CIDR")]
    ip_allowlist: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The app.
    app_id: String,
    /// Shown name, 1 to 100 characters.
    #[arg(long)]
    name: Option<String>,
    /// Scope granted to the app; may be repeated, replaces all.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// How events reach the app.
    #[arg(long, value_enum)]
    event_mode: Option<Mode>,
    /// Where events are posted.
    #[arg(long, value_name = "URL", conflicts_with = "no_callback_url")]
    callback_url: Option<String>,
    /// Take the URL away: deliveries wait.
    #[arg(long)]
    no_callback_url: bool,
    /// Whether events are encrypted with the app's encrypt key.
    #[arg(long, value_name = "true|false")]
    encrypted: Option<bool>,
    /// Address or range that may call with the app's tokens; may be repeated, replaces all.
    #[arg(long = "allow-ip", value_name = "IP|CIDR")]
    ip_allowlist: Vec<String>,
}

/// What an app is, as the command line writes it.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// Belongs to one tenant (自建应用).
    #[default]
    SelfBuilt,
    /// Installed in many tenants (商店应用).
    Store,
}

/// How events reach an app, as the command line writes it.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Mode {
    /// Posted to the callback URL.
    #[default]
    Webhook,
    /// Over a websocket that the app opens (长连接).
    LongConnection,
}

impl From<Mode> for EventMode {
    fn from(mode: Mode) -> EventMode {
        match mode {
            Mode::Webhook => EventMode::Webhook,
            Mode::LongConnection => EventMode::LongConnection,
        }
    }
}

/// What a vendor's program needs: to return results, and to be notified of orders.
fn default_scopes() -> Vec<String> {
    let scopes = [Scope::BackgroundCheckOrder, Scope::BackgroundCheckOrderReadonly];
    scopes.map(|scope| scope.as_str().to_owned()).to_vec()
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let control = global.operator()?;
    match command {
        Command::Create(create) => {
            let tenant = create.tenant_key(global, &control).await?;
            let created = control.create_app(&create.body(tenant)).await?;
            global.print(&created)?;
            print_note("note the secrets: they are shown this once");
            grant_at_hand(global, &control, &created.app.app_id).await
        }
        Command::List { paging } => global.print_page(&control.list_apps(&paging.into()).await?),
        Command::Show { app_id } => global.print(&control.get_app(&app_id).await?),
        Command::Update(update) => {
            let (app_id, body) = update.body();
            global.print(&control.update_app(&app_id, &body).await?)?;
            grant_at_hand(global, &control, &app_id).await
        }
        Command::Pause(pause) => endpoint::pause(global, pause).await,
        Command::Resume { app_id } => global.print(&control.resume_app(&app_id).await?),
        Command::VerifyUrl { app_id } => endpoint::verify_url(global, &app_id).await,
        Command::Rotate(rotate) => endpoint::rotate(global, rotate).await,
        Command::ExplainSignature(explain) => endpoint::explain(global, explain).await,
        Command::Alerts { paging } => {
            global.print_page(&control.list_alerts(&paging.into()).await?)
        }
        Command::Enable { app_id } => global.print(&control.enable_app(&app_id).await?),
        Command::Disable { app_id } => global.print(&control.disable_app(&app_id).await?),
        Command::Install(command) => installation::install(global, command).await,
        Command::Uninstall(command) => installation::uninstall(global, command).await,
        Command::Installations(command) => installation::list(global, command).await,
        Command::Grants(command) => grant::list(global, command).await,
        Command::Grant(command) => grant::grant(global, command).await,
        Command::TakeBack(command) => grant::take_back(global, command).await,
        Command::Connections { app_id } => {
            global.print_page(&control.list_app_connections(&app_id).await?)
        }
    }
}

impl Create {
    async fn tenant_key(
        &self,
        global: &Global,
        control: &Control,
    ) -> anyhow::Result<Option<String>> {
        match self.kind {
            Kind::SelfBuilt => global.tenant_or_only(control).await.map(Some),
            Kind::Store => Ok(None),
        }
    }

    fn body(self, tenant_key: Option<String>) -> CreateApp {
        let (kind, tenant_key) = match self.kind {
            Kind::SelfBuilt => (AppKind::SelfBuilt, tenant_key),
            Kind::Store => (AppKind::Store, None),
        };
        CreateApp {
            name: self.name,
            kind,
            tenant_key,
            scopes: self.scopes,
            event_mode: self.event_mode.into(),
            callback_url: self.callback_url,
            encrypted: self.encrypted,
            ip_allowlist: self.ip_allowlist,
        }
    }
}

impl Update {
    fn body(self) -> (String, UpdateApp) {
        let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
        let callback_url =
            if self.no_callback_url { Some(None) } else { self.callback_url.map(Some) };
        let body = UpdateApp {
            name: self.name,
            scopes: some(self.scopes),
            event_mode: self.event_mode.map(Into::into),
            callback_url,
            encrypted: self.encrypted,
            ip_allowlist: some(self.ip_allowlist),
        };
        (self.app_id, body)
    }
}

impl Row for App {
    const COLUMNS: &'static str = "APP|~NAME|KIND|TENANT|ENABLED|CREATED";

    fn cells(&self) -> Vec<String> {
        vec![
            self.app_id.clone(),
            self.name.clone(),
            wire_name(&self.kind),
            self.tenant_key.clone().unwrap_or_default(),
            yes_no(self.enabled).into(),
            short_time(&self.created_at),
        ]
    }
}

impl Row for Connection {
    const COLUMNS: &'static str = "CONNECTION|~CLIENT|SINCE|LAST PING|IN FLIGHT";

    fn cells(&self) -> Vec<String> {
        vec![
            self.connection_id.clone(),
            self.client.clone(),
            short_time(&self.opened_at),
            self.last_ping_at.as_deref().map(short_time).unwrap_or_default(),
            self.in_flight.to_string(),
        ]
    }
}

impl Show for App {
    fn show(&self, table: &mut Table) {
        table.field("app", &self.app_id);
        table.field("name", &self.name);
        table.field("kind", wire_name(&self.kind));
        table.optional("tenant", self.tenant_key.as_ref());
        table.field("enabled", yes_no(self.enabled));
        table.optional("paused", self.paused_at.as_ref());
        table.optional("pause reason", self.pause_reason.as_ref());
        table.field("scopes", self.scopes.join(", "));
        table.field("event mode", wire_name(&self.event_mode));
        table.field("callback URL", self.callback_url.as_deref().unwrap_or("none: events wait"));
        table.field("encrypted", yes_no(self.encrypted));
        if !self.ip_allowlist.is_empty() {
            table.field("allowed IPs", self.ip_allowlist.join(", "));
        }
        table.field("created", &self.created_at);
        if let Some(check) = &self.url_check {
            check.show(table);
        }
    }
}

impl Show for CreatedApp {
    fn show(&self, table: &mut Table) {
        self.app.show(table);
        table.once("app secret", &self.app_secret);
        table.once("verification token", &self.verification_token);
        table.once("encrypt key", &self.encrypt_key);
    }
}
