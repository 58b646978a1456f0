//! Reports of an order: `/tenants/{tenant_key}/orders/{order_id}/reports`. What the calls do is in `hub::reports`, and how
//! a content is given away in `download`.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use contract::control::{GetReportContent, List, ProblemCode, Report, ReportVersion, ReportView};
use domain::Id;
use hub::reports::{self, Again, Viewer};
use hub::tenants::Tenant;
use utoipa::PartialSchema;
use utoipa::openapi::Required;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};

use super::answer::{Answer, Json, Paged};
use super::auth::Call;
use super::description::Description;
use super::failure::Failure;
use super::request::{Command, Input, Nothing, Query};
use crate::app::SharedApp;
use crate::download::{self, Content, Download, DownloadRequest, download};

/// Which version is asked for, and which of its bytes.
pub(super) struct ContentRequest(Query<GetReportContent>, DownloadRequest);

impl FromRequestParts<SharedApp> for ContentRequest {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<ContentRequest, Failure> {
        let query = Query::from_request_parts(parts, app).await?;
        let request = DownloadRequest::from_request_parts(parts, app).await;
        let request = request.expect("the listener tells who is at the other end");
        Ok(ContentRequest(query, request))
    }
}

impl Input for ContentRequest {
    fn describe(description: &mut Description) {
        Query::<GetReportContent>::describe(description);
        let range = ParameterBuilder::new()
            .name("Range")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("At most 16 ranges of bytes; those that touch are made one"))
            .schema(Some(String::schema()));
        description.parameter(range.build());
    }
}

/// A content, whole or in ranges.
pub(super) struct Given(Response);

impl IntoResponse for Given {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Answer for Given {
    fn describe(description: &mut Description, gives: &str) {
        let ranges = "The ranges that were asked for; several as multipart/byteranges";
        for (status, text) in [(200, gives), (206, ranges)] {
            let content = (download::PDF, Some(Vec::<u8>::schema()));
            description.answer(status, text, Some(content));
        }
    }
}

pub(super) async fn get_report_content(
    call: Call,
    ContentRequest(Query(query), request): ContentRequest,
) -> Result<Given, Failure> {
    let query = query.valid()?;
    let (tenant, order_id, report_id) = report(&call).await?;
    let (hub, actor) = (call.hub(), call.actor());
    let (report, version) =
        reports::find_content(hub, actor, &tenant, order_id, report_id, query.version).await?;
    let (tenant, name) = (&*tenant, &*report.source.name);
    let content = Content { tenant, order_id, report_id, name, version: &version, is_shown: false };
    match download(&call.app, content, &request, Viewer::ApiKey(actor.id.id)).await? {
        Download::Content(response) => Ok(Given(response)),
        Download::Outside(range) => Ok(Given(outside(version.size_bytes, range))),
        Download::Erased => Err(reports::erased().into()),
    }
}

fn outside(size_bytes: i64, range: HeaderValue) -> Response {
    let detail = format!("expected at most 16 ranges, of which one lies within {size_bytes} bytes");
    let mut response = Failure::refused(ProblemCode::RangeNotSatisfiable, detail).into_response();
    response.headers_mut().insert(header::CONTENT_RANGE, range);
    response
}

pub(super) async fn refetch_report(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<Report>, Failure> {
    fetch_again(call, command, Again::Inspected).await
}

pub(super) async fn accept_report(
    call: Call,
    command: Command<Nothing>,
) -> Result<Json<Report>, Failure> {
    fetch_again(call, command, Again::AsItIs).await
}

async fn fetch_again(
    call: Call,
    command: Command<Nothing>,
    again: Again,
) -> Result<Json<Report>, Failure> {
    let (tenant, order_id, report_id) = report(&call).await?;
    let (hub, actor, key) = (call.hub(), call.actor(), command.key);
    Ok(reports::fetch_again(hub, actor, &tenant, order_id, report_id, again, key).await?.into())
}

pub(super) async fn list_report_versions(call: Call) -> Result<Paged<ReportVersion>, Failure> {
    let (tenant, order_id, report_id) = report(&call).await?;
    let (hub, actor) = (call.hub(), call.actor());
    Ok(reports::list_versions(hub, actor, &tenant, order_id, report_id).await?.into())
}

pub(super) async fn list_report_views(
    call: Call,
    Query(list): Query<List>,
) -> Result<Paged<ReportView>, Failure> {
    let (tenant, order_id, report_id) = report(&call).await?;
    let (hub, actor) = (call.hub(), call.actor());
    Ok(reports::list_views(hub, actor, &tenant, order_id, report_id, list).await?.into())
}

/// The report in the path: its tenant, order and id.
async fn report(call: &Call) -> Result<(Arc<Tenant>, Id, Id), Failure> {
    Ok((call.tenant().await?, call.path_param("order_id")?, call.path_param("report_id")?))
}
