//! `probity event`: what apps are notified of, and how it went.

use clap::Subcommand;
use contract::control::{
    Attempt, Delivery, DeliveryState, Event, ListEvents, Page, ResendSince, Resent,
};

use crate::output::Row;
use crate::output::{Show, short_time, wire_name};
use crate::shared_args::{Global, Paging};
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List events, newest first.
    List {
        /// Only events of this order.
        #[arg(long, value_name = "ORDER_ID")]
        order: Option<String>,
        /// Only events for this app.
        #[arg(long, value_name = "APP_ID")]
        app: Option<String>,
        /// Only events of this type: hire.eco_account.created_v1 or another, `hire.` may be left out.
        #[arg(long = "type", value_name = "TYPE")]
        event_type: Option<String>,
        /// Only events whose delivery is in this state: held, due, delivered, exhausted, paused.
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Option<DeliveryState>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the way of an event to its app, with every try.
    Deliveries {
        /// The event.
        event_id: String,
    },
    /// Send an event again, or the events of an app in a span of time.
    Resend {
        /// The event.
        #[arg(
            required_unless_present = "app",
            conflicts_with_all = ["app", "since", "until", "states"]
        )]
        event_id: Option<String>,
        /// The app.
        #[arg(long, value_name = "APP_ID", requires = "since")]
        app: Option<String>,
        /// From when on: an instant as 2026-03-01T08:00:00Z.
        #[arg(long, value_name = "INSTANT", requires = "app")]
        since: Option<String>,
        /// Up to when, the instant itself left out.
        #[arg(long, value_name = "INSTANT", requires = "app")]
        until: Option<String>,
        /// Only deliveries in this state: held, due, delivered, exhausted, paused; may be repeated.
        #[arg(long = "state", value_name = "STATE", requires = "app", value_parser = state)]
        states: Vec<DeliveryState>,
    },
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { order, app, event_type, state, paging: Paging { cursor, limit } } => {
            let (control, tenant_key) = global.tenant()?;
            let event_type = event_type.map(whole_type);
            let list =
                ListEvents { order_id: order, app_id: app, event_type, state, cursor, limit };
            global.print_page(&control.list_events(&tenant_key, &list).await?)
        }
        Command::Deliveries { event_id } => {
            let (control, tenant_key) = global.tenant()?;
            let Page { items, next_cursor } =
                control.list_deliveries(&tenant_key, &event_id).await?;
            global.print(&Deliveries { items, next_cursor })
        }
        Command::Resend { event_id: Some(event_id), .. } => {
            let (control, tenant_key) = global.tenant()?;
            global.print(&control.resend_event(&tenant_key, &event_id).await?)
        }
        Command::Resend { app, since, until, states, .. } => {
            let (app, since) = (app.unwrap_or_default(), since.unwrap_or_default());
            let (control, body) = (global.operator()?, ResendSince { since, until, states });
            global.print(&control.resend_app_events(&app, &body).await?)
        }
    }
}

fn whole_type(text: String) -> String {
    let is_whole = text.starts_with("hire.") || !text.contains('.');
    if is_whole { text } else { format!("hire.{text}") }
}

fn state(word: &str) -> Result<DeliveryState, String> {
    serde_json::from_value(word.into())
        .map_err(|_| "expected held, due, delivered, exhausted or paused".to_owned())
}

impl Row for Event {
    const COLUMNS: &'static str = "EVENT|~TYPE|DELIVERY|CREATED";

    fn cells(&self) -> Vec<String> {
        let event_type = self.event_type.strip_prefix("hire.").unwrap_or(&self.event_type);
        vec![
            self.event_id.clone(),
            event_type.to_owned(),
            wire_name(&self.delivery_state),
            short_time(&self.created_at),
        ]
    }
}

#[derive(serde::Serialize)]
struct Deliveries {
    items: Vec<Delivery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl Show for Deliveries {
    fn show(&self, table: &mut Table) {
        for delivery in &self.items {
            table.field("app", &delivery.app_id);
            table.field("state", wire_name(&delivery.state));
            table.field("tries", delivery.attempt_count.to_string());
            table.optional("next try", delivery.next_attempt_at.as_ref());
            let columns = "TRY|AT|MS|STATUS|~OUTCOME|~ANSWER";
            let rows: Vec<_> = delivery.attempts.iter().map(attempt).collect();
            table.section("attempts", columns, &rows);
        }
    }
}

fn attempt(attempt: &Attempt) -> Vec<String> {
    vec![
        attempt.attempt.to_string(),
        short_time(&attempt.at),
        attempt.took_ms.to_string(),
        attempt.http_status.map(|status| status.to_string()).unwrap_or_default(),
        attempt.outcome.clone(),
        attempt.response_excerpt.clone().unwrap_or_default(),
    ]
}

impl Show for Resent {
    fn show(&self, table: &mut Table) {
        table.field("deliveries due again", self.delivery_count.to_string());
    }
}
