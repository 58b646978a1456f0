//! The hirer's two queries for orders: list and batch query. Source: contract, section 4.
//!
//! A store app, and one that an account of the tenant was ever bound to, is a vendor there and sees the orders of its
//! own accounts alone; the hirer's own apps see all of the tenant's. Decision 030.

mod page_token;
mod view;

use contract::code;
use contract::control::AppKind;
use contract::envelope::{Success, to_json};
use contract::order_query::{OrderPage, OrderQuery, TimeRange};
use domain::order::State;
use domain::{AppId, Id, UnixMs};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::Fault;
use store::order_pages::{self, After, OrderFilter, UnixMsRange};

use super::{CallError, Vendor};
use crate::Hub;
use view::{Fields, Viewer};

/// Orders of one page that are read at the same time.
const READ_AT_ONCE: usize = 4;

/// Lists the tenant's orders, newest first.
///
/// Refuses with `field validation failed` (99992402) for a parameter that breaks its rule, with `Parameter error`
/// (1002002) for a `page_token` of nobody and for a stretch of time that ends before it starts; a fault of ours is
/// `System exception` (1002001). Source: contract, section 4.1.
pub async fn list(hub: &Hub, vendor: &Vendor, query: &str) -> Result<Vec<u8>, CallError> {
    let query = OrderQuery::decode_list(parameters(query))?;
    // Only the batch query names field scopes for numbers and addresses.
    let page = find(hub, vendor, &query, Fields::Persons).await?;
    Ok(to_json(&Success::new(page)))
}

/// Finds the tenant's orders by their ids, or by filters, newest first.
///
/// Refuses as the list does, and with 9499 for a body that is no JSON or has a member of the wrong type.
/// Source: contract, section 4.2.
pub async fn query(
    hub: &Hub,
    vendor: &Vendor,
    query: &str,
    body: &[u8],
) -> Result<Vec<u8>, CallError> {
    let query = OrderQuery::decode_batch(parameters(query), body)?;
    let page = find(hub, vendor, &query, Fields::ByScope).await?;
    Ok(to_json(&Success { msg: "SUCCESS".into(), ..Success::new(page) }))
}

fn parameters(query: &str) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

async fn find(
    hub: &Hub,
    vendor: &Vendor,
    query: &OrderQuery,
    fields: Fields,
) -> Result<OrderPage, CallError> {
    let after = match &query.page_token {
        None => order_pages::BEGINNING,
        Some(text) => page_token::read(text).ok_or_else(|| {
            CallError::field(
                &code::PARAMETER_ERROR,
                "page_token",
                &"expected that of the page before",
            )
        })?,
    };
    let found = find_page(hub, vendor, query, after).await?;
    let viewer = Viewer::new(hub, vendor, query.user_id_type, fields);
    let viewer = &viewer;
    let items = stream::iter(found.orders)
        .map(|order| async move { viewer.order(order.order_id).await })
        .buffered(READ_AT_ONCE)
        .try_collect()
        .await
        .map_err(fault)?;
    Ok(OrderPage {
        has_more: found.next.is_some(),
        page_token: found.next.map(page_token::write),
        items,
    })
}

async fn find_page(
    hub: &Hub,
    vendor: &Vendor,
    query: &OrderQuery,
    after: After,
) -> Result<order_pages::OrderPage, CallError> {
    let tenant_id = vendor.tenant.tenant_id;
    let is_vendor = vendor.app.kind == AppKind::Store
        || hub.store.is_vendor(tenant_id, vendor.app.app_id).await.map_err(fault)?;
    let own = is_vendor.then_some(vendor.app.app_id);
    if !query.order_ids.is_empty() {
        return find_named(hub, vendor, query, own, after).await;
    }
    for (range, field) in [(query.updated, "update_start_time"), (query.begun, "begin_start_time")]
    {
        if range.is_reversed() {
            let expected = "expected a start that is not after the end";
            return Err(CallError::field(&code::PARAMETER_ERROR, field, &expected));
        }
    }
    let state = query.order_status.map(|status| State::try_from(i64::from(status.number())).ok());
    if state == Some(None) {
        // 审批通过 is a state that no order here is ever in. Source: contract, question 4.
        return Ok(order_pages::OrderPage { orders: Vec::new(), next: None });
    }
    let filter = OrderFilter {
        states: state.flatten().into_iter().collect(),
        vendor: own,
        application_id: query.application_id.clone(),
        placed: unix_ms_range(query.begun),
        updated: unix_ms_range(query.updated),
        ..OrderFilter::default()
    };
    let found = hub.store.list_orders(&vendor.tenant, &filter, after, query.page_size);
    found.await.map_err(fault)
}

/// A page of the orders that are asked for by their ids; what is no id of the tenant's is left out.
async fn find_named(
    hub: &Hub,
    vendor: &Vendor,
    query: &OrderQuery,
    own: Option<AppId>,
    after: After,
) -> Result<order_pages::OrderPage, CallError> {
    let ids = query.order_ids.iter().filter_map(|text| text.parse().ok());
    let ids: Vec<Id> =
        ids.filter(|id| matches!(after, After::Order(before) if *id < before)).collect();
    let mut orders = hub.store.find_orders(&vendor.tenant, own, &ids).await.map_err(fault)?;
    let page_size = query.page_size as usize;
    let has_more = orders.len() > page_size;
    orders.truncate(page_size);
    let last = orders.last().filter(|_| has_more);
    let next = last.map(|order| After::Order(order.order_id));
    Ok(order_pages::OrderPage { orders, next })
}

fn unix_ms_range(range: TimeRange) -> UnixMsRange {
    UnixMsRange { start: range.start_ms.map(UnixMs), end: range.end_ms.map(UnixMs) }
}

fn fault(fault: Fault) -> CallError {
    CallError::Fault(&code::SYSTEM_EXCEPTION, fault)
}
