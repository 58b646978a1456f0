//! `GET /content/{signed}`: what a signed link gives, without any other proof of who asks.
//!
//! A link that this installation did not make, and one whose object is gone, are not found; one whose hour is over
//! is forbidden. Source: contract, section 4.3 and question 37.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::control::ReportState;
use domain::Id;
use store::tenants::Tenant;
use store::views::Viewer;
use store::{Fault, FaultKind};

use super::{File, Given, View, give, give_whole, viewed};
use crate::app::{App, SharedApp};
use crate::files;
use crate::links::{LinkKind, Unfit};

/// Why a link gives nothing.
enum Failure {
    /// What the caller can act on; said in plain text, for it is a person's browser that asks.
    Refused(StatusCode, &'static str),
    /// The range lies outside.
    Outside(HeaderValue),
    /// Ours.
    Fault(Fault),
}

const NOT_FOUND: Failure =
    Failure::Refused(StatusCode::NOT_FOUND, "expected a link of this server");
const EXPIRED: Failure = Failure::Refused(
    StatusCode::FORBIDDEN,
    "the link is older than one hour: ask for a new one where it came from",
);
const ERASED: Failure = Failure::Refused(StatusCode::GONE, "the content was erased");

/// Gives what a signed link stands for, whole or one range of it.
pub(crate) async fn give_linked(
    State(app): State<SharedApp>,
    Path(signed): Path<String>,
    method: Method,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    // Whoever asks for the head alone gets nothing to look at.
    let viewer = (method == Method::GET).then(|| peer.ip());
    let given = find(&app, &signed, viewer, &headers).await;
    let mut response = given.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn find(
    app: &App,
    signed: &str,
    viewer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let linked = app.links.read(signed, app.clock.now()).map_err(|unfit| match unfit {
        Unfit::Altered => NOT_FOUND,
        Unfit::Expired => EXPIRED,
    })?;
    let tenant = app.store.find_tenant(linked.tenant_id).await?.ok_or(NOT_FOUND)?;
    match linked.kind {
        LinkKind::Report => {
            give_report(app, &tenant, (linked.order_id, linked.object_id), viewer, headers).await
        }
        LinkKind::File => give_file(app, &tenant, linked.object_id).await,
    }
}

async fn give_report(
    app: &App,
    tenant: &Tenant,
    (order_id, report_id): (Id, Id),
    viewer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let report = app.store.find_report(tenant, order_id, report_id).await?.ok_or(NOT_FOUND)?;
    match report.state {
        ReportState::Stored | ReportState::Flagged => {}
        ReportState::Erased => return Err(ERASED),
        ReportState::Pending
        | ReportState::Fetching
        | ReportState::Failed
        | ReportState::Linked => return Err(NOT_FOUND),
    }
    let gone = || Fault::new(FaultKind::Damaged, "a stored report has no content");
    let size_bytes = report.size_bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let file = File {
        object: report_id,
        name: &report.source.name,
        size_bytes: size_bytes.ok_or_else(gone)?,
        sha256: report.sha256.as_deref().unwrap_or_default(),
    };
    match give(&app.objects, file, headers).await {
        Ok(Given::Content(response, range)) => {
            if let Some(address) = viewer {
                let (version, viewer) = (1, Viewer::Link);
                let view = View { order_id, report_id, version, viewer, address, range };
                if !viewed(app, tenant, view).await? {
                    return Err(ERASED);
                }
            }
            Ok(response)
        }
        Ok(Given::Outside(range)) => Err(Failure::Outside(range)),
        Ok(Given::Gone) => Err(gone().into()),
        Err(error) => Err(Fault::new(FaultKind::Storage, error).into()),
    }
}

async fn give_file(app: &App, tenant: &Tenant, file_id: Id) -> Result<Response, Failure> {
    let file = app.store.find_file(tenant, file_id).await?.ok_or(NOT_FOUND)?;
    match files::open(&app.objects, tenant.tenant_id, &file).await {
        Ok(Some(content)) => Ok(give_whole(&file, content)),
        Ok(None) => Err(Fault::new(FaultKind::Damaged, "a file has no content").into()),
        Err(error) => Err(Fault::new(FaultKind::Storage, error).into()),
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
            Failure::Fault(fault) => {
                tracing::error!(%fault, "what a link stands for cannot be given");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "the content cannot be read now")
            }
        }
    }
}
