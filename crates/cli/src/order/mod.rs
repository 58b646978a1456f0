//! `probity order`: place orders, look at them, review what came back, end them.

mod place;
mod show;

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use client::control::Content;
use contract::control::{
    ApproveOrder, ListOrders, ListReviews, OrderState, RejectOrder, ShownReviews, TerminateOrder,
};
use contract::order::OrderStatus;

use crate::output::print_note;
use crate::report::{copy, save};
use crate::shared_args::{Global, Paging};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Place an order; the vendor is notified.
    Place(Box<place::Place>),
    /// List orders, newest first; nobody's name shows.
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        paging: Paging,
    },
    /// Find orders by the candidate's name, number or mail address, by application or order.
    Search {
        /// Words that must all fit: a name, a part of it or its beginning, a whole number, address or id.
        #[arg(value_name = "WORDS", required = true)]
        words: Vec<String>,
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        paging: Paging,
    },
    /// Write orders as a table (CSV), with the candidates' names; the export is audited.
    Export {
        /// Only orders that these words find, as in a search.
        #[arg(long, value_name = "WORDS")]
        search: Option<String>,
        #[command(flatten)]
        filter: Filter,
        /// Where to write; to stdout when absent.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Count orders by state.
    Count,
    /// List the results that wait for a decision, the longest waiting first.
    Reviews {
        /// Also those on which this key may not decide, because it placed the order.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show an order with stages, results, reports and timeline.
    Show {
        /// The order.
        order_id: String,
    },
    /// Accept the result under review: the order is completed.
    Approve {
        /// The order.
        order_id: String,
        /// Why, at most 2,000 characters.
        #[arg(long)]
        comment: Option<String>,
        /// The number of the result that was looked at: refused when a newer one came since.
        #[arg(long, value_name = "NUMBER")]
        result: Option<u32>,
    },
    /// Send the result under review back to the vendor.
    Reject {
        /// The order.
        order_id: String,
        /// Why, 1 to 2,000 characters.
        #[arg(long)]
        reason: String,
        /// The number of the result that was looked at: refused when a newer one came since.
        #[arg(long, value_name = "NUMBER")]
        result: Option<u32>,
    },
    /// Take the review request back.
    Withdraw {
        /// The order.
        order_id: String,
    },
    /// End the order without a conclusion; the vendor is notified of the reason.
    Terminate {
        /// The order.
        order_id: String,
        /// Why, 1 to 2,000 characters.
        #[arg(long)]
        reason: String,
    },
}

/// Which orders.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only orders in this state; may be repeated.
    #[arg(long, value_parser = order_state())]
    state: Vec<OrderState>,
    /// Only orders of this vendor.
    #[arg(long, value_name = "APP_ID")]
    app: Option<String>,
    /// Only orders placed with this account.
    #[arg(long, value_name = "ACCOUNT_ID")]
    account: Option<String>,
    /// Only orders of this package.
    #[arg(long, value_name = "PACKAGE_ID")]
    package: Option<String>,
    /// Only orders that this person or service placed.
    #[arg(long, value_name = "ID")]
    placed_by: Option<String>,
    /// Only orders placed at this instant or later, as 2026-03-01T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    placed_from: Option<String>,
    /// Only orders placed before this instant.
    #[arg(long, value_name = "INSTANT")]
    placed_until: Option<String>,
}

impl Filter {
    fn list(self, Paging { cursor, limit }: Paging, q: Option<String>) -> ListOrders {
        let states: Vec<_> = self.state.iter().map(|state| state.as_str()).collect();
        ListOrders {
            states: (states.len() > 1).then(|| states.join(",")),
            state: self.state.first().copied().filter(|_| states.len() == 1),
            app_id: self.app,
            account_id: self.account,
            package_id: self.package,
            placed_by: self.placed_by,
            placed_from: self.placed_from,
            placed_until: self.placed_until,
            q,
            cursor,
            limit,
        }
    }
}

fn order_state() -> impl TypedValueParser<Value = OrderState> {
    let value = |state: OrderState| {
        let status = OrderStatus::from_number(state.order_status().into());
        PossibleValue::new(state.as_str()).help(status.map(OrderStatus::as_chinese))
    };
    PossibleValuesParser::new(OrderState::ALL.map(value)).map(|name| {
        let state = OrderState::ALL.into_iter().find(|state| state.as_str() == name);
        state.expect("one of the values that were offered")
    })
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    // Read before the key, so that a wrong file is reported without one.
    let command = match command {
        Command::Place(place) => {
            let draft = place.draft()?;
            let (control, tenant_key) = global.tenant()?;
            return global.print(&draft.place(&control, &tenant_key).await?);
        }
        other => other,
    };
    let (control, tenant_key) = global.tenant()?;
    let tenant = tenant_key.as_str();
    let order = match command {
        Command::Place(_) => unreachable!("placed above"),
        Command::List { filter, paging } => {
            let page = control.list_orders(tenant, &filter.list(paging, None)).await?;
            return global.print_page(&page);
        }
        Command::Search { words, filter, paging } => {
            let list = filter.list(paging, Some(words.join(" ")));
            return global.print_page(&control.search_orders(tenant, &list).await?);
        }
        Command::Export { search, filter, out } => {
            let list = filter.list(Paging::default(), search);
            return write(control.export_orders(tenant, &list).await?, out).await;
        }
        Command::Count => return global.print(&control.count_orders(tenant).await?),
        Command::Reviews { all, paging: Paging { cursor, limit } } => {
            let show = all.then_some(ShownReviews::All);
            let list = ListReviews { show, cursor, limit };
            return global.print_page(&control.list_reviews(tenant, &list).await?);
        }
        Command::Show { order_id } => control.get_order(tenant, &order_id).await?,
        Command::Approve { order_id, comment, result } => {
            let body = ApproveOrder { comment, result_number: result };
            control.approve_order(tenant, &order_id, &body).await?
        }
        Command::Reject { order_id, reason, result } => {
            let body = RejectOrder { reason, result_number: result };
            control.reject_order(tenant, &order_id, &body).await?
        }
        Command::Withdraw { order_id } => control.withdraw_order(tenant, &order_id).await?,
        Command::Terminate { order_id, reason } => {
            control.terminate_order(tenant, &order_id, &TerminateOrder { reason }).await?
        }
    };
    global.print(&order)
}

/// Writes a table as it comes, into a file that only its owner reads, or to stdout.
async fn write(table: Content, out: Option<PathBuf>) -> anyhow::Result<()> {
    let Some(path) = out else {
        copy(table, &mut std::io::stdout().lock()).await?;
        return Ok(());
    };
    save(table, &path).await?;
    print_note(&format!("written to {}: it holds personal data", path.display()));
    Ok(())
}
