//! `GET /tenants/{tenant_key}/grants`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, Page};

use super::Offer;
use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;

/// Lists the apps of a tenant with what it granted to each, and what was prepared for it and waits.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/grants",
    tag = "grants",
    params(("tenant_key" = String, Path, description = "16 lower-case hex digits")),
    responses((status = 200, description = "All of them", body = Page<control::Grant>))
)]
pub(crate) async fn list_grants(call: Call) -> Result<Response, Failure> {
    let tenant_id = call.tenant().await?.tenant_id;
    let mut items = Vec::new();
    for grant in call.app.hub.store.list_grants(tenant_id).await? {
        // An app that was taken out of the tenant keeps its row.
        if let Some(offer) = Offer::of(&call, tenant_id, grant.app_id).await? {
            items.push(offer.view());
        }
    }
    Ok(json(StatusCode::OK, &Page { items, next_cursor: None }))
}
