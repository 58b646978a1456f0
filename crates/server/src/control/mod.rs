//! The control API, `/api/v1`: for the hirer's own systems, the console's scripts, the CLI and tests.

use axum::Router;

use crate::app::SharedApp;

/// The routes below `/api/v1`.
pub(crate) fn routes() -> Router<SharedApp> {
    Router::new()
}
