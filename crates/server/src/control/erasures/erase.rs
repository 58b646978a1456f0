//! `POST /tenants/{tenant_key}/orders/{order_id}/erase`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, EraseOrder, ProblemCode};
use domain::retention::{Facts, Rule, Stays, check_by_hand};
use domain::{Id, UnixMs};
use store::erasing::Why;
use store::tenants::Tenant;
use store::{Fault, FaultKind};

use super::view;
use crate::control::auth::Call;
use crate::control::failure::{Failure, validate};
use crate::control::request::{Command, json};
use hub::instant::rfc3339;

/// Erases an order for good, before its retention is over: for a person who demands it.
///
/// Its keys and texts are destroyed before this answers; the objects follow within seconds. What stays are ids,
/// states, times and a signed certificate. A repeat gives the erasure that there was.
#[utoipa::path(
    post,
    path = "/tenants/{tenant_key}/orders/{order_id}/erase",
    tag = "erasures",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
    ),
    request_body = EraseOrder,
    responses(
        (status = 200, description = "The erasure", body = control::Erasure),
        (status = 409, description = "The order has not ended, is held, or must be kept longer"),
    )
)]
pub(crate) async fn erase_order(
    call: Call,
    command: Command<EraseOrder>,
) -> Result<Response, Failure> {
    validate(command.body.faults())?;
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    validate_order(&call, &tenant, order_id).await?;
    let why = Why::Hand(command.body.reason);
    let store = &call.app.hub.store;
    // None when somebody was quicker: with an erasure, or with a hold.
    if store.erase_order(call.by(), &tenant, order_id, &why).await?.is_none() {
        validate_order(&call, &tenant, order_id).await?;
    }
    let erasure = store.find_erasure(&tenant, order_id).await?;
    let erasure = erasure.ok_or_else(|| Fault::new(FaultKind::Damaged, "an erasure is gone"))?;
    Ok(json(StatusCode::OK, &view(&erasure)?))
}

/// Refuses an order that must stay; one that is erased already may be erased again.
async fn validate_order(call: &Call, tenant: &Tenant, order_id: Id) -> Result<(), Failure> {
    let (store, now) = (&call.app.hub.store, call.app.hub.clock.now());
    let Some(summary) = store.find_order_summary(tenant.tenant_id, order_id).await? else {
        return Err(Failure::not_found());
    };
    if summary.is_erased {
        return Ok(());
    }
    let facts = Facts {
        ended_at: summary.ended_at,
        is_held: store.find_hold(tenant, Some(order_id)).await?.is_some(),
        is_tenant_held: store.find_hold(tenant, None).await?.is_some(),
        rule: Rule { days: 0, is_of_package: false },
    };
    let stays = check_by_hand(&facts, call.app.config.retention, now);
    stays.map_err(|stays| Failure::refused(ProblemCode::IllegalState, detail(stays)))
}

fn detail(stays: Stays) -> String {
    match stays {
        Stays::NotEnded => "expected an order that has ended: terminate it first".to_owned(),
        Stays::Held => "the order is under a legal hold".to_owned(),
        Stays::TenantHeld => "the tenant is under a legal hold".to_owned(),
        Stays::Until(UnixMs(at)) => {
            format!("the order must be kept until {}", rfc3339(UnixMs(at)))
        }
    }
}
