//! All routes of the server on one screen.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{any, get};
use contract::endpoint::{ENDPOINT_PATH, SOCKET_PATH};
use tower::Service;
use tower::util::MapRequest;

use crate::app::SharedApp;
use crate::download::download_linked;
use crate::http::forwarded::see_through;
use crate::http::intake::RequestBody;
use crate::http::scrape;
use crate::{console, control, long_connection, open_api};
use hub::disk::Room;
use hub::links;

/// The service for all requests, in which a client behind a trusted proxy stands in the proxy's place.
pub fn service(
    app: SharedApp,
) -> impl Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    let router = router(Arc::clone(&app));
    MapRequest::new(router, move |mut request: Request<RequestBody>| {
        see_through(&app.proxies, &mut request);
        request
    })
}

fn router(app: SharedApp) -> Router {
    Router::new()
        .route("/open-apis/{*call}", any(open_api::serve))
        .route(ENDPOINT_PATH, any(long_connection::serve_endpoint))
        .route(SOCKET_PATH, get(long_connection::serve_socket))
        .nest("/api/v1", control::routes(&app))
        .route("/api/v1/", any(control::not_found))
        .route("/api/docs", get(control::reading_page))
        .route("/app/{app_id}/auth", get(open_api::scope_page))
        .route(&format!("{}/{{signed}}", links::PATH), get(download_linked))
        .merge(console::routes(&app))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape::metrics))
        // Whatever is not found is so in the platform's words.
        .fallback(open_api::serve)
        .with_state(app)
}

async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether calls can be acknowledged: storage reads, and takes commits. Orders go on while reports wait for room.
async fn readyz(State(app): State<SharedApp>) -> (StatusCode, &'static str) {
    if app.hub.store.is_damaged() {
        let text = "not ready: pages of the database are damaged: restore a backup\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text);
    }
    match app.hub.store.is_ready().await {
        true if app.hub.disk.room().is_some_and(Room::is_short) => {
            (StatusCode::OK, "ready\nreports and files wait: the disk is nearly full\n")
        }
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready: storage takes no commits\n"),
    }
}
