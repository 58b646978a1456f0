//! Orders: `/tenants/{tenant_key}/orders`, and the decision on a returned result (背调报告审批). What the calls do is in
//! `hub::orders`.

use contract::control::{
    ApproveOrder, ListOrders, Order, OrderSummary, PlaceOrder, RejectOrder, TerminateOrder,
};
use hub::orders;

use super::answer::{Created, Json, Paged};
use super::auth::Call;
use super::failure::Failure;
use super::request::{Command, Nothing, Query};

pub(super) async fn place_order(
    call: Call,
    Command { body, key }: Command<PlaceOrder>,
) -> Result<Created<Order>, Failure> {
    let tenant = call.tenant().await?;
    Ok(orders::place(call.hub(), call.actor(), &tenant, body, key).await?.into())
}

pub(super) async fn list_orders(
    call: Call,
    Query(list): Query<ListOrders>,
) -> Result<Paged<OrderSummary>, Failure> {
    let tenant = call.tenant().await?;
    Ok(orders::list(call.hub(), call.actor(), &tenant, list).await?.into())
}

pub(super) async fn get_order(call: Call) -> Result<Json<Order>, Failure> {
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    Ok(orders::get(call.hub(), call.actor(), &tenant, order_id).await?.into())
}

pub(super) async fn approve_order(
    call: Call,
    Command { body, key }: Command<ApproveOrder>,
) -> Result<Json<Order>, Failure> {
    let (tenant, order_id) = call.order().await?;
    Ok(orders::approve(call.hub(), call.actor(), &tenant, order_id, body, key).await?.into())
}

pub(super) async fn reject_order(
    call: Call,
    Command { body, key }: Command<RejectOrder>,
) -> Result<Json<Order>, Failure> {
    let (tenant, order_id) = call.order().await?;
    Ok(orders::reject(call.hub(), call.actor(), &tenant, order_id, body, key).await?.into())
}

pub(super) async fn withdraw_order(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<Order>, Failure> {
    let (tenant, order_id) = call.order().await?;
    Ok(orders::withdraw(call.hub(), call.actor(), &tenant, order_id, command.key).await?.into())
}

pub(super) async fn terminate_order(
    call: Call,
    Command { body, key }: Command<TerminateOrder>,
) -> Result<Json<Order>, Failure> {
    let (tenant, order_id) = call.order().await?;
    Ok(orders::terminate(call.hub(), call.actor(), &tenant, order_id, body, key).await?.into())
}
