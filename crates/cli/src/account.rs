//! `probity account`: a tenant's bindings to vendors' apps.

use clap::{Args, Subcommand};
use contract::control::{Account, AccountForm, CreateAccount, FieldValue, UpdateAccount};
use contract::field::{AccountField, CheckField, I18n};

use crate::output::{Row, Show, print_note, short_time, wire_name, yes_no};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bind the tenant to a vendor's app; the vendor is notified.
    Bind(Bind),
    /// Show what a vendor's app asks when an account is bound to it.
    Form(App),
    /// List accounts, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show an account and what can be ordered there.
    Show {
        /// The account.
        account_id: String,
    },
    /// Switch whether the account's vendor is notified, with the reason, of results that are sent back.
    Update {
        /// The account.
        account_id: String,
        /// Whether it is.
        #[arg(long, value_name = "true|false", action = clap::ArgAction::Set)]
        returned_event: bool,
    },
    /// Unbind an account.
    Unbind {
        /// The account.
        account_id: String,
    },
}

/// The vendor's app, with or without its flag.
#[derive(Debug, Args)]
pub(crate) struct App {
    /// The vendor's app.
    #[arg(required_unless_present = "app", conflicts_with = "app")]
    app_id: Option<String>,
    /// The vendor's app, too.
    #[arg(long, value_name = "APP_ID")]
    app: Option<String>,
}

impl App {
    fn id(self) -> String {
        self.app_id.or(self.app).unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Bind {
    #[command(flatten)]
    app: App,
    /// Shown name, 1 to 100 characters.
    #[arg(long)]
    name: String,
    /// What it is used for: 1 experienced hires (社招), 2 campus (校招); may be repeated.
    #[arg(long = "usage", value_name = "1|2", default_values_t = [1, 2])]
    usage_list: Vec<u32>,
    /// Value of an account custom field; may be repeated.
    #[arg(long = "field", value_name = "KEY=VALUE", value_parser = field_value)]
    fields: Vec<FieldValue>,
}

/// Reads `KEY=VALUE`.
pub(crate) fn field_value(text: &str) -> Result<FieldValue, String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok(FieldValue { key: key.to_owned(), value: value.to_owned() })
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let (control, tenant_key) = global.tenant()?;
    match command {
        Command::Bind(Bind { app, name, usage_list, fields }) => {
            let body = CreateAccount {
                app_id: app.id(),
                account_name: name,
                usage_list,
                custom_field_list: fields,
            };
            global.print(&control.create_account(&tenant_key, &body).await?)
        }
        Command::Form(app) => {
            global.print(&control.get_account_form(&tenant_key, &app.id()).await?)
        }
        Command::List { paging } => {
            global.print_page(&control.list_accounts(&tenant_key, &paging.into()).await?)
        }
        Command::Show { account_id } => {
            global.print(&control.get_account(&tenant_key, &account_id).await?)
        }
        Command::Update { account_id, returned_event } => {
            let body = UpdateAccount { returned_event: Some(returned_event) };
            global.print(&control.update_account(&tenant_key, &account_id, &body).await?)
        }
        Command::Unbind { account_id } => {
            control.delete_account(&tenant_key, &account_id).await?;
            print_note("unbound");
            Ok(())
        }
    }
}

impl Row for Account {
    const COLUMNS: &'static str = "ACCOUNT|~NAME|APP|PACKAGES|ITEMS|CREATED";

    fn cells(&self) -> Vec<String> {
        vec![
            self.account_id.clone(),
            self.account_name.clone(),
            self.app_id.clone(),
            self.packages.len().to_string(),
            self.additional_items.len().to_string(),
            short_time(&self.created_at),
        ]
    }
}

impl Show for Account {
    fn show(&self, table: &mut Table) {
        table.field("account", &self.account_id);
        table.field("name", &self.account_name);
        table.field("app", &self.app_id);
        let usages = self.usage_list.iter().map(|usage| match usage {
            1 => "experienced hires",
            2 => "campus",
            _ => "other",
        });
        table.field("usage", usages.collect::<Vec<_>>().join(", "));
        show_fields(table, &self.custom_field_list);
        table.field("returned event", yes_no(self.returned_event));
        table.field("created", &self.created_at);

        let columns = "~ID|~NAME|~DESCRIPTION";
        let row = |id: &str, name: &str, description: &Option<String>| {
            vec![id.to_owned(), name.to_owned(), description.clone().unwrap_or_default()]
        };
        let packages = self.packages.iter().map(|p| row(&p.id, &p.name, &p.description));
        table.section("packages", columns, &packages.collect::<Vec<_>>());
        let items = self.additional_items.iter().map(|i| row(&i.id, &i.name, &i.description));
        table.section("additional items", columns, &items.collect::<Vec<_>>());
        let columns = "~KEY|TYPE|REQUIRED|~NAME|~OPTIONS";
        let rows: Vec<_> = self.fields.iter().map(field).collect();
        table.section("fields", columns, &rows);
    }
}

impl Show for AccountForm {
    fn show(&self, table: &mut Table) {
        let columns = "~KEY|REQUIRED|~NAME|~DESCRIPTION";
        let text = |text: Option<&I18n>| text.and_then(I18n::any).unwrap_or_default().to_owned();
        let row = |field: &AccountField| {
            let name = text(Some(&field.name));
            let description = text(field.description.as_ref());
            vec![field.key.clone(), yes_no(field.is_required).to_owned(), name, description]
        };
        table.list(columns, &self.fields.iter().map(row).collect::<Vec<_>>());
    }
}

fn field(field: &CheckField) -> Vec<String> {
    let options: Vec<_> = field.options.iter().map(|option| option.key.as_str()).collect();
    vec![
        field.key.clone(),
        wire_name(&field.kind),
        yes_no(field.is_required).to_owned(),
        field.name.any().unwrap_or_default().to_owned(),
        options.join(", "),
    ]
}

/// One labelled line for all values of custom fields.
pub(crate) fn show_fields(table: &mut Table, fields: &[FieldValue]) {
    let fields: Vec<_> = fields.iter().map(|f| format!("{}={}", f.key, f.value)).collect();
    table.optional("fields", Some(fields.join("\n")).filter(|text| !text.is_empty()));
}
