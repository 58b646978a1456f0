//! `GET /tenants`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, List, Page};
use domain::{TenantId, UnixMs};

use super::view;
use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};

/// Lists the tenants, newest first.
#[utoipa::path(
    get,
    path = "/tenants",
    tag = "tenants",
    params(List),
    responses((status = 200, description = "A page of tenants", body = Page<control::Tenant>))
)]
pub(crate) async fn list_tenants(
    call: Call,
    Query(list): Query<List>,
) -> Result<Response, Failure> {
    validate(list.faults())?;
    let before = cursor::read(Of::Tenants, list.cursor.as_deref())?;
    let before = before.map(|[at, tenant_id]| (UnixMs(at), TenantId(tenant_id)));
    let limit = cursor::limit(list.limit);
    let tenants = call.app.hub.store.list_tenants(before, limit + 1).await?;
    let page = cursor::page(tenants, limit, view, |last| {
        cursor::write(Of::Tenants, [last.created_at.0, last.tenant_id.0])
    });
    Ok(json(StatusCode::OK, &page))
}
