//! `GET /content/{signed}`: what a signed link gives, without any other proof of who asks.
//!
//! A link that this installation did not make, and one whose object is gone, are not found; one whose hour is over
//! is forbidden. Source: contract, section 4.3 and question 37.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Id;
use domain::report::ReportState;
use objects::Unreadable;
use store::tenants::Tenant;
use store::views::Viewer;
use store::{Fault, FaultKind};

use super::{Content, Download, DownloadError, DownloadRequest, download, give_whole};
use crate::app::{App, SharedApp};
use hub::app_access::{AppAccess, Holder};
use hub::links::{LinkError, LinkKind, Linked};

enum Failure {
    /// What the caller can act on; said in plain text, for it is a person's browser that asks.
    Refused(StatusCode, &'static str),
    Outside(HeaderValue),
    /// The place of the contents does not answer.
    Away(Unreadable),
    Fault(Fault),
}

const NOT_FOUND: Failure =
    Failure::Refused(StatusCode::NOT_FOUND, "expected a link of this server");
const EXPIRED: Failure = Failure::Refused(
    StatusCode::FORBIDDEN,
    "the link is older than one hour: ask for a new one where it came from",
);
const ENDED: Failure = Failure::Refused(
    StatusCode::FORBIDDEN,
    "the app that was given the link has no access any more",
);
const ERASED: Failure = Failure::Refused(StatusCode::GONE, "the content was erased");

/// Gives what a signed link stands for, whole or ranges of it.
pub(crate) async fn download_linked(
    State(app): State<SharedApp>,
    Path(signed): Path<String>,
    request: DownloadRequest,
) -> Response {
    let given = find(&app, &signed, &request).await;
    let mut response = given.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn find(app: &App, signed: &str, request: &DownloadRequest) -> Result<Response, Failure> {
    let linked =
        app.hub.links.read(signed, app.hub.installation_clock.now()).map_err(
            |error| match error {
                LinkError::Altered => NOT_FOUND,
                LinkError::Expired => EXPIRED,
            },
        )?;
    let tenant = app.hub.store.find_tenant(linked.tenant_id).await?.ok_or(NOT_FOUND)?;
    authorize_holder(app, &tenant, linked.holder).await?;
    match linked.kind {
        LinkKind::Report => give_report(app, &tenant, &linked, request).await,
        LinkKind::File => give_file(app, &tenant, linked.object_id, request).await,
    }
}

/// A link ends with what its holder was given it by: the app's secret, its grant, its reading of orders.
async fn authorize_holder(app: &App, tenant: &Tenant, holder: Holder) -> Result<(), Failure> {
    let vendor = app.hub.store.find_app(holder.app_id).await?.ok_or(ENDED)?;
    let access = AppAccess::find(&app.hub.store, &vendor, tenant.tenant_id).await?.ok_or(ENDED)?;
    let is_live = access.live_secret(holder.numbers, app.hub.installation_clock.now()).is_some();
    match vendor.settings.is_enabled && access.reads_orders() && is_live {
        true => Ok(()),
        false => Err(ENDED),
    }
}

async fn give_report(
    app: &App,
    tenant: &Tenant,
    linked: &Linked,
    request: &DownloadRequest,
) -> Result<Response, Failure> {
    let Linked { order_id, object_id: report_id, holder, .. } = *linked;
    let store = &app.hub.store;
    let report = store.find_report(tenant, order_id, report_id).await?.ok_or(NOT_FOUND)?;
    if report.state == ReportState::Erased {
        return Err(ERASED);
    }
    if !report.has_content() {
        return Err(NOT_FOUND);
    }
    let newest = report.version_last;
    let version = store.find_report_version(tenant, order_id, report_id, newest).await?;
    let content = Content {
        tenant,
        order_id,
        report_id,
        name: &report.source.name,
        version: &version.ok_or(ERASED)?,
        is_shown: false,
    };
    match download(app, content, request, Viewer::Link(Some(holder.app_id))).await? {
        Download::Content(response) => Ok(response),
        Download::Outside(range) => Err(Failure::Outside(range)),
        Download::Erased => Err(ERASED),
    }
}

async fn give_file(
    app: &App,
    tenant: &Tenant,
    file_id: Id,
    request: &DownloadRequest,
) -> Result<Response, Failure> {
    let file = app.hub.store.find_file(tenant, file_id).await?.ok_or(NOT_FOUND)?;
    let (objects, size_bytes) = (&app.hub.objects, file.size_bytes.unsigned_abs());
    let object = objects.open(tenant.tenant_id, file_id, file.key.bytes(), size_bytes).await?;
    Ok(give_whole(&file, &object, request.method == Method::HEAD).await?)
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Failure {
        match error {
            DownloadError::Object(unreadable) => unreadable.into(),
            DownloadError::View(fault) => fault.into(),
        }
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Failure {
        match unreadable {
            Unreadable::Unreachable(_) => Failure::Away(unreadable),
            Unreadable::Missing | Unreadable::Damaged(_) => {
                Failure::Fault(Fault::new(FaultKind::Damaged, unreadable))
            }
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Fault(fault)
    }
}

impl IntoResponse for Failure {
    /// The answer. A fault is logged here, once.
    fn into_response(self) -> Response {
        let plain = |status: StatusCode, text: &'static str| {
            let text_plain = HeaderValue::from_static("text/plain; charset=utf-8");
            (status, [(header::CONTENT_TYPE, text_plain)], text).into_response()
        };
        match self {
            Failure::Refused(status, text) => plain(status, text),
            Failure::Outside(range) => {
                let text = "expected a range within the content";
                let mut response = plain(StatusCode::RANGE_NOT_SATISFIABLE, text);
                response.headers_mut().insert(header::CONTENT_RANGE, range);
                response
            }
            Failure::Away(error) => {
                tracing::error!(%error, "what a link stands for cannot be reached");
                plain(StatusCode::SERVICE_UNAVAILABLE, "the content cannot be read now")
            }
            Failure::Fault(fault) => {
                tracing::error!(%fault, "what a link stands for cannot be given");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the content cannot be read now")
            }
        }
    }
}
