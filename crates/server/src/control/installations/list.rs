//! `GET /apps/{app_id}/installations`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, List, Page};
use domain::{TenantId, UnixMs};

use super::view;
use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};

/// Lists where a store app is installed, newest first. A self-built app has no installations.
#[utoipa::path(
    get,
    path = "/apps/{app_id}/installations",
    tag = "installations",
    params(
        ("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits"),
        List,
    ),
    responses((status = 200, description = "A page of installations", body = Page<control::Installation>))
)]
pub(crate) async fn list_installations(
    call: Call,
    Query(list): Query<List>,
) -> Result<Response, Failure> {
    let app_id = call.vendor_app().await?.app_id;
    validate(list.faults())?;
    let before = cursor::read(Of::Installations, list.cursor.as_deref())?;
    let before = before.map(|[at, tenant_id]| (UnixMs(at), TenantId(tenant_id)));
    let limit = cursor::limit(list.limit);
    let installations = call.app.hub.store.list_installations(app_id, before, limit + 1).await?;
    let page = cursor::page(installations, limit, view, |last| {
        cursor::write(Of::Installations, [last.installed_at.0, last.tenant_id.0])
    });
    Ok(json(StatusCode::OK, &page))
}
