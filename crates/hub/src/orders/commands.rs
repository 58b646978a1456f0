//! Commands of members of the tenant on an order: the order desk decides, and the answer is the order as it is then.

use std::sync::Arc;

use contract::control::{ApproveOrder, Order, RejectOrder, TerminateOrder};
use domain::{Act, Actor, Id};
use store::content::{Comment, to_text};
use store::tenants::Tenant;
use store::{CommandResult, IdempotencyKey, OrderCommand, Request};

use super::{authorize_own, read};
use crate::error::authorize;
use crate::idempotency::{find_used_key, same_key_at_once};
use crate::{Error, Hub, Input};

const DAY_MS: i64 = 86_400_000;

/// Accepts the result under review; the order is completed. Refuses an order that is not in review, and with four-eyes
/// the actor who placed it.
pub async fn approve(
    hub: &Hub,
    actor: &Actor,
    tenant: &Arc<Tenant>,
    order_id: Id,
    input: Input<ApproveOrder>,
    key: Option<IdempotencyKey>,
) -> Result<Order, Error> {
    let input = input.valid()?;
    let result_number = input.result_number.map(i64::from);
    let content = comment(input.comment.unwrap_or_default());
    let request = || Request::Approve { result_number, content: content.clone() };
    act(hub, actor, tenant, order_id, Act::ReviewOrders, key, request).await
}

/// Sends the result under review back with a reason; the vendor may return another. Refuses as [`approve`].
pub async fn reject(
    hub: &Hub,
    actor: &Actor,
    tenant: &Arc<Tenant>,
    order_id: Id,
    input: Input<RejectOrder>,
    key: Option<IdempotencyKey>,
) -> Result<Order, Error> {
    let input = input.valid()?;
    let result_number = input.result_number.map(i64::from);
    let content = comment(input.reason);
    let returned_event = tells_vendor(hub, tenant, order_id).await?;
    let request = || Request::Reject { result_number, returned_event, content: content.clone() };
    act(hub, actor, tenant, order_id, Act::ReviewOrders, key, request).await
}

/// Takes the review request back; the vendor may return another result. Refuses an order that is not in review.
pub async fn withdraw(
    hub: &Hub,
    actor: &Actor,
    tenant: &Arc<Tenant>,
    order_id: Id,
    key: Option<IdempotencyKey>,
) -> Result<Order, Error> {
    act(hub, actor, tenant, order_id, Act::ReviewOrders, key, || Request::Withdraw).await
}

/// Ends an order without a conclusion; the vendor is notified of the reason. Refuses an order that has ended.
pub async fn terminate(
    hub: &Hub,
    actor: &Actor,
    tenant: &Arc<Tenant>,
    order_id: Id,
    input: Input<TerminateOrder>,
    key: Option<IdempotencyKey>,
) -> Result<Order, Error> {
    let input = input.valid()?;
    let content = comment(input.reason);
    let request = || Request::Terminate { content: content.clone() };
    act(hub, actor, tenant, order_id, Act::TerminateOrders, key, request).await
}

/// Whether the order's vendor is notified of a result that is sent back.
async fn tells_vendor(hub: &Hub, tenant: &Tenant, order_id: Id) -> Result<bool, Error> {
    let order = hub.store.find_order_summary(tenant.tenant_id, order_id).await?;
    let Some(order) = order else { return Ok(false) };
    Ok(hub.store.has_returned_event(tenant.tenant_id, order.account_id).await?)
}

fn comment(text: String) -> Vec<u8> {
    to_text(&Comment { text })
}

async fn act(
    hub: &Hub,
    actor: &Actor,
    tenant: &Arc<Tenant>,
    order_id: Id,
    act: Act,
    key: Option<IdempotencyKey>,
    request: impl Fn() -> Request,
) -> Result<Order, Error> {
    authorize(actor, act)?;
    authorize_own(hub, actor, tenant, order_id, act).await?;
    if find_first_order(hub, key).await?.is_none() {
        command(hub, actor, tenant, order_id, key, request).await?;
    }
    read::accepted(hub, actor, tenant, order_id).await
}

/// Gives a command to the order desk; returns the order's id. A repeat with the same key gets the first outcome.
pub(super) async fn command(
    hub: &Hub,
    actor: &Actor,
    tenant: &Arc<Tenant>,
    order_id: Id,
    key: Option<IdempotencyKey>,
    request: impl Fn() -> Request,
) -> Result<Id, Error> {
    for _ in 0..2 {
        let (request, at) = (request(), hub.installation_clock.now());
        let is_placed = matches!(request, Request::Place { .. });
        let tenant = Arc::clone(tenant);
        let command =
            OrderCommand { tenant, order_id, at, actor: *actor, request, idempotency: key };
        match hub.store.command(command).await? {
            // The desk may know a key longer than 24 hours.
            CommandResult::Accepted(order_id)
                if is_placed && at.ms_since(order_id.made_at()) >= DAY_MS => {}
            CommandResult::Accepted(order_id) => return Ok(order_id),
            CommandResult::Refused(refusal) => return Err(not_seen(refusal)),
            CommandResult::KeyTaken => {}
        }
        if let Some(order_id) = find_first_order(hub, key).await? {
            return Ok(order_id);
        }
        // The key is older than 24 hours, and its answer is still stored.
        hub.store.forget_old_answers(at).await?;
    }
    Err(same_key_at_once())
}

pub(super) async fn find_first_order(
    hub: &Hub,
    key: Option<IdempotencyKey>,
) -> Result<Option<Id>, Error> {
    Ok(find_used_key(hub, key.as_ref()).await?.and_then(|used| used.order_id))
}

fn not_seen(refusal: domain::order::Refusal) -> Error {
    match refusal {
        domain::order::Refusal::OrderNotExist => Error::NotFound,
        refusal => Error::Order(refusal),
    }
}
