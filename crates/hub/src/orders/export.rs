//! A list of orders as a table for spreadsheets: CSV by RFC 4180 in UTF-8 with a byte order mark, piece by piece, so that a
//! million orders need no more memory than a page.
//!
//! Cells that a spreadsheet would take for a formula begin with an apostrophe: names and results are other people's words.

use contract::control::{LIMIT_MAX, ListOrders, OrderLine, OrderSummary};
use contract::evidence::AuditAct;
use domain::{Act, Actor};
use store::tenants::Tenant;

use super::list::list_lines;
use crate::error::authorize;
use crate::{Error, Hub, Input};

const BYTE_ORDER_MARK: &str = "\u{feff}";
const COLUMNS: [&str; 14] = [
    "order_id",
    "state",
    "candidate_name",
    "application_id",
    "package_id",
    "account_id",
    "app_id",
    "stage_name",
    "conclusion",
    "placed_by",
    "created_at",
    "updated_at",
    "ended_at",
    "review_overdue",
];

/// An export that goes on page by page.
#[derive(Debug)]
pub struct Export {
    list: ListOrders,
    is_begun: bool,
    is_over: bool,
}

/// Begins an export of what [`list_lines`] shows of this list, from its beginning to its end. The audit chain records it, with the
/// names of its filters, before anything is given away.
pub async fn begin_export(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListOrders>,
) -> Result<Export, Error> {
    authorize(actor, Act::SeeOrders)?;
    let mut list = list.valid()?;
    list.limit = Some(LIMIT_MAX);
    // What is wrong with the filters is said before it is recorded.
    let probe = ListOrders { limit: Some(1), ..list.clone() };
    list_lines(hub, actor, tenant, probe.into()).await?;
    let mut entry = hub.by(actor).did(AuditAct::OrdersExported);
    entry.details.insert("by".to_owned(), filters(&list));
    hub.store.add_audit_entry(tenant.tenant_id, &entry).await?;
    Ok(Export { list, is_begun: false, is_over: false })
}

impl Export {
    /// The next piece of the table; none after the last one.
    pub async fn next(
        &mut self,
        hub: &Hub,
        actor: &Actor,
        tenant: &Tenant,
    ) -> Result<Option<String>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let mut text = String::new();
        if !self.is_begun {
            self.is_begun = true;
            text.push_str(BYTE_ORDER_MARK);
            push_row(&mut text, &COLUMNS.map(str::to_owned));
        }
        let page = list_lines(hub, actor, tenant, self.list.clone().into()).await?;
        page.items.iter().for_each(|line| push_row(&mut text, &cells(line)));
        self.is_over = page.next_cursor.is_none();
        self.list.cursor = page.next_cursor;
        Ok(Some(text))
    }
}

/// Which filters a list names; never what they say.
fn filters(list: &ListOrders) -> String {
    let named = [
        ("state", list.state.is_some() || list.states.is_some()),
        ("app_id", list.app_id.is_some()),
        ("account_id", list.account_id.is_some()),
        ("package_id", list.package_id.is_some()),
        ("placed_by", list.placed_by.is_some()),
        ("placed", list.placed_from.is_some() || list.placed_until.is_some()),
        ("q", list.q.is_some()),
    ];
    let named = named.into_iter().filter(|(_, is_named)| *is_named);
    named.map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

fn cells(line: &OrderLine) -> [String; COLUMNS.len()] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let OrderSummary {
        order_id,
        app_id,
        account_id,
        package_id,
        placed_by,
        state,
        review_overdue,
        created_at,
        updated_at,
        ended_at,
        ..
    } = line.summary.clone();
    [
        order_id,
        state.as_str().to_owned(),
        line.candidate_name.clone(),
        text(&line.application_id),
        package_id,
        account_id,
        app_id,
        text(&line.stage_name),
        text(&line.conclusion),
        placed_by,
        created_at,
        updated_at,
        text(&ended_at),
        review_overdue.to_string(),
    ]
}

fn push_row(text: &mut String, cells: &[String]) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_cell(text, cell);
    }
    text.push_str("\r\n");
}

fn push_cell(text: &mut String, cell: &str) {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let guard = if is_formula { "'" } else { "" };
    if cell.contains([',', '"', '\r', '\n', '\t', ';']) || is_formula {
        let cell = cell.replace('"', "\"\"");
        text.extend(["\"", guard, cell.as_str(), "\""]);
    } else {
        text.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_no_formula_is_left() {
        for (cell, written) in [
            ("", ""),
            ("张三", "张三"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("=1+1", "\"'=1+1\""),
            ("+86", "\"'+86\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("＝1", "\"'＝1\""),
            ("=cmd|' /C calc'!A0,\"", "\"'=cmd|' /C calc'!A0,\"\"\""),
            ("1=1", "1=1"),
        ] {
            let mut text = String::new();
            push_cell(&mut text, cell);
            assert_eq!(text, written, "{cell:?}");
        }
    }

    #[test]
    fn the_audit_chain_gets_names_of_filters_alone() {
        let list = ListOrders {
            q: Some("张三".into()),
            states: Some("completed".into()),
            ..ListOrders::default()
        };
        assert_eq!(filters(&list), "state q");
    }
}
