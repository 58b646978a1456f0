//! Giving away a report or file, by the control API and by signed links: an attachment, sandboxed, never sniffed, not
//! embeddable. Nothing unauthenticated is given: an object that cannot be opened is a fault before the answer begins,
//! and damage in its midst breaks the connection off.

mod disposition;
mod link;
mod parts;
mod range;
mod request;

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use contract::hex::to_hex;
use domain::Id;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use inspect::Finding;
use objects::{Object, Unreadable};
use store::Fault;
use store::report_versions::ReportVersion;
use store::tenants::Tenant;
use store::views::{NewView, Viewer};

use crate::app::App;
pub(crate) use link::download_linked;
use range::Asked;
pub(crate) use request::DownloadRequest;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
pub(crate) const PDF: &str = "application/pdf";
const ANY_KIND: &str = "application/octet-stream";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Content<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) order_id: Id,
    pub(crate) report_id: Id,
    pub(crate) name: &'a str,
    pub(crate) version: &'a ReportVersion,
    /// Shown in a frame of an own page, instead of saved.
    pub(crate) is_shown: bool,
}

pub(crate) enum Download {
    /// The whole of it, the ranges that were asked for, or that the caller has it already.
    Content(Response),
    /// The ranges lie outside, or are too many; the value for `Content-Range`.
    Outside(HeaderValue),
    Erased,
}

#[derive(Debug)]
pub(crate) enum DownloadError {
    Object(Unreadable),
    View(Fault),
}

impl From<Unreadable> for DownloadError {
    fn from(unreadable: Unreadable) -> DownloadError {
        DownloadError::Object(unreadable)
    }
}

/// Gives a report, whole or the ranges that are asked for. One that is missing or damaged is noted.
pub(crate) async fn download(
    app: &App,
    content: Content<'_>,
    request: &DownloadRequest,
    viewer: Viewer,
) -> Result<Download, DownloadError> {
    let (tenant_id, report_id) = (content.tenant.tenant_id, content.report_id);
    let version = content.version.version;
    let given = open(app, content, request, viewer).await;
    if let Err(DownloadError::Object(error @ (Unreadable::Missing | Unreadable::Damaged(_)))) =
        &given
    {
        let (detail, now) = (error.to_string(), app.hub.installation_clock.now());
        let noted = app.hub.store.note_damage(tenant_id, report_id, version, &detail, now).await;
        if let Err(fault) = noted {
            tracing::error!(%fault, %report_id, version, "a damaged content is not noted");
        }
    }
    given
}

async fn open(
    app: &App,
    content: Content<'_>,
    request: &DownloadRequest,
    viewer: Viewer,
) -> Result<Download, DownloadError> {
    let Some((key, facts)) = &content.version.opened else { return Ok(Download::Erased) };
    // What a user took although it is no report is given as what it may be: anything.
    let is_refused = facts.findings.iter().any(|code| code == Finding::RefusedContent.code());
    let kind = if is_refused { ANY_KIND } else { PDF };
    let size_bytes = u64::try_from(content.version.size_bytes).unwrap_or_default();
    let tag = format!("\"{}\"", to_hex(&content.version.sha256));
    if range::has_already(&request.headers, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        set(response.headers_mut(), header::ETAG, tag);
        return Ok(Download::Content(response));
    }
    // A range is of what GET gives.
    let is_head = request.method == Method::HEAD;
    let asked =
        if is_head { Asked::Whole } else { range::asked(&request.headers, &tag, size_bytes) };
    let ranges = match &asked {
        Asked::Whole => vec![Range { start: 0, end: size_bytes }],
        Asked::Parts(ranges) => ranges.clone(),
        Asked::Outside => {
            let value = HeaderValue::try_from(format!("bytes */{size_bytes}"));
            return Ok(Download::Outside(value.expect("digits are visible ASCII")));
        }
    };
    let object_id = content.version.object_id;
    let object =
        app.hub.objects.open(content.tenant.tenant_id, object_id, key.bytes(), size_bytes).await?;
    let mut response = match (&asked, ranges.as_slice()) {
        (Asked::Parts(_), [range]) => {
            let value = format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1);
            let mut response = one(&object, kind, range.clone(), is_head).await?;
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(response.headers_mut(), header::CONTENT_RANGE, value);
            response
        }
        (Asked::Parts(_), ranges) => parts::several(&object, kind, ranges).await?,
        _ => one(&object, kind, 0..size_bytes, is_head).await?,
    };
    let headers = response.headers_mut();
    // What is shown must be a PDF; all else is saved.
    let is_shown = content.is_shown && !is_refused;
    let name = match is_refused {
        true => disposition::attachment_of_any_kind(content.name),
        false if is_shown => disposition::shown(content.name),
        false => disposition::attachment(content.name),
    };
    set(headers, header::CONTENT_DISPOSITION, name);
    set(headers, header::ETAG, tag);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    guard(headers);
    if is_shown {
        let policy = HeaderValue::from_static("sandbox; frame-ancestors 'self'");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // A HEAD request views nothing.
    if !is_head {
        let view = NewView {
            order_id: content.order_id,
            report_id: content.report_id,
            version: content.version.version,
            viewer,
            at: app.hub.installation_clock.now(),
            address: request.address,
            ranges: if matches!(asked, Asked::Parts(_)) { ranges } else { Vec::new() },
        };
        let recorded = app.hub.store.record_view(content.tenant, &view).await;
        if !recorded.map_err(DownloadError::View)? {
            return Ok(Download::Erased);
        }
    }
    Ok(Download::Content(response))
}

async fn give_whole(
    file: &store::files::File,
    object: &Object,
    is_head: bool,
) -> Result<Response, Unreadable> {
    let mut response = one(object, ANY_KIND, 0..object.size_bytes(), is_head).await?;
    let headers = response.headers_mut();
    set(headers, header::CONTENT_DISPOSITION, disposition::attachment_of_any_kind(&file.name));
    set(headers, header::ETAG, format!("\"{}\"", to_hex(&file.sha256)));
    guard(headers);
    Ok(response)
}

async fn one(
    object: &Object,
    kind: &'static str,
    range: Range<u64>,
    is_head: bool,
) -> Result<Response, Unreadable> {
    let length = range.end - range.start;
    let body = match is_head {
        true => Body::empty(),
        false => Body::from_stream(begun(object, range).await?),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    set(headers, header::CONTENT_LENGTH, length.to_string());
    Ok(response)
}

/// The bytes of a range, of which the first are at hand: so damage shows while there is no answer yet.
async fn begun(
    object: &Object,
    range: Range<u64>,
) -> Result<impl Stream<Item = Result<Bytes, Unreadable>> + Send + use<>, Unreadable> {
    let mut rest = Box::pin(object.read(range));
    let first = rest.try_next().await?;
    // What is cut short ends the connection, and not the content.
    let rest = rest.inspect_err(|error| tracing::error!(%error, "a content breaks off"));
    Ok(stream::iter(first).map(Ok).chain(rest))
}

/// What keeps a content from being more than an attachment.
fn guard(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: String) {
    headers.insert(name, HeaderValue::try_from(text).expect("the texts are visible ASCII"));
}
