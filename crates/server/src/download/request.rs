//! What of a request matters for what is given, and for the record of who was given it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::rejection::ExtensionRejection;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};

use crate::app::SharedApp;

#[derive(Debug, Clone)]
pub(crate) struct DownloadRequest {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    /// Where the request came from: the client behind trusted proxies, else the peer of the connection.
    pub(super) address: IpAddr,
}

impl FromRequestParts<SharedApp> for DownloadRequest {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<DownloadRequest, Self::Rejection> {
        let ConnectInfo(peer) = ConnectInfo::<SocketAddr>::from_request_parts(parts, app).await?;
        let address = peer.ip().to_canonical();
        Ok(DownloadRequest {
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            address,
        })
    }
}
