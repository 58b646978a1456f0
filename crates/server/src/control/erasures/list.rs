//! `GET /tenants/{tenant_key}/erasures`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, List, Page};
use domain::Id;

use super::view;
use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};

/// Lists the orders that were erased, newest first; each has a certificate.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/erasures",
    tag = "erasures",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits"), List),
    responses((status = 200, description = "A page of erasures", body = Page<control::Erasure>))
)]
pub(crate) async fn list_erasures(
    call: Call,
    Query(list): Query<List>,
) -> Result<Response, Failure> {
    validate(list.faults())?;
    let tenant = call.tenant().await?;
    let before = cursor::read(Of::Erasures, list.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[erasure_id]| Id(erasure_id));
    let limit = cursor::limit(list.limit);
    let stored = call.app.hub.store.list_erasures(&tenant, before, limit + 1).await?;
    let page =
        cursor::page(stored, limit, view, |last| cursor::write(Of::Erasures, [last.erasure_id.0]));
    let items = page.items.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(json(StatusCode::OK, &Page { items, next_cursor: page.next_cursor }))
}
