//! Legal holds: `GET, PUT, DELETE /tenants/{tenant_key}/hold` and `…/orders/{order_id}/hold`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, ProblemCode, PutHold};
use domain::Id;
use store::Saved;

use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::{Command, json};
use hub::instant::rfc3339;

/// Reads the legal hold of a whole tenant.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/hold",
    tag = "erasures",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    responses((status = 200, description = "The hold", body = control::Hold))
)]
pub(crate) async fn get_tenant_hold(call: Call) -> Result<Response, Failure> {
    answer(&call, None).await
}

/// Holds a whole tenant: none of its orders is erased until the hold is lifted. A repeat changes the reason.
#[utoipa::path(
    put,
    path = "/tenants/{tenant_key}/hold",
    tag = "erasures",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    request_body = PutHold,
    responses((status = 200, description = "The hold", body = control::Hold))
)]
pub(crate) async fn put_tenant_hold(
    call: Call,
    command: Command<PutHold>,
) -> Result<Response, Failure> {
    put(&call, None, command).await
}

/// Lifts the legal hold of a whole tenant; orders may be under holds of their own.
#[utoipa::path(
    delete,
    path = "/tenants/{tenant_key}/hold",
    tag = "erasures",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    responses((status = 204, description = "Lifted"))
)]
pub(crate) async fn lift_tenant_hold(call: Call) -> Result<StatusCode, Failure> {
    lift(&call, None).await
}

/// Reads the legal hold of an order.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders/{order_id}/hold",
    tag = "erasures",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    responses((status = 200, description = "The hold", body = control::Hold))
)]
pub(crate) async fn get_order_hold(call: Call) -> Result<Response, Failure> {
    let order_id = call.path_param("order_id")?;
    answer(&call, Some(order_id)).await
}

/// Holds an order: it is not erased until the hold is lifted. A repeat changes the reason.
#[utoipa::path(
    put,
    path = "/tenants/{tenant_key}/orders/{order_id}/hold",
    tag = "erasures",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    request_body = PutHold,
    responses(
        (status = 200, description = "The hold", body = control::Hold),
        (status = 410, description = "The order was erased"),
    )
)]
pub(crate) async fn put_order_hold(
    call: Call,
    command: Command<PutHold>,
) -> Result<Response, Failure> {
    let order_id = call.path_param("order_id")?;
    put(&call, Some(order_id), command).await
}

/// Lifts the legal hold of an order.
#[utoipa::path(
    delete,
    path = "/tenants/{tenant_key}/orders/{order_id}/hold",
    tag = "erasures",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    responses((status = 204, description = "Lifted"))
)]
pub(crate) async fn lift_order_hold(call: Call) -> Result<StatusCode, Failure> {
    let order_id = call.path_param("order_id")?;
    lift(&call, Some(order_id)).await
}

async fn put(
    call: &Call,
    order_id: Option<Id>,
    command: Command<PutHold>,
) -> Result<Response, Failure> {
    validate(command.body.faults())?;
    let (tenant, store) = (call.tenant().await?, &call.app.hub.store);
    match store.set_hold(call.by(), &tenant, order_id, &command.body.reason).await? {
        Saved::Done => answer(call, order_id).await,
        Saved::Outdated | Saved::KeyTaken => {
            let order_id = order_id.ok_or_else(Failure::not_found)?;
            let found = store.find_order_summary(tenant.tenant_id, order_id).await?;
            found.ok_or_else(Failure::not_found)?;
            Err(Failure::refused(ProblemCode::Gone, "the order is erased"))
        }
    }
}

async fn lift(call: &Call, order_id: Option<Id>) -> Result<StatusCode, Failure> {
    let tenant_id = call.tenant().await?.tenant_id;
    match call.app.hub.store.lift_hold(call.by(), tenant_id, order_id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Failure::not_found()),
    }
}

async fn answer(call: &Call, order_id: Option<Id>) -> Result<Response, Failure> {
    let hold = call.app.hub.store.find_hold(&*call.tenant().await?, order_id).await?;
    let hold = hold.ok_or_else(Failure::not_found)?;
    let body = control::Hold {
        reason: hold.reason,
        set_by: hold.set_by.to_string(),
        set_at: rfc3339(hold.set_at),
    };
    Ok(json(StatusCode::OK, &body))
}
