//! `GET /tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/views`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{List, Page, ReportView, ViewerKind};
use domain::Id;
use store::views::{View, Viewer};

use super::find;
use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};
use hub::instant::rfc3339;

/// Lists who was given a report's content, newest first.
#[utoipa::path(
    get,
    path = "/tenants/{tenant_key}/orders/{order_id}/reports/{report_id}/views",
    tag = "reports",
    params(
        ("tenant_key" = String, Path, description = "16 lower-case hex digits"),
        ("order_id" = String, Path, description = "19 decimal digits"),
        ("report_id" = String, Path, description = "19 decimal digits"),
        List,
    ),
    responses((status = 200, description = "A page of views", body = Page<ReportView>))
)]
pub(crate) async fn list_report_views(
    call: Call,
    Query(list): Query<List>,
) -> Result<Response, Failure> {
    validate(list.faults())?;
    let report = find(&call).await?;
    let (tenant, order_id) = (call.tenant().await?, call.path_param("order_id")?);
    let before = cursor::read(Of::Views, list.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[view_id]| Id(view_id));
    let limit = cursor::limit(list.limit);
    let store = &call.app.hub.store;
    let views = store.list_views(&tenant, order_id, report.report_id, before, limit + 1).await?;
    let page = cursor::page(views, limit, view, |last| cursor::write(Of::Views, [last.view_id.0]));
    Ok(json(StatusCode::OK, &page))
}

fn view(stored: &View) -> ReportView {
    let (viewer, key_id, app_id) = match stored.viewer {
        Viewer::ApiKey(key_id) => (ViewerKind::ApiKey, Some(key_id.to_string()), None),
        Viewer::Link(app_id) => (ViewerKind::Link, None, app_id),
    };
    let range = stored.range.as_ref();
    ReportView {
        view_id: stored.view_id.to_string(),
        at: rfc3339(stored.at),
        viewer,
        key_id,
        app_id: app_id.map(|app_id| app_id.to_string()),
        address: stored.address.clone(),
        version: stored.version.unsigned_abs(),
        range: range.map(|range| format!("{}-{}", range.start, range.end.saturating_sub(1))),
    }
}
