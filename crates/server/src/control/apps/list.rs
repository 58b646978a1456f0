//! `GET /apps`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, List, Page};
use domain::{AppId, UnixMs};

use super::view;
use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};

/// Lists the apps of all tenants, newest first.
#[utoipa::path(
    get,
    path = "/apps",
    tag = "apps",
    params(List),
    responses((status = 200, description = "A page of apps", body = Page<control::App>))
)]
pub(crate) async fn list_apps(call: Call, Query(list): Query<List>) -> Result<Response, Failure> {
    validate(list.faults())?;
    let before = cursor::read(Of::Apps, list.cursor.as_deref())?;
    let before = before.map(|[at, app_id]| (UnixMs(at), AppId(app_id)));
    let limit = cursor::limit(list.limit);
    let apps = call.app.hub.store.list_apps(before, limit + 1).await?;
    let page = cursor::page(apps, limit, view, |last| {
        cursor::write(Of::Apps, [last.created_at.0, last.app_id.0])
    });
    Ok(json(StatusCode::OK, &page))
}
