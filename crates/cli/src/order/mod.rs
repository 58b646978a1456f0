//! `probity order`: place orders, look at them, review what came back, end them.

mod place;
mod show;

use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use contract::control::{ApproveOrder, ListOrders, OrderState, RejectOrder, TerminateOrder};
use contract::order::OrderStatus;

use crate::shared_args::{Global, Paging};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Place an order; the vendor is notified.
    Place(Box<place::Place>),
    /// List orders, newest first; nobody's name shows.
    List {
        /// Only orders in this state.
        #[arg(long, value_parser = order_state())]
        state: Option<OrderState>,
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
    },
    /// Send the result under review back to the vendor.
    Reject {
        /// The order.
        order_id: String,
        /// Why, 1 to 2,000 characters.
        #[arg(long)]
        reason: String,
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
        Command::List { state, paging: Paging { cursor, limit } } => {
            let list = ListOrders { state, cursor, limit, ..ListOrders::default() };
            return global.print_page(&control.list_orders(tenant, &list).await?);
        }
        Command::Show { order_id } => control.get_order(tenant, &order_id).await?,
        Command::Approve { order_id, comment } => {
            control
                .approve_order(tenant, &order_id, &ApproveOrder { comment, result_number: None })
                .await?
        }
        Command::Reject { order_id, reason } => {
            control
                .reject_order(tenant, &order_id, &RejectOrder { reason, ..RejectOrder::default() })
                .await?
        }
        Command::Withdraw { order_id } => control.withdraw_order(tenant, &order_id).await?,
        Command::Terminate { order_id, reason } => {
            control.terminate_order(tenant, &order_id, &TerminateOrder { reason }).await?
        }
    };
    global.print(&order)
}
