//! Reading one order, whole or a part of it.

use const_format::concatcp;
use domain::order::{Rule, State};
use domain::{ActorId, AppId, Id, TenantId, UnixMs};

use crate::Store;
use crate::content::{self, Comment, FinalResult, Form, Stage};
use crate::fault::{Fault, FaultKind};
use crate::reports::{self, Report};
use crate::rows::{FIND_ORDER, OrderRow};
use crate::seal::{Key, RowContext};
use crate::tenants::Tenant;
use crate::value::{Row, Value, values};

/// What a list shows of an order: no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderSummary {
    /// The order.
    pub order_id: Id,
    /// The account that it was placed with.
    pub account_id: Id,
    /// The package.
    pub package_id: String,
    /// The vendor's app.
    pub app_id: AppId,
    /// Where it stands.
    pub state: State,
    /// The person or service that placed it.
    pub placed_by: Id,
    /// When it was placed.
    pub placed_at: UnixMs,
    /// When it changed last.
    pub updated_at: UnixMs,
    /// When it ended.
    pub ended_at: Option<UnixMs>,
    /// Whether the personal data was erased: then ids, states and times are all there is.
    pub is_erased: bool,
}

/// One order, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What a list shows of it.
    pub summary: OrderSummary,
    /// The form with which it was placed.
    pub form: Form,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// Every report ever accepted, oldest first.
    pub reports: Vec<Report>,
}

/// One thing that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Its id; ascending in time.
    pub entry_id: Id,
    /// When.
    pub at: UnixMs,
    /// Who.
    pub actor: ActorId,
    /// The rule that allowed it.
    pub rule: Rule,
    /// The state before; none when the order was placed.
    pub from: Option<State>,
    /// The state after.
    pub to: State,
    /// What it brought.
    pub content: EntryContent,
}

/// What a timeline entry brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryContent {
    /// Nothing but itself; the form stands with the order.
    Nothing,
    /// A stage.
    Stage(Stage),
    /// A result.
    Result(FinalResult),
    /// A reason or a comment.
    Comment(Comment),
}

/// The columns of an entry: what [`timeline_entry`] takes, and last the entry before.
macro_rules! entry {
    ($e:literal) => {
        concatcp!(
            $e,
            ".entry_id, ",
            $e,
            ".rule, ",
            $e,
            ".from_state, ",
            $e,
            ".to_state, ",
            $e,
            ".actor_kind, ",
            $e,
            ".actor_id, ",
            $e,
            ".at, ",
            $e,
            ".report_count, ",
            $e,
            ".sealed, ",
            $e,
            ".entry_before"
        )
    };
}
const ENTRY_COLUMNS: usize = 10;
/// An entry and up to five before it, newest first, each by its key: nearly every order has no more.
const LIST_ENTRIES: &str = concatcp!(
    "SELECT ",
    entry!("a"),
    ", ",
    entry!("b"),
    ", ",
    entry!("c"),
    ", ",
    entry!("d"),
    ", ",
    entry!("e"),
    ", ",
    entry!("f"),
    " FROM timeline_entries a \
    LEFT JOIN timeline_entries b ON b.tenant_id = $1 AND b.entry_id = a.entry_before \
    LEFT JOIN timeline_entries c ON c.tenant_id = $1 AND c.entry_id = b.entry_before \
    LEFT JOIN timeline_entries d ON d.tenant_id = $1 AND d.entry_id = c.entry_before \
    LEFT JOIN timeline_entries e ON e.tenant_id = $1 AND e.entry_id = d.entry_before \
    LEFT JOIN timeline_entries f ON f.tenant_id = $1 AND f.entry_id = e.entry_before \
    WHERE a.tenant_id = $1 AND a.entry_id = $2"
);

const FIND_ENTRY: &str =
    "SELECT sealed FROM timeline_entries WHERE tenant_id = $1 AND entry_id = $2";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[FIND_ORDER, LIST_ENTRIES, FIND_ENTRY];

impl Store {
    /// What a list shows of the order, if the tenant has it; nothing is opened.
    pub async fn find_order_summary(
        &self,
        tenant_id: TenantId,
        order_id: Id,
    ) -> Result<Option<OrderSummary>, Fault> {
        let rows = self.read(FIND_ORDER, values![order_id.0, tenant_id.0]).await?;
        rows.first().map(|row| Ok(summary(&OrderRow::read(row)?))).transpose()
    }

    /// The order with everything that belongs to it, if the tenant has it.
    pub async fn find_order(&self, tenant: &Tenant, order_id: Id) -> Result<Option<Order>, Fault> {
        match self.read_order(tenant, order_id).await {
            // Its parts are read one after the other: an erasure meanwhile leaves texts that open no more.
            Err(fault) if fault.kind() == FaultKind::Damaged => {
                match self.find_order_row(tenant, order_id).await? {
                    Some((row, _)) if row.is_erased() => self.read_order(tenant, order_id).await,
                    _ => Err(fault),
                }
            }
            read => read,
        }
    }

    async fn read_order(&self, tenant: &Tenant, order_id: Id) -> Result<Option<Order>, Fault> {
        let Some((row, data_key)) = self.find_order_row(tenant, order_id).await? else {
            return Ok(None);
        };
        let mut order = Order {
            summary: summary(&row),
            form: Form::default(),
            timeline: Vec::new(),
            reports: Vec::new(),
        };
        for entry in &self.list_entries(tenant.tenant_id, row.entry_last).await? {
            let (entry_id, report_count) = (Id(entry.int(0)?), entry.int(7)?);
            let (entry, form) = open_timeline_entry(tenant, &row, &data_key, entry)?;
            order.form = form.unwrap_or(order.form);
            order.timeline.push(entry);
            if report_count > 0 {
                let found = self.list_entry_reports(tenant, &data_key, entry_id, report_count);
                order.reports.extend(found.await?);
            }
        }
        Ok(Some(order))
    }

    /// The order with its form and its timeline, without its reports, if the tenant has it.
    pub(crate) async fn read_timeline(
        &self,
        tenant: &Tenant,
        order_id: Id,
    ) -> Result<Option<(OrderSummary, Form, Vec<TimelineEntry>)>, Fault> {
        let Some((row, data_key)) = self.find_order_row(tenant, order_id).await? else {
            return Ok(None);
        };
        let entries = self.list_entries(tenant.tenant_id, row.entry_last).await?;
        let (mut of_order, mut timeline) = (Form::default(), Vec::with_capacity(entries.len()));
        for entry in &entries {
            let (entry, form) = open_timeline_entry(tenant, &row, &data_key, entry)?;
            of_order = form.unwrap_or(of_order);
            timeline.push(entry);
        }
        Ok(Some((summary(&row), of_order, timeline)))
    }

    /// The chain of an order's entries, oldest first, from the last one that its row points to.
    async fn list_entries(&self, tenant_id: TenantId, last: Id) -> Result<Vec<Row>, Fault> {
        let (mut entries, mut next) = (Vec::new(), last);
        while let Some(found) = self.read(LIST_ENTRIES, values![tenant_id.0, next.0]).await?.pop() {
            let mut found = found.0.into_iter();
            let mut entry = || Row(found.by_ref().take(ENTRY_COLUMNS).collect());
            let mut is_entry = |entry: &Row| matches!(entry.0.first(), Some(Value::Int(_)));
            for entry in std::iter::repeat_with(&mut entry).take_while(&mut is_entry) {
                next = Id(entry.int(ENTRY_COLUMNS - 1)?);
                entries.push(entry);
            }
        }
        entries.reverse();
        Ok(entries)
    }

    /// The words that an entry of the order brought: the reason of a termination.
    pub async fn find_words(
        &self,
        tenant: &Tenant,
        order_id: Id,
        entry_id: Id,
    ) -> Result<Option<Comment>, Fault> {
        let Some((row, data_key)) = self.find_order_row(tenant, order_id).await? else {
            return Ok(None);
        };
        if row.is_erased() {
            return Ok(None);
        }
        let text = self.open_entry(tenant, &data_key, entry_id).await?;
        text.map(|text| content::from_text(&text)).transpose()
    }

    async fn open_entry(
        &self,
        tenant: &Tenant,
        data_key: &Key,
        entry_id: Id,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let rows = self.read(FIND_ENTRY, values![tenant.tenant_id.0, entry_id.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        data_key.open(entry_context(tenant.tenant_id, entry_id), row.bytes(0)?).map(Some)
    }

    /// The order's row and its data key; for an erased order a key that opens nothing.
    pub(crate) async fn find_order_row(
        &self,
        tenant: &Tenant,
        order_id: Id,
    ) -> Result<Option<(OrderRow, Key)>, Fault> {
        let rows = self.read(FIND_ORDER, values![order_id.0, tenant.tenant_id.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let row = OrderRow::read(row)?;
        if row.is_erased() {
            return Ok(Some((row, Key::random())));
        }
        let context = OrderRow::key_context(tenant.tenant_id, order_id);
        let data_key = tenant.key.open_key(context, &row.wrapped_key)?;
        Ok(Some((row, data_key)))
    }

    async fn list_entry_reports(
        &self,
        tenant: &Tenant,
        data_key: &Key,
        entry_id: Id,
        count: i64,
    ) -> Result<Vec<Report>, Fault> {
        let values = values![tenant.tenant_id.0, entry_id.0 + 1, entry_id.0 + count];
        let rows = self.read(reports::LIST_OF_ENTRY, values).await?;
        rows.iter().map(|row| reports::report(tenant.tenant_id, data_key, row)).collect()
    }
}

pub(crate) fn summary(row: &OrderRow) -> OrderSummary {
    OrderSummary {
        order_id: row.order_id,
        account_id: row.account_id,
        package_id: row.package_id.clone(),
        app_id: row.app_id,
        state: row.state,
        placed_by: row.placed_by,
        placed_at: row.placed_at,
        updated_at: row.updated_at,
        ended_at: row.ended_at,
        is_erased: row.is_erased(),
    }
}

pub(crate) fn entry_context(tenant_id: TenantId, entry_id: Id) -> RowContext {
    RowContext::new("timeline_entries", tenant_id, entry_id.0)
}

/// The entry of a row, and the form if it is the one with which the order was placed.
fn open_timeline_entry(
    tenant: &Tenant,
    order: &OrderRow,
    data_key: &Key,
    entry: &Row,
) -> Result<(TimelineEntry, Option<Form>), Fault> {
    let context = entry_context(tenant.tenant_id, Id(entry.int(0)?));
    let text = match order.is_erased() {
        true => None,
        false => Some(data_key.open(context, entry.bytes(8)?)?),
    };
    let entry = timeline_entry(entry, text.as_deref())?;
    let form = match (entry.rule, &text) {
        (Rule::Placed, Some(text)) => Some(content::from_text(text)?),
        _ => None,
    };
    Ok((entry, form))
}

/// The entry of a row; without its text, which was erased, it brought nothing.
fn timeline_entry(row: &Row, text: Option<&[u8]>) -> Result<TimelineEntry, Fault> {
    let rule = row.int(1)?.try_into()?;
    let from = match row.int(2)? {
        0 => None,
        state => Some(State::try_from(state)?),
    };
    let actor = ActorId { kind: row.int(4)?.try_into()?, id: Id(row.int(5)?) };
    let content = match (rule, text) {
        (Rule::Placed | Rule::VendorCanceled | Rule::ReviewWithdrawn | Rule::ReviewOverdue, _)
        | (_, None) => EntryContent::Nothing,
        (Rule::StageReported, Some(text)) => EntryContent::Stage(content::from_text(text)?),
        (Rule::ResultCompletes | Rule::ResultAwaitsReview, Some(text)) => {
            EntryContent::Result(content::from_text(text)?)
        }
        (Rule::HirerTerminated | Rule::ReviewApproved | Rule::ReviewRejected, Some(text)) => {
            EntryContent::Comment(content::from_text(text)?)
        }
    };
    Ok(TimelineEntry {
        entry_id: Id(row.int(0)?),
        at: UnixMs(row.int(6)?),
        actor,
        rule,
        from,
        to: row.int(3)?.try_into()?,
        content,
    })
}
