//! Orders: `/tenants/{tenant_key}/orders`.
//!
//! A recruiter's key sees the orders that it placed and no others; who may not see reports sees no results either.

mod form;
pub(super) mod get;
pub(super) mod list;
pub(super) mod place;
pub(super) mod review;
pub(super) mod terminate;
pub(super) mod view;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use domain::{Act, Id};
use store::tenants::Tenant;
use store::{CommandResult, Fault, FaultKind, IdempotencyKey, OrderCommand, Request};

use super::auth::Call;
use super::failure::Failure;
use super::idempotency;
use super::request::json;
use view::Sight;

const DAY_MS: i64 = 86_400_000;

/// Gives a command to the order desk; gives the order's id. A repeat with the same key finds its first outcome.
///
/// Refuses with `not_found`, `illegal_state`, and `forbidden` for who placed the order where four eyes are due.
async fn command(
    call: &Call,
    tenant: &Arc<Tenant>,
    order_id: Id,
    key: Option<IdempotencyKey>,
    request: impl Fn() -> Request,
) -> Result<Id, Failure> {
    let store = &call.app.store;
    for _ in 0..2 {
        let (request, at) = (request(), call.app.clock.now());
        let is_placed = matches!(request, Request::Place { .. });
        let command = OrderCommand {
            tenant: Arc::clone(tenant),
            order_id,
            at,
            actor: call.caller.actor,
            request,
            idempotency: key,
        };
        match store.command(command).await? {
            // The desk knows keys until they are forgotten, which can be later than after 24 hours.
            CommandResult::Accepted(order_id)
                if is_placed && at.ms_since(order_id.made_at()) >= DAY_MS => {}
            CommandResult::Accepted(order_id) => return Ok(order_id),
            CommandResult::Refused(refusal) => return Err(refusal.into()),
            CommandResult::KeyTaken => {}
        }
        if let Some(order_id) = find_first_order(call, key).await? {
            return Ok(order_id);
        }
        // The key is older than 24 hours, and was not forgotten yet.
        store.forget_old_answers(at).await?;
    }
    Err(idempotency::twin())
}

/// The order that a command with this key was about.
async fn find_first_order(call: &Call, key: Option<IdempotencyKey>) -> Result<Option<Id>, Failure> {
    let used = idempotency::find_used_key(call, key.as_ref()).await?;
    Ok(used.and_then(|used| used.order_id))
}

/// The command on the order in the path, which is an act of this kind, answered with the order as it is now.
async fn act(
    call: &Call,
    act: Act,
    key: Option<IdempotencyKey>,
    request: impl Fn() -> Request,
) -> Result<Response, Failure> {
    let tenant = call.tenant().await?;
    let order_id = call.path_param("order_id")?;
    authorize_own(call, &tenant, order_id, act).await?;
    if find_first_order(call, key).await?.is_none() {
        command(call, &tenant, order_id, key, request).await?;
    }
    answer(call, &tenant, StatusCode::OK, order_id).await
}

/// Refuses, as not found, an order of somebody else to who sees own ones only.
async fn authorize_own(
    call: &Call,
    tenant: &Tenant,
    order_id: Id,
    act: Act,
) -> Result<(), Failure> {
    if !call.caller.sees_own_orders_only(act) {
        return Ok(());
    }
    match call.app.store.find_form(tenant, order_id).await? {
        Some((summary, _)) if summary.placed_by == call.caller.actor.owner => Ok(()),
        _ => Err(Failure::not_found()),
    }
}

/// The order as it is now, as far as the caller may see it.
async fn answer(
    call: &Call,
    tenant: &Tenant,
    status: StatusCode,
    order_id: Id,
) -> Result<Response, Failure> {
    let order = call.app.store.find_order(tenant, order_id).await?;
    let order = order.ok_or_else(|| Fault::new(FaultKind::Damaged, "an accepted order is gone"))?;
    let ordered = form::ordered(&call.app.store, tenant.tenant_id, &order).await?;
    Ok(json(status, &view::order(&order, ordered, Sight::of(call.caller))))
}
