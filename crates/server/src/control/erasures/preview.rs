//! `GET /tenants/{tenant_key}/erasures/preview`: the dry run.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{ErasurePreview, ErasureVerdict, List, Page};
use domain::retention::{Stays, check, due_at};
use domain::{Id, UnixMs};
use store::retention::Candidate;

use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};
use hub::instant::rfc3339;

/// Says of each order that is not erased, oldest first, whether and when it goes, and why it stays. Changes nothing.
///
/// A page can be shorter than `limit` and still have a `next_cursor`.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/erasures/preview",
    tag = "erasures",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits"), List),
    responses((status = 200, description = "A page of orders", body = Page<ErasurePreview>))
)]
pub(crate) async fn preview_erasures(
    call: Call,
    Query(list): Query<List>,
) -> Result<Response, Failure> {
    validate(list.faults())?;
    let tenant = call.tenant().await?;
    let (store, now) = (&call.app.hub.store, call.app.hub.clock.now());
    let after = match cursor::read(Of::Candidates, list.cursor.as_deref())? {
        Some([order_id]) => Id(order_id),
        None => store.find_erase_mark(tenant.tenant_id).await?,
    };
    let bounds = call.app.config.retention;
    let (end, limit) = (UnixMs(i64::MAX), cursor::limit(list.limit));
    let found = store.list_candidates(&tenant, bounds, after, end, limit).await?;
    let page = Page {
        items: found.orders.iter().map(|candidate| view(candidate, now)).collect(),
        next_cursor: found.next.map(|last| cursor::write(Of::Candidates, [last.0])),
    };
    Ok(json(StatusCode::OK, &page))
}

fn view(candidate: &Candidate, now: UnixMs) -> ErasurePreview {
    let facts = &candidate.facts;
    ErasurePreview {
        order_id: candidate.order_id.to_string(),
        package_id: candidate.package_id.clone(),
        verdict: match check(facts, now) {
            Ok(()) => ErasureVerdict::Erase,
            Err(Stays::Until(_)) => ErasureVerdict::NotDue,
            Err(Stays::NotEnded) => ErasureVerdict::NotEnded,
            Err(Stays::Held) => ErasureVerdict::Held,
            Err(Stays::TenantHeld) => ErasureVerdict::TenantHeld,
        },
        ended_at: facts.ended_at.map(rfc3339),
        due_at: facts.ended_at.map(|ended_at| rfc3339(due_at(ended_at, facts.rule.days))),
        days: facts.rule.days,
        is_package_rule: facts.rule.is_of_package,
    }
}
