//! The control API, `/api/v1`: for the hirer's own systems, the console's scripts, the CLI and tests.
//!
//! A request passes the authentication (`access.rs`: key, role, tenant, by the table in `routes.rs`), then its handler, which
//! translates for the use case in `hub`: a file per resource. What always holds: nobody reaches a handler without a row in
//! the table; what belongs to somebody else is answered as what does not exist; every refusal is a problem document; no
//! answer is stored by caches on its way. Source: product, sections 6 and 8.
//!
//! To add a call: its body in `contract::control`, its use case in `hub`, a handler and a row here, a method in `client`.

mod access;
mod accounts;
mod answer;
mod api_keys;
mod apps;
mod auth;
mod candidates;
mod description;
mod document;
mod erasures;
mod events;
mod evidence;
mod failure;
mod files;
mod grants;
mod installation;
mod installations;
mod invitations;
mod orders;
mod rate_limit;
mod reason_templates;
mod reports;
mod request;
mod route;
mod routes;
mod service_accounts;
mod tenants;
mod users;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use contract::control::ProblemCode;

use crate::app::SharedApp;
use failure::Failure;

pub(crate) use document::reading_page;
pub(crate) use routes::names;

/// The routes below `/api/v1`.
pub(crate) fn routes(app: &SharedApp) -> Router<SharedApp> {
    let calls = routes::routes().into_iter();
    calls
        .fold(Router::new(), |router, route| router.route(route.path, route.serve))
        .route(routes::DESCRIPTION, get(document::openapi_json))
        .route_layer(from_fn_with_state(SharedApp::clone(app), access::require_access))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(map_response(guard_answer))
}

/// Whether the operator asks, by the key in the request's header; else the answer that refuses.
pub(crate) async fn authorize_operator(
    app: &SharedApp,
    headers: &HeaderMap,
) -> Result<(), Response> {
    match auth::authorize_operator(app, headers).await {
        Ok(()) => Ok(()),
        Err(failure) => Err(guard_answer(failure.into_response()).await),
    }
}

/// Answers a path that the API does not have.
pub(crate) async fn not_found() -> Response {
    let failure = Failure::refused(ProblemCode::NotFound, "expected a path of the API");
    guard_answer(failure.into_response()).await
}

async fn method_not_allowed() -> Failure {
    Failure::refused(ProblemCode::MethodNotAllowed, "expected one of the methods in allow")
}

/// Answers may hold personal data, so nothing keeps them, and nothing guesses what they are.
async fn guard_answer(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
