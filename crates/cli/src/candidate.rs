//! `probity candidate find`: the orders of a person who asks for erasure or for an answer.

use clap::{Args, Subcommand};
use contract::control::{FoundOrder, SearchCandidates};

use crate::output::{Row, print_note, short_time, wire_name};
use crate::shared_args::{Global, Paging};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find a person's orders, by admins and privacy officers; every search is recorded in the audit chain.
    Find(Find),
}

/// All that is given must fit.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Find {
    /// The name; case and blanks make no difference.
    #[arg(long)]
    name: Option<String>,
    /// The mobile number, with or without country code.
    #[arg(long)]
    mobile: Option<String>,
    /// The mail address.
    #[arg(long)]
    email: Option<String>,
    /// The application in the hirer's own system.
    #[arg(long, value_name = "ID")]
    application: Option<String>,
    /// The order.
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

pub(crate) async fn run(global: &Global, command: Command) -> anyhow::Result<()> {
    let Command::Find(Find { name, mobile, email, application, order, paging }) = command;
    let (control, tenant_key) = global.tenant()?;
    let Paging { cursor, limit } = paging;
    let body = SearchCandidates {
        name,
        mobile,
        email,
        application_id: application,
        order_id: order,
        cursor,
        limit,
    };
    let page = control.search_candidates(&tenant_key, &body).await?;
    global.print_page(&page)?;
    if page.items.is_empty() && page.next_cursor.is_none() {
        print_note("no order fits");
    }
    Ok(())
}

impl Row for FoundOrder {
    const COLUMNS: &'static str = "ORDER|STATE|CREATED|~NAME|~MOBILE|~EMAIL";

    fn cells(&self) -> Vec<String> {
        let candidate = self.candidate.as_ref();
        let state = if self.erased { "erased".to_owned() } else { wire_name(&self.state) };
        vec![
            self.order_id.clone(),
            state,
            short_time(&self.created_at),
            candidate.map(|it| it.name.clone()).unwrap_or_default(),
            candidate.and_then(|it| it.mobile.clone()).unwrap_or_default(),
            candidate.and_then(|it| it.email.clone()).unwrap_or_default(),
        ]
    }
}
