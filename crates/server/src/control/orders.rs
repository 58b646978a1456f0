//! Orders: `/tenants/{tenant_key}/orders`, and the decision on a returned result (背调报告审批). What the calls do is in
//! `hub::orders`.

use std::sync::Arc;

use axum::body::Body;
use contract::control::{
    ApproveOrder, ListMoved, ListOrders, ListReviews, Order, OrderCounts, OrderLine, OrderSummary,
    PlaceOrder, RejectOrder, TerminateOrder, WaitingReview,
};
use futures_util::stream::{self, Stream, TryStreamExt};
use hub::orders::{self, Export};
use hub::tenants::Tenant;

use super::answer::{Created, Csv, Json, Paged};
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

pub(super) async fn search_orders(
    call: Call,
    Command { body, .. }: Command<ListOrders>,
) -> Result<Paged<OrderLine>, Failure> {
    let tenant = call.tenant().await?;
    Ok(orders::list_lines(call.hub(), call.actor(), &tenant, body).await?.into())
}

pub(super) async fn export_orders(
    call: Call,
    Command { body, .. }: Command<ListOrders>,
) -> Result<Csv, Failure> {
    let tenant = call.tenant().await?;
    let export = orders::begin_export(call.hub(), call.actor(), &tenant, body).await?;
    Ok(Csv(Body::from_stream(pieces(call, tenant, export))))
}

/// The pieces of an export. A fault breaks the answer off, and is logged.
fn pieces(
    call: Call,
    tenant: Arc<Tenant>,
    export: Export,
) -> impl Stream<Item = Result<String, hub::Error>> {
    let pieces = stream::try_unfold((call, tenant, export), |(call, tenant, mut export)| async {
        let piece = export.next(call.hub(), call.actor(), &tenant).await?;
        Ok(piece.map(|piece| (piece, (call, tenant, export))))
    });
    pieces.inspect_err(|error| tracing::error!(%error, "an export is broken off"))
}

pub(super) async fn count_orders(call: Call) -> Result<Json<OrderCounts>, Failure> {
    let tenant = call.tenant().await?;
    Ok(orders::count_by_state(call.hub(), call.actor(), &tenant).await?.into())
}

pub(super) async fn list_moved_orders(
    call: Call,
    Query(list): Query<ListMoved>,
) -> Result<Paged<OrderLine>, Failure> {
    let tenant = call.tenant().await?;
    Ok(orders::list_moved(call.hub(), call.actor(), &tenant, list).await?.into())
}

pub(super) async fn list_reviews(
    call: Call,
    Query(list): Query<ListReviews>,
) -> Result<Paged<WaitingReview>, Failure> {
    let tenant = call.tenant().await?;
    Ok(orders::list_waiting_for_review(call.hub(), call.actor(), &tenant, list).await?.into())
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
