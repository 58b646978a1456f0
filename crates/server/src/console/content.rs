//! The content of a report, shown in the frame of an own page or saved: recorded as looked at before the first byte.

use axum::extract::{FromRequest, Path, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::Id;
use hub::reports::{self, Viewer};

use super::stop::Stop;
use super::visit::Visit;
use crate::app::SharedApp;
use crate::download::{Content, Download, DownloadRequest, download};

/// A request for a content.
pub(super) struct Asked(DownloadRequest);

impl FromRequest<SharedApp> for Asked {
    type Rejection = Stop;

    async fn from_request(request: Request, app: &SharedApp) -> Result<Asked, Stop> {
        let (mut parts, _) = request.into_parts();
        use axum::extract::FromRequestParts;
        let asked = DownloadRequest::from_request_parts(&mut parts, app).await;
        asked.map(Asked).map_err(|_| Stop::Fault)
    }
}

pub(super) async fn give(
    visit: Visit,
    Path((order_id, report_id)): Path<(String, String)>,
    Asked(request): Asked,
) -> Result<Response, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    let [order_id, report_id] = [order_id, report_id].map(|text| text.parse().unwrap_or(Id(0)));
    let version = visit.query("version").and_then(|version| version.parse().ok());
    let (report, version) =
        reports::find_content(hub, actor, tenant, order_id, report_id, version).await?;
    let (name, is_shown) = (&*report.source.name, visit.query("save").is_none());
    let content = Content { tenant, order_id, report_id, name, version: &version, is_shown };
    match download(&visit.app, content, &request, Viewer::User(actor.id.id)).await {
        Ok(Download::Content(response)) => Ok(response),
        Ok(Download::Outside(_)) => Ok(StatusCode::RANGE_NOT_SATISFIABLE.into_response()),
        Ok(Download::Erased) => Err(Stop::NotFound),
        Err(error) => {
            tracing::error!(?error, "a report cannot be shown");
            Err(Stop::Fault)
        }
    }
}
