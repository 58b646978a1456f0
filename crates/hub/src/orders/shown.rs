//! Orders as pages show them: beside what the API gives, the names of vendor and package, and what the reader may do.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use contract::control::{
    ListOrders, Order, OrderState, OrderSummary, OrderedForm, Page, TimelineAction,
};
use domain::{Act, Actor, AppId, Id, UnixMs};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::Fault;
use store::accounts::PackageKind;
use store::order_pages::{BEGINNING, OrderFilter, UnixMsRange};
use store::orders as stored;
use store::reviews::ReviewFilter;
use store::tenants::Tenant;

use super::view::{self, Sight};
use super::{list, read};
use crate::candidates::masked_number;
use crate::error::authorize;
use crate::{Error, Hub, Input};

/// Orders of a page that are opened at once.
const OPENED_AT_ONCE: usize = 4;
/// The most waiting orders that are listed; a page says when there are more.
const WAITING_MAX: u32 = 100;
/// Orders of one's own that moved that are shown.
const MOVED_MAX: u32 = 10;

/// An order as one line of a list.
#[derive(Debug, Clone)]
pub struct ShownLine {
    /// Ids, states and times.
    pub summary: OrderSummary,
    /// What the vendor calls the package.
    pub package: Option<String>,
    /// What the vendor's app is called.
    pub vendor: Option<String>,
    /// Who placed it, and whether that is the reader.
    pub placed_by: Id,
    /// What is in it; none for a reader who sees no orders from within, and none once it was erased.
    pub inner: Option<InnerLine>,
}

/// What a line says of an order's content.
#[derive(Clone)]
pub struct InnerLine {
    /// The candidate's name.
    pub name: String,
    /// The candidate's number without its middle.
    pub mobile: Option<String>,
    /// What happened last.
    pub latest: Option<TimelineAction>,
    /// The last stage, in Chinese and perhaps in English, when that is what happened last.
    pub stage: Option<(String, Option<String>)>,
    /// The vendor's last word, for readers who see reports.
    pub conclusion: Option<String>,
    /// Results that came, for readers who see reports.
    pub result_count: usize,
    /// When the last result came (RFC 3339, UTC).
    pub waits_since: String,
}

impl std::fmt::Debug for InnerLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InnerLine").field("latest", &self.latest).finish_non_exhaustive()
    }
}

/// One order with what a page says beside it.
#[derive(Clone)]
pub struct ShownOrder {
    /// The order, as far as the reader may see it.
    pub order: Order,
    /// What the vendor's app is called.
    pub vendor: Option<String>,
    /// The vendor's app, as the actor of entries.
    pub vendor_id: String,
    /// Who placed it.
    pub placed_by: Id,
    /// Whether the reader placed it.
    pub is_own: bool,
    /// Whether the reader may decide on its result now: by role, by state, and with four-eyes by who placed it.
    pub may_decide: bool,
    /// Whether four-eyes alone forbids the decision.
    pub is_barred_by_four_eyes: bool,
    /// Whether the reader may take the review back.
    pub may_withdraw: bool,
    /// Whether the reader may end it now.
    pub may_terminate: bool,
}

/// A page of a tenant's orders as lines, newest first.
pub async fn list_shown(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    list: Input<ListOrders>,
) -> Result<Page<ShownLine>, Error> {
    authorize(actor, Act::ListOrders)?;
    let (found, next_cursor) = list::find(hub, actor, tenant, list, Act::ListOrders).await?;
    Ok(Page { items: lines(hub, actor, tenant, found).await?, next_cursor })
}

/// The orders whose result waits for a decision, longest wait first; and whether there are more than were looked at.
pub async fn list_shown_waiting(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
) -> Result<(Vec<ShownLine>, bool), Error> {
    authorize(actor, Act::ReviewOrders)?;
    let all = ReviewFilter { not_placed_by: None, overdue_since: None };
    let found = hub.store.list_waiting_reviews(tenant, all, Id(0), WAITING_MAX + 1).await?;
    let has_more = found.len() > WAITING_MAX as usize;
    let orders = found.into_iter().take(WAITING_MAX as usize).map(|review| review.summary);
    Ok((lines(hub, actor, tenant, orders.collect()).await?, has_more))
}

/// The orders that the actor placed and that changed since then, newest first.
pub async fn list_shown_moved(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    since: UnixMs,
) -> Result<Vec<ShownLine>, Error> {
    authorize(actor, Act::ListOrders)?;
    let filter = OrderFilter {
        placed_by: Some(actor.owner),
        updated: UnixMsRange { start: Some(since), end: None },
        ..OrderFilter::default()
    };
    let mut after = BEGINNING;
    let mut orders = Vec::new();
    // A page can be short although there is a next one.
    for _ in 0..3 {
        let found = hub.store.list_orders(tenant, &filter, after, MOVED_MAX).await?;
        orders.extend(found.orders);
        match found.next {
            Some(next) if orders.len() < MOVED_MAX as usize => after = next,
            _ => break,
        }
    }
    // What was only placed did not move.
    orders.retain(|order| order.updated_at != order.placed_at);
    orders.sort_by_key(|order| std::cmp::Reverse(order.updated_at));
    orders.truncate(MOVED_MAX as usize);
    lines(hub, actor, tenant, orders).await
}

/// One order with what a page says beside it; refused as [`super::get`].
pub async fn get_shown(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order_id: Id,
) -> Result<ShownOrder, Error> {
    let order = read::get(hub, actor, tenant, order_id).await?;
    let summary = hub.store.find_order_summary(tenant.tenant_id, order_id).await?;
    let summary = summary.ok_or(Error::NotFound)?;
    let is_own = summary.placed_by == actor.owner;
    let is_in_review = order.state == OrderState::InReview && !order.erased;
    let decides = is_in_review && actor.roles.may(Act::ReviewOrders);
    let is_barred = tenant.settings.four_eyes && is_own;
    let is_over = matches!(order.state, OrderState::Completed | OrderState::Terminated);
    let may_terminate = actor.roles.may(Act::TerminateOrders)
        && (is_own || !actor.roles.sees_own_orders_only(Act::TerminateOrders));
    Ok(ShownOrder {
        order,
        vendor: vendor(hub, summary.app_id).await?,
        vendor_id: summary.app_id.to_string(),
        placed_by: summary.placed_by,
        is_own,
        may_decide: decides && !is_barred,
        is_barred_by_four_eyes: decides && is_barred,
        may_withdraw: decides,
        may_terminate: may_terminate && !is_over,
    })
}

async fn vendor(hub: &Hub, app_id: AppId) -> Result<Option<String>, Fault> {
    Ok(hub.store.find_app(app_id).await?.map(|app| app.settings.name.clone()))
}

async fn lines(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    orders: Vec<stored::OrderSummary>,
) -> Result<Vec<ShownLine>, Error> {
    let mut packages = HashMap::new();
    let mut vendors = HashMap::new();
    for order in &orders {
        if let Entry::Vacant(place) = packages.entry(order.account_id) {
            place.insert(hub.store.list_packages_ever(tenant.tenant_id, order.account_id).await?);
        }
        if let Entry::Vacant(place) = vendors.entry(order.app_id) {
            place.insert(vendor(hub, order.app_id).await?);
        }
    }
    let (packages, vendors) = (&packages, &vendors);
    let line = |order: stored::OrderSummary| async move {
        let is_package = |package: &&store::accounts::Package| {
            package.kind == PackageKind::Package && package.package_id == order.package_id
        };
        let package = packages.get(&order.account_id).and_then(|all| all.iter().find(is_package));
        Ok::<_, Error>(ShownLine {
            package: package.map(|package| package.name.clone()),
            vendor: vendors.get(&order.app_id).cloned().flatten(),
            placed_by: order.placed_by,
            inner: inner(hub, actor, tenant, &order).await?,
            summary: view::summary(&order),
        })
    };
    stream::iter(orders).map(line).buffered(OPENED_AT_ONCE).try_collect().await
}

/// What is in an order, if the actor sees it from within.
async fn inner(
    hub: &Hub,
    actor: &Actor,
    tenant: &Tenant,
    order: &stored::OrderSummary,
) -> Result<Option<InnerLine>, Error> {
    let sees = actor.roles.may(Act::SeeOrders)
        && (order.placed_by == actor.owner || !actor.roles.sees_own_orders_only(Act::SeeOrders));
    if !sees || order.is_erased {
        return Ok(None);
    }
    let Some(found) = hub.store.find_order(tenant, order.order_id).await? else { return Ok(None) };
    let order = view::order(&found, OrderedForm::default(), Sight::of(actor));
    let latest = order.timeline.last().map(|entry| entry.action);
    let stage = order.stages.last().filter(|_| latest == Some(TimelineAction::Progress));
    let result = order.timeline.iter().rev().find(|entry| entry.action == TimelineAction::Result);
    Ok(Some(InnerLine {
        name: order.candidate_info.name,
        mobile: order.candidate_info.mobile.map(|mobile| end_of(&mobile.number)),
        latest,
        stage: stage.map(|stage| (stage.stage_name.clone(), stage.stage_en_name.clone())),
        conclusion: order.conclusion,
        result_count: order.results.len(),
        waits_since: result.map_or(order.updated_at, |entry| entry.at.clone()),
    }))
}

/// The end of a number, as much as a search shows of it; the length stays out of it.
fn end_of(number: &str) -> String {
    format!("****{}", masked_number(number).trim_start_matches('*'))
}
