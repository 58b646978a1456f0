//! Views: who was given which content. Said before the first byte is given; what cannot be recorded is not given.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use domain::{Id, TenantId, UnixMs};
use store::Fault;

use crate::app::{App, SharedApp};

/// Somebody is given the content of a report, or parts of it.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Whose report it is.
    pub(crate) tenant_id: TenantId,
    /// The order.
    pub(crate) order_id: Id,
    /// The report.
    pub(crate) report_id: Id,
    /// Its version.
    pub(crate) version: i64,
    /// Who is given it.
    pub(crate) viewer: Viewer,
    /// Where the request came from: the peer of the connection.
    pub(crate) address: Option<IpAddr>,
    /// The bytes that are given, ascending; one range from 0 to the end for the whole.
    pub(crate) ranges: Vec<Range<u64>>,
    /// Bytes of the whole content.
    pub(crate) size_bytes: u64,
    /// When.
    pub(crate) at: UnixMs,
}

/// Who is given a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// Whoever holds this API key.
    Key(Id),
    /// Whoever holds a signed link.
    Link,
}

/// What of a request matters for what is given.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) address: Option<IpAddr>,
}

impl FromRequestParts<SharedApp> for Asking {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &SharedApp,
    ) -> Result<Asking, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        Ok(Asking { method: parts.method.clone(), headers: parts.headers.clone(), address })
    }
}

/// Notes a view, before the first byte is given.
///
/// # Errors
/// When it cannot be noted; then nothing may be given.
pub(crate) async fn viewed(_app: &App, view: View) -> Result<(), Fault> {
    // No address: it tells about a person, and a log is no place for that.
    tracing::debug!(
        tenant = %view.tenant_id,
        order_id = %view.order_id,
        report_id = %view.report_id,
        version = view.version,
        viewer = ?view.viewer,
        from_peer = view.address.is_some(),
        ranges = view.ranges.len(),
        size_bytes = view.size_bytes,
        at_ms = view.at.0,
        "a report is given"
    );
    Ok(())
}
