//! The control API, `/api/v1`: for the hirer's own systems, the console's scripts, the CLI and tests.
//!
//! A request passes the authentication (`gate.rs`: key, role, tenant, by the table in `access.rs`), then its use case: a
//! folder per resource, a file per call. What always holds: nobody reaches a handler without a row in the table;
//! what belongs to somebody else is answered as what does not exist; every refusal is a problem document; no
//! answer is stored by caches on its way. Source: product, sections 6 and 8.

mod access;
mod accounts;
mod api_keys;
mod apps;
mod auth;
mod candidates;
mod cursor;
mod document;
mod erasures;
mod events;
mod evidence;
mod failure;
mod files;
mod grants;
mod idempotency;
mod installations;
mod keys;
mod objects;
mod orders;
mod reports;
mod request;
mod storage;
mod tenants;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use contract::control::ProblemCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::SharedApp;
use failure::Failure;

pub(crate) use document::reading_page;

/// The routes below `/api/v1`.
pub(crate) fn routes(app: &SharedApp) -> Router<SharedApp> {
    Router::from(calls())
        .route("/openapi.json", get(document::openapi_json))
        .route_layer(from_fn_with_state(SharedApp::clone(app), auth::require_access))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(map_response(guard_answer))
}

/// Every call of the API with its description, in reading order.
fn calls() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::with_openapi(document::outline())
        .routes(routes!(tenants::create::create_tenant, tenants::list::list_tenants))
        .routes(routes!(tenants::get::get_tenant, tenants::update::update_tenant))
        .routes(routes!(api_keys::tenant::create_api_key, api_keys::tenant::list_api_keys))
        .routes(routes!(api_keys::tenant::get_api_key, api_keys::tenant::revoke_api_key))
        .routes(routes!(api_keys::tenant::replace_api_key))
        .routes(routes!(
            api_keys::operator::create_operator_key,
            api_keys::operator::list_operator_keys
        ))
        .routes(routes!(
            api_keys::operator::get_operator_key,
            api_keys::operator::revoke_operator_key
        ))
        .routes(routes!(api_keys::operator::replace_operator_key))
        .routes(routes!(apps::create::create_app, apps::list::list_apps))
        .routes(routes!(apps::get::get_app, apps::update::update_app, apps::delete::delete_app))
        .routes(routes!(apps::switch::enable_app))
        .routes(routes!(apps::switch::disable_app))
        .routes(routes!(apps::pause::pause_app))
        .routes(routes!(apps::pause::resume_app))
        .routes(routes!(apps::verify_url::verify_url))
        .routes(routes!(apps::rotate::rotate_secret))
        .routes(routes!(apps::explain_signature::explain_signature))
        .routes(routes!(apps::resend::resend_app_events))
        .routes(routes!(apps::alerts::list_alerts))
        .routes(routes!(installations::list::list_installations))
        .routes(routes!(
            installations::put::put_installation,
            installations::get::get_installation,
            installations::delete::delete_installation
        ))
        .routes(routes!(apps::connections::list_app_connections))
        .routes(routes!(grants::list::list_grants))
        .routes(routes!(
            grants::get::get_grant,
            grants::post::grant_app,
            grants::delete::take_grant_back
        ))
        .routes(routes!(accounts::create::create_account, accounts::list::list_accounts))
        .routes(routes!(accounts::get::get_account, accounts::delete::delete_account))
        .routes(routes!(accounts::form::get_account_form))
        .routes(routes!(files::create_file))
        .routes(routes!(orders::place::place_order, orders::list::list_orders))
        .routes(routes!(orders::get::get_order))
        .routes(routes!(orders::review::approve_order))
        .routes(routes!(orders::review::reject_order))
        .routes(routes!(orders::review::withdraw_order))
        .routes(routes!(orders::terminate::terminate_order))
        .routes(routes!(reports::content::get_report_content))
        .routes(routes!(reports::refetch::refetch_report))
        .routes(routes!(reports::accept::accept_report))
        .routes(routes!(reports::versions::list_report_versions))
        .routes(routes!(storage::get_storage))
        .routes(routes!(storage::get_tenant_quota, storage::put_tenant_quota))
        .routes(routes!(storage::get_app_quota, storage::put_app_quota))
        .routes(routes!(objects::check_objects))
        .routes(routes!(keys::rotate_keys))
        .routes(routes!(reports::views::list_report_views))
        .routes(routes!(evidence::get_manifest))
        .routes(routes!(erasures::retention::get_retention, erasures::retention::put_retention))
        .routes(routes!(
            erasures::holds::get_tenant_hold,
            erasures::holds::put_tenant_hold,
            erasures::holds::lift_tenant_hold
        ))
        .routes(routes!(
            erasures::holds::get_order_hold,
            erasures::holds::put_order_hold,
            erasures::holds::lift_order_hold
        ))
        .routes(routes!(erasures::preview::preview_erasures))
        .routes(routes!(erasures::list::list_erasures))
        .routes(routes!(erasures::erase::erase_order))
        .routes(routes!(candidates::search_candidates))
        .routes(routes!(evidence::get_certificate))
        .routes(routes!(evidence::list_audit))
        .routes(routes!(evidence::list_operator_audit))
        .routes(routes!(evidence::get_public_key))
        .routes(routes!(events::list::list_events))
        .routes(routes!(events::deliveries::list_deliveries))
        .routes(routes!(events::resend::resend_event))
}

/// Method and path of every row in the table of access, in its order.
pub(crate) fn table() -> impl Iterator<Item = (&'static Method, String)> {
    access::TABLE.iter().map(|row| (&row.method, format!("/api/v1{}", row.path)))
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
