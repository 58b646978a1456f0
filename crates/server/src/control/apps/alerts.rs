//! `GET /alerts`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, List, Page};
use domain::Id;
use store::pauses::{Alert, AlertKind};

use crate::control::auth::Call;
use crate::control::cursor::{self, Of};
use crate::control::failure::{Failure, validate};
use crate::control::request::{Query, json};
use hub::instant::rfc3339;

/// Lists what somebody should look at, newest first: apps that were paused because their endpoint failed for
/// long, tenants and apps near their quota, a disk that is nearly full.
#[utoipa::path(
    get,
    path = "/alerts",
    tag = "apps",
    params(List),
    responses((status = 200, description = "A page of alerts", body = Page<control::Alert>))
)]
pub(crate) async fn list_alerts(call: Call, Query(list): Query<List>) -> Result<Response, Failure> {
    validate(list.faults())?;
    let before = cursor::read(Of::Alerts, list.cursor.as_deref())?;
    let before = before.map_or(Id(i64::MAX), |[alert_id]| Id(alert_id));
    let limit = cursor::limit(list.limit);
    let alerts = call.app.hub.store.list_alerts(before, limit + 1).await?;
    let page =
        cursor::page(alerts, limit, view, |last| cursor::write(Of::Alerts, [last.alert_id.0]));
    Ok(json(StatusCode::OK, &page))
}

fn view(alert: &Alert) -> control::Alert {
    control::Alert {
        alert_id: alert.alert_id.to_string(),
        app_id: alert.app_id.map(|app_id| app_id.to_string()),
        tenant_key: alert.tenant_id.map(|tenant_id| tenant_id.to_string()),
        kind: match alert.kind {
            AlertKind::SinkPaused => control::AlertKind::SinkPaused,
            AlertKind::TenantNearQuota => control::AlertKind::TenantNearQuota,
            AlertKind::AppNearQuota => control::AlertKind::AppNearQuota,
            AlertKind::DiskNearlyFull => control::AlertKind::DiskNearlyFull,
            AlertKind::ContentDamaged => control::AlertKind::ContentDamaged,
        },
        detail: alert.detail.clone(),
        created_at: rfc3339(alert.created_at),
        ended_at: alert.ended_at.map(rfc3339),
    }
}
