//! `/metrics`: the counters as a monitoring system scrapes them.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::app::SharedApp;
use crate::control;

/// Answers with all counters, to the operator's key alone.
pub(super) async fn metrics(State(app): State<SharedApp>, headers: HeaderMap) -> Response {
    if let Err(refused) = control::authorize_operator(&app, &headers).await {
        return refused;
    }
    app.metrics.note_listening(app.hub.store.listening());
    if let Some(room) = app.hub.disk.room() {
        app.metrics.note_room(room);
    }
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let no_store = HeaderValue::from_static("no-store");
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(form)), (header::CACHE_CONTROL, no_store)],
        app.metrics.text(),
    )
        .into_response()
}
